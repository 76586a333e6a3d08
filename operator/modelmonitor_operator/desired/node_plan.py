"""The NodePlan of one node: which pods its sidecar reads, for which monitors, in a fixed order and a bounded size."""

import json
from collections.abc import Iterable

from modelmonitor_api.plan import MAX_PLAN_BYTES, NodePlanSpec, PlannedMonitor, PlannedPod
from modelmonitor_operator.desired.ownership import build_metadata
from modelmonitor_operator.objects import NODE_PLAN, ObjectRef, StoredObject
from modelmonitor_operator.observed import Monitor
from modelmonitor_operator.settings import Json, Settings

MAX_PODS = 1000
MAX_MONITORS = 10_000
_ENVELOPE_BYTES = 4096


def node_plan_ref(settings: Settings, node: str) -> ObjectRef:
    """Which NodePlan: it bears the node's name."""
    return ObjectRef(NODE_PLAN, settings.sidecar_namespace, node)


def planning_terms(monitor: Monitor) -> tuple[object, ...]:
    """All that plans take from a monitor besides its pods: a change of anything else concerns no plan."""
    spec = monitor.spec
    if spec is None:
        return (monitor.uid, monitor.deleting, None)
    times = (spec.interval_seconds, spec.health.window_seconds)
    terms = (spec.triton, spec.suspend, *times, spec.prometheus.sample_limit)
    return (monitor.uid, monitor.deleting, terms)


def build_planned_monitor(monitor: Monitor, pods: Iterable[PlannedPod]) -> PlannedMonitor | None:
    """What one monitor wants of a node; None where it wants nothing."""
    planned = tuple(sorted(pods, key=lambda pod: (pod.name, pod.uid)))
    if monitor.spec is None or monitor.spec.suspend or monitor.deleting or not planned:
        return None
    return PlannedMonitor(
        namespace=monitor.ref.namespace,
        name=monitor.ref.name,
        uid=monitor.uid,
        interval_seconds=monitor.spec.interval_seconds,
        window_seconds=monitor.spec.health.window_seconds,
        models=monitor.spec.triton.models,
        sample_limit=monitor.spec.prometheus.sample_limit,
        pods=planned[:MAX_PODS],
    )


def build_plan_spec(node: str, monitors: Iterable[PlannedMonitor], limit: int = MAX_PLAN_BYTES) -> NodePlanSpec:
    """The plan of a node, cut at `limit` bytes; what does not fit is left out from the end of the fixed order."""
    room = limit - _ENVELOPE_BYTES
    kept: list[PlannedMonitor] = []
    wanted = sorted(monitors, key=lambda monitor: monitor.ref)
    whole = NodePlanSpec(node_name=node, monitors=tuple(wanted[:MAX_MONITORS]), truncated=len(wanted) > MAX_MONITORS)
    if _size(whole.to_wire()) <= room:
        return whole
    for monitor in wanted[:MAX_MONITORS]:
        fitting = _fit(monitor, room)
        if fitting is not None:
            kept.append(fitting)
            room -= _size(fitting.to_wire()) + 1
        if fitting is not monitor:
            break
    cut = len(kept) < len(wanted) or (bool(kept) and len(kept[-1].pods) < len(wanted[len(kept) - 1].pods))
    return NodePlanSpec(node_name=node, monitors=tuple(kept), truncated=cut)


def _fit(monitor: PlannedMonitor, room: int) -> PlannedMonitor | None:
    if _size(monitor.to_wire()) <= room:
        return monitor
    room -= _size(monitor.model_copy(update={"pods": ()}).to_wire())
    pods: list[PlannedPod] = []
    for pod in monitor.pods:
        room -= _size(pod.to_wire()) + 1
        if room < 0:
            break
        pods.append(pod)
    return monitor.model_copy(update={"pods": tuple(pods)}) if pods else None


def _size(value: object) -> int:
    return len(json.dumps(value, separators=(",", ":")).encode())


def build_node_plan(settings: Settings, anchor: StoredObject, spec: NodePlanSpec) -> Json:
    """The NodePlan object."""
    return {
        "apiVersion": NODE_PLAN.api_version,
        "kind": NODE_PLAN.kind,
        "metadata": build_metadata(settings, anchor, spec.node_name, "plan"),
        "spec": spec.to_wire(),
    }
