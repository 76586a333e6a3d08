"""What a leader sees of pods that come, go, change hands and are out of sight."""

from typing import Any

import pytest

from modelmonitor_operator.cost.measure import GapReason
from modelmonitor_operator.errors import ForbiddenError
from modelmonitor_operator.pod_lives import MAX_ENDED
from modelmonitor_operator.timestamps import render_time
from tests.unit.cost.accounts import NOW
from tests.unit.cost.ledger_house import Clock, Leader, Shelf, busy, ended_pod, raw_monitor, raw_pod

NOTHING: dict[str, Any] = {"metadata": {"uid": "p"}}


async def begun(*pods: dict[str, Any], **given: Any) -> tuple[Leader, Shelf, Clock]:
    """A leader that has made the ledger and may write it every ten seconds."""
    shelf, clock = Shelf(), Clock()
    leader = Leader(shelf, clock, cost={"readNodes": False, "writeSeconds": 10}, cycleSeconds=10, **given)
    leader.told(*pods)
    await leader.beat()
    return leader, shelf, clock


def held(shelf: Shelf, uid: str = "m1") -> float:
    return shelf.ledger(uid).total.held_us / 1e6


async def settle(leader: Leader, *meters: Any) -> None:
    """Cycles until everything that is known is charged and written."""
    for _ in range(4):
        leader.clock.passed += 10
        await leader.beat(*meters)


async def test_a_pod_that_finished_is_charged_to_the_end_of_its_last_container() -> None:
    leader, shelf, clock = await begun(raw_pod())
    clock.passed = 100
    leader.intake.put_pod(ended_pod(end=90))
    await settle(leader, busy(100).model_copy(update={"departed": True, "last_held_us": 90_000_000}))
    assert held(shelf) == pytest.approx(90)
    assert shelf.ledger().checkpoint.pods["p"].done


async def test_a_pod_that_is_deleted_is_remembered_and_charged_to_its_end() -> None:
    leader, shelf, clock = await begun(raw_pod())
    clock.passed = 100
    leader.intake.drop_pod("team-a", ended_pod(end=90))
    await settle(leader, busy(90).model_copy(update={"departed": True, "last_held_us": 90_000_000}))
    assert held(shelf) == pytest.approx(90)
    assert not shelf.ledger().gaps


async def test_a_pod_that_came_and_went_between_two_writes_is_charged() -> None:
    leader, shelf, clock = await begun()
    clock.passed = 3
    leader.intake.put_pod(raw_pod(start=1))
    leader.intake.drop_pod("team-a", ended_pod(start=1, end=4))
    await settle(leader, busy(4, start=1).model_copy(update={"departed": True, "last_held_us": 4_000_000}))
    assert held(shelf) == pytest.approx(3)


@pytest.mark.parametrize("step", [0, 3600, -3600], ids=["clocks agree", "an hour ahead", "an hour behind"])
async def test_a_pod_that_was_deleted_by_force_ends_when_that_was_seen_whatever_the_clocks_say(step: int) -> None:
    leader, shelf, clock = await begun(raw_pod())
    await settle(leader, busy(40))
    clock.step = step
    await leader.beat(busy(40))
    clock.passed = 100
    leader.intake.drop_pod("team-a", NOTHING)
    await settle(leader, busy(140))
    assert held(shelf) == pytest.approx(100, abs=1)


async def test_a_pod_found_gone_by_a_late_list_ends_when_its_sidecar_saw_it_go() -> None:
    leader, shelf, clock = await begun(raw_pod())
    await settle(leader, busy(40))
    clock.passed = 340
    leader.intake.drop_pod("team-a", NOTHING)
    await settle(leader, busy(60).model_copy(update={"departed": True, "last_held_us": 55_000_000}))
    assert held(shelf) == pytest.approx(60)


async def test_what_has_ended_is_forgotten_after_hours_and_never_charged_again() -> None:
    leader, shelf, clock = await begun(raw_pod())
    clock.passed = 100
    leader.intake.put_pod(ended_pod(end=90))
    gone = busy(90).model_copy(update={"departed": True, "last_held_us": 90_000_000})
    await settle(leader, gone)
    for clock.passed in (4000, 9000, 12_000, 20_000):
        await settle(leader)
    assert held(shelf) == pytest.approx(90)
    writes = len(shelf.writes)
    clock.passed = 40_000
    await settle(leader)
    assert len(shelf.writes) == writes


async def test_while_pods_may_not_be_listed_nothing_looks_gone() -> None:
    leader, shelf, clock = await begun(raw_pod())
    await settle(leader, busy(40))
    leader.intake.pods_failed("team-a", ForbiddenError("pods is forbidden", 403))
    writes = len(shelf.writes)
    clock.passed = 5000
    await leader.beat(silent=True)
    await leader.beat(silent=True)
    assert len(shelf.writes) == writes
    leader.intake.pods_listed("team-a")
    clock.passed = 6000
    await settle(leader, busy(6000))
    assert held(shelf) == pytest.approx(6000)
    assert not shelf.ledger().gaps


async def test_nothing_is_charged_before_the_pods_are_listed() -> None:
    leader, shelf, clock = await begun(raw_pod())
    await settle(leader, busy(40))
    fresh = Leader(shelf, clock, cost={"readNodes": False, "writeSeconds": 10}, cycleSeconds=10)
    fresh.intake.monitor_event(None, raw_monitor())
    writes = len(shelf.writes)
    await settle(fresh, busy(80))
    assert len(shelf.writes) == writes


async def test_a_node_that_is_silent_for_an_hour_is_a_gap_and_no_sooner() -> None:
    leader, shelf, clock = await begun(raw_pod())
    await settle(leader, busy(40))
    clock.passed = 3500
    await leader.beat(silent=True)
    assert not shelf.ledger().gaps
    clock.passed = 4000
    for _ in range(3):
        clock.passed += 10
        await leader.beat(silent=True)
    assert set(shelf.ledger().gaps) == {GapReason.NODE_SILENT}


async def test_the_older_of_two_monitors_pays_and_the_younger_takes_over_when_it_goes() -> None:
    leader, shelf, _ = await begun(raw_pod())
    younger = raw_monitor(uid="m2", name="second")
    younger["metadata"]["creationTimestamp"] = render_time(NOW + 5)
    leader.intake.monitor_event(None, younger)
    await settle(leader, busy(40))
    await settle(leader, busy(80))
    assert (held(shelf), held(shelf, "m2")) == (80, 0)
    leader.intake.monitor_event("DELETED", raw_monitor())
    for until in (120, 160, 200):
        await settle(leader, busy(until))
    assert held(shelf) == pytest.approx(80)
    assert 80 <= held(shelf, "m2") <= 120


async def test_a_pod_that_is_newly_selected_is_charged_from_then() -> None:
    leader, shelf, clock = await begun(raw_pod(labels={"app": "other"}))
    clock.passed = 500
    leader.intake.put_pod(raw_pod())
    clock.passed = 560
    await settle(leader, busy(600))
    assert held(shelf) == pytest.approx(100, abs=1)


async def test_a_pod_that_a_changed_selector_reaches_is_charged_from_then() -> None:
    leader, shelf, clock = await begun(raw_pod(labels={"app": "other"}))
    clock.passed = 500
    leader.intake.monitor_event("MODIFIED", raw_monitor(version=2, selector={"matchLabels": {"app": "other"}}))
    clock.passed = 560
    await settle(leader, busy(600))
    assert held(shelf) == pytest.approx(100, abs=1)


async def test_a_pod_that_is_no_longer_selected_is_not_charged_any_more() -> None:
    leader, shelf, _ = await begun(raw_pod())
    await settle(leader, busy(40))
    leader.intake.put_pod(raw_pod(labels={"app": "other"}))
    for until in (80, 120):
        await settle(leader, busy(until))
    leader.intake.drop_pod("team-a", NOTHING)
    await settle(leader, busy(160))
    assert held(shelf) == pytest.approx(40)
    assert not shelf.ledger().gaps


async def test_a_sidecar_that_does_not_speak_for_its_node_is_not_believed() -> None:
    leader, shelf, clock = await begun(raw_pod())
    await settle(leader, busy(40))
    index = leader.readings(busy(1000))
    stolen = {"n2": index["n1"]}
    leader.say(stolen)
    clock.passed = 1000
    await leader.work()
    assert held(shelf) == pytest.approx(40)


async def test_the_memory_of_pods_that_went_is_bounded() -> None:
    leader, _, clock = await begun()
    for n in range(MAX_ENDED + 100):
        leader.intake.put_pod(raw_pod(f"p{n}"))
        leader.intake.drop_pod("team-a", {"metadata": {"uid": f"p{n}"}})
    ended = leader.world.lives.ended("team-a", clock.monotonic())
    assert [next(iter(ended)).uid, len(tuple(ended))] == ["p100", MAX_ENDED]
    assert not leader.world.lives.ended("team-a", clock.monotonic() + 3 * 3600 + 1)


async def test_a_pod_that_is_unselected_and_deleted_between_two_looks_is_not_charged_for_its_last_minutes() -> None:
    leader, shelf, clock = await begun(raw_pod())
    await settle(leader, busy(40))
    leader.intake.put_pod(raw_pod(labels={"app": "other"}))
    leader.intake.drop_pod("team-a", NOTHING)
    clock.passed = 100
    await settle(leader, busy(100).model_copy(update={"departed": True, "last_held_us": 90_000_000}))
    assert held(shelf) == pytest.approx(40)
    assert not shelf.ledger().gaps


async def test_a_pod_that_finished_while_nobody_led_for_hours_is_charged_to_its_end_and_no_further() -> None:
    leader, shelf, clock = await begun(raw_pod())
    await settle(leader, busy(40))
    clock.passed = 5 * 3600
    fresh = Leader(shelf, clock, cost={"readNodes": False, "writeSeconds": 10}, cycleSeconds=10)
    fresh.told(ended_pod(end=600))
    await settle(fresh)
    assert held(shelf) == pytest.approx(600)
