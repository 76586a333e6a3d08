"""What the watches say about the objects that ModelMonitors own, and about Prometheus, becomes memory and keys."""

import logging
from collections.abc import Callable, Iterable
from dataclasses import replace

from modelmonitor_api import names
from modelmonitor_api.names import MonitorRef
from modelmonitor_operator.adapters.prometheus_objects import parse_prometheus
from modelmonitor_operator.child_object import ChildObject, parse_child
from modelmonitor_operator.children import OPTIONAL_KINDS
from modelmonitor_operator.errors import ClusterError, ForbiddenError
from modelmonitor_operator.keys import Key, ObjectsKey, StatusKey, TargetsKey
from modelmonitor_operator.objects import ENDPOINTS, PROMETHEUS, SERVICE, ObjectRef, ResourceKind
from modelmonitor_operator.settings import Json, Settings
from modelmonitor_operator.surroundings import NO_KIND, NOT_LISTED, ONE_NAMESPACE
from modelmonitor_operator.world import World

_LOG = logging.getLogger(__name__)
_TARGETS = frozenset({SERVICE, ENDPOINTS})

Enqueue = Callable[[Key, float], None]


class ChildIntake:
    """Keeps the memory of owned objects true and asks for the reconciliations that a change makes necessary."""

    def __init__(self, settings: Settings, world: World, enqueue: Enqueue) -> None:
        self._settings = settings
        self._world = world
        self._enqueue = enqueue
        self._everywhere = not settings.watch_namespaces
        self.on_kinds: Callable[[], None] = lambda: None
        self._note_prometheuses()

    def ask_for_objects(self) -> None:
        """Every monitor's objects, and those that name a monitor which is gone; the targets first."""
        self.ask_for_targets(self._world.monitors)
        for ref in self._world.monitors.keys() | self._world.children.owners():
            self._enqueue(ObjectsKey(ref), 0.0)

    def ask_for_targets(self, refs: Iterable[MonitorRef], delay_seconds: float = 0.0) -> None:
        """Service and Endpoints of these monitors."""
        for ref in refs:
            self._enqueue(TargetsKey(ref), delay_seconds)

    # Which kinds there are

    def kinds_served(self, served: frozenset[ResourceKind]) -> None:
        """The API server serves these of the optional kinds; called when that changes."""
        before = self._world.children.served
        if served == before:
            return
        for kind in (before if before is not None else OPTIONAL_KINDS) - served:
            self._world.children.forget_kind(kind)
        self._world.children.served = served
        _LOG.info("optional kinds", extra={"served": sorted(f"{kind.plural}.{kind.group}" for kind in served)})
        self._note_prometheuses()
        self.on_kinds()
        self.ask_for_objects()

    def kind_listed(self, kind: ResourceKind, namespace: str | None) -> None:
        """All objects of a kind are known now."""
        if self._world.children.note_listed(kind, namespace):
            self._ask_within(namespace)

    def kind_failed(self, kind: ResourceKind, namespace: str | None, error: ClusterError) -> None:
        """A kind cannot be listed or watched; it is tried again by itself."""
        where = "the cluster" if namespace is None else f"namespace {namespace}"
        why = f"the operator may not list {kind.plural} in {where}: {error}; see the chart's rbac values"
        if isinstance(error, ForbiddenError) and self._world.children.note_refused(kind, namespace, why):
            self._ask_within(namespace)

    def _ask_within(self, namespace: str | None) -> None:
        """The objects of the monitors that have some in a namespace."""
        if namespace is None or namespace == self._settings.dashboards.namespace:
            self.ask_for_objects()
            return
        for monitor in self._world.in_namespace(namespace):
            self._enqueue(TargetsKey(monitor.ref), 0.0)
            self._enqueue(ObjectsKey(monitor.ref), 0.0)

    def _note_prometheuses(self) -> None:
        served = self._world.children.served
        if not self._everywhere:
            self._world.surroundings.note_prometheuses(ONE_NAMESPACE, served=served is None or PROMETHEUS in served)
        elif served is not None:
            missing = PROMETHEUS not in served
            self._world.surroundings.note_prometheuses(NO_KIND if missing else NOT_LISTED, served=not missing)

    # Objects

    def put(self, kind: ResourceKind, raw: Json) -> None:
        """An object was listed, added or changed."""
        child = self._with_owner(parse_child(kind, raw))
        known = self._world.children.get(child.ref)
        if not self._world.children.put(child):
            return
        if child.owner is not None and self._is_home(child, child.owner) and self._world.children.refresh_fact(child):
            self._enqueue(StatusKey(child.owner), 0.0)
        if known is None or not _same(known, child):
            self._ask_about(child)

    def drop(self, kind: ResourceKind, raw: Json) -> None:
        """An object is gone, or no longer bears our labels."""
        metadata = raw["metadata"]
        ref = ObjectRef(kind, metadata.get("namespace", ""), metadata["name"])
        known = self._world.children.get(ref)
        if known is not None and self._world.children.drop(ref, metadata["uid"]):
            self._ask_about(known)

    def _is_home(self, child: ChildObject, owner: MonitorRef) -> bool:
        """Whether it lies where we put a monitor's objects: whoever names another team's monitor says nothing of it."""
        return child.ref.namespace in (owner.namespace, self._settings.dashboards.namespace)

    def _with_owner(self, child: ChildObject) -> ChildObject:
        """An object that has lost its owner reference is still found by the name that we gave it."""
        if child.owner is not None:
            return child
        for monitor in self._world.in_namespace(child.ref.namespace):
            if names.object_name(monitor.ref.name) == child.ref.name:
                return replace(child, owner=monitor.ref)
        return child

    def _ask_about(self, child: ChildObject) -> None:
        if child.owner is None:
            return
        key: Key = TargetsKey(child.owner) if child.ref.kind in _TARGETS else ObjectsKey(child.owner)
        self._enqueue(key, 0.0)

    # Who takes what the watches say

    def sink(self, kind: ResourceKind, namespace: str | None) -> "_ChildSink":
        """Of the objects of a kind that ModelMonitors own."""
        self._world.children.expect(kind, namespace)
        return _ChildSink(self, kind, namespace)

    def prometheuses(self) -> "_PrometheusSink":
        """Of Prometheus objects."""
        return _PrometheusSink(self._world)

    def namespaces(self) -> "_NamespaceSink":
        """Of namespaces."""
        return _NamespaceSink(self._world)


def _same(known: ChildObject, child: ChildObject) -> bool:
    """Whether only the status of an object has changed."""
    return known.uid == child.uid and child.content is not None and known.content == child.content


class _ChildSink:
    def __init__(self, intake: ChildIntake, kind: ResourceKind, namespace: str | None) -> None:
        self._intake = intake
        self._kind = kind
        self._namespace = namespace

    def put(self, raw: Json) -> None:
        self._intake.put(self._kind, raw)

    def drop(self, raw: Json) -> None:
        self._intake.drop(self._kind, raw)

    def listed(self) -> None:
        self._intake.kind_listed(self._kind, self._namespace)

    def failed(self, error: ClusterError) -> None:
        self._intake.kind_failed(self._kind, self._namespace, error)


class _PrometheusSink:
    def __init__(self, world: World) -> None:
        self._surroundings = world.surroundings

    def put(self, raw: Json) -> None:
        metadata = raw["metadata"]
        ref = ObjectRef(PROMETHEUS, metadata["namespace"], metadata["name"])
        self._surroundings.put_prometheus(ref, parse_prometheus(raw))

    def drop(self, raw: Json) -> None:
        metadata = raw["metadata"]
        self._surroundings.drop_prometheus(ObjectRef(PROMETHEUS, metadata["namespace"], metadata["name"]))

    def listed(self) -> None:
        self._surroundings.note_prometheuses("", served=True)

    def failed(self, error: ClusterError) -> None:
        if isinstance(error, ForbiddenError):
            why = f"the operator may not list Prometheus objects: {error}; see the chart's rbac values"
            self._surroundings.note_prometheuses(why, served=True)


class _NamespaceSink:
    def __init__(self, world: World) -> None:
        self._surroundings = world.surroundings

    def put(self, raw: Json) -> None:
        self._surroundings.put_namespace(raw["metadata"]["name"], raw["metadata"].get("labels") or {})

    def drop(self, raw: Json) -> None:
        self._surroundings.drop_namespace(raw["metadata"]["name"])

    def listed(self) -> None:
        self._surroundings.note_namespaces(known=True)

    def failed(self, error: ClusterError) -> None:
        if isinstance(error, ForbiddenError):
            self._surroundings.note_namespaces(known=False)
