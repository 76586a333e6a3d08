"""Days, weeks and months begin at local midnight, whatever the clocks do."""

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from modelmonitor_api.spec_cost import BudgetPeriod
from modelmonitor_operator.cost.periods import day_of, midnight, period_of, split_by_day

ZONES = st.sampled_from(
    ["UTC", "Europe/Berlin", "America/Santiago", "Australia/Lord_Howe", "Asia/Kathmandu", "Africa/Cairo"]
)
TIMES = st.floats(datetime(2020, 1, 1, tzinfo=UTC).timestamp(), datetime(2035, 1, 1, tzinfo=UTC).timestamp())


def at(zone: str, *when: int) -> float:
    year, month, day, *rest = when
    return datetime(year, month, day, *rest, tzinfo=ZoneInfo(zone)).timestamp()  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("kind", "zone", "when", "first", "after", "hours"),
    [
        (BudgetPeriod.DAY, "Europe/Berlin", (2027, 3, 28, 12), (2027, 3, 28), (2027, 3, 29), 23),
        (BudgetPeriod.DAY, "Europe/Berlin", (2027, 10, 31, 12), (2027, 10, 31), (2027, 11, 1), 25),
        (BudgetPeriod.WEEK, "UTC", (2027, 1, 3, 23), (2026, 12, 28), (2027, 1, 4), 168),
        (BudgetPeriod.MONTH, "UTC", (2028, 2, 29, 1), (2028, 2, 1), (2028, 3, 1), 29 * 24),
        (BudgetPeriod.MONTH, "America/New_York", (2027, 12, 31, 23), (2027, 12, 1), (2028, 1, 1), 31 * 24),
    ],
    ids=["spring forward", "fall back", "week over new year", "leap february", "december"],
)
def test_a_period_has_its_hours(
    kind: BudgetPeriod,
    zone: str,
    when: tuple[int, ...],
    first: tuple[int, int, int],
    after: tuple[int, int, int],
    hours: int,
) -> None:
    period = period_of(kind, zone, at(zone, *when))
    assert (period.first, period.after) == (date(*first), date(*after))
    assert (period.end - period.start) / 3600 == hours
    assert len(period.days()) == (period.after - period.first).days


def test_a_midnight_that_is_skipped_is_when_the_clock_goes_on() -> None:
    zone = "America/Santiago"
    day = date(2027, 9, 5)
    assert day_of(zone, midnight(zone, day)) == day
    assert day_of(zone, midnight(zone, day) - 1) == date(2027, 9, 4)


@settings(deadline=None)
@given(ZONES, TIMES, st.floats(0, 40 * 86400))
def test_pieces_are_the_whole_and_each_is_of_its_day(zone: str, start: float, length: float) -> None:
    pieces = split_by_day(zone, start, start + length)
    assert sum(end - begin for _, begin, end in pieces) == pytest.approx(length, abs=1e-3)
    for day, begin, end in pieces:
        assert midnight(zone, day) <= begin < end <= midnight(zone, day + timedelta(days=1))


@settings(deadline=None)
@given(ZONES, TIMES, st.sampled_from(BudgetPeriod))
def test_every_moment_is_in_one_period(zone: str, time: float, kind: BudgetPeriod) -> None:
    period = period_of(kind, zone, time)
    assert period.start <= time < period.end
    assert period_of(kind, zone, period.end).first == period.after
