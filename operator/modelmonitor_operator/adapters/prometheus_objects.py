"""What a Prometheus object says about selection, read with suspicion: its CRD may be older or newer than we know."""

from typing import Any

from modelmonitor_operator.arrival import PrometheusView
from modelmonitor_operator.settings import Json

LIMITS = (
    "enforcedSampleLimit",
    "enforcedTargetLimit",
    "enforcedLabelLimit",
    "enforcedLabelNameLengthLimit",
    "enforcedLabelValueLengthLimit",
    "enforcedBodySizeLimit",
)
"""Fields by which an administrator bounds every scrape.

Source: https://prometheus-operator.dev/docs/api-reference/api/#monitoring.coreos.com/v1.PrometheusSpec
"""


def _selector(spec: Json, name: str) -> Json | None:
    """A label selector; None where there is none, which selects nothing."""
    value = spec.get(name)
    return value if isinstance(value, dict) else None


def _limits(spec: Json) -> tuple[tuple[str, str], ...]:
    return tuple((name, str(spec[name])) for name in LIMITS if spec.get(name) not in (None, "", 0))


def _object(value: Any) -> Json:
    return value if isinstance(value, dict) else {}


def parse_prometheus(raw: Json) -> PrometheusView:
    """What matters of a Prometheus object as the API server sends it."""
    metadata, spec = _object(raw.get("metadata")), _object(raw.get("spec"))
    return PrometheusView(
        namespace=str(metadata.get("namespace", "")),
        name=str(metadata.get("name", "")),
        service_monitor_selector=_selector(spec, "serviceMonitorSelector"),
        service_monitor_namespace_selector=_selector(spec, "serviceMonitorNamespaceSelector"),
        rule_selector=_selector(spec, "ruleSelector"),
        rule_namespace_selector=_selector(spec, "ruleNamespaceSelector"),
        ignore_namespace_selectors=spec.get("ignoreNamespaceSelectors") is True,
        override_honor_labels=spec.get("overrideHonorLabels") is True,
        enforced_namespace_label=str(spec.get("enforcedNamespaceLabel") or ""),
        paused=spec.get("paused") is True,
        limits=_limits(spec),
    )
