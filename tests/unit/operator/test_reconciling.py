"""From what the watches say to what is written: world, intake, queue and reconciler together, without a network."""

import asyncio
import base64
from typing import Any

import pytest

from modelmonitor_api.names import MonitorRef
from modelmonitor_operator.adapters.answers import translate_status
from modelmonitor_operator.adapters.monitors import parse_monitor
from modelmonitor_operator.adapters.pods import parse_pod, parse_sidecar
from modelmonitor_operator.controller import Controller
from modelmonitor_operator.errors import (
    AlreadyExistsError,
    ClusterError,
    ConflictError,
    ForbiddenError,
    InvalidError,
    NotFoundError,
    ThrottledError,
    UnavailableError,
)
from modelmonitor_operator.key_ring import KeyRing
from modelmonitor_operator.keys import FleetKey, Key, ObjectsKey, PlanKey, StatusKey, TargetsKey
from modelmonitor_operator.objects import DAEMON_SET, NODE_PLAN, SECRET, ResourceKind
from modelmonitor_operator.telemetry import Telemetry
from modelmonitor_operator.world import find_older_selectors
from tests.unit.operator.house import REF, House, raw_monitor, raw_pod
from tests.unit.operator.worlds import monitor, pod


def test_a_new_monitor_concerns_its_status_its_objects_and_the_fleet() -> None:
    house = House()
    house.intake.monitor_event("ADDED", raw_monitor())
    assert set(house.asked) == {StatusKey(REF), FleetKey(), TargetsKey(REF), ObjectsKey(REF)}


def with_spec(**spec: Any) -> dict[str, Any]:
    raw = raw_monitor(version="2", generation=2)
    return {**raw, "spec": {**raw["spec"], **spec}}


@pytest.mark.parametrize(
    ("spec", "plans"),
    [
        pytest.param({"health": {"minimumRequests": 7, "maxLatency": "9ms"}}, set(), id="limits are the operator's"),
        pytest.param({"health": {"window": "10m"}}, {PlanKey("n1")}, id="the window is the sidecar's"),
        pytest.param({"interval": "5s"}, {PlanKey("n1")}, id="the interval is the sidecar's"),
        pytest.param({"suspend": True}, {PlanKey("n1")}, id="a monitor that rests is in no plan"),
        pytest.param({"triton": {"metricsPort": 9002}}, {PlanKey("n1")}, id="another port"),
        pytest.param({"triton": {"models": {"exclude": ["x"]}}}, {PlanKey("n1")}, id="other models"),
        pytest.param({"selector": {"matchLabels": {"app": "other"}}}, {PlanKey("n1")}, id="other pods"),
        pytest.param({"interval": 5}, {PlanKey("n1")}, id="a spec that cannot be read is in no plan"),
    ],
)
def test_a_change_of_the_spec_concerns_the_plans_that_it_changes(spec: dict[str, Any], plans: set[Key]) -> None:
    house = House()
    house.intake.monitor_event("ADDED", raw_monitor())
    house.intake.put_pod(raw_pod())
    house.asked.clear()
    house.intake.monitor_event("MODIFIED", with_spec(**spec))
    assert set(house.asked) == {StatusKey(REF), TargetsKey(REF), ObjectsKey(REF), *plans}


def test_an_event_older_than_what_is_known_changes_nothing() -> None:
    house = House()
    house.intake.monitor_event("ADDED", raw_monitor(version="9", generation=2))
    house.intake.monitor_event("MODIFIED", raw_monitor(version="8", generation=1))
    assert house.world.monitors[REF].generation == 2


def test_only_selected_pods_concern_the_plan_of_their_node_and_the_targets() -> None:
    house = House()
    house.intake.monitor_event("ADDED", raw_monitor())
    house.asked.clear()
    house.intake.put_pod(raw_pod("other", app="database"))
    assert house.asked == []
    house.intake.put_pod(raw_pod())
    assert set(house.asked) == {PlanKey("n1"), TargetsKey(REF)}
    house.asked.clear()
    house.intake.drop_pod("team-a", {"metadata": {"uid": "uid-t1"}})
    assert set(house.asked) == {PlanKey("n1"), TargetsKey(REF)}


def test_a_monitor_deleted_while_nobody_watched_is_found_by_the_full_list() -> None:
    house = House()
    house.intake.monitor_event("ADDED", raw_monitor())
    house.intake.put_pod(raw_pod())
    house.asked.clear()
    house.intake.compare_monitors([], house.intake.monitor_uids())
    assert house.world.monitors == {}
    assert {PlanKey("n1"), FleetKey()} <= set(house.asked)


def test_a_full_list_spares_what_changed_while_it_was_on_its_way() -> None:
    house = House()
    house.intake.monitor_event("ADDED", raw_monitor("old", "m0"))
    known = house.intake.monitor_uids()
    house.intake.monitor_event("ADDED", raw_monitor("new", "m2"))
    house.intake.monitor_event("DELETED", raw_monitor("old", "m0"))
    house.intake.compare_monitors([raw_monitor("old", "m0")], known)
    assert set(house.world.monitors) == {MonitorRef("team-a", "new")}


def test_the_pods_of_a_namespace_are_kept_when_a_full_list_finds_another_monitor_in_it() -> None:
    house = House()
    house.intake.monitor_event("ADDED", raw_monitor("old", "m0", version="5"))
    house.intake.put_pod(raw_pod())
    house.intake.compare_monitors([raw_monitor("new", "m2", version="6")], house.intake.monitor_uids())
    assert [pod.name for pod in house.world.selected_pods(MonitorRef("team-a", "new"))] == ["t1"]


def test_a_recreated_monitor_is_not_dropped_by_its_predecessors_deletion() -> None:
    house = House()
    house.intake.monitor_event("ADDED", raw_monitor(uid="second", version="5"))
    house.intake.monitor_event("DELETED", raw_monitor(uid="first", version="4"))
    assert house.world.monitors[REF].uid == "second"


async def test_nothing_is_written_before_everything_has_been_listed() -> None:
    house = House()
    house.intake.monitor_event("ADDED", raw_monitor())
    for key in (FleetKey(), PlanKey("n1"), StatusKey(REF)):
        await house.reconcile(key)
    assert house.cluster.written == []


async def test_the_same_state_twice_writes_once() -> None:
    house = House().listed()
    house.intake.monitor_event("ADDED", raw_monitor())
    house.intake.pods_listed("team-a")
    house.intake.put_pod(raw_pod())
    for _ in range(3):
        for key in (FleetKey(), PlanKey("n1"), StatusKey(REF)):
            await house.reconcile(key)
    verbs = [(verb, ref.kind.kind) for verb, ref in house.cluster.written if ref.kind.kind != "Event"]
    assert sorted(verbs) == [
        ("apply", "DaemonSet"),
        ("apply_status", "ModelMonitor"),
        ("create", "DaemonSet"),
        ("create", "NodePlan"),
        ("create", "Secret"),
    ]


async def test_pods_that_could_not_be_listed_yet_keep_their_place_in_the_plan() -> None:
    house = House().listed()
    house.intake.monitor_event("ADDED", raw_monitor())
    house.intake.pods_listed("team-a")
    house.intake.put_pod(raw_pod())
    await house.reconcile(PlanKey("n1"))
    after_restart = House().listed()
    after_restart.world.put_stored(next(iter(house.world.stored_of(NODE_PLAN))))
    after_restart.intake.monitor_event(None, raw_monitor())
    await after_restart.reconcile(PlanKey("n1"))
    assert after_restart.cluster.written == []
    (plan,) = after_restart.world.stored_of(NODE_PLAN)
    assert plan.manifest["spec"]["monitors"][0]["pods"][0]["name"] == "t1"
    after_restart.intake.pods_listed("team-a")
    await after_restart.reconcile(PlanKey("n1"))
    assert after_restart.cluster.written[-1][0] == "delete"


async def test_a_monitor_that_is_gone_when_its_status_is_written_is_no_failure() -> None:
    house = House().listed()
    house.intake.monitor_event("ADDED", raw_monitor())
    house.intake.pods_listed("team-a")
    house.cluster.fail = NotFoundError("gone", 404)
    await house.reconcile(StatusKey(REF))


@pytest.mark.parametrize("kind", [DAEMON_SET, NODE_PLAN], ids=lambda kind: kind.kind)
async def test_an_object_that_was_gone_when_it_was_applied_is_made_anew(kind: ResourceKind) -> None:
    house = House().listed()
    house.intake.monitor_event("ADDED", raw_monitor())
    house.intake.pods_listed("team-a")
    house.intake.put_pod(raw_pod())
    key: Key = FleetKey() if kind == DAEMON_SET else PlanKey("n1")
    await house.reconcile(key)
    house.intake.put_pod(raw_pod("t2"))
    house.cluster.fail = NotFoundError("gone", 404)
    with pytest.raises(NotFoundError):
        await house.reconcile(key)
    house.cluster.fail = None
    house.cluster.written.clear()
    await house.reconcile(key)
    assert [(verb, ref.kind) for verb, ref in house.cluster.written] == [("create", kind)]


async def run_controller(house: House, failures: list[Exception], tries: int) -> list[float]:
    times: list[float] = []
    finished = asyncio.Event()
    controller = Controller(house.clock, Telemetry("test"), workers=2)

    async def reconcile(_key: Key) -> None:
        times.append(house.clock.now)
        if len(times) >= tries:
            finished.set()
        if failures:
            raise failures.pop(0)

    async def pass_time() -> None:
        while True:
            house.clock.now += 0.25
            controller.enqueue(StatusKey(REF), 3600.0)
            await asyncio.sleep(0)

    tasks = [
        asyncio.create_task(controller.run(reconcile, lambda: controller.enqueue(FleetKey()))),
        asyncio.create_task(pass_time()),
    ]
    async with asyncio.timeout(5):
        await finished.wait()
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
    return times


@pytest.mark.parametrize(
    ("failure", "at_least"),
    [
        pytest.param(ThrottledError("slow down", 429, 20.0), 20.0, id="Retry-After is honoured"),
        pytest.param(ConflictError("changed", 409), 0.25, id="a conflict is looked at again soon"),
        pytest.param(ForbiddenError("no", 403), 0.25, id="a missing right may be given later"),
        pytest.param(KeyError("defect"), 0.25, id="a defect ends nothing"),
    ],
)
async def test_a_failed_reconciliation_is_tried_again(failure: Exception, at_least: float) -> None:
    first, second = (await run_controller(House(), [failure], 2))[:2]
    assert second - first >= at_least


def test_the_older_of_two_monitors_owns_a_pod_that_both_select() -> None:
    old, young = monitor("old", created_at=1.0), monitor("young", created_at=2.0)
    shared, own = pod("t1"), pod("t2")
    assert find_older_selectors([(old, [shared]), (young, [shared, own])]) == {young.ref: {shared.uid: old.ref}}


def test_a_new_key_is_tried_first_and_the_old_one_for_five_minutes() -> None:
    ring = KeyRing()
    ring.put(b"old", 0.0)
    ring.put(None, 5.0)
    ring.put(b"new", 10.0)
    assert ring.keys(310.0) == (b"new", b"old")
    assert ring.keys(310.1) == (b"new",)


def test_a_rotated_secret_reaches_the_key_ring() -> None:
    house = House()
    for key in (b"a" * 64, b"b" * 64):
        data = {"key": base64.b64encode(key).decode()}
        metadata = {"name": "modelmonitor-sidecar-key", "namespace": "system", "uid": "u", "resourceVersion": "1"}
        house.intake.put_stored(SECRET, {"metadata": metadata, "data": data})
    assert house.key_ring.keys(house.clock.now) == (b"b" * 64, b"a" * 64)


@pytest.mark.parametrize(
    ("status", "body", "error"),
    [
        pytest.param(409, b'{"reason":"AlreadyExists","message":"x"}', AlreadyExistsError, id="a taken name"),
        pytest.param(409, b'{"reason":"Conflict","message":"x"}', ConflictError, id="another version"),
        pytest.param(422, b'{"message":"x"}', InvalidError, id="a refused object"),
        pytest.param(429, b"{}", ThrottledError, id="too many requests"),
        pytest.param(500, b"<html>", UnavailableError, id="no JSON"),
    ],
)
def test_each_answer_means_one_of_our_errors(status: int, body: bytes, error: type[ClusterError]) -> None:
    assert type(translate_status(status, body)) is error


def test_a_spec_that_cannot_be_read_is_a_fact_with_its_reason() -> None:
    parsed = parse_monitor({**raw_monitor(), "spec": {"selector": {"matchLabels": {"app": "x"}}, "interval": 5}})
    assert parsed.spec is None
    assert parsed.spec_error.startswith("spec.interval: ")


def test_a_pending_pod_carries_the_schedulers_own_reason() -> None:
    raw = raw_pod()
    unschedulable = {"type": "PodScheduled", "status": "False", "reason": "Unschedulable", "message": "0/1 nodes"}
    raw["status"] = {"phase": "Pending", "conditions": [unschedulable]}
    parsed = parse_pod(raw)
    assert (parsed.phase, parsed.reason, parsed.message) == ("Pending", "Unschedulable", "0/1 nodes")


def test_a_sidecar_that_is_not_ready_says_why_in_kubernetes_words() -> None:
    raw = raw_pod()
    waiting = {"reason": "ImagePullBackOff", "message": "not found"}
    raw["status"] = {"phase": "Pending", "containerStatuses": [{"name": "sidecar", "state": {"waiting": waiting}}]}
    assert parse_sidecar(raw).message == "ImagePullBackOff: not found"


@pytest.mark.parametrize(
    ("status", "expected"),
    [
        ({"podIP": "10.1.0.1", "hostIP": "10.1.0.1"}, True),
        ({"podIP": "fd00::1", "hostIP": "10.1.0.1", "hostIPs": [{"ip": "10.1.0.1"}, {"ip": "fd00::1"}]}, True),
        ({"podIP": "10.2.0.1", "hostIP": "10.1.0.1", "hostIPs": [{"ip": "10.1.0.1"}]}, False),
        ({"hostIP": "10.1.0.1"}, False),
        ({}, False),
    ],
    ids=["the same", "the second of its node", "its own", "none yet", "nothing known"],
)
def test_a_pod_at_the_address_of_its_node_is_known_as_such(status: dict[str, Any], *, expected: bool) -> None:
    assert parse_pod({**raw_pod(), "status": status}).has_node_address is expected
