"""Manifests of a Triton server, its Service and its load, for tests; the demo's YAML is rendered from them."""

import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import yaml

from modelmonitor_testbed.cache import checkout_root

TRITON_IMAGE = "localhost/modelmonitor-testbed-triton:dev"
LOAD_IMAGE = "localhost/modelmonitor-testbed-gpu:dev"
PORTS = {"http": 8000, "grpc": 8001, "metrics": 8002}
MODELS = ("fast", "slow", "failing", "ensemble")
RESTRICTED = {
    "allowPrivilegeEscalation": False,
    "capabilities": {"drop": ["ALL"]},
    "runAsNonRoot": True,
    "seccompProfile": {"type": "RuntimeDefault"},
}
PERCENTILES = ("--metrics-config=summary_latencies=true",)
"""Arguments of a Triton that publishes quantiles of its latencies."""
Manifest = dict[str, Any]


@dataclass(frozen=True)
class TritonOptions:
    """What differs between Triton servers; `gpu_resource` is asked for `gpus` times, `env` goes to the container."""

    gpus: int = 0
    gpu_resource: str = "nvidia.com/gpu"
    replicas: int = 1
    models: tuple[str, ...] = MODELS
    arguments: tuple[str, ...] = ()
    env: Mapping[str, str] = field(default_factory=dict)
    node_selector: Mapping[str, str] = field(default_factory=dict)


def triton_deployment(name: str, namespace: str, options: TritonOptions | None = None) -> Manifest:
    """Return a Deployment whose pods carry the label app=NAME."""
    chosen = options or TritonOptions()
    pod = {
        "automountServiceAccountToken": False,
        "terminationGracePeriodSeconds": 2,
        "nodeSelector": dict(chosen.node_selector),
        "containers": [_triton_container(chosen)],
        "volumes": [{"name": "shm", "emptyDir": {"medium": "Memory", "sizeLimit": "512Mi"}}],
    }
    return _deployment(name, namespace, chosen.replicas, pod)


def triton_service(name: str, namespace: str) -> Manifest:
    """Return the Service of such a Deployment."""
    ports = [{"name": port, "port": number, "targetPort": port} for port, number in PORTS.items()]
    return {
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": {"name": name, "namespace": namespace, "labels": {"app": name}},
        "spec": {"selector": {"app": name}, "ports": ports},
    }


def load_deployment(name: str, namespace: str, service: str, rates: Mapping[str, float]) -> Manifest:
    """Return a Deployment that sends each model its requests per second, until it is deleted.

    It takes the Service's address from its environment, for want of a DNS: make the Service first.
    """
    prefix = service.upper().replace("-", "_")
    words = [f"--model={model}={rate:g}" for model, rate in rates.items()]
    container = {
        "name": "load",
        "image": LOAD_IMAGE,
        "imagePullPolicy": "IfNotPresent",
        "command": ["load", f"--url=$({prefix}_SERVICE_HOST):$({prefix}_SERVICE_PORT_HTTP)", "--seconds=0", *words],
        "resources": {"requests": {"cpu": "10m", "memory": "48Mi"}, "limits": {"memory": "128Mi"}},
        "securityContext": RESTRICTED | {"runAsUser": 65532},
    }
    pod = {"automountServiceAccountToken": False, "terminationGracePeriodSeconds": 3, "containers": [container]}
    return _deployment(name, namespace, 1, pod)


def demo_manifests() -> list[Manifest]:
    """Return what the demo shows: a namespace, a Triton with four models and one GPU, and its load."""
    name, namespace = "fraud-triton", "team-a"
    rates = {"fast": 10, "slow": 3, "failing": 3, "ensemble": 2}
    return [
        {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": namespace}},
        triton_service(name, namespace),
        triton_deployment(name, namespace, TritonOptions(gpus=1, arguments=PERCENTILES)),
        load_deployment("fraud-load", namespace, name, rates),
    ]


def _deployment(name: str, namespace: str, replicas: int, pod: Manifest) -> Manifest:
    return {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": name, "namespace": namespace, "labels": {"app": name}},
        "spec": {
            "replicas": replicas,
            "selector": {"matchLabels": {"app": name}},
            "template": {"metadata": {"labels": {"app": name}}, "spec": pod},
        },
    }


def _triton_container(options: TritonOptions) -> Manifest:
    env = {"TRITON_MODELS": " ".join(options.models), **options.env}
    limits: dict[str, Any] = {"memory": "1Gi"}
    if options.gpus:
        limits[options.gpu_resource] = options.gpus
    return {
        "name": "triton",
        "image": TRITON_IMAGE,
        "imagePullPolicy": "IfNotPresent",
        "args": list(options.arguments),
        "env": [{"name": name, "value": value} for name, value in env.items()],
        "ports": [{"name": port, "containerPort": number} for port, number in PORTS.items()],
        "readinessProbe": {"httpGet": {"path": "/v2/health/ready", "port": "http"}, "periodSeconds": 2},
        "resources": {"requests": {"cpu": "50m", "memory": "256Mi"}, "limits": limits},
        "securityContext": RESTRICTED,
        "volumeMounts": [{"name": "shm", "mountPath": "/dev/shm"}],
    }


def main() -> int:
    """Write the demo's YAML, which is committed."""
    text = yaml.safe_dump_all(demo_manifests(), sort_keys=False)
    path = checkout_root() / "testbed" / "manifests" / "demo-triton.yaml"
    path.write_text("# Written by `python -m modelmonitor_testbed.triton.manifests`; do not edit.\n" + text)
    return 0


if __name__ == "__main__":
    sys.exit(main())
