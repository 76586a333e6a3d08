"""Two operators: the leader dies, freezes, or is cut off, and the other goes on where it was."""

import threading
import time
import urllib.error
import urllib.request
from collections import Counter
from collections.abc import Iterator
from typing import Any

import pytest

from modelmonitor_api.names import MonitorRef, monitor_metrics_path, object_name
from modelmonitor_testbed.controlplane import ControlPlane
from modelmonitor_testbed.kubectl import Kubectl, wait_until
from modelmonitor_testbed.progress import say
from tests.apiserver.audit import count_done
from tests.apiserver.installation import Installation, OperatorProcess
from tests.apiserver.replicas import Replica, Replicas, seconds_until

MONITORS = ("fraud", "ranking", "search")
NODES = ("ha-n1", "ha-n2")
LEASE_SECONDS, RENEW_SECONDS, CALL_SECONDS = 3.0, 0.5, 1.0
TAKEOVER_SECONDS = LEASE_SECONDS + RENEW_SECONDS + CALL_SECONDS
TARGETS_ONCE = Counter({(kind, object_name(name)): 1 for name in MONITORS for kind in ("endpoints", "services")})
"""The leader's address, once for each monitor; Services change too because each operator has another port here."""


@pytest.fixture(scope="module")
def replicas(
    kubectl: Kubectl, control_plane: ControlPlane, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Replicas]:
    installed = Installation(kubectl, tmp_path_factory.mktemp("ha"), "ha")
    installed.prepare()
    for node in NODES:
        installed.node(node)
    installed.kubectl.apply(*(installed.monitor(name) for name in MONITORS))
    for number, node in enumerate(NODES, 1):
        installed.triton_pod(f"t{number}", node, f"10.99.7.{number}")
    found = Replicas(installed, control_plane)
    yield found
    found.stop()
    installed.stop()


def page_status(operator: OperatorProcess, installed: Installation, name: str = "fraud") -> int:
    """How it answers a scrape of a monitor's page."""
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    url = f"http://127.0.0.1:{operator.port}{monitor_metrics_path(MonitorRef(installed.tenant, name))}"
    try:
        with opener.open(url, timeout=10) as answer:
            return int(answer.status)
    except urllib.error.HTTPError as error:
        return error.code


def changed(before: dict[Any, str], after: dict[Any, str]) -> set[tuple[str, str]]:
    """Kinds and names of the objects that are new, gone or another version."""
    return {(kind, name) for (kind, _, name), _ in before.items() ^ after.items()}


def cycles(replica: Replica, count: int) -> None:
    """Let so many cycles pass."""
    seen = replica.operator.metric("modelmonitor_operator_cycles_total")
    wait_until(
        lambda: replica.operator.metric("modelmonitor_operator_cycles_total") >= seen + count, 10 + 3 * count, "cycles"
    )


def test_a_killed_leader_is_followed_within_the_lease_time_and_nothing_is_applied_twice(replicas: Replicas) -> None:
    leader, standby = replicas.pair()
    before, verdicts, killed_at = replicas.versions(), replicas.verdicts(), time.time()
    leader.operator.kill()
    wait_until(standby.leads, 15, "the standby leads", 0.1)
    cycles(standby, 5)
    writes = replicas.writes(killed_at)
    took = next(write.at for write in writes if write.resource == "leases" and write.done) - killed_at
    say("takeover", f"{took:.2f} s after SIGKILL, lease of {LEASE_SECONDS:g} s")
    assert LEASE_SECONDS - RENEW_SECONDS - CALL_SECONDS < took < TAKEOVER_SECONDS
    assert replicas.unasked(killed_at, verdicts) == TARGETS_ONCE
    touched = {(kind, object_name(name)) for name in MONITORS for kind in ("Endpoints", "Service")}
    assert changed(before, replicas.versions()) == touched


def test_a_leader_that_was_frozen_is_no_leader_when_it_wakes(replicas: Replicas) -> None:
    installed = replicas.installed
    leader, standby = replicas.pair()
    assert page_status(leader.operator, installed) == 200
    leader.freeze()
    wait_until(standby.leads, 15, "the standby leads", 0.1)
    installed.kubectl.apply(installed.monitor("fraud", interval=f"{5 + len(replicas.all)}s"))
    installed.triton_pod("t3", NODES[0], "10.99.7.3")
    wait_until(lambda: "t3" in str(installed.plan(NODES[0])), 10, "the standby plans the new pod")
    replicas.settle()
    before, woken_at = replicas.versions(), time.time()
    leader.thaw()
    assert page_status(leader.operator, installed) == 503
    cycles(standby, 5)
    assert changed(before, replicas.versions()) == set()
    assert [write for write in replicas.writes(woken_at, leader) if write.done] == []
    assert not leader.leads()
    assert page_status(standby.operator, installed) == 200


def test_what_a_leader_sent_before_it_was_cut_off_changes_nothing_when_it_arrives_after_the_takeover(
    replicas: Replicas,
) -> None:
    installed = replicas.installed
    leader, standby = replicas.pair()
    for pods in range(3):
        installed.triton_pod(f"burst-{pods}", NODES[1], f"10.99.8.{pods + 1}")
    leader.wire.hold_requests()
    installed.kubectl.apply(installed.monitor("ranking", interval="25s"), installed.monitor("search", interval="25s"))
    overlap, begin = [], time.monotonic()
    while not (standby_leads := standby.leads()) and time.monotonic() - begin < 15:
        overlap.append(leader.leads() and standby.leads())
        time.sleep(0.05)
    assert standby_leads
    assert not any(overlap)
    assert not leader.leads()
    installed.kubectl.apply(installed.monitor("ranking", interval="30s"), installed.monitor("search", interval="30s"))
    replicas.settle()
    before, mended_at = replicas.versions(), time.time()
    leader.wire.mend()
    cycles(standby, 6)
    late = replicas.writes(mended_at, leader)
    say("late writes", f"{[(w.verb, w.resource, w.name, w.code) for w in late]}")
    assert [write for write in late if write.resource != "leases"], "nothing was on its way: the test shows nothing"
    assert [write for write in late if write.done] == []
    assert changed(before, replicas.versions()) == set()


def test_a_leader_that_is_asked_to_end_hands_over_sooner_than_its_lease_runs_out(replicas: Replicas) -> None:
    leader, standby = replicas.pair()
    asked_at = time.time()
    assert leader.operator.terminate(6.0) == 0
    seconds_until(standby.leads, 15, "the standby leads")
    writes = replicas.writes(asked_at)
    took = next(w.at for w in writes if w.resource == "leases" and w.done and w.user == standby.user) - asked_at
    say("handover", f"{took:.2f} s after SIGTERM")
    assert took < LEASE_SECONDS


class Load:
    """Pods and monitors that come and go until told to stop; what must be there in the end is known."""

    def __init__(self, installed: Installation) -> None:
        self._installed = installed
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run)
        self.intervals: dict[str, str] = {}
        self.pods: set[str] = set()
        self.gone: set[str] = set()
        self.rounds = 0

    def __enter__(self) -> "Load":
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._thread.join()

    def _run(self) -> None:
        while not self._stop.wait(0.2):
            self._round()
            self.rounds += 1

    def _round(self) -> None:
        installed, number = self._installed, self.rounds
        name, interval = f"load-{number % 4}", f"{5 + number % 25}s"
        installed.kubectl.apply(installed.monitor(name, interval=interval))
        self.intervals[name] = interval
        installed.triton_pod(f"load-{number}", NODES[number % 2], f"10.99.20.{1 + number % 250}")
        self.pods.add(f"load-{number}")
        if number % 3 == 2:
            gone = f"load-{number - 1}"
            installed.kubectl.run("delete", "pod", gone, "-n", installed.tenant, "--grace-period=0", "--force")
            self.pods.discard(gone)
            self.gone.add(gone)


def is_in_order(installed: Installation, load: Load) -> bool:
    """Whether plans hold every pod that is there and none that is gone, and every status is about the newest spec."""
    planned = {
        pod["name"]
        for node in NODES
        for monitor in (installed.plan(node) or {"spec": {"monitors": []}})["spec"]["monitors"]
        for pod in monitor["pods"]
    }
    if not load.pods <= planned or load.gone & planned:
        return False
    found = [installed.kubectl.get("modelmonitor", name, installed.tenant) for name in load.intervals]
    return all(
        one["spec"]["interval"] == load.intervals[one["metadata"]["name"]]
        and one.get("status", {}).get("observedGeneration") == one["metadata"]["generation"]
        for one in found
    )


def test_operators_are_replaced_under_load_with_no_lost_event_and_no_needless_write(replicas: Replicas) -> None:
    installed = replicas.installed
    leader, standby = replicas.pair()
    before, began = holder_transitions(installed), time.time()
    with Load(installed) as load:
        for old in (leader, standby):
            replicas.start()
            assert old.operator.terminate(6.0) == 0
        rounds = load.rounds
        wait_until(lambda: load.rounds >= rounds + 2, 20, "the load goes on")
    wait_until(lambda: is_in_order(installed, load), 20, "everything is in order")
    replicas.settle()
    terms = holder_transitions(installed) - before
    written = count_done(replicas.writes(began))
    quiet = {key: count for key, count in written.items() if key[1] in {*MONITORS, *map(object_name, MONITORS)}}
    say("rolling", f"{load.rounds} rounds of load, {terms} terms, writes to quiet monitors: {dict(quiet)}")
    assert 1 <= terms <= 2
    allowed = {"endpoints": terms, "services": terms, "modelmonitors/status": 3}
    assert all(count <= allowed.get(kind, 0) for (kind, _), count in quiet.items()), quiet
    assert written["daemonsets", "modelmonitor-sidecar"] == 0


def holder_transitions(installed: Installation) -> int:
    """How often the Lease has changed hands."""
    lease = installed.find("lease", "modelmonitor-operator")
    assert lease is not None
    return int(lease["spec"]["leaseTransitions"])
