"""How it stands with a budget: spent, left, what the period will cost, and when the money is gone."""

from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from enum import StrEnum

from modelmonitor_api.spec_cost import Budget, CostSpec
from modelmonitor_operator.cost.amounts import NOTHING, Amounts, add_up
from modelmonitor_operator.cost.forecast import Forecast, Spending, forecast
from modelmonitor_operator.cost.ledger import Ledger
from modelmonitor_operator.cost.money import ZERO
from modelmonitor_operator.cost.periods import Period, midnight, period_of

_PRICED_PARTS = 20
HOUR, DAY = 3600, 86400


class BudgetState(StrEnum):
    """The reason of the condition WithinBudget."""

    WITHIN = "WithinBudget"
    AT_RISK = "BudgetAtRisk"
    """More than the budget is expected; less is still within the range."""
    WILL_EXCEED = "BudgetWillBeExceeded"
    """Even the low end of the range is more than the budget."""
    EXCEEDED = "BudgetExceeded"
    NO_PRICE = "NoPrice"
    """More than one part in twenty of what was held has no price, so nobody knows what is spent."""


@dataclass(frozen=True, slots=True)
class BudgetView:
    """A budget in its present period.

    Attributes:
        left: negative once overspent.
        threshold: the highest percentage of the spec that is reached; None before the first.
        exhausted_at: when the money is, or will be, gone in this period; seconds since the epoch, None where it lasts.
        unpriced_us: device time of the period that has no price.
    """

    state: BudgetState
    period: Period
    amount: Decimal
    spent: Decimal
    left: Decimal
    projected: Forecast
    threshold: int | None
    exhausted_at: float | None
    unpriced_us: int = 0


def is_priced(amounts: Amounts) -> bool:
    """Whether the money of some time says what it cost: at most one part in twenty has no price."""
    return amounts.unpriced_us * _PRICED_PARTS <= amounts.held_us


def spending_of(ledger: Ledger) -> Spending:
    """What a forecast reads from a ledger: days without a price are no days without spending."""
    days = {date.fromisoformat(day): one.spent for day, one in ledger.days.items()}
    return Spending(ledger.zone, days, ledger.hours, _priced_since(ledger))


def _priced_since(ledger: Ledger) -> float:
    """Since when what is held has a price."""
    last = max((day for day, one in ledger.days.items() if not is_priced(one)), default=None)
    if last is None:
        return ledger.since
    day = date.fromisoformat(last)
    start, end = midnight(ledger.zone, day), midnight(ledger.zone, day + timedelta(days=1))
    priced = (hour * HOUR for hour, money in ledger.hours.items() if money and start <= hour * HOUR < end)
    return max(ledger.since, min(priced, default=end))


def has_other_currency(ledger: Ledger, spec: CostSpec | None) -> bool:
    """Whether a ModelMonitor speaks of another currency than its ledger: locked prices, or one that it has just set."""
    return spec is not None and spec.currency is not None and spec.currency is not ledger.currency


def budget_of(ledger: Ledger, spec: CostSpec | None, now: float) -> BudgetView | None:
    """How it stands with a ModelMonitor's budget; None without one, and for one in another currency."""
    if spec is None or spec.budget is None or has_other_currency(ledger, spec):
        return None
    return view_budget(ledger, spec.budget, now)


def view_budget(ledger: Ledger, budget: Budget, now: float) -> BudgetView:
    """How it stands with a budget at a time in seconds since the epoch."""
    spending = spending_of(ledger)
    period = period_of(budget.period, ledger.zone, now)
    amount = Decimal(budget.amount)
    amounts = add_up(*(ledger.days.get(str(day), NOTHING) for day in period.days()))
    spent = amounts.spent
    projected = forecast(spending, period, now)
    unknown = not is_priced(amounts) and spent < amount
    sure = projected.proven or now - spending.since >= DAY
    return BudgetView(
        state=BudgetState.NO_PRICE if unknown else _judge(amount, spent, projected, sure=sure),
        period=period,
        amount=amount,
        spent=spent,
        left=amount - spent,
        projected=projected,
        threshold=max((one for one in budget.thresholds if spent * 100 >= amount * one), default=None),
        exhausted_at=_exhausted_at(spending, period, amount, projected, now),
        unpriced_us=amounts.unpriced_us,
    )


def _judge(amount: Decimal, spent: Decimal, projected: Forecast, *, sure: bool) -> BudgetState:
    """The state; the first day says nothing sure, for what runs an hour need not run a month."""
    if spent >= amount:
        return BudgetState.EXCEEDED
    if sure and projected.low > amount:
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
