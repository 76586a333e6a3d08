"""What a team may say about scraping, alerts and dashboards of its ModelMonitor."""

import re
from enum import StrEnum
from typing import Annotated

from pydantic import AfterValidator, Field, StringConstraints
from pydantic.config import JsonDict

from modelmonitor_api.alert_names import RESERVED_ALERT_LABELS, AlertName
from modelmonitor_api.metrics import METRICS
from modelmonitor_api.validation import Duration, LabelKey, LabelValue, cel_rules, duration_rule, within
from modelmonitor_api.wire import Wire


class Mode(StrEnum):
    """Whether the operator makes an object."""

    AUTO = "Auto"
    """Where its kind is served."""
    ENABLED = "Enabled"
    """Always; a condition says where its kind is missing."""
    DISABLED = "Disabled"
    """Never; one that was made before is removed."""


class RelabelAction(StrEnum):
    """The relabelling that a team may do: it narrows, it never renames."""

    KEEP = "keep"
    DROP = "drop"
    LABELDROP = "labeldrop"


class AlertSeverity(StrEnum):
    """The values of the label `severity` on alerts, as kube-prometheus-stack uses them."""

    CRITICAL = "critical"
    WARNING = "warning"
    INFO = "info"


LabelName = Annotated[str, StringConstraints(pattern=r"^[a-zA-Z_][a-zA-Z0-9_]*$", max_length=63)]
_LABEL_NAME = "^[a-zA-Z_][a-zA-Z0-9_]*$"
_ADDED = {"__name__", "job", "instance", "reason", "quantile", "le"}
RESERVED_METRIC_LABELS = tuple(sorted(_ADDED.union(*(metric.labels for metric in METRICS.values()))))
"""Labels that rules, dashboards and the status rest on: no relabelling of a team's may drop them."""
_OWN_LABELS = "[" + ", ".join(f"'{name}'" for name in RESERVED_METRIC_LABELS) + "]"

_RELABEL_RULES = cel_rules(
    (
        "self.action == 'labeldrop' ? !has(self.sourceLabels) || size(self.sourceLabels) == 0 "
        ": has(self.sourceLabels) && size(self.sourceLabels) > 0",
        "keep and drop need sourceLabels; labeldrop takes only a regex",
    ),
    (
        f"self.action != 'labeldrop' || {_OWN_LABELS}.all(l, !l.matches('^(?:' + self.regex + ')$'))",
        "labeldrop may not match a label of docs/reference/metrics.md: rules, dashboards and the status rest on them",
    ),
)

_ALERT_LABEL_RULES = cel_rules(
    (
        f"self.all(k, k.matches('{_LABEL_NAME}') && !k.startsWith('__'))",
        "an alert's label name has letters, digits and underscores, begins with no digit and not with __",
    ),
    (
        f"self.all(k, !(k in {list(RESERVED_ALERT_LABELS)}))",
        "labels that tell one alert from another (docs/alerts.md lists them) are the operator's own; for severity use "
        "the override's severity",
    ),
)
_OBJECT_LABEL_RULES: JsonDict = cel_rules(
    (
        "self.all(k, k.matches('^([a-z0-9]([-a-z0-9.]*[a-z0-9])?/)?[A-Za-z0-9]([-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?$'))",
        "a label's name is that of a Kubernetes label, for example release or example.com/team",
    ),
    (
        "self.all(k, !k.startsWith('app.kubernetes.io/') && !k.startsWith('modelmonitor.dev/'))",
        "labels of app.kubernetes.io/ and modelmonitor.dev/ are the operator's own",
    ),
)
_FOLDER_PATTERN = r"^([^/\\\x00-\x1f\x7f]+(/[^/\\\x00-\x1f\x7f]+)*)?$"
_FOLDER_RULES = cel_rules(
    (
        "self.matches('" + _FOLDER_PATTERN.replace("\\", "\\\\") + "') && !self.split('/').exists(p, p in ['.', '..'])",
        "dashboards.folder is a name, or names with a slash between them: Grafana's dashboard sidecar takes it as a "
        "path, so it begins with no slash and has no .. in it",
    )
)


def _check_folder(text: str) -> str:
    """Grafana's dashboard sidecar writes its file there, wherever that leads to in its container.

    Source: `FOLDER_ANNOTATION`, https://github.com/kiwigrid/k8s-sidecar#configuration-environment-variables
    """
    if not re.fullmatch(_FOLDER_PATTERN, text) or {".", ".."} & set(text.split("/")):
        raise ValueError("write a name, or names with a slash between them")
    return text


AlertLabelName = Annotated[str, StringConstraints(min_length=1, max_length=63)]
AlertLabelValue = Annotated[str, StringConstraints(max_length=256)]


class MetricRelabeling(Wire):
    """One step of metric relabelling: it keeps or drops series, or drops labels that Triton adds."""

    model_config = {"json_schema_extra": _RELABEL_RULES}

    action: RelabelAction = Field(description="keep, drop or labeldrop.")
    source_labels: tuple[LabelName, ...] = Field(
        default=(), max_length=8, description="Labels whose values, joined by `;`, the regex is matched with."
    )
    regex: str = Field(
        min_length=1,
        max_length=256,
        description="Regular expression (RE2), anchored at both ends.",
        json_schema_extra=cel_rules(
            ("''.matches('^(?:' + self + ')$') in [true, false]", "regex is no RE2 expression")
        ),
    )


_SCRAPE_RULES = cel_rules(
    (
        "!has(self.scrapeTimeout) || !has(self.interval) || duration(self.scrapeTimeout) <= duration(self.interval)",
        "prometheus.scrapeTimeout may not be longer than prometheus.interval",
    )
)


class PrometheusSpec(Wire):
    """How Prometheus scrapes this monitor's pages."""

    model_config = {"json_schema_extra": _SCRAPE_RULES}

    service_monitor: Mode = Field(
        default=Mode.AUTO, description="Whether a ServiceMonitor is made: Auto, Enabled or Disabled."
    )
    labels: dict[LabelKey, LabelValue] = Field(
        default={},
        max_length=16,
        description="Labels of the ServiceMonitor and the PrometheusRule, for the selectors of your Prometheus: "
        "for example release: kube-prometheus-stack.",
        json_schema_extra=_OBJECT_LABEL_RULES,
    )
    interval: Annotated[Duration, within("5s", "5m")] = Field(
        default="15s",
        description="How often Prometheus scrapes, from 5s to 5m.",
        json_schema_extra=duration_rule(
            "duration(self) >= duration('5s') && duration(self) <= duration('5m')",
            "prometheus.interval is a duration from 5s to 5m: write for example 15s",
        ),
    )
    scrape_timeout: Annotated[Duration, within("1s", "5m")] = Field(
        default="5s",
        description="Deadline of one scrape, at most the interval.",
        json_schema_extra=duration_rule(
            "duration(self) >= duration('1s') && duration(self) <= duration('5m')",
            "prometheus.scrapeTimeout is a duration from 1s to 5m: write for example 5s",
        ),
    )
    sample_limit: int = Field(
        default=20_000,
        ge=100,
        le=1_000_000,
        description="Largest number of series of one page. A sidecar leaves out what is beyond it and counts it, so "
        "that Prometheus never refuses the whole page.",
    )
    metric_relabelings: tuple[MetricRelabeling, ...] = Field(
        default=(), max_length=16, description="Steps that keep or drop series before Prometheus stores them."
    )
    pod_labels: tuple[LabelKey, ...] = Field(
        default=(),
        max_length=16,
        description="Pod labels that modelmonitor_pod_labels carries, as label_<name>; none by default.",
    )


class AlertOverride(Wire):
    """What a team wants different about one alert."""

    name: AlertName = Field(description="Name of the alert; docs/alerts.md has them all.")
    disabled: bool = Field(default=False, description="True leaves the alert out.")
    for_: Annotated[Duration, within("0s", "24h")] | None = Field(
        default=None,
        alias="for",
        description="How long the alert must hold before it fires, up to 24h.",
        json_schema_extra=duration_rule(
            "duration(self) <= duration('24h')", "for is a duration up to 24h: write for example 10m"
        ),
    )
    keep_firing_for: Annotated[Duration, within("0s", "24h")] | None = Field(
        default=None,
        description="How long the alert goes on after it no longer holds, up to 24h.",
        json_schema_extra=duration_rule(
            "duration(self) <= duration('24h')", "keepFiringFor is a duration up to 24h: write for example 10m"
        ),
    )
    severity: AlertSeverity | None = Field(default=None, description="critical, warning or info.")
    labels: dict[AlertLabelName, AlertLabelValue] = Field(
        default={}, max_length=16, description="More labels of the alert.", json_schema_extra=_ALERT_LABEL_RULES
    )


class AlertsSpec(Wire):
    """The alert rules of this monitor."""

    prometheus_rule: Mode = Field(
        default=Mode.AUTO, description="Whether a PrometheusRule is made: Auto, Enabled or Disabled."
    )
    labels: dict[AlertLabelName, AlertLabelValue] = Field(
        default={},
        max_length=16,
        description="More labels of every alert, for Alertmanager's routes: for example team: fraud.",
        json_schema_extra=_ALERT_LABEL_RULES,
    )
    runbook_base_url: Annotated[str, StringConstraints(max_length=256, pattern=r"^(https?://[!-~]+)?$")] = Field(
        default="", description="Where the runbook pages are served, instead of the operator's setting."
    )
    overrides: tuple[AlertOverride, ...] = Field(
        default=(),
        max_length=64,
        description="What is different about single alerts.",
        json_schema_extra={"x-kubernetes-list-type": "map", "x-kubernetes-list-map-keys": ["name"]},
    )


class DashboardsSpec(Wire):
    """The Grafana dashboard of this monitor."""

    config_map: Mode = Field(
        default=Mode.AUTO,
        description="Whether a ConfigMap with the dashboard is made, for the dashboard sidecar of Grafana's charts.",
    )
    grafana_dashboard: Mode = Field(
        default=Mode.DISABLED,
        description="Whether a GrafanaDashboard of grafana-operator refers to that ConfigMap.",
    )
    folder: Annotated[str, StringConstraints(max_length=128), AfterValidator(_check_folder)] = Field(
        default="",
        description="Folder of the dashboard in Grafana, instead of the operator's setting.",
        json_schema_extra=_FOLDER_RULES,
    )
