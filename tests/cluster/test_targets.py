"""Which pods are read, which cannot be, and what the status says of each."""

from collections.abc import Callable

import pytest

from modelmonitor_api.findings import FindingCode, Severity
from modelmonitor_api.status import HealthState
from modelmonitor_testbed.installation import Installation
from modelmonitor_testbed.kubectl import wait_until
from modelmonitor_testbed.triton.manifests import TritonOptions
from tests.cluster.scenario import MonitorView, monitor_manifest
from tests.cluster.workloads import TEAM, TRITON, python_pod, start_triton

Exhibit = Callable[[str], MonitorView]

CASES = {
    "a selector that matches nothing is said with the labels that it looks for": (
        "nothing",
        FindingCode.TARGETS_NOT_FOUND,
        "app=nothing",
    ),
    "a pod that no node has room for is Pending, in the scheduler's words": (
        "pending",
        FindingCode.POD_NOT_RUNNING,
        "Insufficient cpu",
    ),
    "a pod that ends again and again is CrashLooping": ("crashing", FindingCode.POD_NOT_RUNNING, "CrashLoopBackOff"),
    "a pod that took too much memory was OOMKilled": ("hungry", FindingCode.POD_NOT_RUNNING, "OOMKilled"),
    "a pod on the host's network is not read": ("on-host", FindingCode.POD_NOT_TARGETABLE, "host"),
    "a pod without Triton refuses the connection": ("silent", FindingCode.TRITON_UNREACHABLE, "refused"),
    "a log-in page is not Triton": ("login", FindingCode.TRITON_UNREACHABLE, "HTML"),
    "a port name that no container has is said": ("unnamed-port", FindingCode.POD_NOT_TARGETABLE, "no-such-port"),
}


@pytest.mark.parametrize("name", CASES)
def test_a_pod_that_cannot_serve_is_named_with_the_reason(name: str, exhibit: Exhibit) -> None:
    monitor, code, evidence = CASES[name]
    view = exhibit(monitor)

    def seen() -> bool:
        return any(f.code is code and evidence in f.message for f in view.status().health.findings)

    wait_until(seen, 90, lambda: f"{code} says {evidence}; {[f.message for f in view.status().health.findings]}")
    finding = view.finding(code)
    assert finding is not None
    assert monitor in finding.object.name
    assert finding.runbook.endswith(f"/{code.value}")


def test_targets_found_says_how_many_pods_the_selector_matches(exhibit: Exhibit) -> None:
    exhibit("nothing").wait_condition("TargetsFound", "False")
    exhibit("idle").wait_condition("TargetsFound", "True")


def test_one_replica_of_two_pending_degrades_and_names_the_pod(triton: Installation, calm: MonitorView) -> None:
    gpus = {"resources": {"limits": {"nvidia.com/gpu": "7"}}}
    triton.kubectl.apply(python_pod("fraud-second", TEAM, TRITON, container=gpus))
    finding = calm.wait_for(FindingCode.POD_NOT_RUNNING, 75)
    assert finding.object.name == "fraud-second"
    assert finding.severity is Severity.WARNING
    assert "nvidia.com/gpu" in finding.message
    status = calm.wait_state(HealthState.DEGRADED)
    assert status.health.pods.selected == 2
    assert status.health.pods.running == 1
    triton.kubectl.delete("pod", "fraud-second", TEAM)
    calm.wait_state(HealthState.HEALTHY)


def test_a_suspended_monitor_is_ready_says_suspended_and_is_in_no_plan(house: Installation, team: str) -> None:
    start_triton(house, team, "idle", TritonOptions(models=("fast",)))
    house.kubectl.apply(monitor_manifest("idle", team, "idle"))
    view = MonitorView(house.kubectl, team, "idle")
    wait_until(lambda: _planned(house, team), 60, "the pod is in its node's plan")
    house.kubectl.apply(monitor_manifest("idle", team, "idle", suspend=True))
    view.wait_condition("Ready", "True", "Suspended")
    wait_until(lambda: not _planned(house, team), 30, "the pod is in no plan")
    house.kubectl.apply(monitor_manifest("idle", team, "idle", suspend=False))
    wait_until(lambda: _planned(house, team), 30, "the pod is in the plan again")


def _planned(house: Installation, namespace: str) -> list[str]:
    plans = house.kubectl.get("nodeplans", namespace="modelmonitor-system")["items"]
    return [m["name"] for plan in plans for m in plan["spec"].get("monitors", []) if m["namespace"] == namespace]
