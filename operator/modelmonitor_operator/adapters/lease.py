"""Leadership by a Lease: a timeout on each call, release on exit, and any exception ends it.

The client library's own election measures with the wall clock and dies on a refused connection without saying that
it no longer leads, so this loop is ours.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from contextlib import suppress
from datetime import UTC, datetime

from modelmonitor_operator.adapters.cluster import Cluster
from modelmonitor_operator.clock import Clock
from modelmonitor_operator.errors import ClusterError, ConflictError, NotFoundError, UnavailableError
from modelmonitor_operator.objects import LEASE, ObjectRef, StoredObject
from modelmonitor_operator.reconcile.lease import LeaseRecord, LeaseView, may_acquire, must_stop, observe_lease
from modelmonitor_operator.settings import Json, LeaseSettings

_LOG = logging.getLogger(__name__)

Work = Callable[[], Awaitable[None]]


class Leadership:
    """Campaigns, leads while the Lease is ours, and campaigns again."""

    def __init__(self, cluster: Cluster, clock: Clock, ref: ObjectRef, settings: LeaseSettings, identity: str) -> None:
        self._cluster = cluster
        self._clock = clock
        self._ref = ref
        self._settings = settings
        self._identity = identity
        self._view: LeaseView | None = None
        self._held: StoredObject | None = None
        self._renewed_at = 0.0

    @classmethod
    def of(cls, cluster: Cluster, clock: Clock, namespace: str, settings: LeaseSettings, identity: str) -> "Leadership":
        """The leadership of the operators of one namespace."""
        return cls(cluster, clock, ObjectRef(LEASE, namespace, settings.name), settings, identity)

    def holds(self) -> bool:
        """Whether nobody else can lead at this moment, however long this process has been frozen."""
        now = self._clock.monotonic()
        return self._held is not None and not must_stop(self._renewed_at, self._settings.duration_seconds, 0.0, now)

    async def run(self, work: Work) -> None:
        """Do `work` whenever this process leads; never ends but by cancellation."""
        while True:
            if await self._try_acquire():
                _LOG.info("leading", extra={"identity": self._identity})
                await self._lead(work)
                _LOG.info("no longer leading", extra={"identity": self._identity})
            await self._clock.sleep(self._settings.renew_seconds)

    async def _lead(self, work: Work) -> None:
        tasks = (asyncio.ensure_future(work()), asyncio.ensure_future(self._renew_until_lost()))
        try:
            await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for task in tasks:
                task.cancel()
            results = await asyncio.gather(*tasks, return_exceptions=True)
            await self._release()
        for result in results:
            if isinstance(result, Exception):
                _LOG.error("leadership ended by an exception", exc_info=result)

    async def _try_acquire(self) -> bool:
        try:
            stored = await self._read()
            now = self._clock.monotonic()
            if stored is not None:
                self._view = observe_lease(self._view, _parse(stored), now)
            view = self._view if stored is not None else None
            if not may_acquire(view, self._identity, now):
                return False
            await self._write(stored, self._identity)
        except ClusterError as exc:
            if not isinstance(exc, ConflictError):
                _LOG.warning("cannot take the lease", extra={"error": str(exc)})
            return False
        return True

    async def _renew_until_lost(self) -> None:
        margin = min(self._settings.timeout_seconds, self._settings.duration_seconds / 2)
        pause = self._settings.renew_seconds
        while True:
            await self._clock.sleep(pause)
            if self._is_late(margin):
                return
            try:
                await self._write(self._held, self._identity)
                pause = self._settings.renew_seconds
            except (ConflictError, NotFoundError):
                return
            except ClusterError as exc:
                _LOG.warning("cannot renew the lease", extra={"error": str(exc)})
                pause = min(1.0, self._settings.renew_seconds)
            if self._is_late(margin):
                return

    def _is_late(self, margin: float) -> bool:
        """Whether a renewal that starts now could end after others may lead."""
        return must_stop(self._renewed_at, self._settings.duration_seconds, margin, self._clock.monotonic())

    async def _release(self) -> None:
        with suppress(ClusterError):
            if self._held is not None:
                await self._write(self._held, "")
        self._held = None

    async def _read(self) -> StoredObject | None:
        try:
            return await self._within(self._cluster.get(self._ref))
        except NotFoundError:
            return None

    async def _write(self, over: StoredObject | None, holder: str) -> None:
        sent_at = self._clock.monotonic()
        manifest = self._build(over, holder)
        call = self._cluster.create(self._ref, manifest) if over is None else self._cluster.replace(over, manifest)
        self._held = await self._within(call)
        self._renewed_at = sent_at

    async def _within(self, call: Awaitable[StoredObject]) -> StoredObject:
        try:
            async with asyncio.timeout(self._settings.timeout_seconds):
                return await call
        except TimeoutError as exc:
            raise UnavailableError("the API server did not answer about the lease in time") from exc

    def _build(self, over: StoredObject | None, holder: str) -> Json:
        before = {} if over is None else over.manifest.get("spec", {})
        stamp = datetime.fromtimestamp(self._clock.time(), UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
        same = before.get("holderIdentity", "") == holder or not holder
        spec: Json = {
            "holderIdentity": holder,
            "leaseDurationSeconds": max(1, round(self._settings.duration_seconds)),
            "renewTime": stamp,
            "acquireTime": before.get("acquireTime", stamp) if same else stamp,
            "leaseTransitions": int(before.get("leaseTransitions", 0)) + (0 if same else 1),
        }
        metadata: Json = {"name": self._ref.name, "namespace": self._ref.namespace}
        if over is not None:
            metadata |= {"uid": over.uid, "resourceVersion": over.resource_version}
        return {"apiVersion": LEASE.api_version, "kind": LEASE.kind, "metadata": metadata, "spec": spec}


def _parse(stored: StoredObject) -> LeaseRecord:
    spec = stored.manifest.get("spec") or {}
    return LeaseRecord(
        holder=spec.get("holderIdentity") or "",
        version=stored.resource_version,
        duration_seconds=float(spec.get("leaseDurationSeconds") or 0),
        transitions=int(spec.get("leaseTransitions") or 0),
    )
