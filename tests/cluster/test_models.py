"""Models on a real Triton: well, failing, dead, slow, queueing, frozen, broken."""

from collections.abc import Callable

from modelmonitor_api.findings import FindingCode, Severity
from modelmonitor_api.status import Finding, HealthState, LatencyKind
from modelmonitor_testbed.installation import Installation
from modelmonitor_testbed.kubectl import wait_until
from tests.cluster.scenario import CLEAR_SECONDS, MonitorView, monitor_manifest
from tests.cluster.workloads import MODELS, TEAM, TRITON, replace_pod, start_load

Exhibit = Callable[[str], MonitorView]

_WINDOW = {"window": "1m", "minimumRequests": 5}


def test_a_monitor_is_healthy_within_a_minute_of_kubectl_apply(fraud: MonitorView) -> None:
    status = fraud.wait_state(HealthState.HEALTHY)
    assert status.health.models_ready == f"{len(MODELS)}/{len(MODELS)}"
    assert status.health.gpus_healthy == "1/1"
    assert status.health.pods.watched == status.health.pods.running == status.health.pods.selected == 1
    assert status.observed_generation == fraud.kubectl.get("mm", "fraud", TEAM)["metadata"]["generation"]
    fast = next(model for model in status.health.models if model.name == "fast")
    assert float(fast.requests_per_second or 0) > 5
    assert fast.failure_ratio == "0"
    assert fast.latency_kind is LatencyKind.P99
    assert fraud.condition("Ready")[0] == "True"


def test_kubectl_wait_returns_on_ready_and_the_columns_say_the_verdict(calm: MonitorView) -> None:
    calm.kubectl.run("wait", "--for=condition=Ready", "modelmonitor/fraud", "--namespace", TEAM, "--timeout=10s")
    table = calm.kubectl.run("get", "mm", "--namespace", TEAM)
    shown = ["NAME", "READY", "HEALTH", "MODELS", "GPUS", "SPENT", "PROJECTED", "OBSERVED", "AGE"]
    assert table.split("\n")[0].split() == shown
    assert "Healthy" in table


def test_a_slow_model_is_named_with_its_latency(triton: Installation, calm: MonitorView) -> None:
    calm.kubectl.apply(monitor_manifest("slow", TEAM, TRITON, health={**_WINDOW, "maxLatency": "400ms"}))
    view = MonitorView(calm.kubectl, TEAM, "slow")
    triton.modelctl(TEAM, TRITON, "slow", "delay_ms=900")

    def found() -> dict[str, Finding]:
        return {f.object.name: f for f in view.status().health.findings if f.code is FindingCode.MODEL_SLOW}

    wait_until(lambda: "slow:1" in found(), 75, lambda: f"slow:1 is named; so far {sorted(found())}")
    slow = found()  # on a busy machine other models may be slow as well
    assert all("400ms" in finding.message for finding in slow.values())
    assert all(finding.severity is Severity.WARNING for finding in slow.values())
    shared = view.wait_for(FindingCode.SHARED_TARGET)
    assert shared.severity is Severity.INFO
    assert "fraud" in shared.message
    calm.kubectl.delete("modelmonitor", "slow", TEAM)


def test_a_model_whose_stub_is_dead_is_caught_although_it_is_ready(triton: Installation, calm: MonitorView) -> None:
    triton.modelctl(TEAM, TRITON, "fast", "kill-stub")
    finding = calm.wait_for(FindingCode.MODEL_FAILING, 75)
    assert "fast" in finding.object.name
    status = calm.status()
    model = next(m for m in status.health.models if m.name == "fast")
    assert model.ready == "1/1"
    replace_pod(triton, TEAM, TRITON)
    calm.wait_state(HealthState.HEALTHY, CLEAR_SECONDS)


def test_a_growing_queue_is_named_before_requests_fail(triton: Installation, calm: MonitorView) -> None:
    start_load(triton, TEAM, TRITON, {"queue": 30}, name="flood")
    finding = calm.wait_for(FindingCode.QUEUE_GROWING, 90)
    assert "queue" in finding.object.name
    triton.kubectl.delete("deployment", "flood", TEAM)
    replace_pod(triton, TEAM, TRITON)
    calm.wait_without(FindingCode.QUEUE_GROWING)


def test_frozen_counters_are_told_by_the_statistics_that_still_move(exhibit: Exhibit) -> None:
    finding = exhibit("frozen").wait_for(FindingCode.COUNTERS_FROZEN, 90)
    assert "counter_latencies" in finding.message


def test_a_model_that_does_not_load_is_named_with_tritons_own_reason(exhibit: Exhibit) -> None:
    finding = exhibit("broken").wait_for(FindingCode.MODEL_NOT_READY, 90)
    assert "queue" in finding.object.name


def test_idle_models_are_unknown_because_readiness_is_no_proof(exhibit: Exhibit) -> None:
    view = exhibit("idle")
    view.wait_condition("Ready", "True", seconds=75)
    status = view.wait_state(HealthState.UNKNOWN)
    assert status.health.models_ready == "1/1"
    assert "request" in status.health.summary


def test_means_are_told_where_triton_publishes_no_percentiles(exhibit: Exhibit) -> None:
    status = exhibit("means").wait_state(HealthState.HEALTHY, 90)
    assert [m.latency_kind for m in status.health.models] == [LatencyKind.MEAN]
