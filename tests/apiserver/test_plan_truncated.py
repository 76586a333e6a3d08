"""A node with more to read than one NodePlan holds: the plan is cut, and the monitor whose pods do not fit says so."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from modelmonitor_api.plan import MAX_PLAN_BYTES
from modelmonitor_api.summary import EndpointReading, EndpointState, NodeSummary, TargetReading
from modelmonitor_testbed.kubectl import Kubectl, wait_until
from tests.apiserver.installation import Installation, condition
from tests.apiserver.sidecar import start_sidecar

NODE = "truncated-n1"
PODS, WORDY_MONITORS = 120, 28
ANSWERS = EndpointReading(state=EndpointState.OK)


@pytest.fixture
def installed(kubectl: Kubectl, tmp_path: Path) -> Iterator[Installation]:
    installation = Installation(kubectl, tmp_path, "truncated")
    installation.prepare()
    installation.node(NODE)
    yield installation
    installation.stop()
    kubectl.run("delete", "--raw", f"/api/v1/namespaces/{installation.tenant}/pods?gracePeriodSeconds=0")


def wordy_monitor(installed: Installation, number: int) -> dict[str, Any]:
    """A monitor that takes as much room in a plan as the schema lets it: about 17 kB."""
    patterns = [f"{index:03d}-{number:03d}-{'x' * 120}" for index in range(64)]
    return installed.monitor(
        f"a-{number}",
        selector={"matchLabels": {"app": "shared"}},
        triton={"models": {"include": patterns, "exclude": patterns}},
    )


def run_pods(installed: Installation, app: str, addresses: list[str]) -> None:
    """Pods with the longest names, running on the node."""
    pods, states = [], []
    for address in addresses:
        suffix = f"-{app}-{address.replace('.', '-')}"
        metadata = {"name": "t" * (253 - len(suffix)) + suffix, "namespace": installed.tenant}
        head = {"apiVersion": "v1", "kind": "Pod", "metadata": metadata}
        triton = {"name": "triton", "image": "registry.example/triton:test"}
        labelled = {**head, "metadata": {**metadata, "labels": {"app": app}}}
        pods.append({**labelled, "spec": {"nodeName": NODE, "containers": [triton]}})
        states.append({**head, "status": {"phase": "Running", "podIP": address, "podIPs": [{"ip": address}]}})
    installed.kubectl.apply(*pods)
    listed = json.dumps({"apiVersion": "v1", "kind": "List", "items": states})
    installed.kubectl.run(
        "apply", "--server-side", "--subresource=status", "--force-conflicts", "-f", "-", input_text=listed
    )


def planned(plan: dict[str, Any], monitor: str) -> list[dict[str, Any]]:
    """The pods that a plan names for a monitor."""
    return [pod for one in plan["spec"]["monitors"] if one["name"] == monitor for pod in one["pods"]]


def whole_plan(installed: Installation) -> dict[str, Any] | None:
    """The plan once it is cut and every monitor has come into it."""
    plan = installed.plan(NODE) or {"spec": {}}
    complete = plan["spec"].get("truncated") and len(plan["spec"]["monitors"]) == WORDY_MONITORS + 1
    return plan if complete else None


def read_all(plan: dict[str, Any], namespace: str, sidecar_uid: str) -> NodeSummary:
    """The summary of a sidecar that has read every pod of its plan."""
    pods = {pod["uid"]: pod for monitor in plan["spec"]["monitors"] for pod in monitor["pods"]}
    targets = (
        TargetReading(
            namespace=namespace,
            pod=pod["name"],
            pod_uid=uid,
            reading=1,
            age_seconds=1.0,
            http=ANSWERS,
            metrics=ANSWERS,
            server_ready=True,
        )
        for uid, pod in pods.items()
    )
    generation = plan["metadata"]["generation"]
    return NodeSummary(
        sidecar_version="test", node=NODE, pod_uid=sidecar_uid, plan_generation=generation, targets=tuple(targets)
    )


def test_a_plan_that_is_too_large_is_cut_and_the_monitor_says_how_many_pods_are_not_read(
    installed: Installation,
) -> None:
    run_pods(installed, "shared", ["10.9.0.1"])
    run_pods(installed, "fraud-triton", [f"10.9.1.{n}" for n in range(1, PODS + 1)])
    wordy = [wordy_monitor(installed, number) for number in range(WORDY_MONITORS)]
    installed.kubectl.apply(*wordy, installed.monitor("z"))
    installed.start()
    plan = wait_until(lambda: whole_plan(installed), 30, "the plan names every monitor and says that it was cut")

    path = f"/apis/modelmonitor.dev/v1alpha1/namespaces/{installed.system}/nodeplans/{NODE}"
    assert len(installed.kubectl.run("get", "--raw", path)) <= MAX_PLAN_BYTES
    kept = len(planned(plan, "z"))
    assert 0 < kept < PODS

    sidecar = start_sidecar(installed, NODE, "127.77.0.2", lambda uid: read_all(plan, installed.tenant, uid))
    try:

        def told() -> dict[str, Any] | None:
            findings = installed.status("z").get("health", {}).get("findings", [])
            cut = next((one for one in findings if one["code"] == "PlanTruncated"), None)
            return cut if cut and f" {PODS - kept} pods cannot be read" in cut["message"] else None

        finding = wait_until(told, 30, lambda: f"z says how many pods are not read: {installed.status('z')}")
        assert finding["object"] == {"kind": "Node", "name": NODE}
        ready = condition(installed.status("z"), "Ready")
        assert (ready["status"], ready["reason"]) == ("False", "PlanTruncated")
        assert "PlanTruncated" not in json.dumps(installed.status("a-0"))
    finally:
        sidecar.stop()
