"""What will be spent: the recent level, a profile of the week and of the day, and how wrong that has been before.

The forecast of a day is a level times the factor of its weekday. The level is a mean of the last four weeks' days, each
freed of its weekday's factor, in which a day counts half as much as one ten days later; factors need two whole weeks.
What is left of today follows the profile of the last week's hours. The range is taken from the forecast's own past:
from each of the past days what comes is forecast, a week of it at most, and the next such error lies within the range
nine times of ten, were it drawn as those before it were. Of longer stretches there are too few, and those share most of
their days.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from itertools import pairwise

from modelmonitor_operator.cost.money import ZERO
from modelmonitor_operator.cost.periods import Period, day_of, midnight

HISTORY_DAYS = 28
"""Whole days that a forecast is made from."""
PROVING_DAYS = 38
"""Whole days that forecasts are tried on; the ledger keeps a little more."""
WEEKDAY_DAYS = 14
"""Whole days that weekdays' factors need."""
_DECAY = Decimal("0.933")
"""A day's weight, against the day after it: half after ten days."""
ERROR_DAYS = 7
"""Days that a past error is about, at most; where the load is steady, the share of a longer stretch is no larger."""
LEAST_ERRORS = 9
"""With fewer, not even the largest of them is one that nine of ten stay below."""
UNKNOWN_ERROR = Decimal("0.5")
"""Half the range where too little is known of past errors."""
ONE = Decimal(1)


@dataclass(frozen=True, slots=True)
class Spending:
    """What has been spent, as the ledger has it.

    Attributes:
        days: by local day.
        hours: by hours since the epoch, of the last days.
        since: when the ledger began; seconds since the epoch.
    """

    zone: str
    days: Mapping[date, Decimal]
    hours: Mapping[int, Decimal]
    since: float


@dataclass(frozen=True, slots=True)
class Forecast:
    """What a period will have cost at its end.

    Attributes:
        low, high: by past errors it ends between them nine times of ten.
        error: half the range as a share of what is still to come.
        by_day: what each day, the present one's rest first, is expected to add.
        proven: whether the range is that of past errors.
    """

    expected: Decimal
    low: Decimal
    high: Decimal
    error: Decimal
    by_day: tuple[tuple[date, Decimal], ...]
    proven: bool


def forecast(spending: Spending, period: Period, now: float) -> Forecast:
    """What a period will have cost at its end.

    Args:
        now: seconds since the epoch, in the period.
    """
    today = day_of(spending.zone, now)
    spent = sum((spending.days.get(day, ZERO) for day in period.days()), ZERO)
    history = _history(spending, today, now)
    remaining = [day for day in period.days() if day > today]
    ahead = _expect(history, [today, *remaining])
    first = ahead[0] * _rest_of_day(spending, today, now)
    by_day = tuple(zip([today, *remaining], [first, *ahead[1:]], strict=True))
    to_come = sum((money for _, money in by_day), ZERO)
    error = _past_error(history, max(1, len(remaining)))
    half = to_come * (UNKNOWN_ERROR if error is None else error)
    known = error is not None
    return Forecast(spent + to_come, spent + to_come - half, spent + to_come + half, _or(error), by_day, known)


def _or(error: Decimal | None) -> Decimal:
    return UNKNOWN_ERROR if error is None else error


def _history(spending: Spending, today: date, now: float) -> list[tuple[date, Decimal]]:
    """Whole days before today, oldest first; today's own rate where there is none."""
    began = day_of(spending.zone, spending.since)
    first = max(began + timedelta(days=1), today - timedelta(days=PROVING_DAYS))
    days = [first + timedelta(days=n) for n in range((today - first).days)]
    if days:
        return [(day, spending.days.get(day, ZERO)) for day in days]
    start = max(spending.since, midnight(spending.zone, began))
    elapsed = Decimal(max(60.0, now - start)) / 86400
    known = sum((spending.days.get(day, ZERO) for day in {began, today}), ZERO)
    return [(today - timedelta(days=1), known / elapsed)]


def _expect(history: Sequence[tuple[date, Decimal]], days: Sequence[date]) -> list[Decimal]:
    """The money of each of some days, by what is known of the days before them."""
    history = history[-HISTORY_DAYS:]
    factors = _weekday_factors(history)
    level, weights, weight = ZERO, ZERO, ONE
    for day, money in reversed(history):
        factor = factors[day.weekday()]
        if factor:
            level += weight * money / factor
            weights += weight
        weight *= _DECAY
    level = level / weights if weights else ZERO
    return [level * factors[day.weekday()] for day in days]


def _weekday_factors(history: Sequence[tuple[date, Decimal]]) -> list[Decimal]:
    """How much of an average day each weekday is; 1 for all of them before there are two weeks."""
    whole = len(history) // 7 * 7
    if whole < WEEKDAY_DAYS:
        return [ONE] * 7
    recent = history[-whole:]
    mean = sum((money for _, money in recent), ZERO) / whole
    if not mean:
        return [ONE] * 7
    sums = [ZERO] * 7
    for day, money in recent:
        sums[day.weekday()] += money
    return [one / (whole // 7) / mean for one in sums]


def _rest_of_day(spending: Spending, today: date, now: float) -> Decimal:
    """What part of a day's money is spent after this time of the day."""
    start, end = midnight(spending.zone, today), midnight(spending.zone, today + timedelta(days=1))
    plain = Decimal(max(0.0, end - now)) / Decimal(end - start)
    past = [today - timedelta(days=n) for n in range(7, -1, -1)]
    edges = [midnight(spending.zone, day) for day in past]
    whole = after = ZERO
    for begin, until in pairwise(edges):
        if begin < spending.since:
            continue
        whole += _between(spending.hours, begin, until)
        after += _between(spending.hours, begin + (now - start), until)
    return after / whole if whole else plain


def _between(hours: Mapping[int, Decimal], start: float, end: float) -> Decimal:
    """Money between two times; an hour that is cut counts in proportion."""
    total = ZERO
    for hour in range(int(start // 3600), int(-(-end // 3600))):
        part = min(end, (hour + 1) * 3600) - max(start, hour * 3600)
        if part > 0 and hour in hours:
            total += hours[hour] * Decimal(part) / 3600
    return total


def _past_error(history: Sequence[tuple[date, Decimal]], length: int) -> Decimal | None:
    """How wrong forecasts of so many days have been, as a share: nine times of ten the next is no more wrong.

    With n past errors that is the smallest that 9/10 of n + 1 do not exceed (split conformal prediction). Source:
    https://arxiv.org/abs/1604.04173, section 2.
    """
    length = min(length, ERROR_DAYS, max(1, len(history) // 2))
    errors = []
    for origin in range(min(WEEKDAY_DAYS, len(history) // 2), len(history) - length + 1):
        ahead = history[origin : origin + length]
        meant = sum(_expect(history[:origin], [day for day, _ in ahead]), ZERO)
        came = sum((money for _, money in ahead), ZERO)
        if meant:
            errors.append(abs(came - meant) / meant)
    if len(errors) < LEAST_ERRORS:
        return None
    return sorted(errors)[-(-9 * (len(errors) + 1) // 10) - 1]
