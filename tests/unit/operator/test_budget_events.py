"""Events about a budget: what people have to know about at once, and nothing twice."""

import pytest

from modelmonitor_api.status import Condition, ConditionStatus, ConditionType, ModelMonitorStatus
from modelmonitor_api.status_cost import BudgetStatus, CostStatus
from modelmonitor_operator.desired.event import Announcement, EventType
from modelmonitor_operator.reconcile.monitor import announce

TRUE, FALSE, UNKNOWN = ConditionStatus.TRUE, ConditionStatus.FALSE, ConditionStatus.UNKNOWN
AT = "2027-01-01T00:00:00Z"


def saying(status: ConditionStatus, reason: str) -> ModelMonitorStatus:
    one = Condition(
        type=ConditionType.WITHIN_BUDGET, status=status, reason=reason, message="so", last_transition_time=AT
    )
    return ModelMonitorStatus(conditions=(one,))


KEPT, RISKY = saying(TRUE, "WithinBudget"), saying(TRUE, "BudgetAtRisk")
WILL, GONE = saying(FALSE, "BudgetWillBeExceeded"), saying(FALSE, "BudgetExceeded")

NEWS = {
    "it is kept": (None, KEPT, (EventType.NORMAL, "WithinBudget")),
    "it comes to be at risk": (KEPT, RISKY, (EventType.WARNING, "BudgetAtRisk")),
    "it is at risk from the first": (None, RISKY, (EventType.WARNING, "BudgetAtRisk")),
    "it is at risk no longer": (RISKY, KEPT, (EventType.NORMAL, "WithinBudget")),
    "it will not do": (RISKY, WILL, (EventType.WARNING, "BudgetWillBeExceeded")),
    "it is gone": (WILL, GONE, (EventType.WARNING, "BudgetExceeded")),
    "it begins anew": (GONE, KEPT, (EventType.NORMAL, "WithinBudget")),
    "it is still at risk": (RISKY, RISKY, None),
    "nobody knows": (GONE, saying(UNKNOWN, "NoPrice"), None),
}


@pytest.mark.parametrize(("before", "after", "told"), NEWS.values(), ids=NEWS.keys())
def test_a_budget_is_announced_when_it_is_news(
    before: ModelMonitorStatus | None, after: ModelMonitorStatus, told: tuple[EventType, str] | None
) -> None:
    expected = () if told is None else (Announcement(*told, "WithinBudget: so"),)
    assert announce(before, after) == expected


def reached(percent: int | None, start: str = AT) -> ModelMonitorStatus:
    budget = BudgetStatus(
        period_start=start,
        period_end="2027-02-01T00:00:00Z",
        amount="100.00",
        spent="81.00",
        left="19.00",
        reached_percent=percent,
    )
    return ModelMonitorStatus(cost=CostStatus(currency="EUR", since=AT, budget=budget))


THRESHOLDS = {
    "the first one": (reached(None), reached(50), 1),
    "the next one": (reached(50), reached(80), 1),
    "the same one in another period": (reached(80), reached(80, "2027-02-01T00:00:00Z"), 1),
    "the same one": (reached(80), reached(80), 0),
    "a smaller one, after the amount was raised": (reached(80), reached(50), 0),
    "all of it, which the condition says": (reached(80), reached(100), 0),
    "none": (reached(80), reached(None), 0),
}


@pytest.mark.parametrize(("before", "after", "news"), THRESHOLDS.values(), ids=THRESHOLDS.keys())
def test_a_threshold_is_announced_once_in_a_period(
    before: ModelMonitorStatus, after: ModelMonitorStatus, news: int
) -> None:
    told = announce(before, after)
    assert [one.reason for one in told] == ["BudgetThresholdReached"] * news
    assert all("81.00 of 100.00 EUR is spent" in one.message for one in told)
