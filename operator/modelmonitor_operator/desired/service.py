"""The Service of a ModelMonitor: without selector and without address, it only names the targets' ports."""

from modelmonitor_api import names
from modelmonitor_operator.desired.monitor_child import build_child_metadata
from modelmonitor_operator.objects import SERVICE
from modelmonitor_operator.observed import Monitor
from modelmonitor_operator.settings import Json, Settings


def build_service(settings: Settings, monitor: Monitor) -> Json:
    """The Service; who is behind its ports is said by the Endpoints of the same name."""
    return {
        "apiVersion": SERVICE.api_version,
        "kind": SERVICE.kind,
        "metadata": {
            **build_child_metadata(monitor),
            "annotations": {names.METRICS_PATH_ANNOTATION: names.monitor_metrics_path(monitor.ref)},
        },
        "spec": {
            "clusterIP": "None",
            "ports": [
                _port(names.SIDECAR_PORT_NAME, names.SIDECAR_PORT),
                _port(names.LEADER_PORT_NAME, settings.http_port),
            ],
        },
    }


def _port(name: str, port: int) -> Json:
    return {"name": name, "port": port, "protocol": "TCP"}
