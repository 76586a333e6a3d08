"""What the operator knows about the arrival of what it configures: objects, selectors, scrapes, Prometheus' answers.

Values that adapters and the reconciler make and the roll-up reads. Times are seconds since the epoch, ages are seconds.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from modelmonitor_api.names import LEADER_PORT_NAME, SIDECAR_PORT_NAME
from modelmonitor_api.summary import PageMiss, PageScraper
from modelmonitor_operator.objects import ResourceKind
from modelmonitor_operator.settings import Json


class ChildState(StrEnum):
    """How it stands with one object that a ModelMonitor owns."""

    PENDING = "Pending"
    """Not written yet."""
    APPLIED = "Applied"
    DISABLED = "Disabled"
    """The spec, or the settings, want none."""
    KIND_MISSING = "KindMissing"
    """The API server does not serve the kind: its CRD is not installed."""
    FORBIDDEN = "Forbidden"
    """The operator has no right to the kind."""
    REFUSED = "Refused"
    """The API server refused it, or an object of another owner bears the name."""


@dataclass(frozen=True, slots=True)
class ChildFact:
    """One object that a ModelMonitor owns.

    Attributes:
        message: why it is not applied, with what to do.
        status: `.status` of the object as its own operator wrote it; None where there is none.
    """

    state: ChildState = ChildState.PENDING
    message: str = ""
    labels: tuple[tuple[str, str], ...] = ()
    status: Json | None = None


@dataclass(frozen=True, slots=True)
class PrometheusView:
    """What matters of one Prometheus object. A selector is as Kubernetes writes it; None selects nothing.

    Attributes:
        limits: `enforcedSampleLimit` and alike that are set, by name.
    """

    namespace: str
    name: str
    service_monitor_selector: Json | None = None
    service_monitor_namespace_selector: Json | None = None
    rule_selector: Json | None = None
    rule_namespace_selector: Json | None = None
    ignore_namespace_selectors: bool = False
    override_honor_labels: bool = False
    enforced_namespace_label: str = ""
    paused: bool = False
    limits: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True)
class PrometheusObjects:
    """The Prometheus objects of the cluster, as far as they may be seen.

    Attributes:
        problem: why they are not known (no CRD, no right); empty when they are.
        kind_served: whether the API server serves the kind.
        namespace_labels: labels of namespaces; None where namespaces may not be listed.
    """

    views: tuple[PrometheusView, ...] = ()
    problem: str = ""
    kind_served: bool = False
    namespace_labels: Mapping[str, Mapping[str, str]] | None = None


@dataclass(frozen=True, slots=True)
class PageReport:
    """Who scrapes one page of a monitor: `node` names the sidecar's node, None is the leader's page."""

    node: str | None
    served_seconds: float
    scrapers: tuple[PageScraper, ...] = ()


PRESENCE_SERIES = {SIDECAR_PORT_NAME: "modelmonitor_page_series", LEADER_PORT_NAME: "modelmonitor_health_state"}
"""By port of the Service, a series that the page of every monitor has."""


@dataclass(frozen=True, slots=True)
class TargetAnswer:
    """One scrape target as Prometheus sees it."""

    endpoint: str
    """`sidecar` or `leader`."""
    address: str
    up: bool
    error: str = ""
    """`lastError` of Prometheus."""


@dataclass(frozen=True, slots=True)
class RuleAnswer:
    """One rule as Prometheus has loaded it."""

    name: str
    group: str
    health: str
    """ok, err or unknown."""
    error: str = ""


@dataclass(frozen=True, slots=True)
class BudgetAnswer:
    """Error budget of one objective, by Prometheus' recording rules.

    Attributes:
        errors: share that broke the promise, by window: `5m` or `1h` for example.
        requests: how many there were, by window.
    """

    remaining: float | None = None
    burn_rate: float | None = None
    errors: Mapping[str, float] = field(default_factory=dict)
    requests: Mapping[str, float] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class PrometheusAnswer:
    """What the Prometheus of the settings says about one monitor.

    Attributes:
        asked_at: None where no URL is set, or nothing has been asked yet.
        error: why it could not be asked; the rest is then of the last time, or empty.
        series: our series present, by metric name, of a few that every monitor has.
        renamed: our labels that arrived as `exported_…`.
        rules: None where it does not say which rules it has, as some servers with Prometheus' API.
    """

    asked_at: float | None = None
    error: str = ""
    targets: tuple[TargetAnswer, ...] = ()
    series: Mapping[str, int] = field(default_factory=dict)
    renamed: tuple[str, ...] = ()
    rules: tuple[RuleAnswer, ...] | None = None
    budgets: Mapping[str, BudgetAnswer] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Arrival:
    """Everything of one monitor.

    Attributes:
        children: by kind; what is not in it is pending.
        misses: requests for pages that are not there, of all sidecars and the leader, that may have meant this monitor.
        prometheus_url: whether the settings name a Prometheus to ask.
        rules_wanted: names of the rules (alerts and records) that the PrometheusRule holds.
    """

    children: Mapping[ResourceKind, ChildFact] = field(default_factory=dict)
    prometheuses: PrometheusObjects = PrometheusObjects()
    leader_page: PageReport | None = None
    misses: tuple[PageMiss, ...] = ()
    prometheus_url: bool = False
    answer: PrometheusAnswer = PrometheusAnswer()
    rules_wanted: tuple[str, ...] = ()


NOTHING_ARRIVED = Arrival()
"""Before anything is known."""
