"""Keeps kopf running: it ends on many a fault of a watch, and starts again here, in the same process, with back-off."""

import asyncio
import logging
import random
import threading
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from typing import Any

import kopf

from modelmonitor_api.names import FIELD_MANAGER
from modelmonitor_operator.clock import Clock
from modelmonitor_operator.telemetry import Telemetry

_LOG = logging.getLogger(__name__)
_FIRST_BACKOFF_SECONDS = 1.0
_LARGEST_BACKOFF_SECONDS = 30.0
_LONG_RUN_SECONDS = 60.0
_IDENTITY: Any = FIELD_MANAGER
"""Without one kopf asks for the name of the user, and ends where the pod's uid has none."""

Prepare = Callable[[], Awaitable[Sequence[str] | None]]
"""Catches up with what was missed and says which namespaces kopf may watch: empty means all, None not yet."""


class Supervisor:
    """Starts kopf, and starts it again whenever it ends."""

    def __init__(self, registry: kopf.OperatorRegistry, clock: Clock, telemetry: Telemetry) -> None:
        self._registry = registry
        self._clock = clock
        self._telemetry = telemetry
        self._stop: Callable[[], object] = lambda: None

    async def run(self, prepare: Prepare) -> None:
        """Supervise until cancelled; `prepare` runs before each start."""
        failures = 0
        while True:
            started = self._clock.monotonic()
            namespaces = await prepare()
            if namespaces is not None:
                await self._run_once(namespaces)
            failures = 0 if self._clock.monotonic() - started > _LONG_RUN_SECONDS else failures + 1
            backoff = min(_LARGEST_BACKOFF_SECONDS, _FIRST_BACKOFF_SECONDS * 2 ** min(failures, 6) / 2)
            await self._clock.sleep(backoff * (0.5 + random.random() / 2))

    def restart(self) -> None:
        """End the kopf that runs now, so that it starts with other namespaces."""
        self._stop()

    async def _run_once(self, namespaces: Sequence[str]) -> None:
        loop, ended = asyncio.get_running_loop(), asyncio.Event()

        def run() -> None:
            try:
                asyncio.run(self._operate(namespaces))
            except Exception as exc:
                _LOG.warning("kopf ended", extra={"error": repr(exc)})
            with suppress(RuntimeError):
                loop.call_soon_threadsafe(ended.set)

        threading.Thread(target=run, name="kopf", daemon=True).start()
        try:
            await ended.wait()
            self._telemetry.watch_restarts.labels(kind="ModelMonitor").inc()
        finally:
            self._stop()

    async def _operate(self, namespaces: Sequence[str]) -> None:
        stop = asyncio.Event()
        loop = asyncio.get_running_loop()
        self._stop = lambda: _call_soon(loop, stop.set)
        await kopf.operator(
            registry=self._registry,
            clusterwide=not namespaces,
            namespaces=tuple(namespaces),
            standalone=True,
            identity=_IDENTITY,
            stop_flag=stop,
        )


def _call_soon(loop: asyncio.AbstractEventLoop, callback: Callable[[], None]) -> None:
    """Call into a loop of another thread; one that has ended needs no call."""
    with suppress(RuntimeError):
        loop.call_soon_threadsafe(callback)
