"""Simulated GPUs behind the real pynvml and the real kubelet: hot, throttled, lost, missing, with Xids."""

import pytest

from modelmonitor_api.findings import FindingCode, Severity
from modelmonitor_api.status import HealthState
from modelmonitor_testbed.installation import Installation
from modelmonitor_testbed.kubectl import wait_until
from modelmonitor_testbed.triton.manifests import TritonOptions
from tests.cluster.conftest import TEAM, ready_pods, start_triton
from tests.cluster.scenario import CHANGE_SECONDS, MonitorView, monitor_manifest

SOFT_CASES = {
    "a GPU above the limit is hot, with both temperatures": (
        ("set", "all", "temperature=97"),
        FindingCode.GPU_HOT,
        Severity.WARNING,
        "97",
    ),
    "a GPU slowed down by the hardware is throttled, with the reason in words": (
        ("set", "all", "clock_event_reasons=0x8"),
        FindingCode.GPU_THROTTLED,
        Severity.WARNING,
        "hardware slowdown",
    ),
    "an uncorrectable memory error asks for a reset": (
        ("set", "all", "ecc_uncorrected_volatile=3"),
        FindingCode.GPU_ECC_UNCORRECTABLE,
        Severity.CRITICAL,
        "3",
    ),
    "a pending row remapping asks for a reset": (
        ("set", "all", "remap_pending=1"),
        FindingCode.GPU_ROW_REMAP_PENDING,
        Severity.WARNING,
        "reset",
    ),
    "a GPU that fell off the bus is lost": (("lose", "all"), FindingCode.GPU_LOST, Severity.CRITICAL, "lost"),
    "fewer GPUs than the kubelet hands out are missing": (
        ("remove", "all"),
        FindingCode.GPU_MISSING,
        Severity.CRITICAL,
        "kubelet",
    ),
    "a driver that is not loaded is said": (
        ("driver", "unload"),
        FindingCode.NVML_UNAVAILABLE,
        Severity.WARNING,
        "driver",
    ),
    "an NVML call that hangs is said while Triton is still read": (
        ("hang", "nvmlDeviceGetTemperature"),
        FindingCode.NVML_UNAVAILABLE,
        Severity.WARNING,
        "return",
    ),
}


@pytest.mark.parametrize("name", SOFT_CASES)
def test_a_gpu_in_trouble_is_named_and_the_verdict_comes_back(
    name: str, triton: Installation, calm: MonitorView
) -> None:
    words, code, severity, evidence = SOFT_CASES[name]
    triton.gpusim(*words)
    finding = calm.wait_for(code, CHANGE_SECONDS)
    assert finding.severity is severity
    assert evidence in finding.message
    assert calm.status().health.pods.watched == 1
    triton.gpusim("restore")
    calm.wait_without(code)
    status = calm.wait_state(HealthState.HEALTHY)
    assert status.health.gpus_healthy == "1/1"


def test_an_xid_names_the_action_and_the_pods_and_is_over_when_the_pods_restarted(
    triton: Installation, calm: MonitorView
) -> None:
    triton.gpusim("xid", "all", "31")
    finding = calm.wait_for(FindingCode.GPU_XID, CHANGE_SECONDS)
    pod = ready_pods(triton, TEAM, "fraud-triton")[0]
    assert "Xid 31" in finding.message
    assert "restart the application" in finding.message
    assert pod in finding.message
    assert [event.code for event in calm.status().health.events] == [31]
    triton.kubectl.delete("pod", pod, TEAM)
    wait_until(lambda: set(ready_pods(triton, TEAM, "fraud-triton")) - {pod}, 60, "a new Triton pod is ready")
    calm.wait_without(FindingCode.GPU_XID)


def test_an_xid_that_asks_for_a_reboot_is_remembered_when_sidecar_and_operator_restart(
    house: Installation, team: str
) -> None:
    start_triton(house, team, "xid", TritonOptions(gpus=1, models=("fast",)))
    house.kubectl.apply(monitor_manifest("xid", team, "xid"))
    view = MonitorView(house.kubectl, team, "xid")
    view.wait_condition("Ready", "True", seconds=75)
    house.gpusim("xid", _held_slot(house, team), "79")
    finding = view.wait_for(FindingCode.GPU_XID, CHANGE_SECONDS)
    assert finding.severity is Severity.CRITICAL
    assert "reboot the node" in finding.message
    house.kubectl.run("delete", "pod", "--namespace=modelmonitor-system", "--selector=app.kubernetes.io/name")
    view.wait_condition("SidecarsReady", "True", seconds=90)
    again = view.wait_for(FindingCode.GPU_XID, 30)
    assert again.since == finding.since


def _held_slot(house: Installation, namespace: str) -> str:
    """Index of the GPU that the kubelet gave to the pod: the device plugin puts the UUID into its environment."""
    pod = ready_pods(house, namespace, "xid")[0]
    uuid = house.kubectl.exec(pod, namespace, "printenv", "NVIDIA_VISIBLE_DEVICES").strip()
    shown = house.gpusim("show").splitlines()
    return next(line.split()[0] for line in shown if uuid in line)
