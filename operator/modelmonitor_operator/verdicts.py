"""The verdict on each ModelMonitor: what the roll-up remembers, what it says now, and what was last written."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Protocol

from modelmonitor_api.names import MonitorRef
from modelmonitor_api.spec_objectives import ObjectiveType
from modelmonitor_api.status import ModelMonitorStatus, ObjectiveMethod
from modelmonitor_operator.arrival import Arrival, PrometheusAnswer
from modelmonitor_operator.clock import Clock
from modelmonitor_operator.cost.facts import NOTHING_CHARGED, CostFacts
from modelmonitor_operator.desired.daemonset import daemon_set_ref
from modelmonitor_operator.leader_metrics import Judgement
from modelmonitor_operator.leader_pages import LeaderPages
from modelmonitor_operator.objects import NODE_PLAN
from modelmonitor_operator.observed import Fleet, Monitor, NodeReading, PlanState
from modelmonitor_operator.presumed import know_facts
from modelmonitor_operator.rollup import (
    Index,
    RollupInput,
    RollupState,
    Written,
    index_nodes,
    roll_up,
    seed_state,
    should_write,
    written_from,
)
from modelmonitor_operator.settings import Settings
from modelmonitor_operator.world import World, find_older_selectors

_DEFAULT_METHODS = {
    ObjectiveType.AVAILABILITY: ObjectiveMethod.REQUESTS,
    ObjectiveType.LATENCY: ObjectiveMethod.NONE,
}
"""Until Triton's pages have been read: no rule pretends."""
RESTORE_SECONDS = 5.0
"""Somebody who writes our status again and again makes us write it this often and no more."""


@dataclass(slots=True)
class _Verdict:
    """One monitor's: made anew when another object takes its name."""

    uid: str
    state: RollupState
    written: Written | None
    stored: ModelMonitorStatus | None
    """What the server had after our last write, or when the monitor was first judged."""
    status: ModelMonitorStatus | None = None
    methods: Mapping[str, ObjectiveMethod] = field(default_factory=dict)


class Answers(Protocol):
    """What a Prometheus says."""

    @property
    def enabled(self) -> bool:
        """Whether there is a Prometheus to ask."""

    def answer(self, ref: MonitorRef) -> PrometheusAnswer:
        """What is known about a monitor now."""


class Costs(Protocol):
    """What the ledgers say."""

    def begin_cycle(self, index: Index) -> None:
        """The sidecars have been asked."""

    def facts(self, monitor: Monitor) -> CostFacts:
        """What is known of a monitor's cost now."""


class Verdicts:
    """Judges monitors by the readings of the newest cycle.

    Args:
        pages: the leader's pages, which show each verdict and know who scrapes them; None where there are none.
        answers: what a Prometheus says; None where none is asked.
    """

    def __init__(
        self,
        settings: Settings,
        world: World,
        clock: Clock,
        pages: LeaderPages | None = None,
        answers: Answers | None = None,
    ) -> None:
        self._settings = settings
        self._world = world
        self._clock = clock
        self._pages = pages
        self._answers = answers
        self.on_methods: Callable[[MonitorRef], None] = lambda _: None
        self.costs: Costs | None = None
        self._verdicts: dict[MonitorRef, _Verdict] = {}
        self._index: Index | None = None
        self._plans: Mapping[str, PlanState] = {}
        self._fleet = Fleet()
        self._plan_problems: Mapping[str, str] = {}
        self._older: dict[MonitorRef, dict[str, MonitorRef]] = {}

    def begin_cycle(self, readings: Mapping[str, NodeReading]) -> None:
        """Take over what all monitors share: readings, plans, the fleet, who selects what."""
        self._index = index_nodes(readings)
        self._plans = observe_plans(self._world)
        self._fleet = observe_fleet(self._settings, self._world)
        self._plan_problems = {ref.name: text for ref, text in self._world.problems.items() if ref.kind == NODE_PLAN}
        self._older = {}
        for namespace in self._world.namespaces():
            monitors = self._world.in_namespace(namespace)
            if len(monitors) > 1:
                pairs = ((monitor, self._world.selected_pods(monitor.ref)) for monitor in monitors)
                self._older |= find_older_selectors(pairs)
        for ref in self._verdicts.keys() - self._world.monitors.keys():
            del self._verdicts[ref]
        if self._pages is not None:
            self._pages.sweep()
        if self.costs is not None:
            self.costs.begin_cycle(self._index)

    def reset(self) -> None:
        """Forget everything: another process may have led meanwhile, and the server's status is the seed."""
        self._verdicts.clear()
        self._index = None

    def judge(self, monitor: Monitor) -> bool:
        """Judge a monitor now; True where the new status has to be written."""
        if self._index is None or monitor.deleting or not self._knows_pods(monitor):
            return False
        verdict = self._verdict(monitor)
        now = self._clock.time()
        given = self._given(monitor, self._index)
        verdict.status, verdict.state = roll_up(verdict.state, given, now)
        if self._pages is not None:
            self._pages.judged(Judgement(monitor, verdict.status, given.pods, verdict.state.findings, given.cost))
        self._note_methods(monitor.ref, verdict)
        return should_write(verdict.written, verdict.status, now) or _is_touched(verdict, monitor, now)

    def methods(self, monitor: Monitor) -> Mapping[str, ObjectiveMethod]:
        """By what each objective of a monitor is judged: as the newest verdict says, else as its last status did."""
        verdict = self._verdicts.get(monitor.ref)
        known = verdict.methods if verdict is not None and verdict.uid == monitor.uid else _methods(monitor.status)
        asked = monitor.spec.objectives if monitor.spec is not None else ()
        return {one.name: known[one.name] if one.name in known else _DEFAULT_METHODS[one.type] for one in asked}

    def _note_methods(self, ref: MonitorRef, verdict: _Verdict) -> None:
        methods = _methods(verdict.status)
        if methods != verdict.methods:
            verdict.methods = methods
            self.on_methods(ref)

    def pending(self, monitor: Monitor) -> tuple[ModelMonitorStatus | None, ModelMonitorStatus] | None:
        """What was last written and what is to be written; None where nothing has been judged yet."""
        verdict = self._verdicts.get(monitor.ref)
        if verdict is None or verdict.uid != monitor.uid or verdict.status is None:
            return None
        return verdict.written.status if verdict.written else None, verdict.status

    def wrote(self, ref: MonitorRef, uid: str, status: ModelMonitorStatus) -> None:
        """The status has been written."""
        verdict = self._verdicts.get(ref)
        if verdict is not None and verdict.uid == uid:
            verdict.written = Written(status, self._clock.time())

    def stored(self, ref: MonitorRef, uid: str, status: ModelMonitorStatus | None) -> None:
        """What the server answered to a write of the status."""
        verdict = self._verdicts.get(ref)
        if verdict is not None and verdict.uid == uid:
            verdict.stored = status

    def _verdict(self, monitor: Monitor) -> _Verdict:
        verdict = self._verdicts.get(monitor.ref)
        if verdict is None or verdict.uid != monitor.uid:
            seed = monitor.status
            verdict = _Verdict(monitor.uid, seed_state(seed), written_from(seed), seed, methods=_methods(seed))
            self._verdicts[monitor.ref] = verdict
        return verdict

    def _knows_pods(self, monitor: Monitor) -> bool:
        namespace = monitor.ref.namespace
        return namespace in self._world.listed_namespaces or namespace in self._world.unlistable

    def _fleet_of(self, monitor: Monitor) -> Fleet:
        """The fleet, with what is wrong with the plans of this monitor's own nodes."""
        if not self._plan_problems or self._fleet.problem:
            return self._fleet
        nodes = sorted({pod.node for pod in self._world.selected_pods(monitor.ref) if pod.node})
        problem = next((self._plan_problems[node] for node in nodes if node in self._plan_problems), "")
        return replace(self._fleet, problem=problem)

    def _given(self, monitor: Monitor, index: Index) -> RollupInput:
        return RollupInput(
            monitor=monitor,
            pods=self._world.selected_pods(monitor.ref),
            nodes=index,
            fleet=self._fleet_of(monitor),
            plans=self._plans,
            older_selectors=self._older.get(monitor.ref, {}),
            runbook_base_url=self._settings.runbook_base_url,
            cycle_seconds=self._settings.cycle_seconds,
            pods_problem=self._world.unlistable.get(monitor.ref.namespace, ""),
            arrival=self._arrival(monitor),
            cost=self.costs.facts(monitor) if self.costs is not None else NOTHING_CHARGED,
        )

    def _arrival(self, monitor: Monitor) -> Arrival:
        ref, pages, answers = monitor.ref, self._pages, self._answers
        return Arrival(
            children=know_facts(self._settings, self._world, monitor),
            prometheuses=self._world.surroundings.objects(),
            leader_page=pages.page(ref) if pages is not None else None,
            misses=pages.misses() if pages is not None else (),
            prometheus_url=answers is not None and answers.enabled,
            answer=answers.answer(ref) if answers is not None else PrometheusAnswer(),
            rules_wanted=self._world.children.rules.get(ref, ()),
        )


def _methods(status: ModelMonitorStatus | None) -> Mapping[str, ObjectiveMethod]:
    return {one.name: one.method for one in status.objectives} if status is not None else {}


def _is_touched(verdict: _Verdict, monitor: Monitor, now: float) -> bool:
    """Whether somebody else has changed the status since our last write; put right no more often than every 5 s."""
    if monitor.status is verdict.stored or monitor.status == verdict.stored:
        return False
    return verdict.written is None or now - verdict.written.at >= RESTORE_SECONDS


def observe_plans(world: World) -> dict[str, PlanState]:
    """The NodePlans that the server has."""
    return {
        stored.ref.name: PlanState(
            stored.ref.name, stored.generation, bool(stored.manifest.get("spec", {}).get("truncated"))
        )
        for stored in world.stored_of(NODE_PLAN)
    }


def observe_fleet(settings: Settings, world: World) -> Fleet:
    """How it stands with the DaemonSet."""
    stored = world.stored.get(daemon_set_ref(settings))
    problem = next((text for ref, text in world.problems.items() if ref.kind != NODE_PLAN), "")
    if stored is None:
        return Fleet(problem=problem)
    status = stored.manifest.get("status", {})
    return Fleet(
        exists=True,
        wanted=int(status.get("desiredNumberScheduled", 0)),
        ready=int(status.get("numberReady", 0)),
        updated=int(status.get("updatedNumberScheduled", 0)),
        problem=problem,
    )
