"""What a reconciliation wants done to the cluster, as values in rank order."""

from dataclasses import dataclass
from enum import IntEnum

from modelmonitor_api import names
from modelmonitor_operator.child_object import is_touched
from modelmonitor_operator.objects import ObjectRef, StoredObject, content_digest, digest
from modelmonitor_operator.settings import Json


class Rank(IntEnum):
    """Lower ranks are done first: a key before the pods that mount it, deletions of pods before their key."""

    KEY = 10
    WORKLOAD = 20
    PLAN = 30
    CHILD = 35
    STATUS = 40
    ANNOUNCE = 50


@dataclass(frozen=True, slots=True)
class Create:
    """POST an object that is not there. One that exists by then is a finding, never taken over."""

    rank: Rank
    ref: ObjectRef
    manifest: Json


@dataclass(frozen=True, slots=True)
class Apply:
    """Server-side apply over exactly the object that was looked at: same UID, same resource version."""

    rank: Rank
    over: StoredObject
    manifest: Json


@dataclass(frozen=True, slots=True)
class ApplyStatus:
    """Server-side apply of the status of exactly the object and version that was looked at."""

    rank: Rank
    ref: ObjectRef
    uid: str
    resource_version: str
    status: Json


@dataclass(frozen=True, slots=True)
class Delete:
    """Delete exactly the object that was looked at."""

    rank: Rank
    target: StoredObject


@dataclass(frozen=True, slots=True)
class EmitEvent:
    """Write an Event; one that cannot be written is lost, nothing waits for it."""

    rank: Rank
    namespace: str
    manifest: Json


Change = Create | Apply | ApplyStatus | Delete | EmitEvent


@dataclass(frozen=True, slots=True)
class Written:
    """What the last write of an object wanted, and what the server then had."""

    uid: str
    resource_version: str
    desired: str
    content: str


def remember(manifest: Json, stored: StoredObject) -> Written:
    """The memory of a write of `manifest` that the server answered with `stored`."""
    return Written(stored.uid, stored.resource_version, digest(manifest), content_digest(stored.manifest))


def is_settled(manifest: Json, stored: StoredObject, written: Written | None) -> bool:
    """Whether a write would change nothing: the same is wanted, and nobody has touched the object since.

    A new resource version with the same content (a DaemonSet's status moves all the time) is no touch. Where this
    process has not written the object, the object itself says so: a change of leader writes nothing.

    Args:
        manifest: signed.
    """
    if written is None or written.uid != stored.uid:
        return _is_as_signed(manifest, stored)
    if written.desired != digest(manifest):
        return False
    return written.resource_version == stored.resource_version or written.content == content_digest(stored.manifest)


def _is_as_signed(manifest: Json, stored: StoredObject) -> bool:
    metadata = stored.manifest["metadata"]
    signature = (metadata.get("annotations") or {}).get(names.DIGEST_ANNOTATION)
    ours = manifest["metadata"]["annotations"][names.DIGEST_ANNOTATION]
    return bool(signature == ours) and not is_touched(metadata.get("managedFields") or ())
