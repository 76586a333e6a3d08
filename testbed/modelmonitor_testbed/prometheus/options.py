"""What differs between the Prometheus servers that a test asks for."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

LabelSelector = Mapping[str, Any]
"""As in Kubernetes: `{}` selects everything, `{"matchLabels": {...}}` what carries the labels; None leaves it out."""


class DiscoveryRole(StrEnum):
    """What Prometheus reads to find the pods behind a Service."""

    ENDPOINTS = "Endpoints"
    ENDPOINT_SLICE = "EndpointSlice"


@dataclass(frozen=True)
class PrometheusOptions:
    """One Prometheus object; what is None or empty is left out of it, so that the operator's own default holds."""

    name: str = "main"
    namespace: str = "monitoring"
    service_monitor_selector: LabelSelector | None = field(default_factory=dict)
    service_monitor_namespace_selector: LabelSelector | None = field(default_factory=dict)
    rule_selector: LabelSelector | None = field(default_factory=dict)
    rule_namespace_selector: LabelSelector | None = field(default_factory=dict)
    """A namespace selector that is None selects the Prometheus object's own namespace, any other None nothing."""
    ignore_namespace_selectors: bool = False
    override_honor_labels: bool = False
    enforced_namespace_label: str = ""
    service_discovery_role: DiscoveryRole | None = None
    enforced_sample_limit: int | None = None
    enforced_label_limit: int | None = None
    enforced_body_size_limit: str = ""
    """As prometheus-operator writes sizes, such as `20KB`."""
    external_labels: Mapping[str, str] = field(default_factory=dict)
    scrape_interval_seconds: int = 1
    evaluation_interval_seconds: int = 1

    @property
    def pod(self) -> str:
        """The name of its only pod."""
        return f"prometheus-{self.name}-0"

    @property
    def account(self) -> str:
        """The name of its ServiceAccount, ClusterRole and binding; the latter two are named after the namespace too."""
        return f"prometheus-{self.name}"
