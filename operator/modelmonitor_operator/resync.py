"""The full list of ModelMonitors, at the start and every few minutes: what no watch said is found here."""

import asyncio
import logging
from collections.abc import Callable, Sequence

from modelmonitor_operator.adapters.cluster import Cluster
from modelmonitor_operator.clock import Clock
from modelmonitor_operator.errors import ClusterError
from modelmonitor_operator.intake import Intake
from modelmonitor_operator.objects import MODEL_MONITOR
from modelmonitor_operator.settings import Json, Settings

_LOG = logging.getLogger(__name__)

OnChange = Callable[[], None]


class Resync:
    """Lists and compares. `problem` says why that does not work, for the readiness probe."""

    def __init__(self, settings: Settings, cluster: Cluster, intake: Intake, clock: Clock) -> None:
        self._settings = settings
        self._cluster = cluster
        self._intake = intake
        self._clock = clock
        self.namespaces: Sequence[str] = ()
        self._one_at_a_time = asyncio.Lock()
        self.problem = "ModelMonitors have not been listed yet"

    async def once(self) -> Sequence[str] | None:
        """List and compare; the namespaces that may be watched (empty: all), None where nothing may be."""
        async with self._one_at_a_time:
            return await self._once()

    async def _once(self) -> Sequence[str] | None:
        try:
            allowed = await self._allowed()
            known = self._intake.monitor_uids()
            self._intake.compare_monitors(await self._list(allowed), known)
        except ClusterError as exc:
            self._explain(str(exc))
            return None
        self.problem = ""
        self.namespaces = tuple(namespace for namespace in allowed if namespace is not None)
        return self.namespaces

    async def repeat(self, on_change: OnChange) -> None:
        """Once every `resync_seconds`; tells where the namespaces that may be watched have changed."""
        while True:
            await self._clock.sleep(self._settings.resync_seconds)
            before = self.namespaces
            if await self.once() is not None and self.namespaces != before:
                on_change()

    async def _allowed(self) -> list[str | None]:
        wanted: Sequence[str | None] = self._settings.watch_namespaces or (None,)
        allowed = [name for name in wanted if await self._cluster.may_watch(MODEL_MONITOR, name)]
        for name in wanted:
            if name not in allowed:
                where = "the cluster" if name is None else f"namespace {name}"
                _LOG.error("no right to list and watch modelmonitors", extra={"where": where})
        if not allowed:
            raise ClusterError("no right to list and watch modelmonitors in any namespace: see the chart's rbac values")
        return allowed

    async def _list(self, namespaces: Sequence[str | None]) -> list[Json]:
        items: list[Json] = []
        for namespace in namespaces:
            items += await self._cluster.list_objects(MODEL_MONITOR, namespace, {})
        return items

    def _explain(self, problem: str) -> None:
        self.problem = f"ModelMonitors cannot be listed: {problem}"
        _LOG.warning("resync failed", extra={"error": problem})
