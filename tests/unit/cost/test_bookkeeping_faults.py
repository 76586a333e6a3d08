"""Hours of crashes, lost answers, two leaders and clocks that are set: at the end the time that was held is charged."""

import random

import pytest

from modelmonitor_operator.errors import ConflictError, ThrottledError, UnavailableError
from tests.unit.cost.ledger_house import Clock, Leader, Shelf, busy, raw_monitor, raw_pod

FAULTS = (UnavailableError("no answer"), ConflictError("changed", 409), ThrottledError("later", 429, 1.0))
HOURS = 3


async def live(seed: int) -> tuple[Shelf, Clock, int]:
    """Two operators of which one, the other, or both lead; how many faults there were."""
    chance, shelf, clock = random.Random(seed), Shelf(), Clock()
    both = [Leader(shelf, clock).told(raw_pod()) for _ in range(2)]
    leading, faults = [both[0]], 0
    while clock.passed < HOURS * 3600:
        clock.passed += 10
        if chance.random() < 0.02:
            leading = chance.choice([[both[0]], [both[1]], both])
            for one in leading:
                one.lead()
        if chance.random() < 0.05:
            setattr(shelf, chance.choice(["fail_before", "fail_after"]), chance.choice(FAULTS))
            faults += 1
        if chance.random() < 0.01:
            clock.step = chance.choice([-3600.0, 0.0, 3600.0])
        for one in leading:
            await one.beat(busy(clock.passed))
    shelf.fail_before = shelf.fail_after = None
    both[0].lead()
    for _ in range(80):
        clock.passed += 10
        await both[0].beat(busy(clock.passed))
    return shelf, clock, faults


@pytest.mark.parametrize("seed", range(8))
async def test_whatever_fails_everything_is_charged_once(seed: int) -> None:
    shelf, clock, faults = await live(seed)
    total = shelf.ledger().total
    assert faults > 20
    assert clock.passed - 400 <= total.held_us / 1e6 <= clock.passed
    assert total.used_us == pytest.approx((total.held_us - total.gap_us) / 2, abs=15e6)
    assert total.gap_us <= 20e6


async def test_what_pods_hold_while_their_monitor_is_suspended_is_charged_when_it_goes_on() -> None:
    shelf, clock = Shelf(), Clock()
    leader = Leader(shelf, clock).told(raw_pod())
    for clock.passed in range(0, 700, 10):
        await leader.beat(busy(clock.passed))
    leader.intake.monitor_event("MODIFIED", raw_monitor(version=2, suspend=True))
    for clock.passed in range(700, 4000, 10):
        await leader.beat()
    assert not shelf.ledger().gaps
    leader.intake.monitor_event("MODIFIED", raw_monitor(version=3))
    for clock.passed in range(4000, 5000, 10):
        again = busy(clock.passed, start=4000).model_copy(update={"since_us": 4_000_000_000})
        await leader.beat(again)
    total = shelf.ledger().total
    assert clock.passed - 400 <= total.held_us / 1e6 <= clock.passed
    assert total.gap_us + total.modelled_us == pytest.approx(3300e6, abs=70e6)
