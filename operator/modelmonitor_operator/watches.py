"""Which watches run: five kinds in the sidecars' namespace, and the pods of each namespace with a ModelMonitor."""

import asyncio
import logging
from collections.abc import Mapping

from modelmonitor_operator.adapters.connection import Connection
from modelmonitor_operator.adapters.watch import Scope, Sink, Watch
from modelmonitor_operator.clock import Clock
from modelmonitor_operator.desired.daemonset import selector_labels
from modelmonitor_operator.intake import Intake
from modelmonitor_operator.objects import CONFIG_MAP, DAEMON_SET, NODE_PLAN, POD, SECRET
from modelmonitor_operator.settings import Settings
from modelmonitor_operator.telemetry import Telemetry
from modelmonitor_operator.world import World

_LOG = logging.getLogger(__name__)


class Watches:
    """Starts and stops watches as ModelMonitors come and go."""

    def __init__(
        self, settings: Settings, connection: Connection, intake: Intake, clock: Clock, telemetry: Telemetry
    ) -> None:
        self._settings = settings
        self._connection = connection
        self._intake = intake
        self._clock = clock
        self._telemetry = telemetry
        self._tasks: dict[str, asyncio.Task[None]] = {}

    async def run(self, world: World) -> None:
        """Watch until cancelled.

        A namespace that loses its last ModelMonitor loses its watch at once: the world has forgotten its pods, and a
        watch that lived on would not tell of them again to the next ModelMonitor.
        """
        fixed = [asyncio.create_task(self._watch(scope, sink)) for scope, sink in self._fixed()]
        self._intake.on_namespaces = lambda: self._match(world)
        try:
            self._match(world)
            await asyncio.gather(*fixed)
        finally:
            self._intake.on_namespaces = lambda: None
            tasks = [*fixed, *self._tasks.values()]
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

    def _match(self, world: World) -> None:
        wanted = world.namespaces()
        for namespace in self._tasks.keys() - wanted:
            self._tasks.pop(namespace).cancel()
        for namespace in wanted - self._tasks.keys():
            watch = self._watch(Scope(POD, namespace), self._intake.pods_of(namespace))
            self._tasks[namespace] = asyncio.create_task(watch)

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
        return [*stored, (Scope(POD, namespace, label_selector=labels), self._intake.sidecars())]

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
