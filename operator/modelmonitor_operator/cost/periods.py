"""Days, weeks and months in a time zone: they begin at local midnight, so one of them can have 23 or 25 hours."""

import math
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo

from modelmonitor_api.spec_cost import BudgetPeriod


@dataclass(frozen=True, slots=True)
class Period:
    """A stretch of whole local days.

    Attributes:
        first, after: its first day, and the first that is no longer of it.
        start, end: the same in seconds since the epoch.
    """

    first: date
    after: date
    start: float
    end: float

    def days(self) -> tuple[date, ...]:
        """Its days, in order."""
        return tuple(self.first + timedelta(days=n) for n in range((self.after - self.first).days))


@lru_cache(maxsize=4096)
def midnight(zone: str, day: date) -> float:
    """When a day begins, in seconds since the epoch; where a clock skips midnight, the moment that it skips to."""
    return datetime(day.year, day.month, day.day, tzinfo=ZoneInfo(zone)).timestamp()


def day_of(zone: str, time: float) -> date:
    """The local day of a time in seconds since the epoch."""
    return datetime.fromtimestamp(math.floor(time), ZoneInfo(zone)).date()


def split_by_day(zone: str, start: float, end: float) -> tuple[tuple[date, float, float], ...]:
    """A stretch of time, cut at each local midnight in it."""
    pieces = []
    day = day_of(zone, start)
    while start < end:
        following = day + timedelta(days=1)
        until = min(end, midnight(zone, following))
        if until > start:
            pieces.append((day, start, until))
            start = until
        day = following
    return tuple(pieces)


def period_of(kind: BudgetPeriod, zone: str, time: float) -> Period:
    """The period that a time belongs to. Weeks begin on Monday."""
    day = day_of(zone, time)
    if kind is BudgetPeriod.DAY:
        first, after = day, day + timedelta(days=1)
    elif kind is BudgetPeriod.WEEK:
        first = day - timedelta(days=day.weekday())
        after = first + timedelta(days=7)
    else:
        first = day.replace(day=1)
        after = (first + timedelta(days=31)).replace(day=1)
    return Period(first, after, midnight(zone, first), midnight(zone, after))
