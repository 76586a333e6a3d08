"""The API server's own pod-security admission on a real node: what it refuses, what the status says, what mends it."""

import re
from collections.abc import Iterator

import pytest

from modelmonitor_api.status import HealthState
from modelmonitor_testbed.installation import SYSTEM_NAMESPACE, Installation
from modelmonitor_testbed.kubectl import pod_is_ready, wait_until
from tests.cluster.scenario import MonitorView
from tests.cluster.workloads import ready_sidecar, scale_operator

LEVEL = "pod-security.kubernetes.io/enforce"
DAEMON_SET = "modelmonitor-sidecar"
DOCUMENTED = {"restricted volume types", "runAsNonRoot != true", "runAsUser=0"}
"""What docs/security.md says of the sidecar: folders of the node, and uid 0."""


@pytest.fixture
def restricted(house: Installation, calm: MonitorView) -> Iterator[Installation]:
    """The release as it would come up in a namespace of level restricted: its pods are made anew there."""
    scale_operator(house, 0)
    house.kubectl.run("label", "namespace", SYSTEM_NAMESPACE, f"{LEVEL}=restricted", "--overwrite")
    house.kubectl.delete("daemonset", DAEMON_SET, SYSTEM_NAMESPACE)
    yield house
    house.kubectl.run("label", "namespace", SYSTEM_NAMESPACE, f"{LEVEL}-")
    scale_operator(house, 1)
    calm.wait_condition("SidecarsReady", "True", seconds=180)


def refusals(house: Installation) -> set[str]:
    """What the API server had against the sidecar's pod, without the names behind it."""
    events = house.kubectl.get("events", namespace=SYSTEM_NAMESPACE)["items"]
    said = [one["message"] for one in events if one["reason"] == "FailedCreate" and "PodSecurity" in one["message"]]
    named = [re.sub(r"\([^()]*\)", "", text.partition('restricted:latest": ')[2]) for text in said]
    return {part.strip() for text in named for part in text.split(",") if part.strip()}


def test_the_operator_comes_up_where_pods_are_restricted_and_the_printed_command_lets_the_sidecars_come(
    restricted: Installation, calm: MonitorView
) -> None:
    scale_operator(restricted, 1)
    pods = restricted.kubectl.get("pods", namespace=SYSTEM_NAMESPACE, selector="app.kubernetes.io/component=operator")
    assert [pod_is_ready(pod) for pod in pods["items"]] == [True]
    wait_until(lambda: "kubectl label" in calm.condition("SidecarsReady")[2], 90, "the status prints the command")
    status, _, message = calm.condition("SidecarsReady")
    assert status == "False"
    assert refusals(restricted) == DOCUMENTED
    command = re.search(r"kubectl (label namespace \S+ --overwrite \S+=privileged)", message)
    assert command is not None, message
    restricted.kubectl.run(*command[1].split())
    assert ready_sidecar_of(restricted)
    calm.wait_condition("SidecarsReady", "True")
    calm.wait_state(HealthState.HEALTHY)


def ready_sidecar_of(house: Installation) -> str:
    """Name of the sidecar once it is there: the DaemonSet controller tries again less and less often."""
    pods = wait_until(
        lambda: house.kubectl.get("pods", namespace=SYSTEM_NAMESPACE, selector=f"app.kubernetes.io/name={DAEMON_SET}")[
            "items"
        ],
        180,
        "the sidecar's pod is created",
    )
    assert ready_sidecar(house)["metadata"]["uid"] == pods[0]["metadata"]["uid"]
    return str(pods[0]["metadata"]["name"])
