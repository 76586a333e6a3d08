"""Writes what a node's programs read, and says which programs run on it."""

from __future__ import annotations

import json
import shutil
from collections.abc import Mapping, Sequence
from pathlib import Path

from modelmonitor_testbed.certificates import Authority
from modelmonitor_testbed.control_plane_arguments import (
    ControlPlanePlan,
    api_server_arguments,
    controller_manager_arguments,
    etcd_arguments,
    render_audit_policy,
    write_credentials,
)
from modelmonitor_testbed.kubeconfig import write_kubeconfig
from modelmonitor_testbed.node.configuration import (
    NodePlace,
    kubelet_arguments,
    render_cni,
    render_containerd,
    render_kubelet,
    render_proxy,
)
from modelmonitor_testbed.node.namespaces import search_path
from modelmonitor_testbed.tools import CONTAINERD, ETCD, KUBERNETES, tool


def write_control_plane(plan: ControlPlanePlan) -> dict[str, list[str]]:
    """Write the control plane's credentials and return its programs' command lines."""
    folder, authority = plan.folder, plan.authority
    (folder / "audit-policy.json").write_text(render_audit_policy())
    write_kubeconfig(
        folder / "kubeconfig", plan.server, authority, authority.issue("admin", "/O=system:masters/CN=admin")
    )
    kubeconfigs = {}
    for user in ("kube-controller-manager", "kube-scheduler", "kube-proxy"):
        pair = authority.issue(user, f"/CN=system:{user}")
        kubeconfigs[user] = write_kubeconfig(folder / f"{user}.kubeconfig", plan.server, authority, pair)
    serving, kubelet_client = write_credentials(plan)
    manager = controller_manager_arguments(plan, kubeconfigs["kube-controller-manager"])
    scheduler = [f"--kubeconfig={kubeconfigs['kube-scheduler']}", "--leader-elect=false", "--bind-address=127.0.0.1"]
    return {
        "etcd": [str(tool(ETCD, "etcd")), *etcd_arguments(plan)],
        "kube-apiserver": _kubernetes("kube-apiserver", api_server_arguments(plan, serving, kubelet_client)),
        "kube-controller-manager": _kubernetes("kube-controller-manager", manager),
        "kube-scheduler": _kubernetes("kube-scheduler", scheduler),
    }


def write_node(place: NodePlace, authority: Authority, server: str) -> dict[str, list[str]]:
    """Write a node's configuration and credentials and return its programs' command lines."""
    (place.folder / "cni").mkdir(exist_ok=True)
    pair = authority.issue(f"kubelet-{place.number}", f"/O=system:nodes/CN=system:node:{place.name}", [place.address])
    write_kubeconfig(place.folder / "kubelet.kubeconfig", server, authority, pair)
    runc = Path(shutil.which("runc", path=search_path()) or "/usr/sbin/runc")
    files = {
        "containerd.toml": render_containerd(place, runc),
        "cni/10-testbed.conflist": render_cni(place),
        "kubelet.json": render_kubelet(place, authority.pair.certificate),
        "kube-proxy.json": render_proxy(place, place.folder.parent / "kube-proxy.kubeconfig"),
        "resolv.conf": "",
    }
    for name, text in files.items():
        (place.folder / name).write_text(text)
    containerd = tool(CONTAINERD, "containerd")
    path = f"PATH={containerd.parent}:{search_path()}"
    tool(CONTAINERD, "containerd-shim-runc-v2")
    return {
        "containerd": ["env", path, str(containerd), f"--config={place.folder / 'containerd.toml'}"],
        "kubelet": _kubernetes("kubelet", kubelet_arguments(place)),
        "kube-proxy": _kubernetes("kube-proxy", [f"--config={place.folder / 'kube-proxy.json'}"]),
    }


def start_services(place: NodePlace, commands: Mapping[str, Sequence[str]]) -> None:
    """Let the node's first process start these programs."""
    for name, command in commands.items():
        unfinished = place.services / f"{name}.part"
        unfinished.write_text(json.dumps({"command": list(command)}))
        unfinished.rename(place.services / f"{name}.json")


def pause_service(place: NodePlace, name: str) -> None:
    """Stop one of the node's programs until `resume_service`."""
    (place.services / f"{name}.json").rename(place.services / f"{name}.paused")


def resume_service(place: NodePlace, name: str) -> None:
    """Start a stopped program again."""
    (place.services / f"{name}.paused").rename(place.services / f"{name}.json")


def _kubernetes(program: str, arguments: Sequence[str]) -> list[str]:
    return [str(tool(KUBERNETES, program)), *arguments]
