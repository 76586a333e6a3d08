"""Raw ModelMonitors become values; a spec that this version cannot read is a fact, not a crash."""

from pydantic import ValidationError

from modelmonitor_api.names import MonitorRef
from modelmonitor_api.spec import ModelMonitorSpec
from modelmonitor_api.status import ModelMonitorStatus
from modelmonitor_operator.adapters.pods import parse_time
from modelmonitor_operator.observed import Monitor
from modelmonitor_operator.settings import Json


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
        status=_parse_status(raw.get("status")),
        deleting="deletionTimestamp" in metadata,
    )


def _parse_spec(raw: Json) -> tuple[ModelMonitorSpec | None, str]:
    try:
        return ModelMonitorSpec.model_validate(raw), ""
    except ValidationError as exc:
        first = exc.errors()[0]
        where = ".".join(str(part) for part in first["loc"])
        return None, f"spec.{where}: {first['msg']}"


def _parse_status(raw: Json | None) -> ModelMonitorStatus | None:
    """A status that another version wrote and this one cannot read is written anew."""
    try:
        return None if not raw else ModelMonitorStatus.model_validate(raw)
    except ValidationError:
        return None
