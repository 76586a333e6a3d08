"""Names that more than one part of the product uses: API group, labels, annotations, ports, paths, headers."""

from dataclasses import dataclass

GROUP = "modelmonitor.dev"
VERSION = "v1alpha1"
API_VERSION = f"{GROUP}/{VERSION}"
KIND = "ModelMonitor"
PLURAL = "modelmonitors"
SHORT_NAME = "mm"
PLAN_KIND = "NodePlan"
PLAN_PLURAL = "nodeplans"

FIELD_MANAGER = "modelmonitor-operator"
METRIC_PREFIX = "modelmonitor_"

MANAGED_BY_LABEL = "app.kubernetes.io/managed-by"
NAME_LABEL = "app.kubernetes.io/name"
COMPONENT_LABEL = "app.kubernetes.io/component"
INSTANCE_LABEL = "app.kubernetes.io/instance"
MANAGED_BY = "modelmonitor-operator"
SIDECAR_NAME = "modelmonitor-sidecar"

SIDECAR_PORT = 9402
SIDECAR_PORT_NAME = "sidecar"

METRICS_PATH = "/metrics"
MONITORS_PATH = "/monitors"
SUMMARY_PATH = "/v1/summary"
HEALTHZ_PATH = "/healthz"
READYZ_PATH = "/readyz"

KEY_SECRET_FIELD = "key"
KEY_FILE = f"/etc/modelmonitor/key/{KEY_SECRET_FIELD}"
NONCE_HEADER = "X-ModelMonitor-Nonce"
POD_UID_HEADER = "X-ModelMonitor-Pod-Uid"
SIGNATURE_HEADER = "X-ModelMonitor-Signature"

LABEL_NAMESPACE, LABEL_POD, LABEL_NODE, LABEL_CONTAINER = "namespace", "pod", "node", "container"
LABEL_MODEL, LABEL_VERSION = "model", "version"
TARGET_LABELS = (LABEL_NAMESPACE, LABEL_POD, LABEL_NODE, LABEL_CONTAINER, LABEL_MODEL, LABEL_VERSION)


@dataclass(frozen=True, slots=True, order=True)
class MonitorRef:
    """Which ModelMonitor: the identity that locks, maps and queues use."""

    namespace: str
    name: str

    def __str__(self) -> str:
        return f"{self.namespace}/{self.name}"


def monitor_metrics_path(monitor: MonitorRef) -> str:
    """The sidecar's page for one monitor."""
    return f"{MONITORS_PATH}/{monitor.namespace}/{monitor.name}{METRICS_PATH}"
