"""A Kubernetes Event on a ModelMonitor: what changed, for `kubectl describe`."""

from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum

from modelmonitor_api import names
from modelmonitor_operator.objects import EVENT
from modelmonitor_operator.observed import Monitor
from modelmonitor_operator.settings import Json

_MAX_NOTE = 1024


class EventType(StrEnum):
    """Kubernetes' two types."""

    NORMAL = "Normal"
    WARNING = "Warning"


@dataclass(frozen=True, slots=True)
class Announcement:
    """Something that people want to read about."""

    type: EventType
    reason: str
    message: str


def build_event(monitor: Monitor, announcement: Announcement, now: float, serial: int) -> Json:
    """The Event; `serial` keeps two of the same second apart."""
    stamp = datetime.fromtimestamp(now, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    return {
        "apiVersion": EVENT.api_version,
        "kind": EVENT.kind,
        "metadata": {
            "name": f"{monitor.ref.name[:200]}.{int(now * 1000):x}{serial:04x}",
            "namespace": monitor.ref.namespace,
        },
        "involvedObject": {
            "apiVersion": names.API_VERSION,
            "kind": names.KIND,
            "namespace": monitor.ref.namespace,
            "name": monitor.ref.name,
            "uid": monitor.uid,
        },
        "type": announcement.type.value,
        "reason": announcement.reason,
        "message": announcement.message[:_MAX_NOTE],
        "source": {"component": names.MANAGED_BY},
        "reportingComponent": names.MANAGED_BY,
        "reportingInstance": names.MANAGED_BY,
        "firstTimestamp": stamp,
        "lastTimestamp": stamp,
        "count": 1,
    }
