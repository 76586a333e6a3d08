"""The ConfigMap with a ModelMonitor's dashboard, for the dashboard sidecar of Grafana's charts.

Where all dashboards go to one namespace, the object cannot have an owner there: an annotation names it, and the resync
removes what is left over.
"""

import hashlib
import json
from functools import cache
from importlib.resources import files
from typing import cast

from modelmonitor_api import names
from modelmonitor_api.names import MonitorRef, object_name
from modelmonitor_operator.desired.dashboard_fill import fill_dashboard
from modelmonitor_operator.desired.dashboard_panels import ModelVariable
from modelmonitor_operator.desired.monitor_child import build_child_labels, build_child_metadata
from modelmonitor_operator.objects import CONFIG_MAP, ObjectRef
from modelmonitor_operator.observed import Monitor
from modelmonitor_operator.settings import Json, Settings

MAX_UID = 40
"""Grafana refuses longer ones. Source: https://grafana.com/docs/grafana/latest/developers/http_api/dashboard/"""
MAX_TITLE = 189
"""Length of the slug that Grafana makes of a title. Source: Grafana's pkg/services/sqlstore/migrations."""
MAX_CONFIG_MAP_BYTES = 1024 * 1024
"""Source: https://kubernetes.io/docs/concepts/configuration/configmap/"""
_MARK = 8


def dashboard_uid(monitor: Monitor) -> str:
    """Identity of the monitor's dashboard in Grafana: of its name, so that links survive a new object of that name."""
    return f"modelmonitor-{_fingerprint(monitor.ref)[:24]}"


def dashboard_ref(settings: Settings, monitor: Monitor) -> ObjectRef:
    """Which ConfigMap; in a namespace of all dashboards, the name is that of namespace and monitor together.

    A slash is in no name, so that `a-b/c` and `a/b-c` differ.
    """
    if not is_elsewhere(settings, monitor):
        return ObjectRef(CONFIG_MAP, monitor.ref.namespace, object_name(monitor.ref.name))
    return ObjectRef(CONFIG_MAP, settings.dashboards.namespace, object_name(str(monitor.ref)))


def is_elsewhere(settings: Settings, monitor: Monitor) -> bool:
    """Whether the dashboard lies in another namespace than its monitor."""
    return settings.dashboards.namespace not in {"", monitor.ref.namespace}


def dashboard_key(monitor: Monitor) -> str:
    """Name of the file in the ConfigMap: Grafana's sidecar writes those of all ConfigMaps into one folder."""
    return f"{dashboard_uid(monitor)}.json"


def build_dashboard(settings: Settings, monitor: Monitor) -> Json:
    """The ConfigMap.

    Raises:
        ValueError: the monitor's spec cannot be read; whoever knows it asks for no dashboard.
    """
    text = json.dumps(build_model(settings, monitor), separators=(",", ":"), sort_keys=True)
    return {
        "apiVersion": CONFIG_MAP.api_version,
        "kind": CONFIG_MAP.kind,
        "metadata": _metadata(settings, monitor),
        "data": {dashboard_key(monitor): text},
    }


def build_model(settings: Settings, monitor: Monitor) -> Json:
    """The dashboard as Grafana reads it."""
    spec = monitor.spec
    if spec is None:
        raise ValueError(f"ModelMonitor {monitor.ref} cannot be read: {monitor.spec_error}")
    variables = {
        ModelVariable.NAMESPACE.value: monitor.ref.namespace,
        ModelVariable.MONITOR.value: monitor.ref.name,
        ModelVariable.SERVICE.value: object_name(monitor.ref.name),
    }
    runbooks = spec.alerts.runbook_base_url or settings.runbook_base_url
    model = fill_dashboard(_template(), variables, spec, runbooks)
    return {**model, "uid": dashboard_uid(monitor), "title": _title(monitor.ref)}


def build_dashboard_metadata(settings: Settings, monitor: Monitor) -> Json:
    """Metadata of what belongs to the dashboard: in the monitor's namespace it has an owner, elsewhere a note of it."""
    if not is_elsewhere(settings, monitor):
        return build_child_metadata(monitor)
    ref = dashboard_ref(settings, monitor)
    return {
        "name": ref.name,
        "namespace": ref.namespace,
        "labels": build_child_labels(monitor),
        "annotations": {names.OWNER_ANNOTATION: f"{monitor.ref}/{monitor.uid}"},
    }


def dashboard_folder(settings: Settings, monitor: Monitor) -> str:
    """Folder in Grafana: the team's, else the administrator's; empty for none."""
    return (monitor.spec.dashboards.folder if monitor.spec is not None else "") or settings.dashboards.folder


def _metadata(settings: Settings, monitor: Monitor) -> Json:
    chosen = settings.dashboards
    metadata = build_dashboard_metadata(settings, monitor)
    folder = dashboard_folder(settings, monitor)
    notes = {chosen.folder_annotation: folder} if chosen.folder_annotation and folder else {}
    label = {chosen.label: chosen.label_value} if chosen.label else {}
    annotations = {**notes, **metadata.get("annotations", {})}
    return {
        **metadata,
        "labels": {**label, **metadata["labels"]},
        **({"annotations": annotations} if annotations else {}),
    }


def _title(monitor: MonitorRef) -> str:
    """Two monitors never share one, however long their names are."""
    title = f"ModelMonitor / {monitor}"
    return title if len(title) <= MAX_TITLE else f"{title[: MAX_TITLE - _MARK - 2]}… {_fingerprint(monitor)[:_MARK]}"


def _fingerprint(monitor: MonitorRef) -> str:
    return hashlib.sha256(str(monitor).encode()).hexdigest()


@cache
def _template() -> Json:
    """Made at build time by `make generate`; read once, never changed."""
    text = files("modelmonitor_operator").joinpath("dashboards", "model.json").read_text(encoding="utf-8")
    return cast("Json", json.loads(text))
