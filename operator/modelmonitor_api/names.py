"""Names that more than one part of the product uses: API group, labels, annotations, ports, paths, headers."""

import hashlib
import re
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
LEADER_PORT_NAME = "leader"

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
LABEL_MODEL, LABEL_VERSION, LABEL_MONITOR = "model", "version", "modelmonitor"
TARGET_LABELS = (LABEL_NAMESPACE, LABEL_POD, LABEL_NODE, LABEL_CONTAINER, LABEL_MODEL, LABEL_VERSION)
CHILD_COMPONENT = "monitor"
"""Value of the component label on what a ModelMonitor owns in its namespace."""
MONITOR_LABEL = f"{GROUP}/monitor"
"""Label on a ModelMonitor's objects: `object_name` of the monitor, which fits a label."""
OWNER_ANNOTATION = f"{GROUP}/owner"
"""Annotation on an object outside its ModelMonitor's namespace, which cannot have an owner: `namespace/name/uid`."""
DIGEST_ANNOTATION = f"{GROUP}/digest"
"""Annotation with the fingerprint of what the operator wrote, so that a new leader writes nothing again."""
METRICS_PATH_ANNOTATION = f"{GROUP}/metrics-path"
"""Annotation on a ModelMonitor's Service with the path of its pages, for a Prometheus that is configured by hand."""
MAX_OBJECT_NAME = 63
_MARKED = re.compile("-[0-9a-f]{8}$")


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


def object_name(name: str) -> str:
    """Name of a ModelMonitor's Service, Endpoints, ServiceMonitor, PrometheusRule and ConfigMap.

    It is a DNS label (RFC 1035) of at most 63 characters, as a Service asks; a name that does not fit is cut and ends
    in a fingerprint of the whole. So does one that itself ends like that: nobody can choose a name whose object
    is another monitor's.
    """
    plain = f"modelmonitor-{name}"
    if len(plain) <= MAX_OBJECT_NAME and re.fullmatch(r"[a-z0-9-]+", plain) and not _MARKED.search(plain):
        return plain
    mark = hashlib.sha256(name.encode()).hexdigest()[:8]
    cut = re.sub(r"[^a-z0-9-]", "-", plain)[: MAX_OBJECT_NAME - 9].rstrip("-")
    return f"{cut}-{mark}"
