"""MonitoringSelected: whether a Prometheus object selects our ServiceMonitor and our rules, and what to change if not.

Selection is worked out as prometheus-operator does it: a label selector that is not set selects nothing, an empty one
everything; a namespace selector that is not set means the namespace of the Prometheus object.
Source: https://prometheus-operator.dev/docs/api-reference/api/#monitoring.coreos.com/v1.PrometheusSpec
"""

from collections.abc import Collection
from dataclasses import dataclass

from modelmonitor_api.spec_monitoring import RESERVED_METRIC_LABELS, Mode
from modelmonitor_api.status import ConditionStatus, ConditionType
from modelmonitor_operator.arrival import ChildFact, ChildState, PrometheusView
from modelmonitor_operator.desired.service_monitor import SPARE_SAMPLES
from modelmonitor_operator.objects import PROMETHEUS_RULE, SERVICE_MONITOR, ResourceKind
from modelmonitor_operator.rollup.candidates import join_names
from modelmonitor_operator.rollup.claim import Claim
from modelmonitor_operator.rollup.label_selectors import (
    MOST_REQUIREMENTS,
    MOST_VALUES,
    Demand,
    Labels,
    is_too_long,
    unmet,
)
from modelmonitor_operator.rollup.selection_memory import SelectionMemory
from modelmonitor_operator.rollup.view import MonitorView
from modelmonitor_operator.settings import Json

_NAMESPACE_NAME = "kubernetes.io/metadata.name"
_OURS_ALONE = ("app.kubernetes.io/", "modelmonitor.dev/")
_NAMESPACE = "namespace"
_SERVICE = "service"
"""Label of a target by which alerts on `up` find it."""
_MEMORY = SelectionMemory()
"""Changes how soon an answer comes and never what it is."""
_TRUE, _FALSE, _UNKNOWN = ConditionStatus.TRUE, ConditionStatus.FALSE, ConditionStatus.UNKNOWN


@dataclass(frozen=True, slots=True)
class _Gap:
    """Why one Prometheus object does not select one object of ours, with what to do.

    Attributes:
        undecided: the reason why it may select it all the same; empty where it does not.
    """

    told: str
    undecided: str = ""


@dataclass(frozen=True, slots=True)
class _Fit:
    """How one Prometheus object stands to the objects of ours that it should select."""

    view: PrometheusView
    gaps: dict[ResourceKind, _Gap]

    @property
    def name(self) -> str:
        return f"Prometheus {self.view.namespace}/{self.view.name}"

    @property
    def rank(self) -> tuple[int, bool, bool, bool, str]:
        """The closest first; a Prometheus that scrapes us comes before one that only evaluates our rules."""
        decided = sum(not gap.undecided for gap in self.gaps.values())
        obstacle = bool(self.gaps) or bool(_obstacle(self.view)[0])
        return decided, SERVICE_MONITOR in self.gaps, bool(self.gaps), obstacle, self.name


def _claim(status: ConditionStatus, reason: str, message: str) -> Claim:
    return Claim(ConditionType.MONITORING_SELECTED, status, reason, message)


def _mend(kind: ResourceKind, missing: Collection[Demand]) -> str:
    """What to change so that an object of ours meets what a selector asks for."""
    if any(demand.key.startswith(_OURS_ALONE) for demand in missing):
        field = "serviceMonitorSelector" if kind == SERVICE_MONITOR else "ruleSelector"
        return f"these labels are the operator's own, so change {field} of the Prometheus"
    adds = [demand.adds for demand in missing if demand.adds]
    goes = [demand.key for demand in missing if not demand.adds]
    said = []
    if adds:
        said.append(f"set spec.prometheus.labels: {{{', '.join(adds)}}}, or monitoring.labels of the chart for all")
    if goes:
        said.append(f"take the label {', '.join(goes)} out of spec.prometheus.labels or monitoring.labels of the chart")
    return "; ".join(said)


def _label_gap(kind: ResourceKind, selector: Json | None, labels: Labels) -> _Gap | None:
    field = "serviceMonitorSelector" if kind == SERVICE_MONITOR else "ruleSelector"
    if selector is None:
        return _Gap(f"its {field} is not set, which selects nothing: set it to {{}} or to labels")
    if is_too_long(selector):
        return _too_long(field)
    missing = unmet(selector, labels)
    if not missing:
        return None
    wanted = join_names([str(demand) for demand in missing])
    return _Gap(f"its {field} asks for {wanted}: {_mend(kind, missing)}")


def _too_long(field: str) -> _Gap:
    most = f"more than {MOST_REQUIREMENTS} requirements or {MOST_VALUES} values"
    return _Gap(f"its {field} has {most}, which the operator does not compare: shorten it", "SelectorTooLong")


def _namespace_gap(
    view: PrometheusView, kind: ResourceKind, selector: Json | None, namespace: str, labels: Labels | None
) -> _Gap | None:
    field = "serviceMonitorNamespaceSelector" if kind == SERVICE_MONITOR else "ruleNamespaceSelector"
    if selector is None:
        if view.namespace == namespace:
            return None
        return _Gap(f"its {field} is not set, so it looks in namespace {view.namespace} alone: set it to {{}} for all")
    if is_too_long(selector):
        return _too_long(field)
    missing = unmet(selector, {_NAMESPACE_NAME: namespace, **(labels or {})})
    if not missing:
        return None
    wanted = join_names([str(demand) for demand in missing])
    if labels is None and any(demand.key != _NAMESPACE_NAME for demand in missing):
        return _Gap(
            f"its {field} asks for {wanted}, and the operator may not read namespaces to compare", "NamespacesUnknown"
        )
    label = next((demand.adds.replace(": ", "=") for demand in missing if demand.adds), "")
    command = f": kubectl label namespace {namespace} {label}" if label and _NAMESPACE_NAME not in label else ""
    return _Gap(f"its {field} asks for {wanted} on the namespace{command or f', so change {field}'}")


def _gap(view: PrometheusView, kind: ResourceKind, labels: Labels, monitor: MonitorView) -> _Gap | None:
    """What keeps a Prometheus object from selecting one object of ours: labels and namespace together."""
    ours = kind == SERVICE_MONITOR
    by_labels = view.service_monitor_selector if ours else view.rule_selector
    by_namespace = view.service_monitor_namespace_selector if ours else view.rule_namespace_selector
    known = monitor.given.arrival.prometheuses.namespace_labels
    of_namespace = None if known is None else known.get(monitor.namespace, {})
    found = (
        _label_gap(kind, by_labels, labels),
        _namespace_gap(view, kind, by_namespace, monitor.namespace, of_namespace),
    )
    gaps = [gap for gap in found if gap is not None]
    if not gaps:
        return None
    return _Gap("; ".join(gap.told for gap in gaps), gaps[0].undecided if all(gap.undecided for gap in gaps) else "")


def _obstacle(view: PrometheusView) -> tuple[str, str]:
    """A setting of a Prometheus that selects us and still stands in the way: a reason and the words, or two empties.

    `ignoreNamespaceSelectors` is none: our Service lies in the ServiceMonitor's own namespace.
    """
    if view.paused:
        return "Paused", "it is paused, so prometheus-operator does not take us over: set paused: false"
    if view.override_honor_labels:
        return (
            "HonorLabelsOverridden",
            "overrideHonorLabels is true: labels of ours that a target has too arrive as exported_…, and alerts and "
            "dashboards miss them; set it to false",
        )
    enforced = view.enforced_namespace_label
    if enforced != _NAMESPACE and enforced in {*RESERVED_METRIC_LABELS, _SERVICE}:
        return (
            "EnforcedLabelCollides",
            f"enforcedNamespaceLabel is {enforced}, which overwrites a label of ours: choose another, namespace for "
            "example",
        )
    return "", ""


def _tight_limit(view: PrometheusView, sample_limit: int) -> str:
    """What to say where the administrator's limit is below ours; empty where it is not."""
    limit = dict(view.limits).get("enforcedSampleLimit", "")
    if not limit.isdigit() or int(limit) >= sample_limit + SPARE_SAMPLES:
        return ""
    most = int(limit) - SPARE_SAMPLES
    mend = f"set spec.prometheus.sampleLimit: {most}" if most >= 100 else "ask for a larger limit"
    return (
        f"enforcedSampleLimit {limit} is below spec.prometheus.sampleLimit {sample_limit}: a page that grows beyond it "
        f"is refused whole; {mend}, so that the sidecar cuts it instead"
    )


def _judge(view: MonitorView, labels: dict[ResourceKind, Labels]) -> Claim:
    """The claim where Prometheus objects are known and there is something to select."""
    fits = []
    for one in view.given.arrival.prometheuses.views:
        gaps = {kind: gap for kind, of in labels.items() if (gap := _gap(one, kind, of, view)) is not None}
        fits.append(_Fit(one, gaps))
    best = min(fits, key=lambda fit: fit.rank)
    ours = join_names([kind.kind for kind in labels])
    if best.gaps:
        return _unselected(best, labels)
    reason, obstacle = _obstacle(best.view)
    if obstacle:
        return _claim(_FALSE, reason, f"{best.name} selects the {ours}, and {obstacle}")
    limit = _tight_limit(best.view, view.spec.prometheus.sample_limit)
    if limit:
        return _claim(_TRUE, "LimitBelowSampleLimit", f"{best.name} selects the {ours}; {limit}")
    also = join_names(sorted(fit.name for fit in fits if not fit.gaps and not _obstacle(fit.view)[0]))
    return _claim(_TRUE, "Selected", f"selected by {also}: {ours}")


def _unselected(best: _Fit, labels: dict[ResourceKind, Labels]) -> Claim:
    told = "; ".join(f"not our {kind.kind}: {gap.told}" for kind, gap in best.gaps.items())
    undecided = [gap.undecided for gap in best.gaps.values()]
    if all(undecided):
        return _claim(_UNKNOWN, undecided[0], f"{best.name}: {told}")
    selected = [kind.kind for kind in labels if kind not in best.gaps]
    lead = f"{best.name} selects our {selected[0]}, and " if selected else f"{best.name} selects "
    if len(best.gaps) > 1:
        return _claim(_FALSE, "NotSelected", lead + told)
    only = next(iter(best.gaps))
    return _claim(_FALSE, "ServiceMonitorNotSelected" if only == SERVICE_MONITOR else "RuleNotSelected", lead + told)


_STATES = {
    ChildState.PENDING: (_UNKNOWN, "Pending", "is not written yet"),
    ChildState.DISABLED: (_UNKNOWN, "Disabled", "is not wanted"),
    ChildState.KIND_MISSING: (_UNKNOWN, "KindMissing", "cannot be made: its CRD, of monitoring.coreos.com, is missing"),
    ChildState.FORBIDDEN: (_UNKNOWN, "Forbidden", "cannot be made: the operator has no right to it"),
    ChildState.REFUSED: (_FALSE, "Refused", "cannot be written"),
}
_WORST = (ChildState.REFUSED, ChildState.FORBIDDEN, ChildState.KIND_MISSING, ChildState.PENDING, ChildState.DISABLED)


def _absent(kind: ResourceKind, fact: ChildFact, mode: Mode) -> Claim:
    """The claim where an object of ours is not there to be selected."""
    status, reason, told = _STATES[fact.state]
    if mode is Mode.ENABLED and fact.state in (ChildState.KIND_MISSING, ChildState.FORBIDDEN):
        status = _FALSE
    return _claim(status, reason, f"the {kind.kind} {told}" + (f": {fact.message}" if fact.message else ""))


def claim_selected(view: MonitorView) -> Claim:
    """Whether what we configure for Prometheus is taken over by one."""
    arrival, spec = view.given.arrival, view.spec
    modes = {SERVICE_MONITOR: spec.prometheus.service_monitor, PROMETHEUS_RULE: spec.alerts.prometheus_rule}
    facts = {kind: arrival.children.get(kind, ChildFact()) for kind in modes}
    absent = {kind: fact for kind, fact in facts.items() if fact.state is not ChildState.APPLIED}
    for state in _WORST[:-1]:
        for kind, fact in absent.items():
            if fact.state is state:
                return _absent(kind, fact, modes[kind])
    if len(absent) == len(facts):
        return _absent(SERVICE_MONITOR, facts[SERVICE_MONITOR], modes[SERVICE_MONITOR])
    if arrival.prometheuses.problem:
        return _claim(_UNKNOWN, "PrometheusObjectsUnknown", arrival.prometheuses.problem)
    if not arrival.prometheuses.views:
        return _claim(
            _UNKNOWN,
            "NoPrometheus",
            "the cluster has no Prometheus object: an agent or another operator may read our objects, which "
            "ScrapeVerified shows",
        )
    there = tuple((kind, fact.labels) for kind, fact in facts.items() if kind not in absent)
    question = (view.namespace, spec.prometheus.sample_limit, there)
    return _MEMORY.recall(
        arrival.prometheuses, question, lambda: _judge(view, {kind: dict(labels) for kind, labels in there})
    )
