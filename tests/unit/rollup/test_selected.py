"""MonitoringSelected: whether a Prometheus object selects us, and what to change if not."""

from typing import Any

import pytest

from modelmonitor_api.status import ConditionStatus, ConditionType
from modelmonitor_operator.arrival import Arrival, ChildFact, ChildState, PrometheusObjects
from modelmonitor_operator.objects import PROMETHEUS_RULE, SERVICE_MONITOR
from modelmonitor_operator.rollup import selection_memory
from modelmonitor_operator.rollup.claim import Claim
from modelmonitor_operator.rollup.label_selectors import demands, unmet
from modelmonitor_operator.rollup.selected import claim_selected
from modelmonitor_operator.rollup.selection_memory import Question, SelectionMemory
from modelmonitor_operator.rollup.view import view_monitor
from tests.unit.rollup.arrivals import OURS, applied, arrival, children, judged, objects, situation, view
from tests.unit.rollup.situations import NOW, monitor


def seen(*views: Any, **fields: Any) -> Arrival:
    return arrival(prometheuses=objects(*views, **fields))


PLAIN = applied(**{"app.kubernetes.io/name": "modelmonitor"})
UNLABELLED = {SERVICE_MONITOR: PLAIN, PROMETHEUS_RULE: PLAIN}
ONLY_RELEASE = {SERVICE_MONITOR: applied(), PROMETHEUS_RULE: PLAIN}

CASES: dict[str, tuple[Arrival, str, str, tuple[str, ...]]] = {
    "all is selected": (arrival(), "True", "Selected", ("Prometheus monitoring/k8s", "ServiceMonitor")),
    "the label is missing on both": (
        arrival(children=children(UNLABELLED)),
        "False",
        "NotSelected",
        ("release=kps", "spec.prometheus.labels: {release: kps}", "monitoring.labels"),
    ),
    "only the rules are not selected": (
        arrival(children=children(ONLY_RELEASE)),
        "False",
        "RuleNotSelected",
        ("selects our ServiceMonitor", "not our PrometheusRule", "ruleSelector asks for release=kps"),
    ),
    "only the ServiceMonitor is not selected": (
        seen(view(service_monitor_selector={"matchLabels": {"scrape": "yes"}})),
        "False",
        "ServiceMonitorNotSelected",
        ("selects our PrometheusRule", "spec.prometheus.labels: {scrape: yes}"),
    ),
    "an empty selector selects everything": (
        arrival(
            children=children(UNLABELLED), prometheuses=objects(view(service_monitor_selector={}, rule_selector={}))
        ),
        "True",
        "Selected",
        (),
    ),
    "a selector that is not set selects nothing": (
        seen(view(service_monitor_selector=None)),
        "False",
        "ServiceMonitorNotSelected",
        ("serviceMonitorSelector is not set, which selects nothing",),
    ),
    "a namespace selector that is not set means its own namespace": (
        seen(view(service_monitor_namespace_selector=None, rule_namespace_selector=None)),
        "False",
        "NotSelected",
        ("serviceMonitorNamespaceSelector is not set", "in namespace monitoring alone"),
    ),
    "the namespace lacks a label": (
        seen(view(service_monitor_namespace_selector={"matchLabels": {"monitored": "true"}})),
        "False",
        "ServiceMonitorNotSelected",
        ("kubectl label namespace team-a monitored=true",),
    ),
    "the namespace has the label": (
        seen(view(service_monitor_namespace_selector={"matchLabels": {"team": "a"}})),
        "True",
        "Selected",
        (),
    ),
    "the namespace is chosen by its name": (
        seen(view(service_monitor_namespace_selector={"matchLabels": {"kubernetes.io/metadata.name": "team-b"}})),
        "False",
        "ServiceMonitorNotSelected",
        ("kubernetes.io/metadata.name=team-b", "change serviceMonitorNamespaceSelector"),
    ),
    "the name of a namespace is known without a right to namespaces": (
        seen(
            view(service_monitor_namespace_selector={"matchLabels": {"kubernetes.io/metadata.name": "team-a"}}),
            namespace_labels=None,
        ),
        "True",
        "Selected",
        (),
    ),
    "the labels of namespaces may not be read": (
        seen(view(service_monitor_namespace_selector={"matchLabels": {"monitored": "true"}}), namespace_labels=None),
        "Unknown",
        "NamespacesUnknown",
        ("may not read namespaces",),
    ),
    "a selector has more requirements than are compared": (
        seen(view(rule_selector={"matchLabels": {f"label-{number}": "x" for number in range(501)}})),
        "Unknown",
        "SelectorTooLong",
        ("ruleSelector has more than 500 requirements", "shorten it"),
    ),
    "the selector asks for a label of the operator's own": (
        seen(view(service_monitor_selector={"matchLabels": {"app.kubernetes.io/instance": "kps"}})),
        "False",
        "ServiceMonitorNotSelected",
        ("change serviceMonitorSelector",),
    ),
    "the selector refuses a label of ours": (
        seen(view(service_monitor_selector={"matchExpressions": [{"key": "release", "operator": "DoesNotExist"}]})),
        "False",
        "ServiceMonitorNotSelected",
        ("no label release", "take the label release out"),
    ),
    "one of several Prometheus objects is enough": (
        seen(view(service_monitor_selector={"matchLabels": {"a": "b"}}), view()),
        "True",
        "Selected",
        (),
    ),
    "rules of one and scrapes of another Prometheus do not add up": (
        seen(view(rule_selector=None), view(service_monitor_selector=None)),
        "False",
        "RuleNotSelected",
        ("ruleSelector is not set",),
    ),
    "a Prometheus is paused": (seen(view(paused=True)), "False", "Paused", ("paused: false",)),
    "labels would be overridden": (
        seen(view(override_honor_labels=True)),
        "False",
        "HonorLabelsOverridden",
        ("overrideHonorLabels is true", "exported_"),
    ),
    "an enforced namespace label is none of the obstacles": (
        seen(view(enforced_namespace_label="namespace", ignore_namespace_selectors=True)),
        "True",
        "Selected",
        (),
    ),
    "an enforced label that is ours collides": (
        seen(view(enforced_namespace_label="modelmonitor")),
        "False",
        "EnforcedLabelCollides",
        ("enforcedNamespaceLabel is modelmonitor",),
    ),
    "an enforced label that alerts on targets rest on collides": (
        seen(view(enforced_namespace_label="service")),
        "False",
        "EnforcedLabelCollides",
        ("enforcedNamespaceLabel is service",),
    ),
    "a limit below ours is told": (
        seen(view(limits=(("enforcedSampleLimit", "5000"),))),
        "True",
        "LimitBelowSampleLimit",
        ("enforcedSampleLimit 5000", "set spec.prometheus.sampleLimit: 4000"),
    ),
    "a limit above ours is not": (seen(view(limits=(("enforcedSampleLimit", "21000"),))), "True", "Selected", ()),
    "there is no Prometheus object": (
        arrival(prometheuses=PrometheusObjects(kind_served=True)),
        "Unknown",
        "NoPrometheus",
        ("ScrapeVerified",),
    ),
    "Prometheus objects may not be listed": (
        arrival(prometheuses=PrometheusObjects(problem="the operator may not list prometheuses")),
        "Unknown",
        "PrometheusObjectsUnknown",
        ("may not list",),
    ),
    "the CRD is missing": (
        arrival(children=children({SERVICE_MONITOR: ChildFact(ChildState.KIND_MISSING, "install the CRDs")})),
        "Unknown",
        "KindMissing",
        ("the ServiceMonitor cannot be made", "monitoring.coreos.com", "install the CRDs"),
    ),
    "the right is missing": (
        arrival(children=children({PROMETHEUS_RULE: ChildFact(ChildState.FORBIDDEN)})),
        "Unknown",
        "Forbidden",
        ("the PrometheusRule cannot be made",),
    ),
    "the API server refused": (
        arrival(children=children({SERVICE_MONITOR: ChildFact(ChildState.REFUSED, "another owner: rename it")})),
        "False",
        "Refused",
        ("another owner: rename it",),
    ),
    "neither is wanted": (
        arrival(
            children=children(
                {SERVICE_MONITOR: ChildFact(ChildState.DISABLED), PROMETHEUS_RULE: ChildFact(ChildState.DISABLED)}
            )
        ),
        "Unknown",
        "Disabled",
        (),
    ),
    "rules that are not wanted need no Prometheus": (
        arrival(
            children=children({PROMETHEUS_RULE: ChildFact(ChildState.DISABLED)}),
            prometheuses=objects(view(rule_selector=None)),
        ),
        "True",
        "Selected",
        ("selected by Prometheus monitoring/k8s: ServiceMonitor",),
    ),
    "nothing is written yet": (arrival(children={}), "Unknown", "Pending", ("not written yet",)),
}


@pytest.mark.parametrize(("what", "status", "reason", "words"), CASES.values(), ids=CASES.keys())
def test_the_condition_says_who_selects_us_or_what_to_change(
    what: Arrival, status: str, reason: str, words: tuple[str, ...]
) -> None:
    found = judged(situation(what=what), "MonitoringSelected")
    assert (found.status, found.reason) == (status, reason)
    assert all(word in found.message for word in words), found.message


@pytest.mark.parametrize("state", [ChildState.KIND_MISSING, ChildState.FORBIDDEN])
def test_what_a_team_insists_on_and_cannot_have_is_false(state: ChildState) -> None:
    what = arrival(children=children({SERVICE_MONITOR: ChildFact(state)}))
    insisted = monitor(prometheus={"serviceMonitor": "Enabled"})
    assert judged(situation(what=what, monitor=insisted), "MonitoringSelected").status == "False"


def test_a_selector_that_is_too_long_does_not_hide_a_prometheus_that_selects_us() -> None:
    long = view(rule_selector={"matchLabels": {f"label-{number}": "x" for number in range(501)}})
    assert judged(situation(what=seen(long, view())), "MonitoringSelected").reason == "Selected"


@pytest.mark.parametrize("namespaces", [5000, 5001])
def test_a_namespace_selector_of_many_names_is_compared_up_to_its_limit(namespaces: int) -> None:
    others = (f"n{number}" for number in range(namespaces - 1))
    chosen = expression("kubernetes.io/metadata.name", "In", *others, "team-a")
    what = seen(view(service_monitor_namespace_selector={"matchExpressions": [chosen]}))
    expected = "Selected" if namespaces == 5000 else "SelectorTooLong"
    assert judged(situation(what=what), "MonitoringSelected").reason == expected


CLAIM = Claim(ConditionType.MONITORING_SELECTED, ConditionStatus.TRUE, "Selected", "")
ASKED: Question = ("team-a", 20_000, ((SERVICE_MONITOR, (("release", "kps"),)),))
OTHERS: dict[str, Question] = {
    "another namespace": ("team-b", *ASKED[1:]),
    "another limit": (ASKED[0], 5000, ASKED[2]),
    "another label": (*ASKED[:2], ((SERVICE_MONITOR, (("release", "other"),)),)),
    "another object": (*ASKED[:2], ((PROMETHEUS_RULE, (("release", "kps"),)),)),
}


class Judge:
    """Counts how often a claim is worked out."""

    def __init__(self) -> None:
        self.times = 0

    def __call__(self) -> Claim:
        self.times += 1
        return CLAIM


@pytest.mark.parametrize("other", OTHERS.values(), ids=OTHERS)
def test_a_claim_is_worked_out_once_for_the_same_objects_labels_and_namespace(other: Question) -> None:
    memory, known, judge = SelectionMemory(), objects(), Judge()
    for _ in range(3):
        assert memory.recall(known, ASKED, judge) is CLAIM
    assert judge.times == 1
    memory.recall(known, other, judge)
    assert judge.times == 2


def test_claims_are_forgotten_with_the_prometheus_objects_that_they_are_about() -> None:
    memory, judge = SelectionMemory(), Judge()
    first, equal = objects(), objects()
    for known in (first, equal, equal, first):
        memory.recall(known, ASKED, judge)
    assert judge.times == 3


def test_the_memory_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(selection_memory, "MOST_REMEMBERED", 2)
    memory, known, judge = SelectionMemory(), objects(), Judge()
    for name in ("a", "b", "b", "c", "a"):
        memory.recall(known, (name, *ASKED[1:]), judge)
    assert judge.times == 4


def test_two_cycles_with_the_same_prometheus_objects_give_one_claim() -> None:
    given, spec = situation(what=arrival()), monitor().spec
    assert spec is not None
    first, second = (claim_selected(view_monitor(given, spec, NOW + cycle)) for cycle in range(2))
    assert first is second


def expression(key: str, operator: str, *values: str) -> dict[str, Any]:
    return {"key": key, "operator": operator, "values": list(values)}


SELECTORS: dict[str, tuple[dict[str, Any], bool]] = {
    "nothing asked for": ({}, True),
    "an equal label": ({"matchLabels": {"release": "kps"}}, True),
    "another value": ({"matchLabels": {"release": "other"}}, False),
    "one of several values": ({"matchExpressions": [expression("release", "In", "a", "kps")]}, True),
    "none of these values": ({"matchExpressions": [expression("release", "NotIn", "a")]}, True),
    "one of the refused values": ({"matchExpressions": [expression("release", "NotIn", "kps")]}, False),
    "a label that is absent is in no refused list": ({"matchExpressions": [expression("none", "NotIn", "a")]}, True),
    "a label that exists": ({"matchExpressions": [expression("release", "Exists")]}, True),
    "a label that must not exist": ({"matchExpressions": [expression("release", "DoesNotExist")]}, False),
    "an operator that Kubernetes does not have": ({"matchExpressions": [expression("release", "Like", "k*")]}, False),
    "labels and expressions together": (
        {"matchLabels": {"release": "kps"}, "matchExpressions": [expression("none", "Exists")]},
        False,
    ),
    "garbage is no requirement": ({"matchLabels": "release", "matchExpressions": 7}, True),
    "an expression that is no object is never met": ({"matchExpressions": [7]}, False),
}


@pytest.mark.parametrize(("selector", "expected"), SELECTORS.values(), ids=SELECTORS.keys())
def test_selectors_mean_what_kubernetes_says(selector: dict[str, Any], *, expected: bool) -> None:
    assert (not unmet(selector, OURS)) is expected


def test_every_requirement_has_words() -> None:
    selector = {
        "matchLabels": {"a": "b"},
        "matchExpressions": [
            {"key": "c", "operator": "In", "values": ["d", "e"]},
            {"key": "f", "operator": "NotIn", "values": ["g"]},
            {"key": "h", "operator": "Exists"},
            {"key": "i", "operator": "DoesNotExist"},
            {"key": "j", "operator": "Gt", "values": ["1"]},
        ],
    }
    assert [str(one) for one in demands(selector)] == [
        "a=b",
        "c in (d, e)",
        "f not in (g)",
        "a label h",
        "no label i",
        "j Gt (1)",
    ]
