"""One NodePlan per node with pods to read; none for other nodes."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from pydantic import ValidationError

from modelmonitor_api.names import MonitorRef
from modelmonitor_api.plan import NodePlanSpec, PlannedMonitor
from modelmonitor_operator.desired.node_plan import build_node_plan, build_plan_spec, node_plan_ref
from modelmonitor_operator.desired.ownership import foreign_problem, is_ours, owned_by_another
from modelmonitor_operator.objects import ObjectRef, StoredObject, sign
from modelmonitor_operator.reconcile.changes import Apply, Change, Create, Delete, Rank, Written, is_settled
from modelmonitor_operator.settings import Settings


@dataclass(frozen=True, slots=True)
class PlanInput:
    """What there is for one node.

    Attributes:
        monitors: what the monitors whose pods are known want of the node.
        crowded: whether a monitor selects more pods of the node than one plan may name.
        unknown: monitors whose pods could not be listed yet; what the present plan says about them stays.
    """

    settings: Settings
    node: str
    anchor: StoredObject | None
    monitors: tuple[PlannedMonitor, ...]
    unknown: frozenset[MonitorRef]
    stored: StoredObject | None
    written: Mapping[ObjectRef, Written]
    crowded: bool = False


@dataclass(frozen=True, slots=True)
class PlanDecision:
    """What to do, and what people must know."""

    changes: tuple[Change, ...] = ()
    problem: str = ""


def reconcile_plan(given: PlanInput) -> PlanDecision:
    """Changes that bring one node's plan into the wanted state."""
    stored = given.stored
    if stored is not None and not is_ours(stored, given.settings):
        return PlanDecision(problem=foreign_problem(stored, given.settings))
    if stored is not None and stored.deleting:
        return PlanDecision()
    spec = build_plan_spec(given.node, (*given.monitors, *_kept(stored, given.unknown)))
    if given.crowded:
        spec = spec.model_copy(update={"truncated": True})
    if not spec.monitors:
        return PlanDecision((Delete(Rank.PLAN, stored),) if stored is not None else ())
    if given.anchor is None or given.anchor.deleting:
        return PlanDecision()
    return PlanDecision(_write(given, given.anchor, spec))


def _write(given: PlanInput, anchor: StoredObject, spec: NodePlanSpec) -> tuple[Change, ...]:
    ref = node_plan_ref(given.settings, given.node)
    manifest = sign(build_node_plan(given.settings, anchor, spec))[1]
    if given.stored is None:
        return (Create(Rank.PLAN, ref, manifest),)
    if owned_by_another(given.stored, anchor):
        return (Delete(Rank.PLAN, given.stored),)
    if is_settled(manifest, given.stored, given.written.get(ref)):
        return ()
    return (Apply(Rank.PLAN, given.stored, manifest),)


def _kept(stored: StoredObject | None, unknown: frozenset[MonitorRef]) -> Iterable[PlannedMonitor]:
    if stored is None or not unknown:
        return ()
    try:
        present = NodePlanSpec.model_validate(stored.manifest["spec"])
    except ValidationError:
        return ()
    return [monitor for monitor in present.monitors if monitor.ref in unknown]
