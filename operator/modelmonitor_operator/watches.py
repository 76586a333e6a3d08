"""Which watches run: what is fixed, the pods of each namespace with a ModelMonitor, and the kinds that are served."""

import asyncio
import logging
from collections.abc import Iterable, Mapping
from dataclasses import replace

from modelmonitor_operator.adapters.connection import Connection
from modelmonitor_operator.adapters.watch import Scope, Sink, Watch
from modelmonitor_operator.child_object import CHILD_SELECTOR, METADATA_ONLY
from modelmonitor_operator.clock import Clock
from modelmonitor_operator.desired.daemonset import selector_labels
from modelmonitor_operator.desired.monitor_objects import GRAFANA_KINDS, OBJECT_KINDS, TARGET_KINDS
from modelmonitor_operator.intake import Intake
from modelmonitor_operator.objects import (
    CONFIG_MAP,
    DAEMON_SET,
    NAMESPACE,
    NODE,
    NODE_PLAN,
    POD,
    PROMETHEUS,
    SECRET,
    ResourceKind,
)
from modelmonitor_operator.settings import Settings
from modelmonitor_operator.telemetry import Telemetry
from modelmonitor_operator.world import World

_LOG = logging.getLogger(__name__)


class Watches:
    """Starts and stops watches as ModelMonitors, and kinds, come and go."""

    def __init__(
        self, settings: Settings, connection: Connection, intake: Intake, clock: Clock, telemetry: Telemetry
    ) -> None:
        self._settings = settings
        self._connection = connection
        self._intake = intake
        self._clock = clock
        self._telemetry = telemetry
        self._tasks: dict[Scope, asyncio.Task[None]] = {}

    async def run(self, world: World) -> None:
        """Watch until cancelled.

        A namespace that loses its last ModelMonitor loses its watch at once: the world has forgotten its pods, and a
        watch that lived on would not tell of them again to the next ModelMonitor. So does a kind that goes.
        """
        fixed = [asyncio.create_task(self._watch(scope, sink)) for scope, sink in self._fixed()]
        self._intake.on_namespaces = self._intake.children.on_kinds = lambda: self._match(world)
        try:
            self._match(world)
            await asyncio.gather(*fixed)
        finally:
            self._intake.on_namespaces = self._intake.children.on_kinds = lambda: None
            tasks = [*fixed, *self._tasks.values()]
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

    def _match(self, world: World) -> None:
        wanted = dict((*self._pods(world), *self._optional(world)))
        for scope in self._tasks.keys() - wanted.keys():
            self._tasks.pop(scope).cancel()
        for scope in wanted.keys() - self._tasks.keys():
            self._tasks[scope] = asyncio.create_task(self._watch(scope, wanted[scope]))

    def _pods(self, world: World) -> Iterable[tuple[Scope, Sink]]:
        for namespace in world.namespaces():
            yield Scope(POD, namespace), self._intake.pods_of(namespace)

    def _optional(self, world: World) -> Iterable[tuple[Scope, Sink]]:
        """Kinds whose CRD may be missing."""
        served = world.children.served or frozenset()
        for kind in OBJECT_KINDS:
            if kind.provider and kind.kind in served:
                yield from ((replace(scope, may_be_new=True), sink) for scope, sink in self._owned(kind.kind))
        if PROMETHEUS in served and not self._settings.watch_namespaces:
            yield Scope(PROMETHEUS, None, may_be_new=True), self._intake.children.prometheuses()
            yield Scope(NAMESPACE, None, metadata_only=True), self._intake.children.namespaces()

    def _owned(self, kind: ResourceKind) -> Iterable[tuple[Scope, Sink]]:
        """The objects of a kind that ModelMonitors own, wherever they may be."""
        elsewhere = self._settings.dashboards.namespace
        namespaces: set[str | None] = set(self._settings.watch_namespaces) or {None}
        if elsewhere and None not in namespaces and kind in GRAFANA_KINDS:
            namespaces.add(elsewhere)
        for namespace in namespaces:
            scope = Scope(kind, namespace, CHILD_SELECTOR, metadata_only=kind in METADATA_ONLY)
            yield scope, self._intake.children.sink(kind, namespace)

    def _fixed(self) -> list[tuple[Scope, Sink]]:
        settings = self._settings
        namespace = settings.sidecar_namespace
        labels = ",".join(f"{name}={value}" for name, value in selector_labels(settings).items())
        named: Mapping[str, Scope] = {
            kind.kind: Scope(kind, namespace, field_selector=f"metadata.name={name}")
            for kind, name in (
                (DAEMON_SET, settings.sidecar_name),
                (SECRET, settings.key_secret_name),
                (CONFIG_MAP, settings.anchor_name),
            )
        }
        stored = [(scope, self._intake.stored(scope.kind)) for scope in (*named.values(), Scope(NODE_PLAN, namespace))]
        owned = [
            pair for kind in (*TARGET_KINDS, *OBJECT_KINDS) if not kind.provider for pair in self._owned(kind.kind)
        ]
        sidecars = Scope(POD, namespace, label_selector=labels), self._intake.sidecars()
        return [*stored, *owned, *self._prices(), sidecars]

    def _prices(self) -> Iterable[tuple[Scope, Sink]]:
        """Where administrators say what GPUs cost."""
        cost = self._settings.cost
        if cost.enabled and cost.read_nodes:
            yield Scope(NODE, None, metadata_only=True), self._intake.cost.nodes()
        if cost.enabled and cost.price_table:
            named = f"metadata.name={cost.price_table}"
            yield Scope(CONFIG_MAP, self._settings.namespace, field_selector=named), self._intake.cost.price_table()

    async def _watch(self, scope: Scope, sink: Sink) -> None:
        watch = Watch(self._connection, scope, sink, self._clock, self._telemetry, self._settings.resync_seconds)
        while True:
            try:
                await watch.run()
            except Exception:  # a defect of ours in one watch must not end the others
                _LOG.exception(
                    "watch ended unexpectedly", extra={"kind": scope.kind.kind, "namespace": scope.namespace}
                )
                await self._clock.sleep(5.0)
