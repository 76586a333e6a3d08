"""WithinBudget: how it stands with `spec.cost.budget`, and what keeps the money from being told.

A budget that is at risk is still kept, so the condition stays True and its reason says BudgetAtRisk: False is for what
somebody has to act on. Nothing that is not known is True.
"""

from collections.abc import Mapping
from decimal import Decimal

from modelmonitor_api.status import Condition, ConditionStatus, ConditionType
from modelmonitor_api.status_cost import CostObstacle, CostStatus
from modelmonitor_operator.cost.budget import BudgetState, BudgetView
from modelmonitor_operator.cost.facts import CostFacts, CostState
from modelmonitor_operator.cost.ledger import Beginning
from modelmonitor_operator.cost.money import render_hours, render_money
from modelmonitor_operator.rollup.claim import Claim
from modelmonitor_operator.rollup.inputs import RollupInput
from modelmonitor_operator.timestamps import render_time

_TRUE, _FALSE, _UNKNOWN = ConditionStatus.TRUE, ConditionStatus.FALSE, ConditionStatus.UNKNOWN
_CLEAR = Decimal("0.98")
"""A forecast has to fall to this share of the budget before a warning that it gave is taken back."""
_WITHOUT_LEDGER = ("Suspended", "InvalidSpec", "PodsNotListed", CostState.DISABLED)
NO_BUDGET = "NoBudget"
BUDGET_REASONS: Mapping[str, ConditionStatus] = {
    BudgetState.WITHIN: _TRUE,
    BudgetState.AT_RISK: _TRUE,
    BudgetState.WILL_EXCEED: _FALSE,
    BudgetState.EXCEEDED: _FALSE,
}
"""What a budget that can be judged makes of the condition."""
_MENDS: Mapping[CostState, str] = {
    CostState.DISABLED: "the operator keeps no ledgers: cost.enabled of the chart is false",
    CostState.PENDING: "the ledger has not been read yet: wait a minute",
    CostState.REFUSED: "the ledger cannot be believed",
    CostState.UNWRITABLE: "the ledger cannot be read or written",
}


def _claim(status: ConditionStatus, reason: str, message: str) -> Claim:
    return Claim(ConditionType.WITHIN_BUDGET, status, reason, message)


def rest_budget(reason: str) -> Claim:
    """The condition of a monitor that nothing is read for."""
    return _claim(_UNKNOWN, reason, "")


def carry_cost(given: RollupInput, kept: CostStatus | None) -> CostStatus | None:
    """What the status says about cost: as the ledger has it, or as it was while the ledger cannot be read."""
    facts = given.cost
    if facts.status is not None:
        return facts.status
    return kept if facts.state in (CostState.PENDING, CostState.UNWRITABLE) else None


def claim_budget(given: RollupInput, before: Condition | None) -> Claim:
    """Whether the budget is kept.

    Args:
        before: WithinBudget as it was.
    """
    facts = given.cost
    if facts.state is CostState.PENDING and _holds(before, given.monitor.generation):
        return _claim(before.status, before.reason, before.message) if before else rest_budget(facts.state)
    if facts.state in _MENDS or facts.status is None:
        return _fault(facts)
    return (
        _unpriced(facts.status, facts.budget)
        or _other_currency(given, facts)
        or _judge(facts.status, facts.budget, before)
    )


def _holds(before: Condition | None, generation: int) -> bool:
    """Whether what was said before a restart is about this spec, and came from a ledger."""
    return before is not None and before.observed_generation == generation and before.reason not in _WITHOUT_LEDGER


def _fault(facts: CostFacts) -> Claim:
    """Why nothing can be said; a budget that was gone at the last write of the ledger is gone still."""
    state = CostState.PENDING if facts.state is CostState.COMMITTED else facts.state
    message = facts.message or _MENDS[state]
    budget, cost = facts.budget, facts.status
    if budget is not None and cost is not None and budget.state is BudgetState.EXCEEDED:
        return _claim(_FALSE, BudgetState.EXCEEDED, f"{_exceeded(budget, cost)}; {message}")
    return _claim(_UNKNOWN, facts.reason or state, message)


def _unpriced(cost: CostStatus, budget: BudgetView | None) -> Claim | None:
    """The claim where nobody knows what is spent; what is known to be over the budget is over it all the same."""
    if budget is not None and budget.state in (BudgetState.EXCEEDED, BudgetState.WILL_EXCEED):
        return None
    if any(row.per_gpu_hour is None for row in cost.prices):
        return _claim(_UNKNOWN, cost.reason or CostObstacle.NO_PRICE, cost.message)
    if budget is not None and budget.state is BudgetState.NO_PRICE:
        told = f"{render_hours(budget.unpriced_us)} GPU-hours of this period were held without a price"
        then = f"what is spent is known from the period on that begins at {render_time(budget.period.end)}"
        more = f"; {cost.message}" if cost.reason not in (CostObstacle.NONE, CostObstacle.PARTLY_UNPRICED) else ""
        return _claim(_UNKNOWN, CostObstacle.PARTLY_UNPRICED, f"{told}: {then}{more}")
    return None


def _other_currency(given: RollupInput, facts: CostFacts) -> Claim | None:
    """The claim where there is a budget and it is in another currency than the ledger."""
    spec = given.monitor.spec.cost if given.monitor.spec is not None else None
    if facts.budget is not None or facts.status is None or spec is None or spec.budget is None:
        return None
    return _claim(_UNKNOWN, facts.status.reason, facts.status.message)


def _judge(cost: CostStatus, budget: BudgetView | None, before: Condition | None) -> Claim:
    if budget is None:
        told = f"spec.cost.budget is not set; spent this month: {cost.spent}"
        return _claim(_UNKNOWN, NO_BUDGET, _with_obstacle(told, cost))
    state = _steady(budget, before)
    told = _exceeded(budget, cost) if state is BudgetState.EXCEEDED else _expected(budget, cost, state)
    return _claim(BUDGET_REASONS[state], state, _with_obstacle(told, cost))


def _with_obstacle(told: str, cost: CostStatus) -> str:
    return f"{told}; {cost.message}" if cost.message else told


def _steady(budget: BudgetView, before: Condition | None) -> BudgetState:
    """The state, which gets better only by a margin: a forecast moves a little with each write of the ledger."""
    state, was = budget.state, before.reason if before is not None else ""
    clear = budget.amount * _CLEAR
    if state is BudgetState.AT_RISK and was == BudgetState.WILL_EXCEED and budget.projected.low > clear:
        return BudgetState.WILL_EXCEED
    risky = was in (BudgetState.AT_RISK, BudgetState.WILL_EXCEED)
    if state is BudgetState.WITHIN and risky and budget.projected.expected > clear:
        return BudgetState.AT_RISK
    return state


def _spent(budget: BudgetView, cost: CostStatus) -> str:
    amount = f"{render_money(budget.spent)} of {render_money(budget.amount)} {cost.currency}"
    if cost.since <= render_time(budget.period.start):
        return f"spent {amount} since {budget.period.first}"
    lost = ": the ledger before it was deleted" if cost.beginning == Beginning.LOST else ""
    return f"spent {amount} since {cost.since}, when the ledger began{lost}"


def _exceeded(budget: BudgetView, cost: CostStatus) -> str:
    since = f" since {render_time(budget.exhausted_at)}" if budget.exhausted_at is not None else ""
    over = f"over the budget by {render_money(-budget.left)} {cost.currency}{since}"
    return f"{_spent(budget, cost)}: {over}{_idle(cost)}; {_MEND}"


_MEND = "hold fewer GPUs, or raise spec.cost.budget.amount"


def _expected(budget: BudgetView, cost: CostStatus, state: BudgetState) -> str:
    found, low, high = budget.projected, render_money(budget.projected.low), render_money(budget.projected.high)
    sure = f"nine of ten times {low} to {high}" if found.proven else f"{low} to {high} by guess: few days are known yet"
    told = f"{_spent(budget, cost)}; {render_money(found.expected)} expected by {budget.period.after} ({sure})"
    if state is BudgetState.WITHIN:
        return told
    gone = f"; gone at {render_time(budget.exhausted_at)} at this rate" if budget.exhausted_at is not None else ""
    return f"{told}{gone}{_idle(cost)}; {_MEND}"


def _idle(cost: CostStatus) -> str:
    """The part that is the cheapest to save."""
    idle = cost.period.idle
    return f"; held and not busy: {idle} {cost.currency} of it" if idle and Decimal(idle) else ""
