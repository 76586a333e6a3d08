"""The objects of one ModelMonitor: look at the memory, decide purely, execute, note how it stands."""

import logging
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping
from functools import partial
from typing import Protocol

from modelmonitor_api.names import MonitorRef
from modelmonitor_operator.arrival import ChildFact, ChildState
from modelmonitor_operator.child_object import parse_child
from modelmonitor_operator.child_recipes import Recipes
from modelmonitor_operator.desired.monitor_objects import OBJECT_KINDS, TARGET_KINDS, Action, ChildKind
from modelmonitor_operator.errors import (
    AlreadyExistsError,
    ForbiddenError,
    InvalidError,
    NotFoundError,
    RetryableError,
)
from modelmonitor_operator.execute import Writer, execute
from modelmonitor_operator.keys import Key, ObjectsKey, StatusKey, TargetsKey
from modelmonitor_operator.objects import POD, ObjectRef, ResourceKind, StoredObject
from modelmonitor_operator.observed import Monitor
from modelmonitor_operator.presumed import find_obstacle, know_facts
from modelmonitor_operator.reconcile.changes import Apply, Change, Create, Delete, Rank
from modelmonitor_operator.reconcile.objects import (
    ChildInput,
    ChildWritten,
    foreign_message,
    is_ours,
    reconcile_child,
)
from modelmonitor_operator.settings import Json, Settings
from modelmonitor_operator.world import World

_LOG = logging.getLogger(__name__)
REFUSED_SECONDS = 30.0
"""An object that the API server refuses, or that somebody else's stands in the way of, is tried again this often."""
GONE_SECONDS = 1.0
_REMOVABLE = frozenset(child.kind for child in (*TARGET_KINDS, *OBJECT_KINDS) if child.removable)
_TOLD = 300

Enqueue = Callable[[Key, float], None]


class Cluster(Writer, Protocol):
    """Writes, and the one look that finds an object without our labels."""

    async def list_objects(self, kind: ResourceKind, namespace: str | None, query: Mapping[str, str]) -> list[Json]:
        """All objects of a kind that the query selects."""


class ChildReconciler:
    """Brings the objects of one ModelMonitor at a time into the wanted state."""

    def __init__(self, settings: Settings, world: World, cluster: Cluster, recipes: Recipes) -> None:
        self._settings = settings
        self._world = world
        self._cluster = cluster
        self._written: defaultdict[MonitorRef, dict[ObjectRef, ChildWritten]] = defaultdict(dict)
        self.recipes = recipes
        self.enqueue: Enqueue = lambda _key, _delay: None

    async def targets(self, ref: MonitorRef) -> None:
        """Service and Endpoints."""
        if self._knows_targets(ref):
            await self._bring(ref, TARGET_KINDS, TargetsKey(ref))

    async def objects(self, ref: MonitorRef) -> None:
        """All others; of a monitor that is gone, what nobody else removes."""
        if not self._world.monitors_listed:
            return
        if ref in self._world.monitors:
            await self._bring(ref, OBJECT_KINDS, ObjectsKey(ref))
        else:
            await self._sweep(ref)

    def _knows_targets(self, ref: MonitorRef) -> bool:
        """Whether it is known which sidecars belong into the Endpoints; else they stay as they are."""
        world = self._world
        return world.monitors_listed and POD in world.listed_kinds and ref.namespace in world.listed_namespaces

    async def _bring(self, ref: MonitorRef, kinds: Iterable[ChildKind], key: Key) -> None:
        monitor = self._world.monitors.get(ref)
        if monitor is None:
            return
        facts: dict[ResourceKind, ChildFact] = {}
        failure: RetryableError | None = None
        for kind in kinds:
            try:
                fact = await self._one(monitor, kind, key)
            except RetryableError as exc:
                failure = failure or exc
                continue
            if fact is not None:
                facts[kind.kind] = fact
        self._note(monitor, facts)
        if failure is not None:
            raise failure

    def _note(self, monitor: Monitor, facts: Mapping[ResourceKind, ChildFact]) -> None:
        """Remember how it stands; what the verdict has not taken for granted anyway asks for another."""
        before = know_facts(self._settings, self._world, monitor)
        self._world.children.note_facts(monitor.ref, facts)
        for kind, fact in facts.items():
            if fact.state in (ChildState.REFUSED, ChildState.FORBIDDEN) and before[kind].state is not fact.state:
                where = {"kind": kind.kind, "monitor": str(monitor.ref), "why": fact.message}
                _LOG.warning("object stands back", extra=where)
        if any(before[kind] != fact for kind, fact in facts.items()):
            self.enqueue(StatusKey(monitor.ref), 0.0)

    async def _one(self, monitor: Monitor, kind: ChildKind, key: Key) -> ChildFact | None:
        """One object; how it stands with it, None where the fact before still holds."""
        try:
            return await self._write(monitor, kind)
        except (ForbiddenError, InvalidError) as exc:
            self.enqueue(key, REFUSED_SECONDS)
            state = ChildState.FORBIDDEN if isinstance(exc, ForbiddenError) else ChildState.REFUSED
            told = f"{kind.kind.kind} cannot be written, the API server says: {str(exc)[:_TOLD]}"
            return ChildFact(state, told)
        except NotFoundError:  # object, kind or namespace went meanwhile: the watches will say which
            self.enqueue(key, GONE_SECONDS)
            return None

    async def _write(self, monitor: Monitor, kind: ChildKind) -> ChildFact | None:
        """A new object takes two writes: the least that is legal, then every field."""
        remember = partial(self._remember, monitor.ref)
        for _ in range(2):
            given = self._input(monitor, kind)
            decision = reconcile_child(given)
            try:
                await execute(decision.changes, self._cluster, remember)
            except AlreadyExistsError as exc:
                return await self._look(monitor, given, exc)
            if not any(isinstance(change, Create) for change in decision.changes):
                break
        return decision.fact

    async def _look(self, monitor: Monitor, given: ChildInput, exc: AlreadyExistsError) -> ChildFact | None:
        """An object without our labels bears the name: one of ours that lost them, or somebody else's."""
        if given.wanted is None:
            raise exc
        ref = given.wanted.ref
        query = {"fieldSelector": f"metadata.name={ref.name}"}
        found = [parse_child(ref.kind, raw) for raw in await self._cluster.list_objects(ref.kind, ref.namespace, query)]
        key = TargetsKey(monitor.ref) if given.kind in TARGET_KINDS else ObjectsKey(monitor.ref)
        if found and not is_ours(found[0], monitor):
            self.enqueue(key, REFUSED_SECONDS)
            return ChildFact(ChildState.REFUSED, foreign_message(found[0]))
        for child in found:
            self._world.children.put(child)
        self.enqueue(key, 0.0)
        return None

    async def _sweep(self, ref: MonitorRef) -> None:
        """What no owner reference lets Kubernetes collect, because it lies in another namespace."""
        self._written.pop(ref, None)
        self.recipes.forget(ref)
        if self._settings.watch_namespaces and ref.namespace not in self._settings.watch_namespaces:
            return
        kept = [child for child in self._world.children.owned(ref) if child.ref.kind in _REMOVABLE]
        left = [child for child in kept if not child.owner_uids and not child.deleting]
        changes = tuple(Delete(Rank.CHILD, child.target) for child in left)
        await execute(changes, self._cluster, partial(self._remember, ref))

    # What there is

    def _input(self, monitor: Monitor, kind: ChildKind) -> ChildInput:
        children = self._world.children
        wish = kind.wish(self._settings, monitor)
        mine = children.owned(monitor.ref, kind.kind)
        obstacle = find_obstacle(self._settings, self._world, monitor, kind)
        if wish.action is not Action.KEEP or obstacle is not None:
            return ChildInput(monitor, kind, wish, mine=mine, obstacle=obstacle)
        recipe = self.recipes.of(monitor, kind)
        return ChildInput(
            monitor=monitor,
            kind=kind,
            wish=wish,
            build=recipe.build,
            wanted=recipe.wanted,
            mine=mine,
            occupant=children.get(recipe.wanted.ref),
            written=self._written[monitor.ref].get(recipe.wanted.ref),
        )

    # What was done

    def _remember(self, ref: MonitorRef, change: Change, stored: StoredObject | None) -> None:
        if isinstance(change, Delete):
            self._world.children.drop(change.target.ref, change.target.uid)
        elif isinstance(change, Create | Apply) and stored is not None:
            child = parse_child(stored.ref.kind, stored.manifest)
            self._world.children.put(child)
            written = ChildWritten(child.uid, child.resource_version, child.digest, child.content)
            self._written[ref][child.ref] = written
