"""The last check before a write: whether this process still leads, by its own clock."""

from collections.abc import Callable, Mapping
from typing import Protocol

from modelmonitor_operator import child_reconciler, ledgers
from modelmonitor_operator.errors import DeposedError
from modelmonitor_operator.objects import ObjectRef, ResourceKind, StoredObject
from modelmonitor_operator.reconcile.changes import ApplyStatus
from modelmonitor_operator.settings import Json


class Cluster(child_reconciler.Cluster, ledgers.Cluster, Protocol):
    """Everything that the leader asks of a cluster."""


class Fence:
    """A cluster that is written only while nobody else can lead.

    A process that was frozen sees what its successor wrote before it sees that it is deposed, and would bring that back
    into its own, older state: over the newest resource version, which no server refuses.
    """

    def __init__(self, cluster: Cluster, holds: Callable[[], bool]) -> None:
        self._cluster = cluster
        self._holds = holds

    async def create(self, ref: ObjectRef, manifest: Json) -> StoredObject:
        """POST; AlreadyExistsError where the name is taken."""
        return await self._guarded().create(ref, manifest)

    async def replace(self, stored: StoredObject, manifest: Json) -> StoredObject:
        """PUT over the object of this resource version; ConflictError where it has changed."""
        return await self._guarded().replace(stored, manifest)

    async def apply(self, over: StoredObject, manifest: Json) -> StoredObject:
        """Server-side apply over this very object; ConflictError where it is another or has changed."""
        return await self._guarded().apply(over, manifest)

    async def apply_status(self, change: ApplyStatus) -> StoredObject:
        """Server-side apply of the status; ConflictError as above."""
        return await self._guarded().apply_status(change)

    async def delete(self, target: StoredObject) -> None:
        """Delete this very object; ConflictError as above."""
        await self._guarded().delete(target)

    async def list_objects(self, kind: ResourceKind, namespace: str | None, query: Mapping[str, str]) -> list[Json]:
        """All objects of a kind; looking needs no lease."""
        return await self._cluster.list_objects(kind, namespace, query)

    async def get(self, ref: ObjectRef) -> StoredObject:
        """One object; looking needs no lease."""
        return await self._cluster.get(ref)

    async def list_metadata(self, kind: ResourceKind, namespace: str | None, query: Mapping[str, str]) -> list[Json]:
        """The metadata of all objects of a kind, likewise."""
        return await self._cluster.list_metadata(kind, namespace, query)

    def _guarded(self) -> Cluster:
        if not self._holds():
            raise DeposedError("the lease has run out, another process may lead")
        return self._cluster
