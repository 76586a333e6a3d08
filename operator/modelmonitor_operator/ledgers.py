"""The calls about ledgers: read, make, replace. `cost/ledger_writes.py` says when, and why that is safe."""

from collections.abc import Mapping
from typing import Protocol

from modelmonitor_api.names import MonitorRef
from modelmonitor_operator.cost.ledger import Ledger
from modelmonitor_operator.cost.ledger_document import DATA_KEY, LedgerProblem, parse_ledger
from modelmonitor_operator.cost.ledger_writes import Stored
from modelmonitor_operator.desired.ledger_config_map import build_ledger_config_map, ledger_ref
from modelmonitor_operator.errors import NotFoundError
from modelmonitor_operator.objects import ObjectRef, ResourceKind, StoredObject
from modelmonitor_operator.settings import Json, Settings


class Cluster(Protocol):
    """What ledgers need of a cluster. Every method raises ClusterError."""

    async def get(self, ref: ObjectRef) -> StoredObject:
        """One object."""

    async def list_metadata(self, kind: ResourceKind, namespace: str | None, query: Mapping[str, str]) -> list[Json]:
        """The metadata of all objects that the query selects."""

    async def create(self, ref: ObjectRef, manifest: Json) -> StoredObject:
        """POST; AlreadyExistsError where the name is taken."""

    async def replace(self, stored: StoredObject, manifest: Json) -> StoredObject:
        """PUT over the object of this resource version; ConflictError where it has changed."""

    async def delete(self, target: StoredObject) -> None:
        """Delete this very object; ConflictError where it has changed."""


class Ledgers:
    """The ledgers on the API server. Every method raises ClusterError."""

    def __init__(self, settings: Settings, cluster: Cluster) -> None:
        self._settings = settings
        self._cluster = cluster

    async def read(self, monitor_uid: str) -> Stored | LedgerProblem | None:
        """A ModelMonitor's ledger, or why it is not believed; None where there is none."""
        try:
            found = await self._cluster.get(ledger_ref(self._settings, monitor_uid))
        except NotFoundError:
            return None
        data = found.manifest.get("data") or {}
        ledger = parse_ledger(data.get(DATA_KEY), monitor_uid)
        return ledger if isinstance(ledger, LedgerProblem) else Stored(ledger, found.resource_version, found.uid)

    async def make(self, owner: MonitorRef, ledger: Ledger) -> Stored:
        """POST a ledger; AlreadyExistsError where there is one."""
        ref = ledger_ref(self._settings, ledger.monitor_uid)
        made = await self._cluster.create(ref, build_ledger_config_map(self._settings, owner, ledger))
        return Stored(ledger, made.resource_version, made.uid)

    async def write(self, owner: MonitorRef, over: Stored, ledger: Ledger) -> Stored:
        """PUT a ledger over exactly what was read; ConflictError where somebody else has written or made it."""
        ref = ledger_ref(self._settings, ledger.monitor_uid)
        manifest = build_ledger_config_map(self._settings, owner, ledger)
        metadata = {**manifest["metadata"], "uid": over.uid, "resourceVersion": over.resource_version}
        target = StoredObject(ref, over.uid, over.resource_version, {})
        made = await self._cluster.replace(target, {**manifest, "metadata": metadata})
        return Stored(ledger, made.resource_version, made.uid)
