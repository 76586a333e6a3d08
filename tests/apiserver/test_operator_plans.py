"""NodePlans and statuses on a real API server, also while the operator is away."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from modelmonitor_testbed.controlplane import ControlPlane
from modelmonitor_testbed.kubectl import Kubectl, wait_until
from tests.apiserver.installation import Installation, OperatorProcess, condition


@pytest.fixture
def installed(kubectl: Kubectl, tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[Installation]:
    name = f"pl-{abs(hash(request.node.name)) % 10**8}"
    installation = Installation(kubectl, tmp_path, name)
    installation.prepare()
    yield installation
    installation.stop()


def planned(installed: Installation, node: str) -> list[str]:
    plan: dict[str, Any] = installed.plan(node) or {"spec": {"monitors": []}}
    return sorted(pod["name"] for monitor in plan["spec"]["monitors"] for pod in monitor["pods"])


def drop_pod(installed: Installation, name: str) -> None:
    installed.kubectl.run("delete", "pod", name, "-n", installed.tenant, "--grace-period=0", "--force", "--wait=false")


def test_a_plan_follows_the_pods_of_its_node_and_goes_with_the_last(installed: Installation) -> None:
    installed.start()
    installed.kubectl.apply(installed.monitor())
    node = f"{installed.name}-n1"
    installed.node(node)
    installed.triton_pod("t1", node, "10.99.6.1")
    wait_until(lambda: planned(installed, node) == ["t1"], 10, "the first pod is planned")
    installed.triton_pod("t2", node, "10.99.6.2")
    wait_until(lambda: planned(installed, node) == ["t1", "t2"], 10, "the second pod is planned")
    drop_pod(installed, "t1")
    wait_until(lambda: planned(installed, node) == ["t2"], 10, "the deleted pod is out")
    drop_pod(installed, "t2")
    wait_until(lambda: installed.plan(node) is None, 10, "the plan is gone")


def test_a_plan_that_someone_edits_or_deletes_is_restored(installed: Installation) -> None:
    installed.start()
    installed.kubectl.apply(installed.monitor())
    node = f"{installed.name}-n1"
    installed.node(node)
    installed.triton_pod("t1", node, "10.99.6.1")
    wait_until(lambda: planned(installed, node) == ["t1"], 10, "the pod is planned")
    patch = '{"spec":{"monitors":[]}}'
    installed.kubectl.run("patch", "nodeplan", node, "-n", installed.system, "--type=merge", "--patch", patch)
    wait_until(lambda: planned(installed, node) == ["t1"], 10, "the edit is undone")
    installed.kubectl.delete("nodeplan", node, installed.system)
    wait_until(lambda: planned(installed, node) == ["t1"], 10, "the plan is back")


def test_suspending_empties_the_plans(installed: Installation) -> None:
    installed.start()
    installed.kubectl.apply(installed.monitor())
    node = f"{installed.name}-n1"
    installed.node(node)
    installed.triton_pod("t1", node, "10.99.6.1")
    wait_until(lambda: planned(installed, node) == ["t1"], 10, "the pod is planned")
    installed.kubectl.apply(installed.monitor(suspend=True))
    wait_until(lambda: installed.plan(node) is None, 10, "the plan is gone")
    ready = wait_until(
        lambda: (c := condition(installed.status(), "Ready")).get("reason") == "Suspended" and c,
        10,
        "it says Suspended",
    )
    assert ready["status"] == "True"


def test_each_generation_is_observed_within_a_cycle(installed: Installation) -> None:
    installed.start()
    for interval in ("15s", "20s", "25s"):
        installed.kubectl.apply(installed.monitor(interval=interval))
        generation = installed.kubectl.get("modelmonitor", "fraud", installed.tenant)["metadata"]["generation"]
        status = wait_until(
            lambda generation=generation: (s := installed.status()).get("observedGeneration") == generation and s,
            5,
            f"generation {generation} is observed",
        )
        assert {c["observedGeneration"] for c in status["conditions"]} == {generation}


def status_writes(operator: OperatorProcess) -> float:
    """How many statuses it has written."""
    wanted = 'modelmonitor_operator_api_writes_total{kind="ModelMonitor",verb="apply_status"}'
    return next(float(line.rsplit(" ", 1)[1]) for line in operator.page("/metrics").splitlines() if wanted in line)


def is_quiet(operator: OperatorProcess) -> bool:
    """Whether eight cycles pass without a write of a status."""
    before, cycles = status_writes(operator), operator.metric("modelmonitor_operator_cycles_total")
    wait_until(lambda: operator.metric("modelmonitor_operator_cycles_total") >= cycles + 8, 20, "cycles pass")
    return status_writes(operator) == before


def test_a_status_that_someone_edits_is_put_right_and_then_left_alone(installed: Installation) -> None:
    operator = installed.start()
    installed.kubectl.apply(installed.monitor())
    summary = wait_until(lambda: installed.status().get("health", {}).get("summary"), 10, "the status is written")
    foreign = {
        "type": "Mine",
        "status": "True",
        "reason": "R",
        "message": "",
        "lastTransitionTime": "2026-01-01T00:00:00Z",
    }
    conditions = [*installed.status()["conditions"], foreign]
    patch = json.dumps({"status": {"health": {"summary": "all is well"}, "conditions": conditions}})
    installed.kubectl.run(
        "patch", "mm", "fraud", "-n", installed.tenant, "--subresource=status", "--type=merge", "--patch", patch
    )
    wait_until(lambda: installed.status()["health"]["summary"] == summary, 10, "the edit is undone")
    wait_until(lambda: is_quiet(operator), 60, "the status is left alone for eight cycles")


def test_a_killed_operator_holds_nothing_back_and_sweeps_when_it_returns(installed: Installation) -> None:
    operator = installed.start()
    installed.kubectl.apply(installed.monitor())
    node = f"{installed.name}-n1"
    installed.node(node)
    installed.triton_pod("t1", node, "10.99.6.1")
    wait_until(lambda: planned(installed, node) == ["t1"], 10, "the pod is planned")
    operator.kill()
    drop_pod(installed, "t1")
    installed.kubectl.delete("modelmonitor", "fraud", installed.tenant, wait=False)
    wait_until(lambda: not installed.kubectl.find("modelmonitor", "fraud", installed.tenant), 5, "the monitor is gone")
    installed.kubectl.delete("namespace", installed.tenant, wait=False)
    wait_until(lambda: not installed.kubectl.find("namespace", installed.tenant), 15, "the namespace is gone")
    assert installed.plan(node) is not None
    installed.start()
    wait_until(lambda: installed.plan(node) is None, 15, "the plan is swept")
    wait_until(lambda: installed.daemon_set() is None and installed.key() is None, 15, "the sidecars too")


def test_of_two_operators_one_leads_and_the_other_takes_over(installed: Installation) -> None:
    first, second = installed.start(), installed.start()
    installed.kubectl.apply(installed.monitor())
    wait_until(installed.status, 10, "one of them writes the status")
    assert sorted((first.metric("modelmonitor_operator_leader"), second.metric("modelmonitor_operator_leader"))) == [
        0,
        1,
    ]
    leader, standby = (first, second) if first.metric("modelmonitor_operator_leader") else (second, first)
    assert standby.metric("modelmonitor_operator_api_writes_total") == 0
    leader.kill()
    wait_until(lambda: standby.metric("modelmonitor_operator_leader") == 1, 10, "the standby leads")
    installed.kubectl.apply(installed.monitor(interval="20s"))
    wait_until(lambda: installed.status().get("observedGeneration") == 2, 10, "and writes")


def test_sigterm_releases_the_lease_and_ends_in_five_seconds(installed: Installation) -> None:
    operator = installed.start()
    lease = wait_until(lambda: installed.find("lease", "modelmonitor-operator"), 10, "the lease is there")
    assert lease["spec"]["holderIdentity"] == f"operator-{operator.port}"
    assert operator.terminate(5.0) == 0
    released = installed.find("lease", "modelmonitor-operator")
    assert released is not None
    assert not released["spec"].get("holderIdentity")


def test_the_operator_outlives_its_api_server(installed: Installation, control_plane: ControlPlane) -> None:
    operator = installed.start()
    installed.kubectl.apply(installed.monitor())
    wait_until(installed.status, 10, "the status is written")
    control_plane.kill("kube-apiserver")
    control_plane.start("kube-apiserver")
    control_plane.wait_ready()
    installed.kubectl.apply(installed.monitor(interval="20s"), installed.monitor("second"))
    wait_until(lambda: installed.status().get("observedGeneration") == 2, 30, "the new generation is observed")
    wait_until(lambda: installed.status("second"), 10, "a new monitor is seen")
    assert operator.child.poll() is None
    assert operator.metric("modelmonitor_operator_watch_restarts_total") >= 1


def test_events_on_the_monitor_say_what_changed(installed: Installation) -> None:
    installed.start()
    installed.kubectl.apply(installed.monitor())
    text = wait_until(
        lambda: (
            "TargetsNotFound" in (t := installed.kubectl.run("get", "events", "-n", installed.tenant, "-o", "json"))
            and t
        ),
        10,
        "an event names the finding",
    )
    event = next(e for e in json.loads(text)["items"] if e["reason"] == "TargetsNotFound")
    assert event["involvedObject"]["name"] == "fraud"
    assert event["source"]["component"] == "modelmonitor-operator"
