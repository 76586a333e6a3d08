"""The leader keeps ledgers: nothing is charged twice and nothing is lost, whatever happens between two writes."""

from typing import Any

import pytest

from modelmonitor_operator.cost.amounts import Amounts
from modelmonitor_operator.cost.facts import CostState
from modelmonitor_operator.cost.ledger import Beginning
from modelmonitor_operator.errors import (
    ClusterError,
    ConflictError,
    DeposedError,
    ForbiddenError,
    UnavailableError,
)
from modelmonitor_operator.objects import StoredObject
from tests.unit.cost.ledger_house import Clock, Leader, Shelf, busy, raw_monitor, raw_pod

EVERY = 300.0


def begun() -> tuple[Leader, Shelf, Clock]:
    """A leader with one monitor, whose pod began with it."""
    shelf, clock = Shelf(), Clock()
    return Leader(shelf, clock).told(raw_pod()), shelf, clock


async def passes(leader: Leader, clock: Clock, seconds: float, *, step: float = 10.0) -> None:
    """Cycles, while pod p uses half of its GPU."""
    until = clock.passed + seconds
    while clock.passed < until:
        clock.passed += step
        await leader.beat(busy(clock.passed))


def held(shelf: Shelf) -> float:
    return shelf.ledger().total.held_us / 1e6


def shown(leader: Leader) -> Amounts:
    """The total that metrics and status are made from."""
    ledger = leader.book.facts(leader.monitor).ledger
    assert ledger is not None
    return ledger.total


async def test_a_new_monitor_gets_a_ledger_and_its_figures_some_minutes_later() -> None:
    leader, shelf, clock = begun()
    await passes(leader, clock, 20)
    assert [verb for verb, _ in shelf.writes] == ["POST"]
    assert leader.book.facts(leader.monitor).state is CostState.COMMITTED
    await passes(leader, clock, 1.2 * EVERY + 20)
    assert [verb for verb, _ in shelf.writes] == ["POST", "PUT"]
    assert held(shelf) == pytest.approx(EVERY, rel=0.25)


async def test_a_ledger_is_written_at_most_once_in_five_minutes_and_misses_none_of_them() -> None:
    leader, shelf, clock = begun()
    await leader.beat(busy(0))
    await passes(leader, clock, 3600)
    puts = [verb for verb, _ in shelf.writes if verb == "PUT"]
    assert len(puts) in (11, 12)
    facts = leader.book.facts(leader.monitor)
    assert facts.status is not None
    assert float(facts.status.total.usage or 0) == pytest.approx(0.5 * 3.60 * held(shelf) / 3600, abs=0.006)


async def test_nothing_is_written_while_nothing_runs() -> None:
    shelf, clock = Shelf(), Clock()
    leader = Leader(shelf, clock).told()
    for _ in range(200):
        clock.passed += 10
        await leader.beat()
    assert [verb for verb, _ in shelf.writes] == ["POST"]


async def test_figures_are_those_of_the_committed_ledger_alone() -> None:
    leader, shelf, clock = begun()
    await leader.beat(busy(0))
    await passes(leader, clock, 400)
    before = leader.book.facts(leader.monitor)
    await passes(leader, clock, 100)
    assert leader.book.facts(leader.monitor) is before
    assert before.ledger is not None
    assert before.ledger.total == shelf.ledger().total


async def test_a_new_leader_goes_on_from_the_ledger_and_writes_no_earlier() -> None:
    leader, shelf, clock = begun()
    await leader.beat(busy(0))
    await passes(leader, clock, 500)
    writes = len(shelf.writes)
    charged = held(shelf)
    leader.lead()
    await passes(leader, clock, 60)
    assert len(shelf.writes) == writes
    assert shown(leader) == shelf.ledger().total
    await passes(leader, clock, 300)
    assert held(shelf) > charged
    assert held(shelf) <= clock.passed


@pytest.mark.parametrize("failure", [UnavailableError("no answer"), ConflictError("changed", 409)], ids=str)
@pytest.mark.parametrize("when", ["fail_before", "fail_after"])
async def test_a_write_whose_answer_is_lost_is_read_again_and_charges_nothing_twice(
    when: str, failure: ClusterError
) -> None:
    leader, shelf, clock = begun()
    await leader.beat(busy(0))
    await passes(leader, clock, 290)
    setattr(shelf, when, failure)
    await passes(leader, clock, 1000)
    assert leader.errors
    assert clock.passed - EVERY <= held(shelf) <= clock.passed


async def test_a_lost_answer_to_the_first_post_makes_no_second_ledger() -> None:
    leader, shelf, clock = begun()
    shelf.fail_after = UnavailableError("no answer")
    await leader.beat(busy(0))
    await passes(leader, clock, 400)
    assert [verb for verb, _ in shelf.writes] == ["POST", "PUT"]
    assert shelf.ledger().beginning is Beginning.NEW


async def test_two_leaders_charge_once() -> None:
    leader, shelf, clock = begun()
    other = Leader(shelf, clock).told(raw_pod())
    for _ in range(400):
        clock.passed += 10
        for one in (leader, other):
            await one.beat(busy(clock.passed))
    assert clock.passed - 2 * EVERY <= held(shelf) <= clock.passed
    assert all(isinstance(error, ConflictError) for error in (*leader.errors, *other.errors))
    assert leader.errors or other.errors


async def test_a_deposed_leader_writes_nothing_and_remembers_nothing_pending() -> None:
    leader, shelf, clock = begun()
    await leader.beat(busy(0))
    await passes(leader, clock, 290)
    shelf.fail_before = DeposedError("another may lead")
    await passes(leader, clock, 100)
    assert any(isinstance(error, DeposedError) for error in leader.errors)
    assert held(shelf) <= clock.passed


async def test_a_ledger_that_somebody_deleted_begins_again_and_says_so() -> None:
    leader, shelf, clock = begun()
    await leader.beat(busy(0))
    await passes(leader, clock, 1000)
    shelf.remove()
    await passes(leader, clock, 1000)
    assert shelf.ledger().beginning is Beginning.LOST
    assert held(shelf) <= 1000
    assert shown(leader) == shelf.ledger().total


@pytest.mark.parametrize(
    ("old", "new", "fault"),
    [
        ('"used_us":', '"used_us":1', "LedgerEdited"),
        ('"schemaVersion":1', '"schemaVersion":2', "LedgerOfFutureVersion"),
        ('"schemaVersion"', "schema", "LedgerUnreadable"),
    ],
    ids=["edited", "of a future version", "cut off"],
)
async def test_a_ledger_that_is_not_believed_is_not_written_over_until_it_is_put_back(
    old: str, new: str, fault: str
) -> None:
    leader, shelf, clock = begun()
    await leader.beat(busy(0))
    await passes(leader, clock, 400)
    shelf.edit(old, new)
    writes = len(shelf.writes)
    await passes(leader, clock, 1000)
    facts = leader.book.facts(leader.monitor)
    assert (facts.state, facts.reason, facts.ledger) == (CostState.REFUSED, fault, None)
    assert facts.message
    assert len(shelf.writes) == writes
    shelf.edit(new, old)
    await passes(leader, clock, 1000)
    assert leader.book.facts(leader.monitor).state is CostState.COMMITTED
    assert clock.passed - 2 * EVERY <= held(shelf) <= clock.passed


async def test_a_missing_right_is_told_and_what_is_committed_is_still_shown() -> None:
    leader, shelf, clock = begun()
    await leader.beat(busy(0))
    await passes(leader, clock, 400)
    committed = shelf.ledger().total
    shelf.fail_read = ForbiddenError("configmaps is forbidden", 403)
    shelf.fail_before = ForbiddenError("configmaps is forbidden", 403)
    await passes(leader, clock, 600)
    facts = leader.book.facts(leader.monitor)
    assert (facts.state, shown(leader)) == (CostState.UNWRITABLE, committed)
    assert "configmaps is forbidden" in facts.message
    shelf.fail_read = shelf.fail_before = None
    await passes(leader, clock, 600)
    assert leader.book.facts(leader.monitor).state is CostState.COMMITTED
    assert clock.passed - EVERY * 1.2 <= held(shelf) <= clock.passed


async def test_a_monitor_that_is_deleted_gets_its_last_minutes_and_its_ledger_stays() -> None:
    leader, shelf, clock = begun()
    await leader.beat(busy(0))
    await passes(leader, clock, 450)
    leader.intake.monitor_event("DELETED", raw_monitor())
    await leader.work()
    assert held(shelf) == pytest.approx(450)
    await passes(leader, clock, 1000)
    assert held(shelf) == pytest.approx(450)


async def test_a_monitor_that_is_deleted_while_its_ledger_is_written_gets_its_last_seconds() -> None:
    leader, shelf, clock = begun()
    await leader.beat(busy(0))
    await passes(leader, clock, 290)
    replace = shelf.replace

    async def slow(stored: StoredObject, manifest: dict[str, Any]) -> StoredObject:
        shelf.replace = replace  # type: ignore[method-assign]
        clock.passed += 10
        leader.say(leader.readings(busy(clock.passed)))
        leader.intake.monitor_event("DELETED", raw_monitor())
        return await replace(stored, manifest)

    shelf.replace = slow  # type: ignore[method-assign]
    while leader.world.monitors:
        await passes(leader, clock, 10)
    await leader.work()
    assert held(shelf) == pytest.approx(clock.passed, abs=0.1)


async def test_a_monitor_that_is_made_again_under_its_name_gets_another_ledger() -> None:
    leader, shelf, clock = begun()
    await leader.beat(busy(0))
    await passes(leader, clock, 450)
    leader.intake.monitor_event(None, raw_monitor(uid="m2", version=9))
    leader.intake.pods_listed("team-a")
    await passes(leader, clock, 450)
    assert shelf.ledger("m1").total.held_us == pytest.approx(450e6)
    assert shelf.ledger("m2").since == pytest.approx(shelf.ledger("m1").since + 460)
    assert 300e6 <= shelf.ledger("m2").total.held_us <= 450e6


async def test_without_cost_in_the_settings_there_is_no_ledger() -> None:
    shelf, clock = Shelf(), Clock()
    leader = Leader(shelf, clock, cost={"enabled": False}).told(raw_pod())
    await passes(leader, clock, 600)
    assert not shelf.writes
    assert leader.book.facts(leader.monitor).state is CostState.DISABLED


async def test_of_pods_that_ran_before_the_ledger_began_no_more_than_seconds_are_unknown() -> None:
    shelf, clock = Shelf(), Clock()
    clock.passed = 7200
    leader = Leader(shelf, clock).told(raw_pod())
    await passes(leader, clock, 400)
    total = shelf.ledger().total
    assert total.gap_us <= 20e6
    assert total.used_us >= 140e6


async def test_a_sidecar_that_is_restarted_between_two_writes_loses_a_minute_and_not_five() -> None:
    leader, shelf, clock = begun()
    await leader.beat(busy(0))
    await passes(leader, clock, 290)
    began = clock.passed
    for clock.passed in range(300, 700, 10):
        later = busy(clock.passed, start=began).model_copy(update={"since_us": int(began * 1e6)})
        await leader.beat(later, started=began)
    assert shelf.ledger().total.gap_us + shelf.ledger().total.modelled_us <= 70e6
    assert held(shelf) > 500


async def test_a_ledger_is_made_also_where_no_sidecar_tells_of_the_pods() -> None:
    shelf, clock = Shelf(), Clock()
    leader = Leader(shelf, clock).told(raw_pod())
    for clock.passed in range(0, 100, 10):
        await leader.beat(silent=True)
    assert [verb for verb, _ in shelf.writes] == ["POST"]


async def test_a_ledger_that_another_made_first_and_that_is_lost_later_begins_when_it_was_lost() -> None:
    leader, shelf, clock = begun()
    await leader.beat(busy(0))
    other = Leader(shelf, clock).told(raw_pod())
    for clock.passed in (10, 20, 30):
        await other.beat(busy(clock.passed))
    await passes(leader, clock, 1000)
    shelf.remove()
    await passes(leader, clock, 1000)
    assert held(shelf) < 1000
