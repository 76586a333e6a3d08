"""The DaemonSet of sidecars: one pod on each GPU node, root without capabilities.

The pod-resources socket belongs to root, so the sidecar runs as uid 0 and drops everything else.
"""

from pathlib import PurePosixPath

from modelmonitor_api import names
from modelmonitor_operator.desired.gpu_access import PodAdditions, build_gpu_access
from modelmonitor_operator.desired.ownership import build_labels, build_metadata
from modelmonitor_operator.objects import DAEMON_SET, ObjectRef, StoredObject
from modelmonitor_operator.settings import Json, Settings

CONTAINER = "sidecar"
COMPONENT = "sidecar"
LOG_LEVEL_VARIABLE = "MODELMONITOR_LOG_LEVEL"
DEFAULT_LOG_LEVEL = "INFO"
"""The sidecar's own default: it needs no variable, so that the pods are not restarted to be told it."""
_OS_LABEL = "kubernetes.io/os"
_NOWHERE = "modelmonitor-not-yet"


def daemon_set_ref(settings: Settings) -> ObjectRef:
    """Which DaemonSet."""
    return ObjectRef(DAEMON_SET, settings.sidecar_namespace, settings.sidecar_name)


def selector_labels(settings: Settings) -> dict[str, str]:
    """Labels that find the sidecar pods; a DaemonSet's selector can never change."""
    return {names.NAME_LABEL: names.SIDECAR_NAME, names.INSTANCE_LABEL: settings.sidecar_name}


def build_daemon_set(settings: Settings, anchor: StoredObject) -> Json:
    """The whole DaemonSet as the settings want it."""
    metadata = build_metadata(settings, anchor, settings.sidecar_name, COMPONENT)
    return {
        "apiVersion": DAEMON_SET.api_version,
        "kind": DAEMON_SET.kind,
        "metadata": metadata,
        "spec": {
            "selector": {"matchLabels": selector_labels(settings)},
            "updateStrategy": _build_update_strategy(settings),
            "template": _build_template(settings),
        },
    }


def _build_update_strategy(settings: Settings) -> Json:
    unavailable = _int_or_string(settings.sidecar.max_unavailable)
    rolling: Json = {"type": "RollingUpdate", "rollingUpdate": {"maxUnavailable": unavailable}}
    return dict(settings.sidecar.update_strategy) or rolling


def build_daemon_set_seed(settings: Settings, anchor: StoredObject) -> Json:
    """The least that can be created: it runs nowhere, and every field of it is overwritten by the first apply."""
    return {
        "apiVersion": DAEMON_SET.api_version,
        "kind": DAEMON_SET.kind,
        "metadata": build_metadata(settings, anchor, settings.sidecar_name, COMPONENT),
        "spec": {
            "selector": {"matchLabels": selector_labels(settings)},
            "template": {
                "metadata": {"labels": selector_labels(settings)},
                "spec": {
                    "nodeSelector": {_OS_LABEL: _NOWHERE},
                    "containers": [{"name": CONTAINER, "image": settings.sidecar.image}],
                },
            },
        },
    }


def _build_template(settings: Settings) -> Json:
    sidecar = settings.sidecar
    access = build_gpu_access(sidecar.gpu_access, CONTAINER)
    labels = {**sidecar.pod_labels, **build_labels(settings, COMPONENT)}
    annotations = {**sidecar.pod_annotations, **dict(access.annotations)}
    return {
        "metadata": {"labels": labels, **({"annotations": annotations} if annotations else {})},
        "spec": _build_pod_spec(settings, access),
    }


def _build_pod_spec(settings: Settings, access: PodAdditions) -> Json:
    sidecar = settings.sidecar
    optional: Json = {
        "runtimeClassName": access.runtime_class,
        "priorityClassName": sidecar.priority_class_name,
        "affinity": sidecar.affinity,
        "imagePullSecrets": [{"name": name} for name in sidecar.image_pull_secrets],
        "resourceClaims": access.pod_claims(),
    }
    return {
        "serviceAccountName": sidecar.service_account_name,
        "enableServiceLinks": False,
        "terminationGracePeriodSeconds": 10,
        "nodeSelector": {**sidecar.node_selector, _OS_LABEL: "linux"},
        "tolerations": [dict(toleration) for toleration in sidecar.tolerations],
        "securityContext": {
            "runAsUser": 0,
            "runAsGroup": 0,
            "seccompProfile": {"type": "RuntimeDefault"},
            **sidecar.pod_security_context,
        },
        "containers": [_build_container(settings, access)],
        "volumes": [
            {"name": "key", "secret": {"secretName": settings.key_secret_name, "defaultMode": 0o400}},
            {"name": "pod-resources", "hostPath": {"path": sidecar.pod_resources_host_path}},
            *access.volumes(),
            *(dict(volume) for volume in sidecar.extra_volumes),
        ],
        **{name: value for name, value in optional.items() if value},
    }


def _build_container(settings: Settings, access: PodAdditions) -> Json:
    sidecar = settings.sidecar
    return {
        "name": CONTAINER,
        "image": sidecar.image,
        "imagePullPolicy": sidecar.image_pull_policy,
        "env": _build_env(settings, access),
        "ports": [{"name": names.SIDECAR_PORT_NAME, "containerPort": names.SIDECAR_PORT, "protocol": "TCP"}],
        "livenessProbe": _build_probe(names.HEALTHZ_PATH, period_seconds=20, failures=6),
        "readinessProbe": _build_probe(names.READYZ_PATH, period_seconds=5, failures=2),
        "resources": {**sidecar.resources, **({"claims": claims} if (claims := access.container_claims()) else {})},
        "securityContext": {**_build_security(access), **sidecar.security_context},
        "volumeMounts": [
            {"name": "key", "mountPath": str(PurePosixPath(names.KEY_FILE).parent), "readOnly": True},
            {"name": "pod-resources", "mountPath": "/var/lib/kubelet/pod-resources", "readOnly": True},
            *access.mounts(),
            *(dict(mount) for mount in sidecar.extra_volume_mounts),
        ],
    }


def _build_env(settings: Settings, access: PodAdditions) -> list[Json]:
    """Each name once, as server-side apply asks: the administrator's wins, save over the identity of the pod."""
    level = settings.sidecar.log_level
    given = {**({} if level == DEFAULT_LOG_LEVEL else {LOG_LEVEL_VARIABLE: level}), **dict(access.env)}
    ours = ({"name": name, "value": value} for name, value in given.items())
    chosen: dict[str, Json] = {}
    for variable in (*ours, *settings.sidecar.extra_env, *_build_identity()):
        chosen[str(variable["name"])] = dict(variable)
    return list(chosen.values())


def _build_identity() -> list[Json]:
    fields = {
        "NODE_NAME": "spec.nodeName",
        "POD_NAME": "metadata.name",
        "POD_NAMESPACE": "metadata.namespace",
        "POD_UID": "metadata.uid",
        "POD_IP": "status.podIP",
        "HOST_IPS": "status.hostIPs",
    }
    return [
        {"name": name, "valueFrom": {"fieldRef": {"apiVersion": "v1", "fieldPath": path}}}
        for name, path in fields.items()
    ]


def _build_security(access: PodAdditions) -> Json:
    if access.privileged:
        return {"privileged": True, "readOnlyRootFilesystem": True}
    return {
        "allowPrivilegeEscalation": False,
        "readOnlyRootFilesystem": True,
        "capabilities": {"drop": ["ALL"]},
    }


def _build_probe(path: str, *, period_seconds: int, failures: int) -> Json:
    return {
        "httpGet": {"path": path, "port": names.SIDECAR_PORT_NAME, "scheme": "HTTP"},
        "periodSeconds": period_seconds,
        "timeoutSeconds": 5,
        "failureThreshold": failures,
    }


def _int_or_string(text: str) -> int | str:
    return int(text) if text.isdigit() else text
