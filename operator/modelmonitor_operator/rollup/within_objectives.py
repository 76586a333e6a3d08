"""WithinObjectives and `status.objectives`: what is left of each error budget.

A Prometheus says it where one answers; of availability the operator's own counts say it where none does.
"""

from collections.abc import Mapping
from dataclasses import replace

from modelmonitor_api.burn_rates import FAST_PAIRS, BurnPair, burn_threshold
from modelmonitor_api.quantities import render_decimal
from modelmonitor_api.spec_objectives import PERIOD_DAYS, Objective
from modelmonitor_api.status import Condition, ConditionStatus, ConditionType, ObjectiveMethod, ObjectiveStatus
from modelmonitor_operator.arrival import BudgetAnswer, ChildFact, ChildState
from modelmonitor_operator.objects import PROMETHEUS_RULE
from modelmonitor_operator.rollup.candidates import join_names
from modelmonitor_operator.rollup.candidates_models import render_percent
from modelmonitor_operator.rollup.claim import Claim
from modelmonitor_operator.rollup.objectives import Decision, MethodReason
from modelmonitor_operator.rollup.own_counts import ErrorBudgets
from modelmonitor_operator.rollup.status import cut_text, quantise
from modelmonitor_operator.rollup.view import MonitorView

_TRUE, _FALSE, _UNKNOWN = ConditionStatus.TRUE, ConditionStatus.FALSE, ConditionStatus.UNKNOWN
_MOST = 1e9


def _claim(status: ConditionStatus, reason: str, message: str) -> Claim:
    return Claim(ConditionType.WITHIN_OBJECTIVES, status, reason, message)


def _figure(value: float | None, digits: int) -> str | None:
    return None if value is None or not abs(value) < _MOST else render_decimal(quantise(value, digits))


def build_objectives(
    view: MonitorView, decisions: Mapping[str, Decision], budgets: ErrorBudgets
) -> tuple[ObjectiveStatus, ...]:
    """The rows of `status.objectives`, in the order of the spec."""
    rows = []
    for objective in view.spec.objectives:
        decision, budget = decisions[objective.name], budgets.of(objective.name)
        judged = decision.method is not ObjectiveMethod.NONE
        rows.append(
            ObjectiveStatus(
                name=objective.name,
                type=objective.type,
                target=objective.target,
                method=decision.method,
                budget_remaining=_figure(budget.remaining, 3) if judged else None,
                burn_rate=_figure(budget.burn_rate, 2) if judged else None,
                message=cut_text(decision.message or budgets.by_whom(objective.name)),
            )
        )
    return tuple(rows)


def _burning_pair(objective: Objective, budget: BudgetAnswer) -> BurnPair | None:
    """The fast pair of windows that both burn, with enough requests to mean something."""
    for pair in FAST_PAIRS:
        threshold = float(burn_threshold(pair, objective.target))
        if budget.requests.get(pair.long, 0.0) < objective.minimum_requests:
            continue
        if all(budget.errors.get(window, 0.0) > threshold for window in (pair.long, pair.short)):
            return pair
    return None


def _burning(objective: Objective, budget: BudgetAnswer) -> tuple[str, str] | None:
    """Reason and words where an objective is broken or will soon be; None where it is not."""
    pair = _burning_pair(objective, budget)
    burn = f"now {_figure(budget.burn_rate, 2)} times too fast" if budget.burn_rate is not None else "rate not known"
    if budget.remaining is not None and budget.remaining < 0:
        over = render_percent(min(-budget.remaining, _MOST))
        told = f"{objective.name} ({objective.target} %) has overspent its {PERIOD_DAYS}-day error budget by {over}"
        return "BudgetOverspent", f"{told}, {burn}"
    if pair is None:
        return None
    left = f", {render_percent(budget.remaining)} left" if budget.remaining is not None else ""
    failed = render_percent(budget.errors[pair.long])
    told = f"{objective.name} ({objective.target} %) burns its error budget {burn}: {failed} bad in {pair.long}"
    return "BurningFast", f"{told} and still in {pair.short}{left}"


def _broken(view: MonitorView, budgets: ErrorBudgets) -> Claim | None:
    found = [(_burning(one, budgets.of(one.name)), budgets.by_whom(one.name)) for one in view.spec.objectives]
    told = sorted((*pair, whom) for pair, whom in found if pair is not None)
    if not told:
        return None
    reason, words, whom = told[0]
    more = f"; {len(told) - 1} more in status.objectives" if len(told) > 1 else ""
    return _claim(_FALSE, reason, f"{words}{f', {whom}' if whom else ''}{more}")


def _unjudged(decisions: Mapping[str, Decision], before: Condition | None) -> Claim | None:
    """The claim where an objective cannot be judged by what Triton publishes."""
    for name, decision in decisions.items():
        if decision.method is ObjectiveMethod.NONE:
            known = before is not None and before.reason in frozenset(MethodReason)
            kept = before.reason if known and before is not None else MethodReason.READINGS_PENDING
            return _claim(_UNKNOWN, decision.reason or kept, f"{name}: {decision.message}")
    return None


def _unasked(view: MonitorView) -> Claim | None:
    """The claim where nobody can say what is left."""
    arrival = view.given.arrival
    rule = arrival.children.get(PROMETHEUS_RULE, ChildFact())
    if rule.state is not ChildState.APPLIED:
        told = "error budgets come from the recording rules of the PrometheusRule, which is not there"
        return _claim(_UNKNOWN, "NoRules", f"{told}: see MonitoringSelected")
    if not arrival.prometheus_url:
        told = "the operator may ask no Prometheus: set prometheus.url of the chart"
        return _claim(_UNKNOWN, "NoPrometheusUrl", f"{told}; the alerts of the objectives work without it")
    if arrival.answer.error:
        return _claim(_UNKNOWN, "PrometheusUnreachable", f"the Prometheus of prometheus.url: {arrival.answer.error}")
    if arrival.answer.asked_at is None:
        return _claim(_UNKNOWN, "WaitingForPrometheus", "Prometheus has not been asked yet")
    return None


def claim_objectives(
    view: MonitorView, decisions: Mapping[str, Decision], budgets: ErrorBudgets, before: Condition | None
) -> Claim:
    """Whether the objectives are kept.

    Args:
        before: WithinObjectives as it was.
    """
    if not view.spec.objectives:
        return _claim(_UNKNOWN, "NoObjectives", "spec.objectives is empty")
    for claim in (_broken(view, budgets), _unjudged(decisions, before)):
        if claim is not None:
            return claim
    missing = [one.name for one in view.spec.objectives if budgets.of(one.name).remaining is None]
    if not missing:
        return _claim(_TRUE, "WithinBudget", _left(view, budgets))
    told = f"Prometheus has no error budget of {join_names(missing)} yet"
    waits = _claim(_UNKNOWN, "NoBudgetYet", f"{told}: it comes with requests and some minutes; see ScrapeVerified")
    claim = _unasked(view) or waits
    return replace(claim, message=f"{claim.message}; {_left(view, budgets)}") if budgets.counted else claim


def _left(view: MonitorView, budgets: ErrorBudgets) -> str:
    """What is left of the budgets that are known, and who says so where Prometheus does not."""
    known = [(one.name, budgets.of(one.name).remaining) for one in view.spec.objectives]
    left = [f"{name} {render_percent(quantise(share))}" for name, share in known if share is not None]
    counted = sorted(budgets.counted)
    told = f"error budget left of {PERIOD_DAYS} days: {join_names(left, 8)}"
    which = "" if len(counted) == len(left) else f"{join_names(counted, 3)} "
    return f"{told}; {which}{budgets.by_whom(counted[0])}" if counted else told
