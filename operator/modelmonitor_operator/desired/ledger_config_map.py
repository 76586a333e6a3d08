"""The ConfigMap of a ledger: in the operator's namespace, named by the UID of its ModelMonitor, owned by nobody.

Without an owner it outlives its ModelMonitor and an uninstall: annotations say for people, and for the operator that
removes it after its time, whose it was and when it was last written.
"""

from modelmonitor_api import names
from modelmonitor_api.names import MonitorRef
from modelmonitor_operator.cost.ledger import Ledger
from modelmonitor_operator.cost.ledger_document import DATA_KEY, render_ledger
from modelmonitor_operator.objects import CONFIG_MAP, ObjectRef
from modelmonitor_operator.settings import Json, Settings
from modelmonitor_operator.timestamps import render_time

_LABELS = {
    names.NAME_LABEL: "modelmonitor",
    names.COMPONENT_LABEL: "ledger",
    names.MANAGED_BY_LABEL: names.MANAGED_BY,
}
LEDGER_SELECTOR = ",".join(f"{name}={value}" for name, value in _LABELS.items())
"""Label selector of every ledger."""
WRITTEN_ANNOTATION = f"{names.GROUP}/written"
"""Annotation with the time of the last write."""


def ledger_ref(settings: Settings, monitor_uid: str) -> ObjectRef:
    """Which object holds the ledger of a ModelMonitor."""
    return ObjectRef(CONFIG_MAP, settings.namespace, f"modelmonitor-ledger-{monitor_uid}")


def build_ledger_config_map(settings: Settings, owner: MonitorRef, ledger: Ledger) -> Json:
    """The whole object; who replaces one adds the UID and resourceVersion that it read."""
    ref = ledger_ref(settings, ledger.monitor_uid)
    return {
        "apiVersion": ref.kind.api_version,
        "kind": ref.kind.kind,
        "metadata": {
            "name": ref.name,
            "namespace": ref.namespace,
            "labels": _LABELS,
            "annotations": {
                names.OWNER_ANNOTATION: f"{owner}/{ledger.monitor_uid}",
                WRITTEN_ANNOTATION: render_time(ledger.checkpoint.written),
            },
        },
        "data": {DATA_KEY: render_ledger(ledger)},
    }
