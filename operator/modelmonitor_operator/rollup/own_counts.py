"""Error budgets by the requests that the ledger has counted: what is known where no Prometheus answers."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from modelmonitor_api.spec_objectives import PERIOD_DAYS, Objective, ObjectiveType
from modelmonitor_operator.arrival import BudgetAnswer, ChildFact, ChildState
from modelmonitor_operator.cost.ledger import Ledger
from modelmonitor_operator.cost.objective_days import view_objective
from modelmonitor_operator.cost.periods import day_of
from modelmonitor_operator.objects import PROMETHEUS_RULE
from modelmonitor_operator.rollup.view import MonitorView

_NOTHING_SAID = BudgetAnswer()


@dataclass(frozen=True, slots=True)
class ErrorBudgets:
    """What is left of each error budget, by the name of its objective.

    Attributes:
        counted: names of those that Prometheus says nothing of, which are judged by the operator's own counts.
        days: how many days those counts reach back.
    """

    answers: Mapping[str, BudgetAnswer] = field(default_factory=dict)
    counted: frozenset[str] = frozenset()
    days: int = 0

    def of(self, name: str) -> BudgetAnswer:
        """One objective's; nothing where nobody says anything."""
        return self.answers.get(name, _NOTHING_SAID)

    def by_whom(self, name: str) -> str:
        """Words for what is judged by own counts; empty where Prometheus says it."""
        days = f"{self.days} days" if self.days > 1 else "1 day"
        return f"by the operator's own counts of {days}" if name in self.counted else ""


def find_budgets(view: MonitorView) -> ErrorBudgets:
    """What Prometheus says, and where it says nothing what the ledger has counted."""
    arrival, ledger = view.given.arrival, view.given.cost.ledger
    recorded = arrival.children.get(PROMETHEUS_RULE, ChildFact()).state is ChildState.APPLIED
    asked = arrival.prometheus_url and not arrival.answer.error and recorded
    said = arrival.answer.budgets if asked else {}
    silent = [one for one in view.spec.objectives if said.get(one.name, _NOTHING_SAID).remaining is None]
    if ledger is None or not silent:
        return ErrorBudgets(said)
    counted = {name: budget for name, budget in ((one.name, _count(one, ledger, view.now)) for one in silent) if budget}
    began, today = day_of(ledger.zone, ledger.since), day_of(ledger.zone, view.now)
    days = min(PERIOD_DAYS, max(0, (today - began).days) + 1)
    return ErrorBudgets({**said, **counted}, frozenset(counted), days)


def _count(objective: Objective, ledger: Ledger, now: float) -> BudgetAnswer | None:
    """An availability objective by its days; None where the ledger has too few requests to say anything."""
    if objective.type is not ObjectiveType.AVAILABILITY:
        return None
    counts = ledger.objectives.get(objective.name, {})
    found = view_objective(counts, objective.target_ratio, day_of(ledger.zone, now))
    if found.total < objective.minimum_requests:
        return None
    return BudgetAnswer(found.budget_remaining, found.burn_rate)
