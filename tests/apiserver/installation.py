"""An operator as a real process beside the control plane, with the objects that the chart would have rendered."""

import json
import os
import signal
import subprocess
import sys
import urllib.request
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from modelmonitor_testbed.controlplane import free_ports
from modelmonitor_testbed.kubectl import Kubectl, wait_until

ROOT = Path(__file__).parents[2]
GPU_LABEL = "nvidia.com/gpu.present"


@dataclass
class OperatorProcess:
    """One running operator."""

    child: subprocess.Popen[bytes]
    port: int
    log: Path

    def page(self, path: str) -> str:
        """What one of its pages says."""
        opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
        with opener.open(f"http://127.0.0.1:{self.port}{path}", timeout=5) as answer:
            return str(answer.read().decode())

    def metric(self, name: str) -> float:
        """Sum of a metric's samples."""
        lines = [line for line in self.page("/metrics").splitlines() if line.startswith((f"{name} ", f"{name}{{"))]
        return sum(float(line.rsplit(" ", 1)[1]) for line in lines)

    def is_ready(self) -> bool:
        """Whether its readiness probe succeeds."""
        try:
            return self.page("/readyz") == "ok"
        except OSError:
            return False

    def kill(self) -> None:
        """End it as a crash would."""
        self.child.kill()
        self.child.wait()

    def terminate(self, timeout_seconds: float = 10.0) -> int:
        """End it as Kubernetes would; its exit status."""
        self.child.send_signal(signal.SIGTERM)
        return self.child.wait(timeout_seconds)


@dataclass
class Installation:
    """What the chart makes, in namespaces of its own, and operators on top."""

    kubectl: Kubectl
    folder: Path
    name: str
    operators: list[OperatorProcess] = field(default_factory=list)
    overrides: dict[str, Any] = field(default_factory=dict)
    source: Path = ROOT / "operator"
    """Source root of the operators that are started from now on."""

    @property
    def system(self) -> str:
        """Namespace of the operator and the sidecars."""
        return f"{self.name}-system"

    @property
    def tenant(self) -> str:
        """Namespace of the team."""
        return f"{self.name}-team"

    def prepare(self) -> None:
        """Namespaces, the anchor and the sidecars' service account."""
        self.kubectl.apply(
            {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": self.system}},
            {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": self.tenant}},
            self.anchor(),
            {
                "apiVersion": "v1",
                "kind": "ServiceAccount",
                "metadata": {"name": "modelmonitor-sidecar", "namespace": self.system},
            },
        )

    def anchor(self) -> dict[str, Any]:
        """The chart's ConfigMap that owns what the operator makes."""
        return {
            "apiVersion": "v1",
            "kind": "ConfigMap",
            "metadata": {"name": "modelmonitor-anchor", "namespace": self.system},
        }

    def settings(self, port: int) -> dict[str, Any]:
        """Settings with short times."""
        return {
            "namespace": self.system,
            "sidecarNamespace": self.system,
            "watchNamespaces": [self.tenant],
            "sidecar": {
                "image": "registry.example/modelmonitor-sidecar:test",
                "gpuAccess": {"preset": "none"},
                "nodeSelector": {GPU_LABEL: self.name},
            },
            "lease": {"durationSeconds": 3, "renewSeconds": 0.5, "timeoutSeconds": 1},
            "cycleSeconds": 1,
            "pollTimeoutSeconds": 1,
            "resyncSeconds": 10,
            "httpPort": port,
            **self.overrides,
        }

    def start(self, kubeconfig: Path | None = None, port: int = 0) -> OperatorProcess:
        """Start an operator, on a free port where none is given, and wait until it is ready."""
        if not port:
            (port,) = free_ports(1)
        settings = self.folder / f"settings-{port}.json"
        settings.write_text(json.dumps(self.settings(port)))
        log = self.folder / f"operator-{port}.log"
        environment = {
            "PATH": os.environ["PATH"],
            "KUBECONFIG": str(kubeconfig or self.kubectl.kubeconfig),
            "PYTHONPATH": str(self.source),
            "POD_NAME": f"operator-{port}",
            "POD_IP": f"10.99.{len(self.operators)}.1",
            "NODE_NAME": f"{self.name}-operator",
        }
        command = [sys.executable, "-m", "modelmonitor_operator", "--settings", str(settings)]
        with log.open("wb") as output:
            child = subprocess.Popen(command, env=environment, stdout=output, stderr=output)
        operator = OperatorProcess(child, port, log)
        self.operators.append(operator)
        wait_until(operator.is_ready, 20, f"the operator is ready; see {log}")
        return operator

    def stop(self) -> None:
        """End every operator and delete the namespaces."""
        for operator in self.operators:
            if operator.child.poll() is None:
                operator.kill()
        for namespace in (self.system, self.tenant):
            self.kubectl.delete("namespace", namespace, wait=False)

    # What tests look at

    def monitor(self, name: str = "fraud", **spec: Any) -> dict[str, Any]:
        """A ModelMonitor manifest."""
        return {
            "apiVersion": "modelmonitor.dev/v1alpha1",
            "kind": "ModelMonitor",
            "metadata": {"name": name, "namespace": self.tenant},
            "spec": {"selector": {"matchLabels": {"app": "fraud-triton"}}, **spec},
        }

    def find(self, kind: str, name: str) -> Any | None:
        """An object of the system namespace."""
        return self.kubectl.find(kind, name, self.system)

    def daemon_set(self) -> Any | None:
        """The sidecars' DaemonSet."""
        return self.find("daemonset", "modelmonitor-sidecar")

    def key(self) -> Any | None:
        """The Secret with the key."""
        return self.find("secret", "modelmonitor-sidecar-key")

    def plan(self, node: str) -> Any | None:
        """The NodePlan of a node."""
        return self.find("nodeplan", node)

    def status(self, name: str = "fraud") -> dict[str, Any]:
        """A ModelMonitor's status; empty before there is one."""
        found = self.kubectl.find("modelmonitor", name, self.tenant)
        return dict((found or {}).get("status") or {})

    def triton_pod(self, name: str, node: str, address: str) -> None:
        """A Triton pod that runs on a node, as the kubelet would have it."""
        self.kubectl.apply(
            {
                "apiVersion": "v1",
                "kind": "Pod",
                "metadata": {"name": name, "namespace": self.tenant, "labels": {"app": "fraud-triton"}},
                "spec": {
                    "nodeName": node,
                    "containers": [{"name": "triton", "image": "registry.example/triton:test"}],
                },
            }
        )
        self.set_running(name, self.tenant, address)

    def set_running(self, pod: str, namespace: str, address: str) -> None:
        """What the kubelet would say of a pod that is ready at an address."""
        started = "2026-01-01T00:00:00Z"
        status = {
            "phase": "Running",
            "podIP": address,
            "podIPs": [{"ip": address}],
            "startTime": started,
            "conditions": [{"type": "Ready", "status": "True"}],
            "containerStatuses": [
                {
                    "name": "triton",
                    "image": "x",
                    "imageID": "x",
                    "ready": True,
                    "restartCount": 0,
                    "state": {"running": {"startedAt": started}},
                }
            ],
        }
        patch = json.dumps({"status": status})
        self.kubectl.run(
            "patch", "pod", pod, "--namespace", namespace, "--subresource=status", "--type=merge", "--patch", patch
        )

    def node(self, name: str) -> None:
        """A node with GPUs, as far as the control plane can tell."""
        labels = {GPU_LABEL: self.name, "kubernetes.io/os": "linux"}
        self.kubectl.apply({"apiVersion": "v1", "kind": "Node", "metadata": {"name": name, "labels": labels}})


def condition(status: dict[str, Any], wanted: str) -> dict[str, Any]:
    """One condition of a status; empty when it is not there."""
    return next((each for each in status.get("conditions", []) if each["type"] == wanted), {})
