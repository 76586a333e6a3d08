"""The status tells the truth: when somebody edits it, when a write is refused, when a right or a version changes."""

from collections.abc import Mapping
from dataclasses import replace

import pytest

from modelmonitor_api.names import MonitorRef
from modelmonitor_operator.adapters.monitors import parse_monitor
from modelmonitor_operator.cycle import Cycle
from modelmonitor_operator.errors import (
    ForbiddenError,
    UnavailableError,
)
from modelmonitor_operator.keys import FleetKey, Key, PlanKey, StatusKey
from modelmonitor_operator.objects import DAEMON_SET, NODE_PLAN, StoredObject
from modelmonitor_operator.observed import NodeReading, SidecarPod
from modelmonitor_operator.reconcile.changes import ApplyStatus
from modelmonitor_operator.telemetry import Telemetry
from modelmonitor_operator.verdicts import observe_fleet
from tests.unit.operator.house import REF, House, raw_monitor, raw_pod
from tests.unit.operator.worlds import stored


async def judged(house: House) -> None:
    """A monitor whose status has been written."""
    house.listed()
    house.intake.monitor_event("ADDED", raw_monitor())
    house.intake.pods_listed("team-a")
    await house.reconcile(StatusKey(REF))
    house.asked.clear()
    house.cluster.written.clear()


def written_kinds(house: House) -> list[str]:
    return [ref.kind.kind for _verb, ref in house.cluster.written if ref.kind.kind != "Event"]


async def test_the_watch_tells_nothing_new_about_a_status_that_was_written() -> None:
    house = House()
    await judged(house)
    version = house.world.monitors[REF].resource_version
    house.intake.monitor_event("MODIFIED", {**raw_monitor(version=version), "status": house.cluster.status})
    assert house.asked == []
    house.intake.monitor_event("MODIFIED", {**raw_monitor(version="900"), "status": house.cluster.status})
    assert house.asked == []
    assert house.world.monitors[REF].resource_version == "900"


async def test_a_status_that_the_watch_brings_before_the_answer_to_its_write_asks_for_nothing() -> None:
    house = House()
    await judged(house)
    house.clock.now += 400.0
    write = house.cluster.apply_status

    async def write_and_be_overtaken(change: ApplyStatus) -> StoredObject:
        answer = await write(change)
        house.intake.monitor_event(
            "MODIFIED", {**raw_monitor(version=answer.resource_version), "status": change.status}
        )
        return answer

    house.cluster.apply_status = write_and_be_overtaken  # type: ignore[method-assign]
    before = house.world.monitors[REF].status
    await house.reconcile(StatusKey(REF))
    assert house.world.monitors[REF].status != before
    assert house.asked == []
    await house.reconcile(StatusKey(REF))
    assert written_kinds(house) == ["ModelMonitor"]


@pytest.mark.parametrize("kept", [None, {}], ids=["status removed", "status emptied"])
async def test_a_status_that_somebody_takes_away_is_asked_for_also_by_a_leader_that_has_written_none(
    kept: dict[str, object] | None,
) -> None:
    house = House()
    await judged(house)
    house.world.our_statuses.clear()
    house.intake.monitor_event("MODIFIED", {**raw_monitor(version="900"), "status": kept})
    assert house.asked == [StatusKey(REF)]


async def test_a_status_that_the_server_changes_on_its_way_is_known_as_the_server_has_it() -> None:
    house = House()
    await judged(house)
    house.clock.now += 400.0
    write = house.cluster.apply_status

    async def change_on_the_way(change: ApplyStatus) -> StoredObject:
        return await write(replace(change, status={**change.status, "observedGeneration": 77}))

    house.cluster.apply_status = change_on_the_way  # type: ignore[method-assign]
    await house.reconcile(StatusKey(REF))
    known = house.world.monitors[REF].status
    assert known is not None
    assert known.observed_generation == 77


async def test_a_status_that_somebody_edits_is_put_right_once() -> None:
    house = House()
    await judged(house)
    house.clock.now += 6.0
    edited = {**(house.cluster.status or {}), "observedGeneration": 77}
    house.intake.monitor_event("MODIFIED", {**raw_monitor(version="900"), "status": edited})
    assert house.asked == [StatusKey(REF)]
    house.cluster._version = 900
    for _ in range(3):
        await house.reconcile(StatusKey(REF))
    assert written_kinds(house) == ["ModelMonitor"]
    assert (house.cluster.status or {})["observedGeneration"] == 1


async def test_somebody_who_edits_the_status_all_the_time_is_answered_every_five_seconds() -> None:
    house = House()
    await judged(house)
    house.cluster._version = 10_000
    for second in range(20):
        house.clock.now += 1.0
        known = int(house.world.monitors[REF].resource_version)
        edited = {**(house.cluster.status or {}), "observedGeneration": 77 + second}
        house.intake.monitor_event("MODIFIED", {**raw_monitor(version=str(known + 1)), "status": edited})
        await house.reconcile(StatusKey(REF))
    assert written_kinds(house) == ["ModelMonitor"] * 4


async def test_a_version_that_came_while_a_write_was_on_its_way_is_not_forgotten() -> None:
    house = House()
    await judged(house)
    house.intake.monitor_event("MODIFIED", {**raw_monitor(version="900"), "status": house.cluster.status})
    older = stored(DAEMON_SET, {"metadata": {"name": "modelmonitor-sidecar", "namespace": "system"}}, "d1", "500")
    newer = stored(DAEMON_SET, {"metadata": {"name": "modelmonitor-sidecar", "namespace": "system"}}, "d1", "501")
    house.world.put_stored(newer)
    house.world.put_stored(older)
    assert house.world.stored[newer.ref] is newer
    house.clock.now += 400.0
    await house.reconcile(StatusKey(REF))
    assert written_kinds(house) == ["ModelMonitor"]
    assert house.world.monitors[REF].resource_version == "900"


async def test_what_the_api_server_refuses_is_told_to_the_users_until_it_is_accepted() -> None:
    house = House().listed()
    house.intake.monitor_event("ADDED", raw_monitor())
    house.cluster.fail = ForbiddenError("daemonsets.apps is forbidden: exceeded quota", 403)
    with pytest.raises(ForbiddenError):
        await house.reconcile(FleetKey())
    problem = observe_fleet(house.settings, house.world).problem
    assert problem.startswith("DaemonSet system/modelmonitor-sidecar cannot be written, the API server says: ")
    assert "exceeded quota" in problem
    house.cluster.fail = None
    await house.reconcile(FleetKey())
    assert observe_fleet(house.settings, house.world).problem == ""


async def test_a_problem_with_one_nodes_plan_is_told_to_the_monitors_of_that_node_alone() -> None:
    house = House().listed()
    house.intake.monitor_event("ADDED", raw_monitor())
    house.intake.monitor_event(
        "ADDED", {**raw_monitor("other", "m2"), "spec": {"selector": {"matchLabels": {"a": "b"}}}}
    )
    house.intake.pods_listed("team-a")
    house.intake.put_pod(raw_pod())
    house.intake.put_pod(raw_pod("t2", node="n2", a="b"))
    await house.reconcile(FleetKey())
    house.intake.put_stored(
        NODE_PLAN, {"metadata": {"name": "n1", "namespace": "system", "uid": "x", "resourceVersion": "1"}}
    )
    await house.reconcile(PlanKey("n1"))
    house.verdicts.begin_cycle({})
    told = []
    for name in ("fraud", "other"):
        house.verdicts.judge(house.world.monitors[MonitorRef("team-a", name)])
        pending = house.verdicts.pending(house.world.monitors[MonitorRef("team-a", name)])
        assert pending is not None
        told.append("NodePlan system/n1 is not the operator's" in str(pending[1]))
    assert told == [True, False]


async def test_a_monitor_that_cannot_be_judged_holds_up_no_other() -> None:
    house = House().listed()
    for name, uid in (("bad", "m1"), ("good", "m2")):
        house.intake.monitor_event("ADDED", raw_monitor(name, uid))
    house.intake.pods_listed("team-a")
    bad = house.world.monitors[MonitorRef("team-a", "bad")]
    assert bad.spec is not None
    broken = bad.spec.model_copy(update={"interval": "a defect"})
    house.world.monitors[bad.ref] = replace(bad, spec=broken)
    asked: list[Key] = []
    cycle = Cycle(house.world, house.verdicts, NoSidecars(), house.clock, Telemetry("test"))
    await cycle.beat((), asked.append)
    assert asked == [StatusKey(bad.ref), StatusKey(MonitorRef("team-a", "good"))]
    with pytest.raises(ValueError, match="a defect"):
        await house.reconcile(StatusKey(bad.ref))


class NoSidecars:
    """A fleet without sidecars."""

    async def poll(self, _sidecars: Mapping[str, SidecarPod], _keys: tuple[bytes, ...]) -> Mapping[str, NodeReading]:
        return {}


def test_a_right_that_is_taken_away_is_told_although_pods_are_known() -> None:
    house = House().listed()
    house.intake.monitor_event("ADDED", raw_monitor())
    house.intake.put_pod(raw_pod())
    house.intake.pods_listed("team-a")
    house.intake.pods_failed("team-a", UnavailableError("restarting"))
    assert house.world.unlistable == {}
    house.intake.pods_failed("team-a", ForbiddenError("pods is forbidden", 403))
    assert "pods is forbidden" in house.world.unlistable["team-a"]
    monitor = house.world.monitors[REF]
    house.verdicts.judge(monitor)
    pending = house.verdicts.pending(monitor)
    assert pending is not None
    ready = next(one for one in pending[1].conditions if one.type == "Ready")
    assert (ready.status, ready.reason) == ("False", "PodsNotListed")
    house.intake.pods_listed("team-a")
    assert house.world.unlistable == {}


def test_a_status_of_a_newer_version_keeps_what_this_one_understands() -> None:
    known = {
        "code": "ModelFailing",
        "severity": "Critical",
        "object": {"kind": "Model", "name": "fast:1"},
        "message": "fails",
        "since": "2026-01-01T00:00:00Z",
    }
    condition = {
        "type": "Ready",
        "status": "True",
        "reason": "Monitoring",
        "lastTransitionTime": "2026-01-01T00:00:00Z",
    }
    status = {
        "observedGeneration": 3,
        "conditions": [condition, {**condition, "type": "OfALaterVersion"}],
        "health": {"state": "Unhealthy", "findings": [known, {**known, "code": "CanaryFailing"}]},
    }
    parsed = parse_monitor({**raw_monitor(), "status": status}).status
    assert parsed is not None
    assert [finding.code for finding in parsed.health.findings] == ["ModelFailing"]
    assert [one.type for one in parsed.conditions] == ["Ready"]
    assert parsed.health.state == "Unhealthy"
    assert parsed.observed_generation == 0, "so that it is written anew"


def test_a_status_of_which_nothing_can_be_read_is_none() -> None:
    assert parse_monitor({**raw_monitor(), "status": {"health": {"state": "Excellent"}}}).status is None
