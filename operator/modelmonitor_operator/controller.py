"""The work queue at work: bounded workers, one a key, back-off with jitter, Retry-After honoured."""

import asyncio
import logging
import random
from collections.abc import Awaitable, Callable
from contextlib import suppress

from modelmonitor_operator.clock import Clock
from modelmonitor_operator.errors import ClusterError, ConflictError, ThrottledError
from modelmonitor_operator.keys import Key, LedgerKey, ObjectsKey
from modelmonitor_operator.telemetry import Telemetry
from modelmonitor_operator.work_queue import WorkQueue

_LOG = logging.getLogger(__name__)

Reconcile = Callable[[Key], Awaitable[None]]


def _is_patient(key: Key) -> bool:
    """Dashboards and ledgers can wait: verdicts, plans and addresses come first, also while everything is new."""
    return isinstance(key, ObjectsKey | LedgerKey)


class Controller:
    """Starts a reconciliation for each key that is due, no more than `workers` at a time."""

    def __init__(self, clock: Clock, telemetry: Telemetry, workers: int) -> None:
        self._clock = clock
        self._telemetry = telemetry
        self._workers = workers
        self._queue: WorkQueue[Key] = WorkQueue(_is_patient)
        self._wake = asyncio.Event()
        self._running = 0
        self._leading = False

    def enqueue(self, key: Key, delay_seconds: float = 0.0) -> None:
        """Ask for a reconciliation; a standby asks for nothing, it starts with everything when it leads."""
        if self._leading:
            self._queue.add(key, self._clock.monotonic(), delay_seconds)
            self._wake.set()

    async def run(self, reconcile: Reconcile, seed: Callable[[], None]) -> None:
        """Work until cancelled, with an empty queue at first that `seed` fills."""
        self._queue = WorkQueue(_is_patient)
        self._running = 0
        self._leading = True
        seed()
        try:
            async with asyncio.TaskGroup() as group:
                while True:
                    self._start_due(group, reconcile)
                    await self._wait()
        finally:
            self._leading = False

    def _start_due(self, group: asyncio.TaskGroup, reconcile: Reconcile) -> None:
        while self._running < self._workers and (key := self._queue.take(self._clock.monotonic())) is not None:
            self._running += 1
            group.create_task(self._handle(key, reconcile))
        self._telemetry.queue_depth.set(len(self._queue))

    async def _wait(self) -> None:
        """Until a key is due and a worker is free for it; what ends or is enqueued meanwhile makes it look again."""
        due = self._queue.next_due() if self._running < self._workers else None
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
        finally:
            self._running -= 1
        self._telemetry.reconcile_seconds.labels(key=key.label).observe(self._clock.monotonic() - started)
        if len(self._queue):
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
