"""A real control plane without nodes: etcd, kube-apiserver and kube-controller-manager on loopback, without root.

The three are plain children of the caller: the kernel kills them when the calling thread ends.
"""

from __future__ import annotations

import shutil
import socket
import ssl
import subprocess
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from modelmonitor_testbed.certificates import make_authority
from modelmonitor_testbed.control_plane_arguments import (
    LOOPBACK,
    ControlPlanePlan,
    api_server_arguments,
    controller_manager_arguments,
    etcd_arguments,
    render_audit_policy,
    write_credentials,
)
from modelmonitor_testbed.debian import CONTROL_PLANE_NEEDS, ensure
from modelmonitor_testbed.kubeconfig import write_kubeconfig
from modelmonitor_testbed.process import start_bound
from modelmonitor_testbed.tools import ETCD, KUBERNETES, tool

_READY_SECONDS = 60.0


class ControlPlaneError(RuntimeError):
    """A program of the control plane ended or did not become ready; the message names its log."""


@dataclass
class ControlPlane:
    """A running control plane; `stop` ends it and removes its folder."""

    plan: ControlPlanePlan
    kubeconfig: Path
    """The kubeconfig of a cluster administrator (group system:masters)."""
    commands: dict[str, list[str]]
    children: dict[str, subprocess.Popen[bytes]] = field(default_factory=dict)

    @property
    def audit_log(self) -> Path | None:
        """The audit log, one JSON event a line, where it was asked for."""
        return self.plan.audit_log

    def start(self, program: str) -> None:
        """Start one program (`etcd`, `kube-apiserver`, `kube-controller-manager`) that does not run."""
        self.children[program] = start_bound(self.commands[program], self.plan.folder / f"{program}.log")

    def kill(self, program: str) -> None:
        """End one program as a crash would (SIGKILL); `start` brings it back with its data."""
        child = self.children.pop(program)
        child.kill()
        child.wait()

    def wait_ready(self, timeout_seconds: float = _READY_SECONDS) -> None:
        """Wait until the API server says that it is ready; raise ControlPlaneError when it does not."""
        wait_until_ready(self.plan, timeout_seconds, self._check_alive)

    def stop(self) -> None:
        """End every program and remove the folder."""
        for program in reversed(list(self.children)):
            self.kill(program)
        shutil.rmtree(self.plan.folder, ignore_errors=True)

    def _check_alive(self) -> None:
        for program, child in self.children.items():
            if (status := child.poll()) is not None:
                raise ControlPlaneError(f"{program} ended with status {status}; see {self.plan.folder}/{program}.log")


def start_control_plane(*, audit: bool = False) -> ControlPlane:
    """Start a control plane in a temporary folder and return it once the API server is ready (seconds when built)."""
    ensure(CONTROL_PLANE_NEEDS)
    folder = Path(tempfile.mkdtemp(prefix="modelmonitor-control-plane-"))
    control_plane = _prepare(folder, audit=audit)
    try:
        control_plane.start("etcd")
        control_plane.start("kube-apiserver")
        control_plane.wait_ready()
        control_plane.start("kube-controller-manager")
    except BaseException:
        for child in control_plane.children.values():
            child.kill()
        raise
    return control_plane


@contextmanager
def running_control_plane(*, audit: bool = False) -> Iterator[ControlPlane]:
    """Run a control plane for the length of a with block."""
    control_plane = start_control_plane(audit=audit)
    try:
        yield control_plane
    finally:
        control_plane.stop()


def _prepare(folder: Path, *, audit: bool) -> ControlPlane:
    api_port, etcd_port, peer_port, controller_port = free_ports(4)
    plan = ControlPlanePlan(
        folder=folder,
        authority=make_authority(folder / "pki"),
        address=LOOPBACK,
        port=api_port,
        etcd_port=etcd_port,
        etcd_peer_port=peer_port,
        controller_port=controller_port,
        service_range="10.96.0.0/16",
        audit_log=folder / "audit.jsonl" if audit else None,
    )
    (folder / "audit-policy.json").write_text(render_audit_policy())
    admin = write_kubeconfig(
        folder / "kubeconfig", plan.server, plan.authority, plan.authority.issue("admin", "/O=system:masters/CN=admin")
    )
    manager_pair = plan.authority.issue("controller-manager", "/CN=system:kube-controller-manager")
    manager = write_kubeconfig(folder / "controller-manager.kubeconfig", plan.server, plan.authority, manager_pair)
    serving, kubelet_client = write_credentials(plan)
    commands = {
        "etcd": [str(tool(ETCD, "etcd")), *etcd_arguments(plan)],
        "kube-apiserver": [
            str(tool(KUBERNETES, "kube-apiserver")),
            *api_server_arguments(plan, serving, kubelet_client),
        ],
        "kube-controller-manager": [
            str(tool(KUBERNETES, "kube-controller-manager")),
            *controller_manager_arguments(plan, manager),
        ],
    }
    return ControlPlane(plan, admin, commands)


def free_ports(count: int) -> list[int]:
    """Return that many TCP ports of loopback that nobody listens on now."""
    listeners = [socket.socket() for _ in range(count)]
    try:
        for listener in listeners:
            listener.bind((LOOPBACK, 0))
        return [int(listener.getsockname()[1]) for listener in listeners]
    finally:
        for listener in listeners:
            listener.close()


def wait_until_ready(plan: ControlPlanePlan, timeout_seconds: float, check_alive: Callable[[], None]) -> None:
    """Wait until the API server answers its readiness check; `check_alive` raises when waiting is in vain."""
    context = ssl.create_default_context(cafile=str(plan.authority.pair.certificate))
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}), urllib.request.HTTPSHandler(context=context))
    deadline = time.monotonic() + timeout_seconds
    while time.monotonic() < deadline:
        check_alive()
        try:
            with opener.open(f"{plan.server}/readyz", timeout=2):
                return
        except (urllib.error.URLError, OSError):
            time.sleep(0.1)
    raise ControlPlaneError(f"{plan.server}/readyz did not answer within {timeout_seconds:.0f} s; see {plan.folder}")
