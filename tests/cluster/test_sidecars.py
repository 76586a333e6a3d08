"""Sidecars that die, freeze, are tampered with, or are not on the node at all."""

import pytest

from modelmonitor_api.findings import FindingCode
from modelmonitor_api.status import HealthState
from modelmonitor_testbed.installation import SYSTEM_NAMESPACE, Installation
from modelmonitor_testbed.kubectl import pod_is_ready, wait_until
from tests.cluster.processes import frozen, pod_processes
from tests.cluster.scenario import CHANGE_SECONDS, MonitorView
from tests.cluster.workloads import operator_metrics, scale_operator

DAEMON_SET = "modelmonitor-sidecar"
SELECTOR = f"app.kubernetes.io/name={DAEMON_SET}"


def sidecar_pods(house: Installation) -> dict[str, dict[str, object]]:
    """The sidecar pods by UID."""
    pods = house.kubectl.get("pods", namespace=SYSTEM_NAMESPACE, selector=SELECTOR)["items"]
    return {pod["metadata"]["uid"]: pod for pod in pods}


def test_a_killed_sidecar_is_replaced_and_the_verdict_comes_back(house: Installation, calm: MonitorView) -> None:
    before = sidecar_pods(house)
    house.kubectl.run("delete", "pod", "--namespace", SYSTEM_NAMESPACE, "--selector", SELECTOR, "--wait=false")
    wait_until(
        lambda: [u for u, p in sidecar_pods(house).items() if u not in before and pod_is_ready(p)], 60, "a new sidecar"
    )
    calm.wait_condition("SidecarsReady", "True")
    calm.wait_state(HealthState.HEALTHY)


def test_a_frozen_sidecar_is_a_finding_and_never_a_stall(house: Installation, calm: MonitorView) -> None:
    (uid,) = sidecar_pods(house)
    with frozen(pod_processes(uid, "modelmonitor_sidecar")):
        finding = calm.wait_for(FindingCode.SIDECAR_UNREACHABLE, CHANGE_SECONDS)
        assert "kubectl" in finding.message
    calm.wait_without(FindingCode.SIDECAR_UNREACHABLE)
    calm.wait_state(HealthState.HEALTHY)


def test_a_node_without_a_sidecar_leaves_its_pods_unwatched_and_says_which_label(
    house: Installation, calm: MonitorView
) -> None:
    node = house.kubectl.get("nodes")["items"][0]["metadata"]["name"]
    house.kubectl.run("label", "node", node, "nvidia.com/gpu.present-")
    try:
        finding = calm.wait_for(FindingCode.POD_UNWATCHED, 90)
        assert node in finding.message
    finally:
        house.kubectl.run("label", "node", node, "nvidia.com/gpu.present=true", "--overwrite")
    calm.wait_state(HealthState.HEALTHY, 90)


@pytest.mark.parametrize("how", ["deleted", "edited"])
def test_a_daemon_set_that_someone_touched_is_restored(how: str, house: Installation, calm: MonitorView) -> None:
    before = house.kubectl.get("daemonset", DAEMON_SET, SYSTEM_NAMESPACE)
    image = before["spec"]["template"]["spec"]["containers"][0]["image"]
    if how == "deleted":
        house.kubectl.delete("daemonset", DAEMON_SET, SYSTEM_NAMESPACE)
    else:
        house.kubectl.run(
            "set", "image", f"daemonset/{DAEMON_SET}", "sidecar=localhost/other:1", "--namespace", SYSTEM_NAMESPACE
        )

    def restored() -> bool:
        found = house.kubectl.find("daemonset", DAEMON_SET, SYSTEM_NAMESPACE)
        if found is None or (how == "deleted" and found["metadata"]["uid"] == before["metadata"]["uid"]):
            return False
        return bool(found["spec"]["template"]["spec"]["containers"][0]["image"] == image)

    wait_until(restored, 30, f"the DaemonSet that was {how} is as the settings say")
    house.kubectl.run("rollout", "status", f"daemonset/{DAEMON_SET}", "--namespace", SYSTEM_NAMESPACE, "--timeout=60s")
    calm.wait_state(HealthState.HEALTHY, 90)


def test_a_new_key_is_taken_up_by_running_sidecars(house: Installation, calm: MonitorView) -> None:
    before = set(sidecar_pods(house))
    house.kubectl.delete("secret", f"{DAEMON_SET}-key", SYSTEM_NAMESPACE)
    wait_until(lambda: house.kubectl.find("secret", f"{DAEMON_SET}-key", SYSTEM_NAMESPACE), 30, "the key is made anew")
    scale_operator(house, 0)  # the next one never knew the old key
    scale_operator(house, 1)
    wait_until(lambda: 'sidecar_polls_total{result="Ok"}' in operator_metrics(house), 60, "an answer by the new key")
    calm.wait_condition("SidecarsReady", "True")
    calm.wait_state(HealthState.HEALTHY)
    assert not set(sidecar_pods(house)) - before
