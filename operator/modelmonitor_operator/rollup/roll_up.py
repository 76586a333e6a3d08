"""From what is known about one ModelMonitor to its next status: pure, and the only way in."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace

from modelmonitor_api.status import (
    Condition,
    ConditionType,
    GpuEvent,
    Health,
    HealthState,
    ModelMonitorStatus,
    ObjectiveStatus,
)
from modelmonitor_api.status_cost import CostStatus
from modelmonitor_operator.rollup import (
    candidates_gpus,
    candidates_models,
    candidates_ours,
    candidates_pods,
    candidates_triton,
)
from modelmonitor_operator.rollup.arrival_claims import claim_arrival
from modelmonitor_operator.rollup.candidates import Candidate, FindingKey, Source
from modelmonitor_operator.rollup.claim import Claim
from modelmonitor_operator.rollup.conditions import (
    claim_conditions,
    claim_invalid,
    claim_suspended,
    claim_unlisted,
    stamp_conditions,
)
from modelmonitor_operator.rollup.coverage import Coverage, drop_gone, renew_freshness
from modelmonitor_operator.rollup.hysteresis import Tracked, advance
from modelmonitor_operator.rollup.inputs import RollupInput
from modelmonitor_operator.rollup.objectives import MostPods, decide_methods
from modelmonitor_operator.rollup.own_counts import find_budgets
from modelmonitor_operator.rollup.status import (
    Rows,
    bound_status,
    build_rows,
    count_gpus,
    count_nodes,
    count_pods,
    cut_text,
    models_ready,
)
from modelmonitor_operator.rollup.verdict import (
    Knowledge,
    Verdict,
    VerdictReason,
    judge_models,
    reach_verdict,
    sort_findings,
)
from modelmonitor_operator.rollup.view import MonitorView, view_monitor
from modelmonitor_operator.rollup.within_budget import carry_cost, claim_budget
from modelmonitor_operator.rollup.within_objectives import build_objectives
from modelmonitor_operator.rollup.xids import merge_events
from modelmonitor_operator.selection import is_live
from modelmonitor_operator.timestamps import parse_time, render_time

RULES: tuple[Callable[[MonitorView], Iterator[Candidate]], ...] = (
    candidates_pods.targets_not_found,
    candidates_pods.pods_not_running,
    candidates_pods.pods_not_targetable,
    candidates_pods.shared_targets,
    candidates_triton.triton_unreachable,
    candidates_triton.triton_not_ready,
    candidates_triton.counters_frozen,
    candidates_models.models_not_ready,
    candidates_models.models_failing,
    candidates_models.models_slow,
    candidates_models.queues_growing,
    candidates_gpus.gpus_lost,
    candidates_gpus.gpus_missing,
    candidates_gpus.gpus_xid,
    candidates_gpus.gpus_throttled,
    candidates_gpus.gpus_hot,
    candidates_gpus.gpus_ecc,
    candidates_gpus.gpus_row_remap,
    candidates_ours.pods_unwatched,
    candidates_ours.sidecars_unreachable,
    candidates_ours.readings_stale,
    candidates_ours.nvml_unavailable,
    candidates_ours.pod_resources_unavailable,
    candidates_ours.plans_truncated,
)
"""Every rule: from a monitor's situation to what looks wrong in it."""


_NOTHING_KNOWN = (VerdictReason.SUSPENDED, VerdictReason.INVALID_SPEC, VerdictReason.READINGS_PENDING)


@dataclass(frozen=True, slots=True)
class RollupState:
    """What the roll-up remembers of one monitor from cycle to cycle.

    Attributes:
        fresh_at: when each source was last fresh, in seconds since the epoch.
        seeded: read back from a status: its sources count as fresh at the first roll-up.
        objectives: of the last status; their methods hold while nothing fresh is known.
        doubts: since when Prometheus raises which doubt about arrival, by reason, as its answers' `asked_at` say.
        most_pods: how many pods there were lately.
        cost: of the last status; it is told until the ledger has been read.
    """

    findings: Mapping[FindingKey, Tracked]
    events: tuple[GpuEvent, ...] = ()
    conditions: tuple[Condition, ...] = ()
    health: Health | None = None
    fresh_at: Mapping[Source, float] | None = None
    seeded: bool = False
    objectives: tuple[ObjectiveStatus, ...] = ()
    doubts: Mapping[str, float] = field(default_factory=dict)
    most_pods: MostPods = field(default_factory=MostPods)
    cost: CostStatus | None = None


def seed_state(status: ModelMonitorStatus | None) -> RollupState:
    """The state after a restart: findings keep their `since`, conditions their times, Xids their hour."""
    if status is None:
        return RollupState({})
    health, findings = status.health, {}
    for finding in health.findings:
        key = FindingKey(finding.code, finding.object.kind, finding.object.name)
        candidate = Candidate(key, finding.severity, finding.message)
        findings[key] = Tracked(candidate, active=True, since=parse_time(finding.since) or 0.0, seeded=True)
    seeded = RollupState(findings, health.events, status.conditions, health, seeded=True, objectives=status.objectives)
    return replace(seeded, cost=status.cost)


def _knowledge(view: MonitorView, fresh_at: Mapping[Source, float], health: Health | None) -> Knowledge:
    """Whether pods are read now, or were until moments ago."""
    if view.count(Coverage.READ):
        return Knowledge.FRESH
    waited = [fresh_at[one.source] for one in view.pods if one.source in fresh_at]
    known = health is not None and health.observed_at is not None and health.reason not in _NOTHING_KNOWN
    lately = bool(waited) and view.now - max(waited) <= view.limit_seconds
    return Knowledge.HELD if known and lately else Knowledge.NONE


def _observe(state: RollupState, given: RollupInput, now: float) -> tuple[MonitorView, dict[Source, float]]:
    """The situation, with the Xids that are remembered, and when each source was last fresh."""
    if given.monitor.spec is None:
        raise ValueError("a spec that cannot be read has no situation")
    view = view_monitor(given, given.monitor.spec, now)
    view = replace(view, events=merge_events(state.events, view.gpus, view.nodes, now))
    seeded = dict.fromkeys(view.readings, now) if state.seeded else {}
    return view, renew_freshness(view.readings, state.fresh_at or seeded, now)


def _find(state: RollupState, view: MonitorView, fresh_at: Mapping[Source, float]) -> dict[FindingKey, Tracked]:
    """Findings and those on their way."""
    readings = drop_gone(view.readings, fresh_at, view.now)
    candidates = {candidate.key: candidate for rule in RULES for candidate in rule(view)}
    return advance(
        state.findings, candidates, readings, lambda candidate: view.undecided(candidate, readings), view.now
    )


def _build_health(
    view: MonitorView, active: list[Tracked], verdict: Verdict, kept: Health | None, observed_at: str
) -> Health:
    """The verdict with its counts; models and GPUs as they were where nothing fresh says how they are."""
    gpus = kept.gpus if kept is not None and not view.gpus else count_gpus(view.gpus, active)
    return Health(
        state=verdict.state,
        reason=verdict.reason,
        summary=cut_text(verdict.summary),
        observed_at=observed_at,
        models_ready=kept.models_ready if kept is not None else models_ready(view.models),
        gpus_healthy=f"{gpus.healthy}/{gpus.total}",
        findings_total=len(active),
        models_total=kept.models_total if kept is not None else len(view.models),
        gpus=gpus,
        pods=count_pods(view),
        nodes=count_nodes(view),
        events=view.events,
    )


def _work(state: RollupState, given: RollupInput, now: float) -> tuple[ModelMonitorStatus, RollupState]:
    """The roll-up of a monitor at work."""
    view, fresh_at = _observe(state, given, now)
    tracked = _find(state, view, fresh_at)
    active = sort_findings([one for one in tracked.values() if one.active])
    knowledge = _knowledge(view, fresh_at, state.health)
    kept = state.health if knowledge is Knowledge.HELD else None
    states = judge_models(view.models, active)
    verdict = reach_verdict(view, active, states, knowledge, state.health)
    observed_at = kept.observed_at if kept is not None and kept.observed_at else render_time(now)
    health = _build_health(view, active, verdict, kept, observed_at)
    most = state.most_pods.after(len(view.pods), now)
    decisions = decide_methods(view, state.objectives, most)
    budgets = find_budgets(view)
    arrival, doubts = claim_arrival(view, decisions, budgets, state.conditions, state.doubts)
    budget = claim_budget(given, _find_condition(state, ConditionType.WITHIN_BUDGET))
    claims = claim_conditions(view, active, verdict, knowledge, state.conditions, (*arrival, budget))
    conditions = stamp_conditions(claims, state.conditions, given.monitor.generation, now)
    rows = replace(build_rows(view, active, states, kept), objectives=build_objectives(view, decisions, budgets))
    rows = replace(rows, cost=carry_cost(given, state.cost))
    status = bound_status(given.monitor.generation, conditions, health, rows)
    memory = RollupState(tracked, view.events, conditions, status.health, fresh_at, cost=rows.cost)
    return status, replace(memory, objectives=status.objectives, doubts=doubts, most_pods=most)


def _find_condition(state: RollupState, kind: ConditionType) -> Condition | None:
    return next((condition for condition in state.conditions if condition.type is kind), None)


def _rest_objectives(state: RollupState, given: RollupInput) -> tuple[ObjectiveStatus, ...]:
    """The objectives without numbers: by what they are judged holds, and so do their rules."""
    spec = given.monitor.spec
    wanted = None if spec is None else {objective.name for objective in spec.objectives}
    return tuple(
        one.model_copy(update={"budget_remaining": None, "burn_rate": None})
        for one in state.objectives
        if wanted is None or one.name in wanted
    )


def _rest(
    state: RollupState, given: RollupInput, claims: tuple[Claim, ...], now: float
) -> tuple[ModelMonitorStatus, RollupState]:
    """The status of a monitor that nothing is read for; Xids are remembered, findings are not."""
    conditions = stamp_conditions(claims, state.conditions, given.monitor.generation, now)
    healthy = next(claim for claim in claims if claim.type is ConditionType.HEALTHY)
    health = Health(
        state=HealthState.UNKNOWN,
        reason=healthy.reason,
        summary=cut_text(healthy.message),
        observed_at=render_time(now),
        events=state.events,
    )
    rows = Rows((), (), _rest_objectives(state, given), carry_cost(given, state.cost))
    status = bound_status(given.monitor.generation, conditions, health, rows)
    memory = RollupState({}, state.events, conditions, status.health, objectives=status.objectives)
    return status, replace(memory, cost=rows.cost)


def roll_up(state: RollupState, given: RollupInput, now: float) -> tuple[ModelMonitorStatus, RollupState]:
    """The next status of one ModelMonitor, and what to remember for the one after.

    Args:
        state: of the last roll-up, or of `seed_state` at the first.
        now: seconds since the epoch.
    """
    spec = given.monitor.spec
    if spec is None:
        return _rest(state, given, claim_invalid(given.monitor.spec_error), now)
    if spec.suspend:
        return _rest(state, given, claim_suspended(sum(is_live(pod) for pod in given.pods)), now)
    if given.pods_problem and not given.pods:
        status, _ = _rest(state, given, claim_unlisted(given.pods_problem), now)
        return status, replace(state, conditions=status.conditions, objectives=status.objectives, cost=status.cost)
    return _work(state, given, now)
