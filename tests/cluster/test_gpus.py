"""Simulated GPUs behind the real pynvml and the real kubelet: hot, throttled, lost, missing, with Xids."""

import pytest

from modelmonitor_api.findings import FindingCode, Severity
from modelmonitor_api.status import HealthState
from modelmonitor_testbed.installation import Installation
from modelmonitor_testbed.kubectl import wait_until
from modelmonitor_testbed.triton.manifests import TritonOptions
from tests.cluster.scenario import CHANGE_SECONDS, MonitorView, monitor_manifest
from tests.cluster.workloads import TEAM, TRITON, ready_pods, replace_pod, start_triton

AT_ONCE = {
    FindingCode.GPU_HOT: ("temperature=97", Severity.WARNING, "97"),
    FindingCode.GPU_THROTTLED: ("clock_event_reasons=0x8", Severity.WARNING, "hardware slowdown"),
    FindingCode.GPU_ECC_UNCORRECTABLE: ("ecc_uncorrected_volatile=3", Severity.CRITICAL, "3"),
    FindingCode.GPU_ROW_REMAP_PENDING: ("remap_pending=1", Severity.WARNING, "reset"),
}
ONE_BY_ONE = {
    "a GPU that fell off the bus is lost": (("lose", "all"), FindingCode.GPU_LOST, "lost"),
    "fewer GPUs than the kubelet hands out are missing": (("remove", "all"), FindingCode.GPU_MISSING, "kubelet"),
    "a driver that is not loaded is said": (("driver", "unload"), FindingCode.NVML_UNAVAILABLE, "driver"),
    "an NVML call that hangs is said while Triton is still read": (
        ("hang", "nvmlDeviceGetTemperature"),
        FindingCode.NVML_UNAVAILABLE,
        "return",
    ),
}


def test_a_gpu_in_several_troubles_is_named_for_each_and_the_verdict_comes_back(
    triton: Installation, calm: MonitorView
) -> None:
    triton.gpusim("set", "all", *(setting for setting, _, _ in AT_ONCE.values()))
    for code, (_, severity, evidence) in AT_ONCE.items():
        finding = calm.wait_for(code)
        assert finding.severity is severity
        assert evidence in finding.message
    assert calm.wait_state(HealthState.UNHEALTHY).health.gpus_healthy == "0/1"
    triton.gpusim("restore")
    for code in AT_ONCE:
        calm.wait_without(code)
    assert calm.wait_state(HealthState.HEALTHY).health.gpus_healthy == "1/1"


@pytest.mark.parametrize("name", ONE_BY_ONE)
def test_a_gpu_that_cannot_be_read_is_named_while_models_are_still_read(
    name: str, triton: Installation, calm: MonitorView
) -> None:
    words, code, evidence = ONE_BY_ONE[name]
    triton.gpusim(*words)
    finding = calm.wait_for(code)
    assert evidence in finding.message
    assert calm.status().health.pods.watched == 1
    triton.gpusim("restore")
    calm.wait_without(code)
    calm.wait_state(HealthState.HEALTHY)


def test_an_xid_names_the_action_and_the_pods_and_is_over_when_the_pods_restarted(
    triton: Installation, calm: MonitorView
) -> None:
    triton.gpusim("xid", "all", "31")
    finding = calm.wait_for(FindingCode.GPU_XID, CHANGE_SECONDS)
    pod = ready_pods(triton, TEAM, TRITON)[0]
    assert "Xid 31" in finding.message
    assert "restart the application" in finding.message
    assert pod in finding.message
    assert [event.code for event in calm.status().health.events] == [31]
    replace_pod(triton, TEAM, TRITON)
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
    (pod, *_) = wait_until(lambda: ready_pods(house, namespace, "xid"), 60, "the pod with the GPU is ready")
    uuid = house.kubectl.exec(pod, namespace, "printenv", "NVIDIA_VISIBLE_DEVICES").strip()
    shown = house.gpusim("show").splitlines()
    return next(line.split()[0] for line in shown if uuid in line)
