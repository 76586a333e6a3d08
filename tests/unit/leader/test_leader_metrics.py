"""What the leader's page of a ModelMonitor says, read back with a parser of Prometheus' text format."""

from collections.abc import Sequence

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from modelmonitor_api.findings import FindingCode, ObjectKind, Severity
from modelmonitor_api.metrics import COST_METRICS, LEADER_METRICS
from modelmonitor_api.status import ConditionStatus, HealthState
from modelmonitor_operator.leader_metrics import (
    MAX_LABELLED_PODS,
    Judgement,
    pod_label_names,
    render_leader_page,
)
from modelmonitor_operator.observed import Monitor
from modelmonitor_operator.rollup.candidates import Candidate, FindingKey
from modelmonitor_operator.rollup.hysteresis import Tracked
from tests.unit.leader.costs import rich
from tests.unit.leader.verdicts import OBSERVED_SECONDS, REF, by, finding, judgement, read_page, samples, status
from tests.unit.operator.worlds import pod

RICH = {
    "interval": "10s",
    "health": {"maxLatency": "50ms", "maxFailureRatio": "0.02", "gpu": {"maxTemperatureCelsius": 80}},
    "objectives": [
        {"name": "available", "type": "Availability", "target": "99.9"},
        {"name": "fast", "type": "Latency", "target": "99", "threshold": "50ms"},
    ],
    "prometheus": {"podLabels": ["app"]},
}


def tracked(name: str, severity: Severity, *, active: bool = True) -> tuple[FindingKey, Tracked]:
    key = FindingKey(FindingCode.POD_NOT_RUNNING, ObjectKind.POD, name)
    return key, Tracked(Candidate(key, severity, "it is Pending"), active=active, since=0.0)


def test_every_metric_of_the_catalogue_is_on_a_rich_page_with_its_own_labels_and_nothing_else_is() -> None:
    what = judgement(status(finding()), RICH, pods=(pod(labels=(("app", "x"),)),), cost=rich())
    page = read_page(render_leader_page(what))
    shown = {name: {label for label, _ in labels} for name, labels in page}
    expected = {one.name: set(one.labels) for one in (*LEADER_METRICS, *COST_METRICS)}
    expected["modelmonitor_pod_labels"].add("label_app")
    assert shown == expected


def test_the_verdict_that_holds_is_1_and_the_others_are_0() -> None:
    shown = by(samples(judgement(status(finding())), "health_state"), "state")
    assert shown == {"Healthy": 0, "Degraded": 0, "Unhealthy": 1, "Unknown": 0}
    assert set(shown) == set(HealthState)


def test_the_page_says_when_the_verdict_was_renewed_and_not_when_it_was_rendered() -> None:
    assert list(samples(judgement(), "health_observed_timestamp_seconds").values()) == [OBSERVED_SECONDS]
    assert samples(judgement(status(observed_at=None)), "health_observed_timestamp_seconds") == {}


def test_a_condition_has_one_sample_for_each_status_it_could_have() -> None:
    shown = samples(judgement(), "condition")
    assert by(shown, "status") == {ConditionStatus.TRUE: 1, ConditionStatus.FALSE: 0, ConditionStatus.UNKNOWN: 0}
    assert set(by(shown, "type")) == {"Ready"}


def test_a_finding_says_what_it_is_about_in_the_words_of_the_status() -> None:
    (labels,) = samples(judgement(status(finding("fraud-0"))), "finding")
    assert dict(labels) == {"code": "PodNotRunning", "severity": "Critical", "kind": "Pod", "object": "fraud-0"}


def test_findings_are_counted_by_severity_with_a_zero_where_there_is_none() -> None:
    several = status(finding("a"), finding("b"), finding("c", Severity.INFO))
    assert by(samples(judgement(several), "findings"), "severity") == {"Critical": 2, "Warning": 0, "Info": 1}


def test_findings_that_the_status_has_no_room_for_are_counted_too() -> None:
    remembered = dict(
        [
            *(tracked(f"c{number}", Severity.CRITICAL) for number in range(25)),
            *(tracked(f"w{number}", Severity.WARNING) for number in range(7)),
            tracked("on-its-way", Severity.INFO, active=False),
        ]
    )
    crowded = status(*(finding(f"c{number}") for number in range(20)), findings_total=32)
    shown = judgement(crowded, findings=remembered)
    assert by(samples(shown, "findings"), "severity") == {"Critical": 25, "Warning": 7, "Info": 0}
    assert len(samples(shown, "finding")) == 20


def test_two_findings_that_look_the_same_are_one_series() -> None:
    assert len(samples(judgement(status(finding("same"), finding("same"))), "finding")) == 1


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("pods", {"selected": 4, "running": 3, "watched": 2}),
        ("nodes", {"wanted": 2, "observed": 1}),
        ("models", {"served": 3, "ready": 2}),
        ("gpus", {"held": 8, "healthy": 7}),
    ],
)
def test_counts_are_those_of_the_status(name: str, expected: dict[str, float]) -> None:
    assert by(samples(judgement(), name), "state") == expected


def test_an_objective_shows_its_promise_from_the_spec_and_its_budget_from_the_status() -> None:
    shown = judgement(spec=RICH)
    assert by(samples(shown, "objective_target_ratio"), "objective") == {"available": 0.999, "fast": 0.99}
    assert by(samples(shown, "objective_threshold_seconds"), "objective") == {"fast": 0.05}
    assert by(samples(shown, "objective_error_budget_remaining_ratio"), "objective") == {"available": -0.25}
    assert by(samples(shown, "objective_burn_rate"), "objective") == {"available": 14.5}
    (labels,) = samples(shown, "objective_info")
    assert dict(labels) == {"objective": "available", "type": "Availability", "method": "Requests"}


def test_the_limits_of_the_spec_are_on_the_page_and_a_limit_that_is_not_set_is_absent() -> None:
    shown = judgement(spec=RICH)
    limits = ("max_failure_ratio", "max_latency_seconds", "max_gpu_temperature_celsius", "reading_interval_seconds")
    assert [list(samples(shown, name).values()) for name in limits] == [[0.02], [0.05], [80], [10]]
    assert samples(judgement(), "max_latency_seconds") == {}


def test_a_monitor_whose_spec_cannot_be_read_has_a_page_with_its_verdict() -> None:
    broken = Judgement(Monitor(REF, "uid", 1, "1", 0.0, spec=None, spec_error="broken"), status())
    assert samples(broken, "health_state")
    assert samples(broken, "max_failure_ratio") == {}


def test_pods_show_no_labels_unless_the_spec_names_some() -> None:
    assert samples(judgement(pods=(pod(),)), "pod_labels") == {}


def test_pods_show_the_labels_that_the_spec_names_and_no_others() -> None:
    spec = {"prometheus": {"podLabels": ["app.kubernetes.io/name", "tier"]}}
    pods = (
        pod("b", labels=(("app.kubernetes.io/name", "fraud"), ("secret", "x"), ("tier", "gold"))),
        pod("a", labels=(("secret", "x"),)),
    )
    assert set(samples(judgement(spec=spec, pods=pods), "pod_labels")) == {
        frozenset({("pod", "a")}),
        frozenset({("pod", "b"), ("label_app_kubernetes_io_name", "fraud"), ("label_tier", "gold")}),
    }


@pytest.mark.parametrize(("sample_limit", "room"), [(20_000, MAX_LABELLED_PODS), (100, 100)])
def test_pods_beyond_the_room_of_the_page_are_left_out_and_counted(sample_limit: int, room: int) -> None:
    spec = {"prometheus": {"podLabels": ["app"], "sampleLimit": sample_limit}}
    pods = tuple(pod(f"pod-{number:04d}") for number in range(MAX_LABELLED_PODS + 5))
    shown = judgement(spec=spec, pods=pods)
    assert len(samples(shown, "pod_labels")) == room
    assert list(samples(shown, "pods_without_labels").values()) == [MAX_LABELLED_PODS + 5 - room]


def test_of_a_pod_and_its_successor_of_the_same_name_the_newer_one_is_shown() -> None:
    spec = {"prometheus": {"podLabels": ["app"]}}
    pods = tuple(
        pod("same", uid=f"u{born}", created_at=born, labels=(("app", f"v{born:.0f}"),)) for born in (3.0, 5.0, 4.0)
    )
    assert by(samples(judgement(spec=spec, pods=pods), "pod_labels"), "label_app") == {"v5": 1}


@pytest.mark.parametrize(
    ("keys", "names"),
    [
        pytest.param(["app.kubernetes.io/name"], ["label_app_kubernetes_io_name"], id="dots and slashes"),
        pytest.param(["podTemplateHash"], ["label_pod_template_hash"], id="humps"),
        pytest.param(["APP"], ["label_app"], id="capitals"),
        pytest.param(["1st"], ["label_1st"], id="a digit first"),
        pytest.param(["a-b", "a.b"], ["label_a_b_conflict1", "label_a_b_conflict2"], id="two keys of one name"),
        pytest.param(
            ["a-b", "a.b", "a_b_conflict1"],
            ["label_a_b_conflict2", "label_a_b_conflict3", "label_a_b_conflict1"],
            id="a key with the name of a conflict",
        ),
    ],
)
def test_pod_labels_have_the_names_of_kube_state_metrics(keys: list[str], names: list[str]) -> None:
    assert list(pod_label_names(keys).values()) == names


@settings(deadline=None)
@given(st.lists(st.from_regex(r"[a-zA-Z0-9]([-a-zA-Z0-9_./]{0,6}[a-zA-Z0-9])?", fullmatch=True), max_size=8))
def test_no_two_pod_labels_share_a_name_and_each_name_is_one_of_prometheus(keys: Sequence[str]) -> None:
    names = list(pod_label_names(keys).values())
    assert len(names) == len(set(names)) == len(set(keys))
    assert all(name.startswith("label_") and name.replace("_", "a").isalnum() for name in names)


@settings(max_examples=300, deadline=None)
@given(st.text(max_size=40))
def test_whatever_a_model_is_called_the_page_reads_back_to_it(name: str) -> None:
    """A status holds no half of a surrogate pair, so that no name has one."""
    (labels,) = samples(judgement(status(finding(name or "x"))), "finding")
    assert dict(labels)["object"] == (name or "x")


def test_every_line_of_the_page_ends_as_prometheus_wants() -> None:
    body = render_leader_page(judgement())
    assert body.endswith(b"\n")
    assert b"\r" not in body
