"""What a ModelMonitor owns in its own namespace: names, labels and owner of those objects."""

from collections.abc import Mapping

from modelmonitor_api import names
from modelmonitor_operator.observed import Monitor
from modelmonitor_operator.settings import Json


def build_child_labels(monitor: Monitor) -> dict[str, str]:
    """The labels by which a ModelMonitor's objects are found; they never carry the ModelMonitor's own labels."""
    return {
        names.NAME_LABEL: "modelmonitor",
        names.COMPONENT_LABEL: names.CHILD_COMPONENT,
        names.MANAGED_BY_LABEL: names.MANAGED_BY,
        names.MONITOR_LABEL: names.object_name(monitor.ref.name),
    }


def build_child_metadata(monitor: Monitor, labels: Mapping[str, str] | None = None) -> Json:
    """Metadata of an object that the ModelMonitor owns; `labels` come on top and never replace ours."""
    return {
        "name": names.object_name(monitor.ref.name),
        "namespace": monitor.ref.namespace,
        "labels": {**(labels or {}), **build_child_labels(monitor)},
        "ownerReferences": [
            {
                "apiVersion": names.API_VERSION,
                "kind": names.KIND,
                "name": monitor.ref.name,
                "uid": monitor.uid,
                "controller": True,
            }
        ],
    }
