"""ModelMonitors, Triton pods and nodes as the API server would have them."""

from typing import Any

Json = dict[str, Any]
GPU_LABEL = "nvidia.com/gpu.present"
STARTED = "2026-01-01T00:00:00Z"


def build_monitor(namespace: str, name: str, **spec: Any) -> Json:
    """A ModelMonitor that selects the pods labelled with its own name."""
    return {
        "apiVersion": "modelmonitor.dev/v1alpha1",
        "kind": "ModelMonitor",
        "metadata": {"name": name, "namespace": namespace},
        "spec": {"selector": {"matchLabels": {"app": name}}, "health": {"maxLatency": "50ms"}, **spec},
    }


def build_triton_pod(namespace: str, name: str, app: str, node: str) -> Json:
    """A Triton pod on a node; no taint drives it away."""
    ports = [{"name": "http", "containerPort": 8000}, {"name": "metrics", "containerPort": 8002}]
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": name, "namespace": namespace, "labels": {"app": app, "team": namespace}},
        "spec": {
            "nodeName": node,
            "automountServiceAccountToken": False,
            "tolerations": [{"operator": "Exists"}],
            "containers": [{"name": "triton", "image": "registry.example/triton:bench", "ports": ports}],
        },
    }


def build_running_status(container: str, address: str) -> Json:
    """What the kubelet says of a pod that runs and is ready."""
    return {
        "phase": "Running",
        "podIP": address,
        "podIPs": [{"ip": address}],
        "startTime": STARTED,
        "conditions": [{"type": "Ready", "status": "True"}, {"type": "PodScheduled", "status": "True"}],
        "containerStatuses": [
            {
                "name": container,
                "image": "registry.example/image:bench",
                "imageID": "registry.example/image@sha256:0",
                "ready": True,
                "started": True,
                "restartCount": 0,
                "state": {"running": {"startedAt": STARTED}},
            }
        ],
    }


def stored(manifest: Json, uid: str, **more: Any) -> Json:
    """A manifest with the server's bookkeeping, for what never goes to a server."""
    metadata = {
        **manifest["metadata"],
        "uid": uid,
        "resourceVersion": "1",
        "generation": 1,
        "creationTimestamp": STARTED,
    }
    return {**manifest, "metadata": metadata, **more}
