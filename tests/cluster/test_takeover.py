"""Two operators on a real node: the leader is killed or frozen there, and the node itself goes and comes back."""

import os
import signal
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from modelmonitor_api.names import object_name
from modelmonitor_api.status import HealthState
from modelmonitor_testbed.installation import SYSTEM_NAMESPACE, Installation
from modelmonitor_testbed.kubectl import pod_is_ready, wait_until
from modelmonitor_testbed.progress import say
from tests.cluster.processes import frozen, pod_processes
from tests.cluster.scenario import MonitorView
from tests.cluster.workloads import TEAM, ready_sidecar, scale_operator

LEASE_SECONDS, RENEW_SECONDS, CALL_SECONDS = 15.0, 5.0, 4.0
TAKEOVER_SECONDS = LEASE_SECONDS + RENEW_SECONDS + CALL_SECONDS
PROGRAM = "modelmonitor_operator"


@pytest.fixture
def two_operators(house: Installation, calm: MonitorView) -> Iterator[Installation]:
    scale_operator(house, 2)
    wait_until(lambda: all(pod_is_ready(pod) for pod in operator_pods(house).values()), 60, "both are ready")
    yield house
    scale_operator(house, 1)


def operator_pods(house: Installation) -> dict[str, dict[str, Any]]:
    """The operator's pods by name."""
    found = house.kubectl.get("pods", namespace=SYSTEM_NAMESPACE, selector="app.kubernetes.io/component=operator")
    return {pod["metadata"]["name"]: pod for pod in found["items"]}


def leader(house: Installation) -> str:
    """Name of the pod that holds the Lease."""
    lease = house.kubectl.get("lease", "modelmonitor-operator", SYSTEM_NAMESPACE)
    return str(lease["spec"].get("holderIdentity", ""))


def processes_of(house: Installation, pod: str) -> list[int]:
    """The operator's processes in a pod."""
    found = pod_processes(operator_pods(house)[pod]["metadata"]["uid"], PROGRAM)
    assert found, f"no process of {pod} was found"
    return found


def leader_address(house: Installation) -> str:
    """Where Prometheus is sent for the leader's page."""
    endpoints = house.kubectl.get("endpoints", object_name("fraud"), TEAM)
    subsets = [one for one in endpoints["subsets"] if one["ports"][0]["name"] == "leader"]
    return str(subsets[0]["addresses"][0]["ip"]) if subsets else ""


def versions(house: Installation) -> dict[str, str]:
    """Of what a change of leader must not write."""
    plans = house.kubectl.get("nodeplans")["items"]
    daemon_set = house.kubectl.get("daemonset", "modelmonitor-sidecar", SYSTEM_NAMESPACE)
    generations = {plan["metadata"]["name"]: plan["metadata"]["resourceVersion"] for plan in plans}
    return {**generations, "daemonset": str(daemon_set["metadata"]["generation"])}


def test_a_leader_that_freezes_is_followed_within_the_lease_time(
    two_operators: Installation, calm: MonitorView
) -> None:
    house = two_operators
    wait_until(lambda: leader(house) in operator_pods(house), 30, "one of them leads")
    old, before, sidecar = leader(house), versions(house), ready_sidecar(house)["metadata"]["uid"]
    with frozen(processes_of(house, old)):  # a killed one the kubelet starts again at once, as the same pod
        began = time.monotonic()
        wait_until(lambda: leader(house) not in ("", old), TAKEOVER_SECONDS + 5, "the other leads", 0.5)
        say("takeover", f"{time.monotonic() - began:.1f} s after the leader froze, lease of {LEASE_SECONDS:g} s")
        address = operator_pods(house)[leader(house)]["status"]["podIP"]
        wait_until(lambda: leader_address(house) == address, 15, "Prometheus is sent to the new leader")
    time.sleep(10)  # one cycle of the one that woke
    assert leader(house) != old
    assert leader_address(house) == address
    assert versions(house) == before
    assert ready_sidecar(house)["metadata"]["uid"] == sidecar
    calm.wait_state(HealthState.HEALTHY, 30)


def test_a_leader_whose_process_is_killed_leads_again_or_hands_over(
    two_operators: Installation, calm: MonitorView
) -> None:
    house = two_operators
    wait_until(lambda: leader(house) in operator_pods(house), 30, "one of them leads")
    before = versions(house)
    for pid in processes_of(house, leader(house)):
        os.kill(pid, signal.SIGKILL)
    wait_until(lambda: all(pod_is_ready(pod) for pod in operator_pods(house).values()), 90, "both are ready again")
    renewed = house.kubectl.get("lease", "modelmonitor-operator", SYSTEM_NAMESPACE)["spec"]["renewTime"]
    wait_until(
        lambda: house.kubectl.get("lease", "modelmonitor-operator", SYSTEM_NAMESPACE)["spec"]["renewTime"] != renewed,
        TAKEOVER_SECONDS,
        "somebody renews the Lease",
    )
    assert versions(house) == before
    calm.wait_state(HealthState.HEALTHY, 60)


def kubelet(node: str) -> list[int]:
    """The processes of a node's kubelet on this machine."""
    found = []
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            words = (folder / "cmdline").read_bytes().decode(errors="replace").split("\0")
        except OSError:
            continue
        if words[0].endswith("kubelet") and f"--hostname-override={node}" in words:
            found.append(int(folder.name))
    return found


def test_a_node_that_goes_and_comes_back_is_told_and_then_read_again(house: Installation, calm: MonitorView) -> None:
    """A frozen kubelet is a node that is gone, as far as the control plane can tell: 20 s later it is NotReady."""
    sidecar = ready_sidecar(house)
    node = sidecar["spec"]["nodeName"]
    with frozen(kubelet(node)):
        wait_until(lambda: not node_is_ready(house, node), 60, "the node is not ready")
        calm.wait_condition("SidecarsReady", "False")
    wait_until(lambda: node_is_ready(house, node), 60, "the node is back")
    calm.wait_state(HealthState.HEALTHY, 90)
    assert calm.condition("Ready")[0] == "True"


def node_is_ready(house: Installation, node: str) -> bool:
    """Whether the control plane calls a node ready."""
    conditions = house.kubectl.get("node", node)["status"]["conditions"]
    return any(one["type"] == "Ready" and one["status"] == "True" for one in conditions)
