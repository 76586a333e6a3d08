"""What a PrometheusRule is put together from: rules and groups as values, and the matchers of every expression."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import ClassVar

from modelmonitor_api import names
from modelmonitor_api.alert_names import AlertName
from modelmonitor_api.names import MonitorRef
from modelmonitor_api.promql import equals, selector

BY_MONITOR = f"{names.LABEL_NAMESPACE}, {names.LABEL_MONITOR}"
"""Every page carries both labels; the rest, such as `instance`, changes with the pod that serves the page."""


@dataclass(frozen=True, slots=True)
class RecordingRule:
    """A series that Prometheus computes. `labels` are plain text."""

    record: str
    expr: str
    labels: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class AlertRule:
    """An alert's expression; what else it needs is in the table of alerts. `labels` are values, not templates."""

    name: AlertName
    expr: str
    labels: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class RuleGroup:
    """Rules that Prometheus evaluates one after the other, at one time."""

    DEFAULT_INTERVAL_SECONDS: ClassVar[int] = 30

    name: str
    rules: tuple[RecordingRule | AlertRule, ...]
    interval_seconds: int = DEFAULT_INTERVAL_SECONDS


def select(monitor: MonitorRef, metric: str, *matchers: str) -> str:
    """A selector of a monitor's own series."""
    own = (equals(names.LABEL_NAMESPACE, monitor.namespace), equals(names.LABEL_MONITOR, monitor.name))
    return selector(metric, *own, *matchers)


def select_up(monitor: MonitorRef, endpoint: str) -> str:
    """A selector of `up` for one kind of a monitor's scrape targets; target labels are Prometheus' own."""
    service = equals("service", names.object_name(monitor.name))
    return selector("up", equals(names.LABEL_NAMESPACE, monitor.namespace), service, equals("endpoint", endpoint))
