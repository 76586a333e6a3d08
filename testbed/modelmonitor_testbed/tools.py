"""The pinned Go programs of a Kubernetes node, built once into the cache.

Each tool module under `testbed/tools/` pins one project's programs; the folder of the built programs carries a hash
of the module and of the build flags, so that a changed pin builds anew and an unchanged one is never built twice.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
import shutil
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from modelmonitor_testbed.cache import cache_folder, checkout_root, locked
from modelmonitor_testbed.debian import MissingProgramsError
from modelmonitor_testbed.process import CommandError, run
from modelmonitor_testbed.progress import step

KUBERNETES_VERSION = "v1.37.2"
_MINOR = re.compile(r"v?(\d+)\.(\d+)")


@dataclass(frozen=True)
class ToolModule:
    """One Go module under `testbed/tools/`: its programs and the flags that they are built with."""

    name: str
    programs: Mapping[str, str]
    """Program name → import path of its main package."""
    flags: tuple[str, ...] = field(default=())


def _kubernetes_flags() -> tuple[str, ...]:
    """Return the flags that stamp the version, without which clients cannot parse it."""
    major, minor, _ = KUBERNETES_VERSION.removeprefix("v").split(".")
    component = "k8s.io/component-base/version"
    stamps = {
        f"{component}.gitVersion": KUBERNETES_VERSION,
        f"{component}.gitMajor": major,
        f"{component}.gitMinor": minor,
        "k8s.io/client-go/pkg/version.gitVersion": KUBERNETES_VERSION,
        f"{component}.gitTreeState": "clean",
    }
    return ("-ldflags", " ".join(["-s -w", *(f"-X {name}={value}" for name, value in stamps.items())]))


KUBERNETES = ToolModule(
    "kubernetes",
    {
        name: f"k8s.io/kubernetes/cmd/{name}"
        for name in ("kube-apiserver", "kube-controller-manager", "kubectl", "kube-scheduler", "kube-proxy", "kubelet")
    },
    _kubernetes_flags(),
)
ETCD = ToolModule("etcd", {"etcd": "go.etcd.io/etcd/server/v3"})
CONTAINERD = ToolModule(
    "containerd",
    {n: f"github.com/containerd/containerd/v2/cmd/{n}" for n in ("containerd", "containerd-shim-runc-v2", "ctr")},
    ("-tags", "no_btrfs,no_zfs,no_devmapper,no_aufs"),
)
HELM = ToolModule("helm", {"helm": "helm.sh/helm/v4/cmd/helm"})


def _prometheus_flags(version: str, *more: str) -> tuple[str, ...]:
    """Return the flags that stamp the version, which `--version` and the `build_info` series show."""
    return ("-ldflags", f"-s -w -X github.com/prometheus/common/version.Version={version}", *more)


PROMETHEUS_VERSION = "3.15.0"
"""As Prometheus counts; the Go module of 3.15.0 is v0.315.0."""
PROMETHEUS = ToolModule(
    "prometheus",
    {name: f"github.com/prometheus/prometheus/cmd/{name}" for name in ("prometheus", "promtool")},
    _prometheus_flags(PROMETHEUS_VERSION, "-tags", "netgo,remove_all_sd,enable_kubernetes_sd"),
)
PROMETHEUS_OPERATOR_MODULE = "github.com/prometheus-operator/prometheus-operator"
PROMETHEUS_OPERATOR = ToolModule(
    "prometheus-operator",
    {
        "prometheus-operator": f"{PROMETHEUS_OPERATOR_MODULE}/cmd/operator",
        "prometheus-config-reloader": f"{PROMETHEUS_OPERATOR_MODULE}/cmd/prometheus-config-reloader",
    },
    _prometheus_flags("0.85.0"),
)


def hash_module(go_mod: bytes, go_sum: bytes, flags: tuple[str, ...]) -> str:
    """Return the short hash that names the folder of a module's built programs."""
    digest = hashlib.sha256()
    for part in (go_mod, go_sum, "\0".join(flags).encode()):
        digest.update(len(part).to_bytes(8, "big") + part)
    return digest.hexdigest()[:12]


def tool(module: ToolModule, program: str) -> Path:
    """Return the path of one program, built now if the cache lacks it."""
    if found := _from_assets(program):
        return found
    source = checkout_root() / "testbed" / "tools" / module.name
    key = hash_module((source / "go.mod").read_bytes(), (source / "go.sum").read_bytes(), module.flags)
    target = cache_folder("bin", f"{module.name}-{key}") / program
    if not target.exists():
        with locked(f"build-{module.name}"):
            if not target.exists():
                _build(module, program, source, target)
    return target


def tools(module: ToolModule, *programs: str) -> dict[str, Path]:
    """Return the paths of several programs of one module, all of them when none is named."""
    return {program: tool(module, program) for program in (programs or tuple(module.programs))}


def module_source(module: ToolModule, path: str) -> Path:
    """Return the folder of a Go module's source at the version that a tool module pins; Go fetches it if need be."""
    folder = checkout_root() / "testbed" / "tools" / module.name
    printed = run(["go", "mod", "download", "-json", path], folder=folder)
    return Path(json.loads(printed)["Dir"])


def _build(module: ToolModule, program: str, source: Path, target: Path) -> None:
    if shutil.which("go") is None:
        raise MissingProgramsError("missing: go (1.26 or later), which builds the pinned programs of Kubernetes")
    unfinished = target.with_suffix(".part")
    how = ["-trimpath", "-buildvcs=false", *module.flags]
    command = ["go", "build", *how, "-o", str(unfinished), module.programs[program]]
    with step(f"{program} ({module.name})", "building", "built"):
        run(command, environment={**os.environ, "CGO_ENABLED": "0"}, folder=source, timeout_seconds=3600)
    unfinished.rename(target)


def same_minor(version_text: str, wanted: str = KUBERNETES_VERSION) -> bool:
    """Tell whether a program's version output names the Kubernetes minor version that the other programs have."""
    found, needed = _MINOR.search(version_text), _MINOR.search(wanted)
    return found is not None and needed is not None and found.groups() == needed.groups()


def _from_assets(program: str) -> Path | None:
    """Return kube-apiserver, etcd or kubectl of `$KUBEBUILDER_ASSETS` where its version suits."""
    assets = os.environ.get("KUBEBUILDER_ASSETS")
    arguments = {"kube-apiserver": ["--version"], "kubectl": ["version", "--client"], "etcd": ["--version"]}
    if not assets or program not in arguments or not (Path(assets) / program).exists():
        return None
    try:
        version = run([Path(assets) / program, *arguments[program]], timeout_seconds=30)
    except CommandError:
        return None
    return Path(assets) / program if program == "etcd" or same_minor(version) else None
