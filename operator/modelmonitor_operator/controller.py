"""The work queue at work: bounded workers, one a key, back-off with jitter, Retry-After honoured."""

import asyncio
import logging
import random
from collections.abc import Awaitable, Callable
from contextlib import suppress

from modelmonitor_operator.clock import Clock
from modelmonitor_operator.errors import ClusterError, ConflictError, ThrottledError
from modelmonitor_operator.keys import Key
from modelmonitor_operator.telemetry import Telemetry
from modelmonitor_operator.work_queue import WorkQueue

_LOG = logging.getLogger(__name__)

Reconcile = Callable[[Key], Awaitable[None]]


class Controller:
    """Runs a reconciliation for each key that is due."""

    def __init__(self, clock: Clock, telemetry: Telemetry, workers: int) -> None:
        self._clock = clock
        self._telemetry = telemetry
        self._workers = workers
        self._queue: WorkQueue[Key] = WorkQueue()
        self._wake = asyncio.Event()
        self._leading = False

    def enqueue(self, key: Key, delay_seconds: float = 0.0) -> None:
        """Ask for a reconciliation; a standby asks for nothing, it starts with everything when it leads."""
        if self._leading:
            self._queue.add(key, self._clock.monotonic(), delay_seconds)
            self._wake.set()

    async def run(self, reconcile: Reconcile, seed: Callable[[], None]) -> None:
        """Work until cancelled, with an empty queue at first that `seed` fills."""
        self._queue = WorkQueue()
        self._leading = True
        seed()
        try:
            async with asyncio.TaskGroup() as group:
                for _ in range(self._workers):
                    group.create_task(self._work(reconcile))
        finally:
            self._leading = False

    async def _work(self, reconcile: Reconcile) -> None:
        while True:
            key = self._queue.take(self._clock.monotonic())
            self._telemetry.queue_depth.set(len(self._queue))
            if key is None:
                await self._wait()
            else:
                await self._handle(key, reconcile)

    async def _wait(self) -> None:
        due = self._queue.next_due()
        timeout = None if due is None else max(0.0, due - self._clock.monotonic())
        self._wake.clear()
        with suppress(TimeoutError):
            async with asyncio.timeout(timeout):  # wait_for of Python 3.11 can swallow a cancellation
                await self._wake.wait()

    async def _handle(self, key: Key, reconcile: Reconcile) -> None:
        started = self._clock.monotonic()
        self._telemetry.reconciles.labels(key=key.label).inc()
        try:
            await reconcile(key)
        except Exception as exc:
            self._fail(key, exc)
        else:
            self._queue.succeeded(key, self._clock.monotonic())
        self._telemetry.reconcile_seconds.labels(key=key.label).observe(self._clock.monotonic() - started)
        self._wake.set()

    def _fail(self, key: Key, exc: Exception) -> None:
        patience = exc.retry_after_seconds if isinstance(exc, ThrottledError) else 0.0
        delay = self._queue.failed(key, self._clock.monotonic(), random.random(), patience)
        self._telemetry.reconcile_errors.labels(key=key.label, error=type(exc).__name__).inc()
        details = {"key": str(key), "error": str(exc), "retry_seconds": round(delay, 2)}
        if isinstance(exc, ConflictError):
            _LOG.debug("reconciliation looks again", extra=details)
        elif isinstance(exc, ClusterError):
            _LOG.warning("reconciliation failed", extra=details)
        else:
            _LOG.error("reconciliation failed unexpectedly", extra=details, exc_info=exc)
