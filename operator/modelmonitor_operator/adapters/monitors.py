"""Raw ModelMonitors become values; a spec that this version cannot read is a fact, not a crash."""

from contextlib import suppress

from pydantic import ValidationError

from modelmonitor_api.names import MonitorRef
from modelmonitor_api.spec import ModelMonitorSpec
from modelmonitor_api.status import UNSEEN_STATUS, Condition, Finding, GpuEvent, ModelHealth, ModelMonitorStatus
from modelmonitor_api.wire import Wire
from modelmonitor_operator.observed import Monitor
from modelmonitor_operator.settings import Json
from modelmonitor_operator.timestamps import parse_time


def parse_monitor(raw: Json) -> Monitor:
    """One ModelMonitor as the API server has it."""
    metadata = raw["metadata"]
    spec, error = _parse_spec(raw.get("spec") or {})
    return Monitor(
        ref=MonitorRef(metadata["namespace"], metadata["name"]),
        uid=metadata["uid"],
        generation=int(metadata.get("generation", 0)),
        resource_version=metadata["resourceVersion"],
        created_at=parse_time(metadata.get("creationTimestamp")) or 0.0,
        spec=spec,
        spec_error=error,
        status=parse_status(raw.get("status")),
        deleting="deletionTimestamp" in metadata,
    )


def _parse_spec(raw: Json) -> tuple[ModelMonitorSpec | None, str]:
    try:
        return ModelMonitorSpec.model_validate(raw), ""
    except ValidationError as exc:
        first = exc.errors()[0]
        where = ".".join(str(part) for part in first["loc"])
        return None, f"spec.{where}: {first['msg']}"


def parse_status(raw: Json | None) -> ModelMonitorStatus | None:
    """The status that the server has; None where nobody has written one, or nothing in it can be read."""
    try:
        return None if not raw or raw == UNSEEN_STATUS else ModelMonitorStatus.model_validate(raw)
    except ValidationError:
        return _salvage(raw or {})


def _salvage(raw: Json) -> ModelMonitorStatus | None:
    """What this version understands of another one's status: after a rollback `since` and Xids are not lost.

    It speaks of no generation, so that it is written anew at once.
    """
    health = raw.get("health") or {}
    known = {
        "findings": _readable(Finding, health.get("findings")),
        "models": _readable(ModelHealth, health.get("models")),
        "events": _readable(GpuEvent, health.get("events")),
    }
    try:
        conditions = _readable(Condition, raw.get("conditions"))
        return ModelMonitorStatus.model_validate({"conditions": conditions, "health": {**health, **known}})
    except ValidationError:
        return None


def _readable(kind: type[Wire], items: list[Json] | None) -> list[Wire]:
    found: list[Wire] = []
    for item in items or ():
        with suppress(ValidationError):
            found.append(kind.model_validate(item))
    return found
