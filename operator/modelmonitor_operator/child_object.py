"""What is kept of an object that a ModelMonitor owns: enough to see that it is ours and untouched, without its content.

A thousand dashboards would be a hundred megabytes; a fingerprint of each is nothing.
"""

from collections.abc import Iterable
from dataclasses import dataclass

from modelmonitor_api import names
from modelmonitor_api.names import MonitorRef
from modelmonitor_operator.objects import (
    CONFIG_MAP,
    GRAFANA_DASHBOARD,
    PROMETHEUS_RULE,
    SERVICE_MONITOR,
    ObjectRef,
    ResourceKind,
    StoredObject,
    content_digest,
)
from modelmonitor_operator.settings import Json
from modelmonitor_operator.timestamps import parse_time

METADATA_ONLY = frozenset({CONFIG_MAP, PROMETHEUS_RULE})
"""Kinds whose content is large and is not watched: who wrote it last is in the metadata."""
_MAY_LIE_ELSEWHERE = frozenset({CONFIG_MAP, GRAFANA_DASHBOARD})
"""Kinds of which an annotation may name the owner; for any other it would let a team hinder another's objects."""
_STATUS_KEPT = frozenset({SERVICE_MONITOR, GRAFANA_DASHBOARD})
CHILD_SELECTOR = f"{names.MANAGED_BY_LABEL}={names.MANAGED_BY},{names.COMPONENT_LABEL}={names.CHILD_COMPONENT}"
"""Label selector of every object that a ModelMonitor owns."""


@dataclass(frozen=True, slots=True)
class ChildObject:
    """One object of a ModelMonitor's, as the server has it.

    Attributes:
        owner: the ModelMonitor that its owner reference, or its annotation, names; None where nothing does.
        owner_uids: UIDs of the ModelMonitors among its owners.
        digest: the annotation with the fingerprint of what we wanted when we wrote it.
        content: fingerprint of what it holds; None for kinds of which only metadata is watched.
        touched: whether somebody else wrote more than its status after our last write.
        status: of kinds whose own operator says something in it.
    """

    ref: ObjectRef
    uid: str
    resource_version: str
    labels: tuple[tuple[str, str], ...] = ()
    owner: MonitorRef | None = None
    owner_uids: tuple[str, ...] = ()
    digest: str = ""
    content: str | None = None
    touched: bool = False
    deleting: bool = False
    status: Json | None = None

    @property
    def target(self) -> StoredObject:
        """What a write over exactly this object names."""
        return StoredObject(self.ref, self.uid, self.resource_version, {"metadata": {}})

    @property
    def labelled(self) -> bool:
        """Whether its labels say that this operator manages it."""
        return dict(self.labels).get(names.MANAGED_BY_LABEL) == names.MANAGED_BY


def parse_child(kind: ResourceKind, raw: Json) -> ChildObject:
    """The object of an answer or of a watch event; of some kinds only metadata is there, or looked at."""
    metadata = raw["metadata"]
    annotations = metadata.get("annotations") or {}
    owners = [one for one in metadata.get("ownerReferences") or () if one["kind"] == names.KIND]
    return ChildObject(
        ref=ObjectRef(kind, metadata.get("namespace", ""), metadata["name"]),
        uid=metadata["uid"],
        resource_version=metadata["resourceVersion"],
        labels=tuple(sorted((metadata.get("labels") or {}).items())),
        owner=_owner(metadata, owners, annotations if kind in _MAY_LIE_ELSEWHERE else {}),
        owner_uids=tuple(one["uid"] for one in owners),
        digest=annotations.get(names.DIGEST_ANNOTATION, ""),
        content=None if kind in METADATA_ONLY else content_digest(raw),
        touched=is_touched(metadata.get("managedFields") or ()),
        deleting="deletionTimestamp" in metadata,
        status=raw.get("status") if kind in _STATUS_KEPT else None,
    )


def _owner(metadata: Json, owners: Iterable[Json], annotations: Json) -> MonitorRef | None:
    if said := annotations.get(names.OWNER_ANNOTATION, ""):
        namespace, _, rest = said.partition("/")
        return MonitorRef(namespace, rest.partition("/")[0])
    return next((MonitorRef(metadata.get("namespace", ""), one["name"]) for one in owners), None)


def is_touched(entries: Iterable[Json]) -> bool:
    """Whether another manager wrote as late as we did, or later; the server's times are whole seconds."""
    ours, others = 0.0, 0.0
    for entry in entries:
        at = parse_time(entry.get("time")) or 0.0
        if entry.get("manager") == names.FIELD_MANAGER:
            ours = max(ours, at)
        elif entry.get("subresource") != "status":
            others = max(others, at)
    return others > 0.0 and others >= ours
