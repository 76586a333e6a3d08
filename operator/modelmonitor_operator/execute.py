"""Changes become calls to the cluster, in rank order."""

from collections.abc import Callable, Iterable
from typing import Protocol

from modelmonitor_operator.errors import ClusterError, NotFoundError
from modelmonitor_operator.objects import EVENT, ObjectRef, StoredObject
from modelmonitor_operator.reconcile.changes import Apply, ApplyStatus, Change, Create, Delete, EmitEvent
from modelmonitor_operator.settings import Json


class Writer(Protocol):
    """What execution needs of a cluster. Every method raises ClusterError."""

    async def create(self, ref: ObjectRef, manifest: Json) -> StoredObject:
        """POST; AlreadyExistsError where the name is taken."""

    async def apply(self, over: StoredObject, manifest: Json) -> StoredObject:
        """Server-side apply over this very object; ConflictError where it is another or has changed."""

    async def apply_status(self, change: ApplyStatus) -> StoredObject:
        """Server-side apply of the status; ConflictError as above."""

    async def delete(self, target: StoredObject) -> None:
        """Delete this very object; ConflictError as above."""


Done = Callable[[Change, StoredObject | None], None]


async def execute(changes: Iterable[Change], writer: Writer, done: Done) -> None:
    """Do the changes one after the other; `done` hears of each with what the server now has.

    Raises:
        ClusterError: the first change that failed; those after it are not tried. Events are never the reason.
    """
    for change in sorted(changes, key=lambda change: change.rank):
        try:
            stored = await _execute_one(change, writer)
        except NotFoundError:
            if isinstance(change, Apply):  # else a memory of what is gone would be applied over again and again
                done(Delete(change.rank, change.over), None)
            raise
        done(change, stored)


async def _execute_one(change: Change, writer: Writer) -> StoredObject | None:
    match change:
        case Create(ref=ref, manifest=manifest):
            return await writer.create(ref, manifest)
        case Apply(over=over, manifest=manifest):
            return await writer.apply(over, manifest)
        case ApplyStatus():
            return await writer.apply_status(change)
        case Delete(target=target):
            await _delete(target, writer)
        case EmitEvent(namespace=namespace, manifest=manifest):
            await _emit(namespace, manifest, writer)
    return None


async def _delete(target: StoredObject, writer: Writer) -> None:
    try:
        await writer.delete(target)
    except NotFoundError:
        return


async def _emit(namespace: str, manifest: Json, writer: Writer) -> None:
    try:
        await writer.create(ObjectRef(EVENT, namespace, manifest["metadata"]["name"]), manifest)
    except ClusterError:
        return
