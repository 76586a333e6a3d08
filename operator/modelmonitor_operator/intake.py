"""What the watches say becomes memory and keys: the only place that decides what a change in the cluster concerns."""

import logging
from collections.abc import Callable, Iterable
from enum import StrEnum

from modelmonitor_api.names import MonitorRef
from modelmonitor_operator.adapters.monitors import parse_monitor
from modelmonitor_operator.adapters.pods import parse_pod, parse_sidecar
from modelmonitor_operator.child_intake import ChildIntake
from modelmonitor_operator.clock import Clock
from modelmonitor_operator.cost_intake import CostIntake
from modelmonitor_operator.desired.key_secret import key_secret_ref, parse_key
from modelmonitor_operator.desired.node_plan import planning_terms
from modelmonitor_operator.errors import ClusterError, ForbiddenError
from modelmonitor_operator.key_ring import KeyRing
from modelmonitor_operator.keys import FleetKey, Key, ObjectsKey, PlanKey, StatusKey, TargetsKey
from modelmonitor_operator.objects import NODE_PLAN, POD, ObjectRef, ResourceKind, is_newer, parse_stored
from modelmonitor_operator.observed import Monitor
from modelmonitor_operator.settings import Json, Settings
from modelmonitor_operator.world import World

_LOG = logging.getLogger(__name__)

PLAN_DELAY_SECONDS = 0.2
"""Pods come in bursts: a plan is written once for all of them."""

Enqueue = Callable[[Key, float], None]


class EventType(StrEnum):
    """What a watch says of an object."""

    ADDED = "ADDED"
    MODIFIED = "MODIFIED"
    DELETED = "DELETED"


class Intake:
    """Keeps the world true and asks for the reconciliations that a change makes necessary."""

    def __init__(self, settings: Settings, world: World, key_ring: KeyRing, clock: Clock, enqueue: Enqueue) -> None:
        self._settings = settings
        self._world = world
        self._key_ring = key_ring
        self._clock = clock
        self._enqueue = enqueue
        self._dropped: set[str] = set()
        self.children = ChildIntake(settings, world, enqueue)
        self.cost = CostIntake(settings, world, clock)
        self.on_namespaces: Callable[[], None] = lambda: None

    # ModelMonitors

    def monitor_event(self, event_type: str | None, raw: Json) -> None:
        """A ModelMonitor was listed (no type), added, changed or deleted."""
        if event_type == EventType.DELETED:
            self._dropped.add(raw["metadata"]["uid"])
            self._drop_monitor(
                MonitorRef(raw["metadata"]["namespace"], raw["metadata"]["name"]), raw["metadata"]["uid"]
            )
        else:
            self._put_monitor(raw)

    def monitor_uids(self) -> frozenset[str]:
        """Those that are known; taken before a list that is compared with it."""
        self._dropped.clear()
        return frozenset(monitor.uid for monitor in self._world.monitors.values())

    def compare_monitors(self, items: Iterable[Json], known_before: frozenset[str]) -> None:
        """Make the world equal to a full list: by UID, sparing what changed while the list was on its way."""
        listed = {raw["metadata"]["uid"]: raw for raw in items}
        for uid, raw in listed.items():
            if uid not in self._dropped:
                self._put_monitor(raw)
        for monitor in tuple(self._world.monitors.values()):
            if monitor.uid in known_before and monitor.uid not in listed:
                self._drop_monitor(monitor.ref, monitor.uid)
        self._world.monitors_listed = True
        self.ask_for_everything()

    def ask_for_everything(self) -> None:
        """The fleet, every plan and every object of a monitor; statuses come with the next cycle."""
        self._ask_for_fleet()
        self.children.ask_for_objects()

    def _ask_for_fleet(self) -> None:
        self._enqueue(FleetKey(), 0.0)
        planned = {stored.ref.name for stored in self._world.stored_of(NODE_PLAN)}
        self._ask_for_plans(self._world.nodes_with_pods() | planned)

    def _put_monitor(self, raw: Json) -> None:
        metadata = raw["metadata"]
        before = self._world.monitors.get(MonitorRef(metadata["namespace"], metadata["name"]))
        if before is not None and not is_newer(metadata["resourceVersion"], before.resource_version):
            return
        monitor = parse_monitor(raw)
        self._ask_for_plans(self._remember(before, monitor))
        if before is None or before.uid != monitor.uid or before.deleting != monitor.deleting:
            self._enqueue(FleetKey(), 0.0)
            self.on_namespaces()
        if before is None or (before.uid, before.generation) != (monitor.uid, monitor.generation):
            if before is None or planning_terms(before) != planning_terms(monitor):
                self._ask_for_plans(self._nodes_of(monitor.ref))
            self._enqueue(StatusKey(monitor.ref), 0.0)
            self._enqueue(TargetsKey(monitor.ref), PLAN_DELAY_SECONDS)
            self._enqueue(ObjectsKey(monitor.ref), PLAN_DELAY_SECONDS)
        elif monitor.status not in (before.status, self._world.our_statuses.get(monitor.ref, before.status)):
            self._enqueue(StatusKey(monitor.ref), 0.0)

    def _remember(self, before: Monitor | None, monitor: Monitor) -> frozenset[str]:
        if before is None or before.uid != monitor.uid:
            self.cost.monitor_goes(before)
            return self._world.put_monitor(monitor)
        had = self.cost.selected(monitor.ref)
        touched = self._world.put_monitor(monitor)
        if touched:
            self.cost.selection_changed(monitor, had)
        return touched

    def _drop_monitor(self, ref: MonitorRef, uid: str) -> None:
        known = self._world.monitors.get(ref)
        if known is None or known.uid != uid:
            return
        self.cost.monitor_goes(known)
        self._ask_for_plans(self._world.drop_monitor(ref))
        self._enqueue(FleetKey(), 0.0)
        self._enqueue(ObjectsKey(ref), 0.0)
        self.on_namespaces()

    def _nodes_of(self, ref: MonitorRef) -> frozenset[str]:
        return frozenset(pod.node for pod in self._world.selected_pods(ref) if pod.node)

    def _ask_for_plans(self, nodes: Iterable[str]) -> None:
        for node in nodes:
            self._enqueue(PlanKey(node), PLAN_DELAY_SECONDS)

    # Pods of a namespace that holds a ModelMonitor

    def pods_of(self, namespace: str) -> "_PodSink":
        """Who takes what the watch of a namespace's pods says."""
        return _PodSink(self, namespace)

    def put_pod(self, raw: Json) -> None:
        """A pod was listed, added or changed."""
        pod = parse_pod(raw)
        known, before = self._world.pod(pod.namespace, pod.uid), self._world.selecting(pod.namespace, pod.uid)
        self._ask_for_plans(self._world.put_pod(pod))
        after = self._world.selecting(pod.namespace, pod.uid)
        self.cost.pod_changed(pod, known, before, after)
        self.children.ask_for_targets(before | after, PLAN_DELAY_SECONDS)

    def drop_pod(self, namespace: str, raw: Json) -> None:
        """A pod is gone; `raw` is the last of it, or no more than its metadata."""
        uid = raw["metadata"]["uid"]
        self.cost.pod_gone(parse_pod(raw) if "spec" in raw else self._world.pod(namespace, uid))
        self.children.ask_for_targets(self._world.selecting(namespace, uid), PLAN_DELAY_SECONDS)
        self._ask_for_plans(self._world.drop_pod(namespace, uid))

    def pods_listed(self, namespace: str) -> None:
        """All pods of a namespace are known now."""
        self._world.unlistable.pop(namespace, None)
        if namespace in self._world.listed_namespaces:
            return
        self._world.listed_namespaces.add(namespace)
        self._ask_for_fleet()
        for monitor in self._world.in_namespace(namespace):
            self._enqueue(StatusKey(monitor.ref), 0.0)
            self._enqueue(TargetsKey(monitor.ref), 0.0)

    def pods_failed(self, namespace: str, error: ClusterError) -> None:
        """The pods of a namespace cannot be listed or watched; a right that is gone makes what is known old."""
        if namespace not in self._world.listed_namespaces or isinstance(error, ForbiddenError):
            self._world.unlistable[namespace] = f"the pods of namespace {namespace} cannot be listed: {error}"

    # The sidecars' namespace

    def sidecars(self) -> "_SidecarSink":
        """Who takes what the watch of the sidecar pods says."""
        return _SidecarSink(self)

    def put_sidecar(self, raw: Json) -> None:
        """A sidecar's pod was listed, added or changed."""
        self._ask_for_targets_on(self._world.put_sidecar(parse_sidecar(raw)))

    def drop_sidecar(self, uid: str) -> None:
        """A sidecar's pod is gone."""
        self._ask_for_targets_on(self._world.drop_sidecar(uid))

    def sidecars_listed(self) -> None:
        """All sidecars' pods are known now."""
        if POD not in self._world.listed_kinds:
            self._world.listed_kinds.add(POD)
            self.children.ask_for_targets(self._world.monitors)

    def _ask_for_targets_on(self, nodes: Iterable[str]) -> None:
        for node in nodes:
            self.children.ask_for_targets(self._world.watching(node))

    def stored(self, kind: ResourceKind) -> "_StoredSink":
        """Who takes what the watch of a kind of our own objects says."""
        return _StoredSink(self, kind)

    def put_stored(self, kind: ResourceKind, raw: Json) -> None:
        """An object of the sidecars' namespace was listed, added or changed."""
        stored = parse_stored(kind, raw)
        known = self._world.stored.get(stored.ref)
        self._world.put_stored(stored)
        if stored.ref == key_secret_ref(self._settings):
            self._key_ring.put(parse_key(stored), self._clock.monotonic())
        if kind != NODE_PLAN or known is None or known.resource_version != stored.resource_version:
            self._ask_about(stored.ref)

    def drop_stored(self, kind: ResourceKind, raw: Json) -> None:
        """An object of the sidecars' namespace is gone."""
        metadata = raw["metadata"]
        ref = ObjectRef(kind, metadata["namespace"], metadata["name"])
        self._world.drop_stored(ref, metadata["uid"])
        self._ask_about(ref)

    def kind_listed(self, kind: ResourceKind) -> None:
        """All objects of a kind are known now."""
        if kind not in self._world.listed_kinds:
            self._world.listed_kinds.add(kind)
            self._ask_for_fleet()

    def _ask_about(self, ref: ObjectRef) -> None:
        if ref.kind == NODE_PLAN:
            self._enqueue(PlanKey(ref.name), 0.0)
            return
        self._enqueue(FleetKey(), 0.0)
        if ref.name == self._settings.anchor_name:
            self._ask_for_fleet()


class _PodSink:
    def __init__(self, intake: Intake, namespace: str) -> None:
        self._intake = intake
        self._namespace = namespace

    def put(self, raw: Json) -> None:
        self._intake.put_pod(raw)

    def drop(self, raw: Json) -> None:
        self._intake.drop_pod(self._namespace, raw)

    def listed(self) -> None:
        self._intake.pods_listed(self._namespace)

    def failed(self, error: ClusterError) -> None:
        self._intake.pods_failed(self._namespace, error)


class _SidecarSink:
    def __init__(self, intake: Intake) -> None:
        self._intake = intake

    def put(self, raw: Json) -> None:
        self._intake.put_sidecar(raw)

    def drop(self, raw: Json) -> None:
        self._intake.drop_sidecar(raw["metadata"]["uid"])

    def listed(self) -> None:
        self._intake.sidecars_listed()

    def failed(self, error: ClusterError) -> None:
        _LOG.debug("sidecar pods cannot be watched", extra={"error": str(error)})


class _StoredSink:
    def __init__(self, intake: Intake, kind: ResourceKind) -> None:
        self._intake = intake
        self._kind = kind

    def put(self, raw: Json) -> None:
        self._intake.put_stored(self._kind, raw)

    def drop(self, raw: Json) -> None:
        self._intake.drop_stored(self._kind, raw)

    def listed(self) -> None:
        self._intake.kind_listed(self._kind)

    def failed(self, error: ClusterError) -> None:
        _LOG.debug("objects cannot be watched", extra={"kind": self._kind.kind, "error": str(error)})
