"""Kubernetes objects as values: which kind, which object, what the server has of it."""

import hashlib
import json
from dataclasses import dataclass

from modelmonitor_api import names
from modelmonitor_operator.settings import Json


@dataclass(frozen=True, slots=True, order=True)
class ResourceKind:
    """A kind of the API and where it is served."""

    group: str
    version: str
    plural: str
    kind: str

    @property
    def api_version(self) -> str:
        """As manifests write it: `apps/v1`, or `v1` for the core group."""
        return f"{self.group}/{self.version}" if self.group else self.version

    def path(self, namespace: str | None = None, name: str | None = None) -> str:
        """Path of the collection, or of one object."""
        root = f"/apis/{self.group}/{self.version}" if self.group else f"/api/{self.version}"
        scope = f"/namespaces/{namespace}" if namespace else ""
        return f"{root}{scope}/{self.plural}" + (f"/{name}" if name else "")


MODEL_MONITOR = ResourceKind(names.GROUP, names.VERSION, names.PLURAL, names.KIND)
NODE_PLAN = ResourceKind(names.GROUP, names.VERSION, names.PLAN_PLURAL, names.PLAN_KIND)
DAEMON_SET = ResourceKind("apps", "v1", "daemonsets", "DaemonSet")
SECRET = ResourceKind("", "v1", "secrets", "Secret")
CONFIG_MAP = ResourceKind("", "v1", "configmaps", "ConfigMap")
POD = ResourceKind("", "v1", "pods", "Pod")
EVENT = ResourceKind("", "v1", "events", "Event")
SERVICE = ResourceKind("", "v1", "services", "Service")
ENDPOINTS = ResourceKind("", "v1", "endpoints", "Endpoints")
NODE = ResourceKind("", "v1", "nodes", "Node")
NAMESPACE = ResourceKind("", "v1", "namespaces", "Namespace")
SERVICE_MONITOR = ResourceKind("monitoring.coreos.com", "v1", "servicemonitors", "ServiceMonitor")
PROMETHEUS_RULE = ResourceKind("monitoring.coreos.com", "v1", "prometheusrules", "PrometheusRule")
PROMETHEUS = ResourceKind("monitoring.coreos.com", "v1", "prometheuses", "Prometheus")
GRAFANA_DASHBOARD = ResourceKind("grafana.integreatly.org", "v1beta1", "grafanadashboards", "GrafanaDashboard")
LEASE = ResourceKind("coordination.k8s.io", "v1", "leases", "Lease")


@dataclass(frozen=True, slots=True, order=True)
class ObjectRef:
    """Which object."""

    kind: ResourceKind
    namespace: str
    name: str

    def __str__(self) -> str:
        return f"{self.kind.kind} {self.namespace}/{self.name}"


@dataclass(frozen=True, slots=True)
class StoredObject:
    """One object as the server has it. `manifest` is read, never changed."""

    ref: ObjectRef
    uid: str
    resource_version: str
    manifest: Json

    @property
    def generation(self) -> int:
        """`metadata.generation`; 0 for kinds without one."""
        return int(self.manifest["metadata"].get("generation", 0))

    @property
    def deleting(self) -> bool:
        """Whether it only waits for its finalizers."""
        return "deletionTimestamp" in self.manifest["metadata"]


def parse_stored(kind: ResourceKind, raw: Json) -> StoredObject:
    """The object of an answer or of a watch event."""
    metadata = raw["metadata"]
    ref = ObjectRef(kind, metadata.get("namespace", ""), metadata["name"])
    return StoredObject(ref, metadata["uid"], metadata["resourceVersion"], raw)


def is_newer(version: str, known: str) -> bool:
    """Whether a resource version says something new; versions that are no numbers can only be told apart.

    Source: https://kubernetes.io/docs/reference/using-api/api-concepts/#resource-versions
    """
    return int(version) > int(known) if version.isdigit() and known.isdigit() else version != known


def digest(manifest: Json) -> str:
    """A short fingerprint of JSON, whatever the order of its names."""
    text = json.dumps(manifest, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()[:32]


def sign(manifest: Json) -> tuple[str, Json]:
    """The fingerprint of a manifest, and the manifest that carries it."""
    mark = digest(manifest)
    metadata = manifest["metadata"]
    annotations = {**metadata.get("annotations", {}), names.DIGEST_ANNOTATION: mark}
    return mark, {**manifest, "metadata": {**metadata, "annotations": annotations}}


def content_digest(manifest: Json) -> str:
    """Fingerprint of what people and operators write: all but status and the server's bookkeeping."""
    bookkeeping = {"resourceVersion", "managedFields", "generation", "uid", "creationTimestamp", "selfLink"}
    metadata = {name: value for name, value in manifest["metadata"].items() if name not in bookkeeping}
    body = {name: value for name, value in manifest.items() if name not in {"metadata", "status"}}
    return digest({**body, "metadata": metadata})
