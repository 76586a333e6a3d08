"""The conditions about what the operator configures for others: whether it is taken over, scraped, shown and kept."""

from collections.abc import Collection, Mapping

from modelmonitor_api.status import Condition, ConditionStatus, ConditionType
from modelmonitor_operator.rollup.claim import Claim
from modelmonitor_operator.rollup.dashboards_synced import claim_dashboards
from modelmonitor_operator.rollup.objectives import Decision
from modelmonitor_operator.rollup.own_counts import ErrorBudgets
from modelmonitor_operator.rollup.scraped import claim_scraped
from modelmonitor_operator.rollup.selected import claim_selected
from modelmonitor_operator.rollup.view import MonitorView
from modelmonitor_operator.rollup.within_objectives import claim_objectives

ARRIVAL_TYPES = (
    ConditionType.MONITORING_SELECTED,
    ConditionType.SCRAPE_VERIFIED,
    ConditionType.DASHBOARDS_SYNCED,
    ConditionType.WITHIN_OBJECTIVES,
)


def claim_arrival(
    view: MonitorView,
    decisions: Mapping[str, Decision],
    budgets: ErrorBudgets,
    previous: Collection[Condition],
    doubts: Mapping[str, float],
) -> tuple[tuple[Claim, ...], Mapping[str, float]]:
    """The conditions of a monitor at work, and since when Prometheus raises which doubt."""
    before = {condition.type: condition for condition in previous}
    selected = claim_selected(view)
    scraped, begun = claim_scraped(view, selected, before.get(ConditionType.SCRAPE_VERIFIED), doubts)
    objectives = claim_objectives(view, decisions, budgets, before.get(ConditionType.WITHIN_OBJECTIVES))
    return (selected, scraped, claim_dashboards(view), objectives), begun


def rest_arrival(reason: str) -> tuple[Claim, ...]:
    """The conditions of a monitor that nothing is read for: nobody looks whether anything arrives."""
    return tuple(Claim(kind, ConditionStatus.UNKNOWN, reason) for kind in ARRIVAL_TYPES)
