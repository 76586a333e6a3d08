"""The API server refuses, hangs, or is slow: the operators go on by themselves, lose nothing and write nothing extra.

AWAY_SECONDS and SLOW_SECONDS make the outages longer than the ring has time for: docs/tests.md.
"""

import json
import os
import time
from collections import Counter
from collections.abc import Iterator

import pytest

from modelmonitor_api.names import object_name
from modelmonitor_testbed.controlplane import ControlPlane
from modelmonitor_testbed.kubectl import Kubectl, wait_until
from modelmonitor_testbed.progress import say
from tests.apiserver.audit import count_done
from tests.apiserver.installation import Installation
from tests.apiserver.replicas import Replica, Replicas, seconds_until
from tests.apiserver.wire import Wire

AWAY_SECONDS = float(os.environ.get("AWAY_SECONDS", "20"))
SLOW_SECONDS = float(os.environ.get("SLOW_SECONDS", "15"))
ETCD_DELAY_SECONDS = 0.5
LONGEST_BACKOFF_SECONDS = 30.0
NODE = "away-n1"
QUIET_MONITORS = ("quiet-a", "quiet-b")


@pytest.fixture
def replicas(kubectl: Kubectl, control_plane: ControlPlane, request: pytest.FixtureRequest) -> Iterator[Replicas]:
    tmp_path = request.getfixturevalue("tmp_path")
    installed = Installation(kubectl, tmp_path, f"aw-{abs(hash(request.node.name)) % 10**6}")
    installed.overrides = getattr(request, "param", {})
    installed.prepare()
    installed.node(NODE)
    installed.kubectl.apply(*(installed.monitor(name) for name in ("fraud", "goes", *QUIET_MONITORS)))
    installed.triton_pod("t1", NODE, "10.99.7.1")
    found = Replicas(installed, control_plane)
    yield found
    found.stop()
    installed.stop()


def pods_planned(installed: Installation) -> set[str]:
    plan = installed.plan(NODE) or {"spec": {"monitors": []}}
    return {pod["name"] for monitor in plan["spec"]["monitors"] for pod in monitor["pods"]}


def change_things(installed: Installation) -> None:
    """What happens in the cluster while nobody can look."""
    installed.kubectl.run("delete", "pod", "t1", "-n", installed.tenant, "--grace-period=0", "--force", "--wait=false")
    installed.triton_pod("t2", NODE, "10.99.7.2")
    installed.kubectl.apply(installed.monitor("fraud", interval="20s"), installed.monitor("comes"))
    installed.kubectl.delete("modelmonitor", "goes", installed.tenant)


def caught_up(installed: Installation) -> bool:
    """Whether the operators have done what these changes ask for."""
    return (
        pods_planned(installed) == {"t2"}
        and installed.status("fraud").get("observedGeneration") == 2
        and bool(installed.status("comes"))
        and installed.kubectl.find("endpoints", object_name("comes"), installed.tenant) is not None
    )


def test_operators_that_cannot_reach_the_api_server_go_on_by_themselves_and_lose_nothing(replicas: Replicas) -> None:
    installed = replicas.installed
    leader, standby = replicas.pair()
    leader.wire.hang()
    standby.wire.refuse()
    began = time.time()
    wait_until(lambda: not leader.leads(), 6, "the leader knows that it leads no longer", 0.1)
    change_things(installed)
    while time.time() - began < AWAY_SECONDS:
        assert leader.alive
        assert standby.alive
        assert leader.operator.page("/healthz") == standby.operator.page("/healthz") == "ok"
        assert not leader.leads()
        assert not standby.leads()
        time.sleep(1.0)
    assert not caught_up(installed)
    mended_at = time.time()
    leader.wire.mend()
    standby.wire.mend()
    took = seconds_until(lambda: caught_up(installed), LONGEST_BACKOFF_SECONDS + 15, "all changes are seen to")
    say("away", f"{AWAY_SECONDS:g} s without the API server, caught up {took:.1f} s after its return")
    replicas.settle()
    written = count_done(replicas.writes(mended_at))
    quiet = {key: count for key, count in written.items() if any(name in key[1] for name in QUIET_MONITORS)}
    assert {kind for kind, _ in quiet} <= {"endpoints", "services", "modelmonitors/status", "events"}, quiet
    assert all(count <= 2 for count in quiet.values()), quiet
    assert standby.operator.metric("modelmonitor_operator_watch_restarts_total") >= 1
    for replica in (leader, standby):
        wait_until(replica.operator.is_ready, 40, "it is ready again")


@pytest.fixture
def slow_etcd(control_plane: ControlPlane) -> Iterator[Wire]:
    """The wire between the API server and etcd."""
    wire = Wire(control_plane.plan.etcd_port)
    command = control_plane.commands["kube-apiserver"]
    control_plane.commands["kube-apiserver"] = [
        f"--etcd-servers=http://127.0.0.1:{wire.port}" if word.startswith("--etcd-servers=") else word
        for word in command
    ]
    restart_api_server(control_plane)
    yield wire
    control_plane.commands["kube-apiserver"] = command
    restart_api_server(control_plane)
    wire.close()


def restart_api_server(control_plane: ControlPlane) -> None:
    for program in ("kube-controller-manager", "kube-apiserver"):
        control_plane.kill(program)
    control_plane.start("kube-apiserver")
    control_plane.wait_ready()
    control_plane.start("kube-controller-manager")


DEFAULT_LEASE = {"lease": {}, "resyncSeconds": 300}


def holder(replicas: Replicas) -> tuple[str, int]:
    """Who holds the Lease, and how often it has changed hands."""
    lease = replicas.installed.find("lease", "modelmonitor-operator")
    assert lease is not None
    return lease["spec"]["holderIdentity"], lease["spec"]["leaseTransitions"]


@pytest.mark.parametrize("replicas", [DEFAULT_LEASE], indirect=True, ids=["default-lease"])
def test_a_slow_etcd_costs_no_lease_and_no_write(slow_etcd: Wire, replicas: Replicas) -> None:
    leader, _ = replicas.pair()
    before, versions, verdicts, began = holder(replicas), replicas.versions(), replicas.verdicts(), time.time()
    slow_etcd.delay_seconds = ETCD_DELAY_SECONDS
    time.sleep(SLOW_SECONDS)
    assert holder(replicas) == before
    assert leader.leads()
    assert replicas.unasked(began, verdicts) == Counter()
    assert replicas.versions() == versions
    took = seconds_until_changed(replicas, leader)
    say("slow etcd", f"a change is answered for in {took:.1f} s with {ETCD_DELAY_SECONDS:g} s a request to etcd")
    written = replicas.unasked(began, verdicts)
    assert written["nodeplans", NODE] == 1
    statuses = 2 + SLOW_SECONDS // 60  # a change of numbers or messages alone is written once a minute
    assert all(count <= (statuses if "status" in kind else 1) for (kind, _), count in written.items()), written
    assert holder(replicas) == before


def seconds_until_changed(replicas: Replicas, leader: Replica) -> float:
    """How long a new generation waits for its status while everything is slow."""
    installed = replicas.installed
    installed.kubectl.apply(installed.monitor("fraud", interval="20s"))
    took = seconds_until(lambda: installed.status().get("observedGeneration") == 2, 30, "the new generation is seen")
    wait_until(lambda: '"intervalSeconds": 20' in json.dumps(installed.plan(NODE)), 30, "the plan follows")
    assert leader.leads()
    return took
