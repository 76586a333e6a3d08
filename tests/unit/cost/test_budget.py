"""How it stands with a budget, and what a period will cost."""

import math
import random
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

import pytest

from modelmonitor_api.spec_cost import Budget, BudgetPeriod
from modelmonitor_operator.cost.amounts import Amounts
from modelmonitor_operator.cost.budget import BudgetState, BudgetView, spending_of, view_budget
from modelmonitor_operator.cost.forecast import UNKNOWN_ERROR, Forecast, Spending, forecast
from modelmonitor_operator.cost.ledger import Ledger, new_ledger
from modelmonitor_operator.cost.periods import midnight, period_of

BEGAN = date(2027, 1, 1)


def daily(day: date) -> Decimal:
    """10 on a weekday, 4 on a weekend's."""
    return Decimal(4) if day.weekday() >= 5 else Decimal(10)


def spending(now: float, of_day: Callable[[date], Decimal] = daily, began: date = BEGAN) -> Spending:
    """Spent evenly over each day, up to now."""
    days: dict[date, Decimal] = {}
    hours: dict[int, Decimal] = {}
    day = began
    while midnight("UTC", day) < now:
        start = midnight("UTC", day)
        part = min(1.0, (now - start) / 86400)
        days[day] = of_day(day) * Decimal(part)
        for hour in range(int(part * 24)):
            hours[int(start // 3600) + hour] = of_day(day) / 24
        day += timedelta(days=1)
    return Spending("UTC", days, hours, midnight("UTC", began))


def ledger(found: Spending, **amounts: int) -> Ledger:
    made = {str(day): Amounts(used=money, **amounts) for day, money in found.days.items()}  # type: ignore[arg-type]
    return replace(new_ledger("uid", found.since), days=made, hours=found.hours)


def at(month: int, day: int, hour: int = 12) -> float:
    return datetime(2027, month, day, hour, tzinfo=UTC).timestamp()


def month_of(now: float, found: Spending | None = None) -> Forecast:
    return forecast(found or spending(now), period_of(BudgetPeriod.MONTH, "UTC", now), now)


def view(amount: str, now: float, found: Spending | None = None, **fields: object) -> BudgetView:
    budget = Budget.model_validate({"amount": amount, **fields})
    return view_budget(ledger(found or spending(now)), budget, now)


def test_a_week_that_repeats_is_forecast_exactly() -> None:
    made = month_of(at(3, 15))
    whole = sum((daily(date(2027, 3, n)) for n in range(1, 32)), Decimal(0))
    assert float(made.expected) == pytest.approx(float(whole), rel=1e-9)
    assert (made.proven, round(made.error, 9)) == (True, 0)
    assert made.low <= made.expected <= made.high


def test_a_range_is_as_wide_as_past_errors() -> None:
    now = at(3, 15)
    noisy = spending(now, lambda day: daily(day) * (1 + Decimal(day.toordinal() * 7 % 5 - 2) / 10))
    made = month_of(now, noisy)
    assert made.proven
    assert 0 < made.error < Decimal("0.2")
    assert made.high - made.expected == made.expected - made.low > 0


@pytest.mark.parametrize("steady", [0.0, 0.7], ids=["days that know nothing of each other", "days like those before"])
def test_nine_of_ten_periods_end_within_their_range(steady: float) -> None:
    chance, inside = random.Random(3), []
    for _ in range(120):
        noise, money = 0.0, {}
        for n in range(90):
            noise = steady * noise + chance.gauss(0, 0.1)
            day = BEGAN + timedelta(days=n)
            money[day] = daily(day) * Decimal(math.exp(noise))
        made = month_of(at(3, 6, 0), spending(at(3, 6, 0), money.__getitem__))
        came = sum((money[day] for day in period_of(BudgetPeriod.MONTH, "UTC", at(3, 6)).days()), Decimal(0))
        inside.append(made.proven and made.low <= came <= made.high)
    assert 0.85 <= sum(inside) / len(inside) <= 0.99


def test_a_ledger_of_an_hour_has_a_forecast_that_says_it_is_a_guess() -> None:
    now = at(3, 15, 1)
    made = month_of(now, spending(now, began=date(2027, 3, 15)))
    assert float(made.expected) == pytest.approx(170, rel=0.01)
    assert (made.proven, made.error) == (False, UNKNOWN_ERROR)


def test_nothing_spent_is_nothing_expected() -> None:
    made = month_of(at(3, 15), spending(at(3, 15), lambda _: Decimal(0)))
    assert (made.expected, made.low, made.high) == (0, 0, 0)


def test_the_rest_of_a_day_follows_the_profile_of_its_hours() -> None:
    now = at(3, 15)
    found = spending(now, lambda _: Decimal(24))
    morning = {hour: Decimal(2) if hour % 24 < 12 else Decimal(0) for hour in found.hours}
    made = forecast(replace(found, hours=morning), period_of(BudgetPeriod.DAY, "UTC", now), now)
    assert made.by_day[0][1] == 0


def test_spent_and_left_are_of_the_present_period() -> None:
    found = view("1000", at(3, 3, 0))
    assert (found.spent, found.left, found.state) == (20, 980, BudgetState.WITHIN)
    assert (found.threshold, found.exhausted_at) == (None, None)


def test_a_budget_that_will_not_do_says_when_it_is_gone() -> None:
    found = view("150", at(3, 15))
    assert (found.state, found.threshold) == (BudgetState.WILL_EXCEED, 80)
    gone = datetime.fromtimestamp(found.exhausted_at or 0, UTC)
    assert (gone.month, gone.day) == (3, 18)


def test_the_first_day_makes_no_budget_one_that_will_not_do() -> None:
    began = date(2027, 3, 14)
    assert view("30", at(3, 14, 23), spending(at(3, 14, 23), began=began)).state is BudgetState.AT_RISK
    assert view("30", at(3, 15, 1), spending(at(3, 15, 1), began=began)).state is BudgetState.WILL_EXCEED


def test_days_without_a_price_are_no_days_without_spending() -> None:
    now = at(3, 15)
    made = ledger(spending(now))
    unpriced = {day: Amounts(idle_us=9, unpriced_us=9) for day in made.days if day < "2027-03-10"}
    hours = {hour: money for hour, money in made.hours.items() if hour * 3600 >= at(3, 10, 0)}
    found = spending_of(replace(made, days={**made.days, **unpriced}, hours=hours))
    assert found.since == at(3, 10, 0)
    assert forecast(found, period_of(BudgetPeriod.DAY, "UTC", now), now).expected > 8


def test_a_budget_within_the_range_is_at_risk() -> None:
    now = at(3, 15)
    noisy = spending(now, lambda day: daily(day) * (1 + Decimal(day.toordinal() * 7 % 5 - 2) / 10))
    expected = month_of(now, noisy).expected
    assert view(f"{expected - 1:.2f}", now, noisy).state is BudgetState.AT_RISK


def test_a_budget_that_is_gone_says_since_when() -> None:
    found = view("25", at(3, 15))
    assert (found.state, found.threshold, found.left < 0) == (BudgetState.EXCEEDED, 100, True)
    assert found.exhausted_at == midnight("UTC", date(2027, 3, 3)) + 43200


def test_a_budget_of_a_day_or_a_week_begins_anew() -> None:
    assert view("100", at(3, 15, 6), period="Day").spent == Decimal("2.5")
    assert view("100", at(3, 17, 0), period="Week").spent == 20


def test_a_budget_without_a_price_is_not_within_anything() -> None:
    now = at(3, 15)
    found = view_budget(ledger(spending(now), unpriced_us=5), Budget(amount="1000"), now)
    assert found.state is BudgetState.NO_PRICE
