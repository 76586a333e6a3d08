"""Ledgers of ModelMonitors that are gone are kept for a settable time, then removed by the leader."""

import logging
from collections.abc import Callable, Collection, Sequence

from modelmonitor_api import names
from modelmonitor_operator.clock import Clock
from modelmonitor_operator.desired.ledger_config_map import LEDGER_SELECTOR, WRITTEN_ANNOTATION
from modelmonitor_operator.errors import ClusterError, ConflictError, NotFoundError
from modelmonitor_operator.ledgers import Cluster
from modelmonitor_operator.objects import CONFIG_MAP, StoredObject, parse_stored
from modelmonitor_operator.settings import Json, Settings
from modelmonitor_operator.timestamps import parse_time
from modelmonitor_operator.world import World

_LOG = logging.getLogger(__name__)
EVERY_WRITES = 12
"""They are looked for this many times less often than a ledger is written: once an hour."""
_DAY = 86400.0


class LedgerRetention:
    """Deletes ledgers that nobody has written for too long.

    Args:
        namespaces: those whose ModelMonitors are listed; empty means all. Of others it is not known who is gone.
    """

    def __init__(
        self, settings: Settings, world: World, cluster: Cluster, clock: Clock, namespaces: Callable[[], Sequence[str]]
    ) -> None:
        self._settings = settings
        self._world = world
        self._cluster = cluster
        self._clock = clock
        self._namespaces = namespaces

    async def run(self) -> None:
        """Look again and again until cancelled."""
        while self._settings.cost.enabled:
            await self._clock.sleep(EVERY_WRITES * self._settings.cost.write_seconds)
            try:
                await self.sweep()
            except ClusterError as exc:
                _LOG.warning("old ledgers cannot be looked for", extra={"error": str(exc)})

    async def sweep(self) -> None:
        """Delete what has had its time."""
        if not self._world.monitors_listed:
            return
        query = {"labelSelector": LEDGER_SELECTOR}
        found = await self._cluster.list_metadata(CONFIG_MAP, self._settings.namespace, query)
        alive = {monitor.uid for monitor in self._world.monitors.values()}
        for raw in found:
            if self._is_over(raw, alive):
                await self._delete(parse_stored(CONFIG_MAP, raw))

    def _is_over(self, raw: Json, alive: Collection[str]) -> bool:
        """Whether its ModelMonitor is gone and its time is over; what cannot be read is kept."""
        annotations = raw["metadata"].get("annotations") or {}
        namespace, _, rest = annotations.get(names.OWNER_ANNOTATION, "").partition("/")
        uid = rest.rpartition("/")[2]
        written = parse_time(annotations.get(WRITTEN_ANNOTATION))
        watched = self._namespaces()
        if not uid or uid in alive or written is None or (watched and namespace not in watched):
            return False
        return self._clock.time() - written > self._settings.cost.ledger_retention_days * _DAY

    async def _delete(self, target: StoredObject) -> None:
        try:
            await self._cluster.delete(target)
        except (NotFoundError, ConflictError):
            return
        _LOG.info("old ledger removed", extra={"ledger": str(target.ref)})
