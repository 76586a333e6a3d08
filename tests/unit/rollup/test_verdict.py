"""The verdict and the conditions: what a person and a program read first."""

from dataclasses import replace
from typing import Any

import pytest

from modelmonitor_api.status import HealthState, LatencyKind
from modelmonitor_api.summary import GpuState
from modelmonitor_operator.observed import ContainerFacts, Fleet, PollState
from modelmonitor_operator.rollup import RollupInput
from tests.unit.rollup.situations import (
    NOW,
    REF,
    Story,
    condition,
    given,
    gpu,
    holds,
    model,
    monitor,
    node,
    nvml,
    pod,
    settle,
    target,
)


def four(*models: Any, **fields: Any) -> RollupInput:
    return given(node(target(pod(), *models, **fields)))


PENDING = node(state=PollState.PENDING, summary=None, received_at=None, attempt=0)
OK3 = (model("a"), model("b"), model("c"))

VERDICTS = {
    "all models serve": (four(*OK3), "Healthy", "Serving", "3 of 3 models healthy; 1 of 1 pod read"),
    "one of four fails": (
        four(*OK3, model(ok=0, failed=312)),
        "Unhealthy",
        "ModelFailing",
        "3 of 4 models healthy; fast:1 fails 100 % of 312 requests (BACKEND)",
    ),
    "a warning degrades": (
        given(node(target(), gpus=nvml(gpu(clock_event_reasons=8)), held=holds("GPU-a"))),
        "Degraded",
        "GpuThrottled",
        "1 of 1 model healthy; GpuThrottled GPU-a",
    ),
    "readiness is no proof": (
        four(model(ok=0), model("b", ok=0)),
        "Unknown",
        "NoRequests",
        "none of 2 models served a request in the last 5m: readiness alone is no proof that a model works",
    ),
    "one success is proof, and the summary says what is not judged": (
        four(model(ok=1), model("idle", ok=0)),
        "Healthy",
        "Serving",
        "1 of 2 models healthy; 1 of 1 pod read; fast:1: fewer than 20 requests in 5m, ratios not judged; "
        "idle:1: no requests in 5m",
    ),
    "a server without a selected model": (
        given(monitor=monitor(triton={"models": {"include": ["other-*"]}})),
        "Unknown",
        "NoModels",
        "1 pod read, and Triton lists no model that spec.triton.models selects",
    ),
    "failures alone are no proof, however few": (
        four(model(ok=0, failed=5)),
        "Unknown",
        "NoRequests",
        "none of 1 model served a request in the last 5m: readiness alone is no proof that a model works; "
        "fast:1: fewer than 20 requests in 5m, ratios not judged",
    ),
    "a cause comes before its effect": (
        given(
            node(
                target(pod(), model(ok=0, failed=40)),
                gpus=nvml(gpu(state=GpuState.LOST)),
                held=holds("GPU-a"),
            )
        ),
        "Unhealthy",
        "GpuLost",
        "0 of 1 model healthy; GpuLost GPU-a; fast:1 fails 100 % of 40 requests (BACKEND)",
    ),
    "models and series beyond what a sidecar reads are told": (
        four(*OK3, models_total=203, dropped_series=7),
        "Healthy",
        "Serving",
        "3 of 3 models healthy; 1 of 1 pod read; fraud-0: 200 models and 7 metrics series beyond what its sidecar "
        "reads, not judged",
    ),
    "of many pods with more than is read one is named": (
        given(
            node(*(target(pod(f"fraud-{n}"), models_total=2) for n in range(3))),
            pods=tuple(pod(f"fraud-{n}") for n in range(3)),
        ),
        "Healthy",
        "Serving",
        "1 of 1 model healthy; 3 of 3 pods read; fraud-0: 1 model beyond what its sidecar reads, not judged; "
        "2 more pods with more than is read",
    ),
    "a selected model may be among those beyond what is read": (
        given(node(target(dropped_series=9)), monitor=monitor(triton={"models": {"include": ["other-*"]}})),
        "Unknown",
        "NoModels",
        "1 pod read, and Triton lists no model that spec.triton.models selects; fraud-0: 9 metrics series beyond what "
        "its sidecar reads, not judged",
    ),
    "first readings are waited for": (
        given(PENDING),
        "Unknown",
        "ReadingsPending",
        "waiting for the first readings of 1 of 1 pod",
    ),
    "a sidecar that does not answer leaves the verdict open": (
        given(replace(PENDING, state=PollState.TIMEOUT)),
        "Unknown",
        "SidecarUnreachable",
        "no fresh reading: sidecar sidecar-n1 of node n1 does not answer in time; it reads fraud-0",
    ),
    "a hard fact needs no reading": (
        given(
            PENDING, pods=(pod(ready=False, containers=(ContainerFacts("triton", waiting_reason="CrashLoopBackOff"),)),)
        ),
        "Unhealthy",
        "PodNotRunning",
        "PodNotRunning: CrashLoopBackOff: pod fraud-0: container triton is in CrashLoopBackOff, 0 restarts; it is "
        "the only pod",
    ),
    "pods that just start are no verdict": (
        given(pods=(pod(phase="Pending", ip=None, node=None, ready=False, containers=(), created_at=NOW),)),
        "Unknown",
        "NoReadableTargets",
        "1 pod selected, none of which can be read yet",
    ),
    "pods that may not be listed are not pods that do not exist": (
        given(pods=(), pods_problem="the pods of namespace team-a cannot be listed: 403"),
        "Unknown",
        "PodsNotListed",
        "the pods of namespace team-a cannot be listed: 403",
    ),
    "a suspended monitor knows nothing": (
        given(monitor=monitor(suspend=True)),
        "Unknown",
        "Suspended",
        "spec.suspend is true: nothing is read; set it to false to go on",
    ),
    "a spec that cannot be read": (
        given(monitor=replace(monitor(), spec=None, spec_error="interval: 'soon' is no duration")),
        "Unknown",
        "InvalidSpec",
        "this operator cannot read the spec: interval: 'soon' is no duration",
    ),
}


@pytest.mark.parametrize(("what", "state", "reason", "summary"), VERDICTS.values(), ids=VERDICTS.keys())
def test_a_verdict_has_state_reason_and_one_line(what: RollupInput, state: str, reason: str, summary: str) -> None:
    health = settle(what).status.health
    assert (health.state, health.reason) == (state, reason)
    assert health.summary == summary


@pytest.mark.parametrize(("what", "state", "reason", "summary"), VERDICTS.values(), ids=VERDICTS.keys())
def test_the_healthy_condition_says_what_the_verdict_says(
    what: RollupInput, state: str, reason: str, summary: str
) -> None:
    healthy = condition(settle(what).status, "Healthy")
    expected = {"Healthy": "True", "Unknown": "Unknown"}.get(state, "False")
    assert (healthy.status, healthy.reason, healthy.message) == (expected, reason, summary)


CONDITIONS = {
    "all is read": (given(), {"Ready": "Monitoring", "Reconciling": "Settled", "SidecarsReady": "AllReady"}),
    "no target": (given(pods=()), {"Ready": "TargetsNotFound", "TargetsFound": "TargetsNotFound"}),
    "first readings are on their way": (
        given(PENDING),
        {"Ready": "ReadingsPending", "Reconciling": "ReadingsPending", "Stalled": "SpecRead"},
    ),
    "the rollout goes on": (
        given(node(name="n2"), fleet=Fleet(exists=True, wanted=2, ready=1, updated=2)),
        {"SidecarsReady": "RollingOut", "Reconciling": "RollingOut"},
    ),
    "the rollout is complete and this node has none": (
        given(node(name="n2"), fleet=Fleet(exists=True, wanted=1, ready=1, updated=1)),
        {"SidecarsReady": "NodeWithoutSidecar"},
    ),
    "sidecars cannot start": (
        given(node(name="n2"), fleet=Fleet(exists=True, wanted=1, problem="no anchor: install the chart")),
        {"SidecarsReady": "SidecarsFailed", "Ready": "SidecarsFailed", "Reconciling": "Settled"},
    ),
    "there is no DaemonSet yet": (given(node(name="n2"), fleet=Fleet()), {"SidecarsReady": "NotCreated"}),
    "a sidecar does not answer": (
        given(replace(PENDING, state=PollState.TIMEOUT)),
        {"Ready": "SidecarUnreachable", "Reconciling": "Settled"},
    ),
    "no pod can be read": (given(pods=(pod(host_network=True),)), {"Ready": "NoReadableTargets"}),
    "suspended": (
        given(monitor=monitor(suspend=True)),
        {"Ready": "Suspended", "Reconciling": "Suspended", "Stalled": "Suspended", "Healthy": "Suspended"},
    ),
    "a spec that cannot be read stalls": (
        given(monitor=replace(monitor(), spec=None, spec_error="x")),
        {"Ready": "InvalidSpec", "Stalled": "InvalidSpec"},
    ),
}
TRUE_REASONS = {"Monitoring", "AllReady", "PodsSelected"}


@pytest.mark.parametrize(("what", "reasons"), CONDITIONS.values(), ids=CONDITIONS.keys())
def test_conditions_say_why(what: RollupInput, reasons: dict[str, str]) -> None:
    status = settle(what).status
    assert {kind: condition(status, kind).reason for kind in reasons} == reasons


def test_conditions_have_the_status_that_kstatus_reads() -> None:
    suspended = settle(given(monitor=monitor(suspend=True))).status
    assert {one.type: one.status for one in suspended.conditions} == {
        "Ready": "True",
        "Reconciling": "False",
        "Stalled": "False",
        "SidecarsReady": "Unknown",
        "TargetsFound": "True",
        "MonitoringSelected": "Unknown",
        "ScrapeVerified": "Unknown",
        "DashboardsSynced": "Unknown",
        "WithinObjectives": "Unknown",
        "WithinBudget": "Unknown",
        "Healthy": "Unknown",
    }
    stalled = settle(given(monitor=replace(monitor(), spec=None, spec_error="x"))).status
    assert condition(stalled, "Stalled").status == "True"
    assert condition(settle(given(PENDING)).status, "Reconciling").status == "True"
    assert condition(settle(given()).status, "Ready").status == "True"


def test_a_failing_model_does_not_make_the_monitoring_not_ready() -> None:
    status = settle(four(model(ok=0, failed=500))).status
    assert (condition(status, "Ready").status, condition(status, "Healthy").status) == ("True", "False")


def test_the_time_of_transition_moves_with_the_status_alone() -> None:
    story = Story()
    story.cycle(given(PENDING))
    first = condition(story.status, "Ready").last_transition_time
    story.cycle(given(pods=()))
    assert condition(story.status, "Ready").last_transition_time == first
    story.cycle(given())
    assert condition(story.status, "Ready").last_transition_time > first


def test_models_are_summed_over_pods_and_the_worst_latency_is_shown() -> None:
    what = given(
        node(
            target(pod(), model(ok=300, latency_p99_seconds=0.0123, queue_seconds=0.3)),
            target(pod("b"), model(ok=100, failed=100, latency_p99_seconds=0.04)),
        ),
        pods=(pod(), pod("b")),
        monitor=monitor(health={"maxFailureRatio": "0.5"}),
    )
    row = settle(what).status.health.models[0]
    assert (row.name, row.version, row.ready, row.state) == ("fast", "1", "2/2", HealthState.HEALTHY)
    assert (row.requests_per_second, row.failure_ratio) == ("1.7", "0.2")
    assert (row.latency, row.latency_kind, row.queue_share) == ("40ms", LatencyKind.P99, "0.07")


def test_rates_are_taken_over_the_time_that_was_seen() -> None:
    row = settle(four(model(ok=100, covered_seconds=20.0))).status.health.models[0]
    assert row.requests_per_second == "5"


def test_models_without_requests_have_no_ratio_and_no_latency() -> None:
    row = settle(four(model(ok=0))).status.health.models[0]
    assert (row.requests_per_second, row.failure_ratio, row.latency, row.state) == ("0", None, None, "Unknown")


def test_a_window_of_another_monitor_is_not_read() -> None:
    row = settle(given(monitor=monitor(health={"window": "10m"}))).status.health.models[0]
    assert row.requests_per_second is None


def test_gpus_are_counted_once_however_many_replicas_of_them_are_held() -> None:
    held = holds("GPU-a::0", "GPU-a::1", "GPU-b")
    what = given(node(target(), gpus=nvml(gpu(), gpu("GPU-b", 1, state=GpuState.LOST)), held=held))
    health = settle(what).status.health
    assert (health.gpus.total, health.gpus.healthy, health.gpus_healthy) == (2, 1, "1/2")


def test_pods_and_nodes_are_counted() -> None:
    pods = (pod(), pod("b", node="n2"), pod("c", phase="Pending", node=None, ready=False, created_at=NOW))
    silent = replace(PENDING, sidecar=replace(PENDING.sidecar, node="n2"))
    health = settle(given(node(target()), silent, pods=pods)).status.health
    assert (health.pods.selected, health.pods.running, health.pods.watched) == (3, 2, 1)
    assert (health.nodes.total, health.nodes.observed) == (2, 1)


def test_resuming_waits_for_readings_instead_of_saying_suspended() -> None:
    story = settle(given(monitor=monitor(suspend=True)))
    assert story.cycle(given(PENDING)).health.reason == "ReadingsPending"


def test_the_monitor_is_named_in_the_finding_about_itself() -> None:
    assert settle(given(pods=())).status.health.findings[0].object.name == REF.name
