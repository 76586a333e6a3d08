"""A real control plane with the product's CRDs, namespaces, and the operator as a process of its own."""

import asyncio
import json
import os
import subprocess
import sys
import tempfile
import urllib.request
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from benchmarks.api import Api, for_each
from benchmarks.fleet import Fleet
from benchmarks.manifests import Json, build_monitor, build_running_status, build_triton_pod
from benchmarks.synthetic import Load
from modelmonitor_api.names import API_VERSION, PLAN_PLURAL, PLURAL
from modelmonitor_testbed.controlplane import ControlPlane, free_ports
from modelmonitor_testbed.kubeconfig import write_kubeconfig
from modelmonitor_testbed.process import start_bound

ROOT = Path(__file__).parents[1]
SYSTEM = "bench-system"
OPERATOR = f"system:serviceaccount:{SYSTEM}:modelmonitor-operator"
HTTP_PORT = 8080
MONITORS_PATH = f"/apis/{API_VERSION}/{PLURAL}"
PLANS_PATH = f"/apis/{API_VERSION}/{PLAN_PLURAL}"
_CRDS = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions"


def monitor_path(namespace: str, name: str = "") -> str:
    """Path of the ModelMonitors of a namespace, or of one."""
    return f"/apis/{API_VERSION}/namespaces/{namespace}/{PLURAL}" + (f"/{name}" if name else "")


@dataclass(frozen=True, slots=True)
class Operator:
    """The operator's process."""

    child: subprocess.Popen[bytes]
    port: int
    log: Path

    @property
    def pid(self) -> int:
        """Its process id: setpriv has replaced itself by it."""
        return self.child.pid

    def metric(self, name: str) -> float:
        """Sum of a metric's samples on its own page."""
        opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
        with opener.open(f"http://127.0.0.1:{self.port}/metrics", timeout=5) as answer:
            lines = answer.read().decode().splitlines()
        return sum(float(line.rsplit(" ", 1)[1]) for line in lines if line.startswith((f"{name} ", f"{name}{{")))

    def stop(self) -> None:
        """End it as Kubernetes would."""
        self.child.terminate()
        self.child.wait(20)


@dataclass
class Installation:
    """What the chart makes, and the tenants' side."""

    control_plane: ControlPlane
    api: Api
    folder: Path
    operators: list[Operator] = field(default_factory=list)

    async def prepare(self) -> None:
        """CRDs, the system's namespace, its anchor and the sidecars' service account."""
        for path in sorted((ROOT / "crds").glob("*.yaml")):
            await self.api.create(_CRDS, yaml.safe_load(path.read_text()))
        await self.create_namespace(SYSTEM)
        core = f"/api/v1/namespaces/{SYSTEM}"
        anchor: Json = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "modelmonitor-anchor"}}
        account: Json = {"apiVersion": "v1", "kind": "ServiceAccount", "metadata": {"name": "modelmonitor-sidecar"}}
        await self.api.create(f"{core}/configmaps", anchor)
        await self.api.create(f"{core}/serviceaccounts", account)
        for served in (MONITORS_PATH, PLANS_PATH):
            await self.api.wait_until_served(served)

    async def create_namespace(self, name: str) -> None:
        """A namespace."""
        await self.api.create(
            "/api/v1/namespaces", {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}}
        )

    async def create_triton(self, namespace: str, name: str, app: str, node: str) -> None:
        """A Triton pod that runs."""
        path = f"/api/v1/namespaces/{namespace}/pods"
        await self.api.create(path, build_triton_pod(namespace, name, app, node))
        await self.api.patch(f"{path}/{name}/status", {"status": build_running_status("triton", "10.0.0.1")})

    async def create_monitor(self, namespace: str, name: str, **spec: Any) -> None:
        """A ModelMonitor."""
        await self.api.create(monitor_path(namespace), build_monitor(namespace, name, **spec))

    def start_operator(self, name: str = "operator", pod_ip: str = "") -> Operator:
        """Start an operator with the chart's defaults, as its service account.

        With the address of a pod, its settings are those of every other one, whatever port it is bound to.
        """
        (port,) = free_ports(1)
        given = {
            "PATH": os.environ["PATH"],
            "KUBECONFIG": str(self._write_kubeconfig(name)),
            "PYTHONPATH": os.pathsep.join(str(ROOT / folder) for folder in ("operator", ".")),
            "POD_NAME": name,
            "POD_IP": pod_ip,
        }
        words = ["env", "-i", *(f"{key}={value}" for key, value in given.items())]
        log, settings = self.folder / f"{name}.log", self._write_settings(name, HTTP_PORT if pod_ip else port)
        module = ["benchmarks.moved_operator", str(port)] if pod_ip else ["modelmonitor_operator"]
        program: list[str | Path] = [*words, sys.executable, "-m", *module, "--settings", settings]
        operator = Operator(start_bound(program, log), port, log)
        self.operators.append(operator)
        return operator

    def _write_settings(self, name: str, port: int) -> Path:
        settings = {
            "namespace": SYSTEM,
            "sidecarNamespace": SYSTEM,
            "sidecar": {"image": "registry.example/sidecar:bench", "gpuAccess": {"preset": "none"}},
            "httpPort": port,
            "logLevel": "WARNING",
        }
        path = self.folder / f"{name}.json"
        path.write_text(json.dumps(settings))
        return path

    def _write_kubeconfig(self, name: str) -> Path:
        plan = self.control_plane.plan
        subject = f"/O=system:masters/O=system:serviceaccounts/CN={OPERATOR}"
        pair = plan.authority.issue(name, subject)
        return write_kubeconfig(self.folder / f"{name}.kubeconfig", plan.server, plan.authority, pair)


@asynccontextmanager
async def installed(control_plane: ControlPlane) -> AsyncIterator[Installation]:
    """An installation whose operators end with the with block."""
    with tempfile.TemporaryDirectory() as folder:
        async with Api(control_plane) as api:
            installation = Installation(control_plane, api, Path(folder))
            await installation.prepare()
            try:
                yield installation
            finally:
                for operator in installation.operators:
                    if operator.child.poll() is None:
                        operator.stop()


@asynccontextmanager
async def at_rest(
    installation: Installation, monitors: int, nodes: int, load: Load, pod_ip: str = ""
) -> AsyncIterator[Operator]:
    """An operator with that many ModelMonitors, one Triton pod each in one namespace, all of them Ready."""
    fleet = Fleet(installation.api, SYSTEM, nodes, load)
    async with fleet.running():
        await installation.create_namespace("team")
        names = [f"monitor-{number:03d}" for number in range(monitors)]
        for number, name in enumerate(names):
            await installation.create_triton("team", f"triton-{name}", name, f"node-{number % nodes}")
        await for_each(names, lambda name: installation.create_monitor("team", name))
        operator = installation.start_operator(pod_ip=pod_ip)
        await wait_until_ready(installation.api, operator, monitors)
        yield operator


async def wait_until_ready(api: Api, operator: Operator, count: int, timeout_seconds: float = 240.0) -> None:
    """Wait until that many ModelMonitors are Ready; TimeoutError says what one that is not says, and the log."""
    items: list[Json] = []
    try:
        async with asyncio.timeout(timeout_seconds):
            while sum(map(is_ready, items)) < count:
                await asyncio.sleep(0.5)
                items = (await api.call("GET", MONITORS_PATH))["items"]
    except TimeoutError as error:
        laggard = next((one.get("status", {}).get("conditions") for one in items if not is_ready(one)), None)
        log = operator.log.read_text()[-2000:]
        raise TimeoutError(f"no {count} Ready after {timeout_seconds:.0f} s; one says {laggard}; log: {log}") from error


def is_ready(monitor: Json) -> bool:
    """Whether a ModelMonitor's status says Ready for its newest spec."""
    generation = monitor["metadata"]["generation"]
    found = (monitor.get("status") or {}).get("conditions", [])
    return any(
        one["type"] == "Ready" and one["status"] == "True" and one["observedGeneration"] == generation for one in found
    )
