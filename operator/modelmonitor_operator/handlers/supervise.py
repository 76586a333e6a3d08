"""Keeps kopf running: it ends on many a fault of a watch, and starts again here, in the same process, with back-off.

kopf's tasks are spawned and ended here one by one: its own runner would, at its end, cancel every task of the loop that
was created after its start, ours among them.
"""

import asyncio
import logging
import random
from collections.abc import Awaitable, Callable, Collection, Sequence
from typing import Any

import kopf

from modelmonitor_api.names import FIELD_MANAGER
from modelmonitor_operator.clock import Clock
from modelmonitor_operator.telemetry import Telemetry

_LOG = logging.getLogger(__name__)
_FIRST_BACKOFF_SECONDS = 0.5
_LARGEST_BACKOFF_SECONDS = 30.0
_LONG_RUN_SECONDS = 60.0
_END_SECONDS = 5.0
_IDENTITY: Any = FIELD_MANAGER
"""Without one kopf asks for the name of the user, and ends where the pod's uid has none."""

Prepare = Callable[[], Awaitable[Sequence[str] | None]]
"""Catches up with what was missed and says which namespaces kopf may watch: empty means all, None not yet."""
Tasks = Collection["asyncio.Task[None]"]
Spawn = Callable[[Sequence[str], asyncio.Event], Awaitable[Tasks]]
"""Starts kopf for these namespaces, to end when the event is set."""


class Supervisor:
    """Starts kopf, and starts it again whenever it ends."""

    def __init__(self, spawn: Spawn, clock: Clock, telemetry: Telemetry) -> None:
        self._spawn = spawn
        self._clock = clock
        self._telemetry = telemetry
        self._stop = asyncio.Event()

    async def run(self, prepare: Prepare) -> None:
        """Supervise until cancelled; `prepare` runs before each start."""
        failures = 0
        while True:
            started = self._clock.monotonic()
            namespaces = await prepare()
            if namespaces is not None:
                await self._run_once(namespaces)
            failures = 0 if self._clock.monotonic() - started > _LONG_RUN_SECONDS else failures + 1
            backoff = min(_LARGEST_BACKOFF_SECONDS, _FIRST_BACKOFF_SECONDS * 2 ** min(failures, 6))
            await self._clock.sleep(backoff * (0.5 + random.random() / 2))

    def restart(self) -> None:
        """End the kopf that runs now, so that it starts with other namespaces."""
        self._stop.set()

    async def _run_once(self, namespaces: Sequence[str]) -> None:
        self._stop = asyncio.Event()
        tasks = await self._spawn(namespaces, self._stop)
        try:
            await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
            self._telemetry.watch_restarts.labels(kind="ModelMonitor").inc()
        finally:
            await _end(tasks)
        for task in tasks:
            if task.done() and not task.cancelled() and (failure := task.exception()) is not None:
                _LOG.warning("kopf ended and starts again", extra={"task": task.get_name(), "error": repr(failure)})


async def _end(tasks: Tasks) -> None:
    for task in tasks:
        task.cancel()
    await asyncio.wait(tasks, timeout=_END_SECONDS)


def kopf_spawner(registry: kopf.OperatorRegistry, keep_signals: Callable[[], None]) -> Spawn:
    """How kopf is started; it takes the process's signal handlers, `keep_signals` puts ours back."""

    async def spawn(namespaces: Sequence[str], stop: asyncio.Event) -> Tasks:
        tasks = await kopf.spawn_tasks(
            registry=registry,
            clusterwide=not namespaces,
            namespaces=tuple(namespaces),
            standalone=True,
            identity=_IDENTITY,
            stop_flag=stop,
        )
        keep_signals()
        return tasks

    return spawn
