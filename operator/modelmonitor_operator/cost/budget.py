"""How it stands with a budget: spent, left, what the period will cost, and when the money is gone."""

from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from enum import StrEnum

from modelmonitor_api.spec_cost import Budget
from modelmonitor_operator.cost.forecast import Forecast, Spending, forecast
from modelmonitor_operator.cost.ledger import Ledger
from modelmonitor_operator.cost.money import ZERO
from modelmonitor_operator.cost.periods import Period, midnight, period_of


class BudgetState(StrEnum):
    """The reason of the condition WithinBudget."""

    WITHIN = "WithinBudget"
    AT_RISK = "BudgetAtRisk"
    """More than the budget is expected; less is still within the range."""
    WILL_EXCEED = "BudgetWillBeExceeded"
    """Even the low end of the range is more than the budget."""
    EXCEEDED = "BudgetExceeded"
    NO_PRICE = "NoPrice"
    """Something that was held has no price, so nobody knows what is spent."""


@dataclass(frozen=True, slots=True)
class BudgetView:
    """A budget in its present period.

    Attributes:
        left: negative once overspent.
        threshold: the highest percentage of the spec that is reached; None before the first.
        exhausted_at: when the money is, or will be, gone in this period; seconds since the epoch, None where it lasts.
    """

    state: BudgetState
    period: Period
    amount: Decimal
    spent: Decimal
    left: Decimal
    projected: Forecast
    threshold: int | None
    exhausted_at: float | None


def spending_of(ledger: Ledger) -> Spending:
    """What a forecast reads from a ledger."""
    days = {date.fromisoformat(day): one.spent for day, one in ledger.days.items()}
    return Spending(ledger.zone, days, ledger.hours, ledger.since)


def view_budget(ledger: Ledger, budget: Budget, now: float) -> BudgetView:
    """How it stands with a budget at a time in seconds since the epoch."""
    spending = spending_of(ledger)
    period = period_of(budget.period, ledger.zone, now)
    amount = Decimal(budget.amount)
    spent = sum((spending.days.get(day, ZERO) for day in period.days()), ZERO)
    projected = forecast(spending, period, now)
    unpriced = any(ledger.days[str(day)].unpriced_us for day in period.days() if str(day) in ledger.days)
    return BudgetView(
        state=_judge(amount, spent, projected, unpriced=unpriced),
        period=period,
        amount=amount,
        spent=spent,
        left=amount - spent,
        projected=projected,
        threshold=max((one for one in budget.thresholds if spent * 100 >= amount * one), default=None),
        exhausted_at=_exhausted_at(spending, period, amount, projected, now),
    )


def _judge(amount: Decimal, spent: Decimal, projected: Forecast, *, unpriced: bool) -> BudgetState:
    if spent >= amount:
        return BudgetState.EXCEEDED
    if unpriced:
        return BudgetState.NO_PRICE
    if projected.proven and projected.low > amount:
        return BudgetState.WILL_EXCEED
    return BudgetState.AT_RISK if projected.expected > amount else BudgetState.WITHIN


def _exhausted_at(spending: Spending, period: Period, amount: Decimal, projected: Forecast, now: float) -> float | None:
    """When the sum of the period's days passes the amount, in proportion within the day."""
    left = amount
    for day in period.days():
        spent = spending.days.get(day, ZERO)
        start = midnight(spending.zone, day)
        if spent and spent >= left:
            end = min(now, midnight(spending.zone, day + timedelta(days=1)))
            return start + float(left / spent) * (end - start)
        left -= spent
    for day, money in projected.by_day:
        start, end = max(now, midnight(spending.zone, day)), midnight(spending.zone, day + timedelta(days=1))
        if money and money >= left:
            return start + float(left / money) * (end - start)
        left -= money
    return None
