"""Where a cluster comes from: one small interface, three ways to have one."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from modelmonitor_testbed.cache import cache_folder, checkout_root
from modelmonitor_testbed.debian import MissingProgramsError
from modelmonitor_testbed.kubectl import Kubectl
from modelmonitor_testbed.node.cluster import NodeCluster
from modelmonitor_testbed.process import CommandError, run
from modelmonitor_testbed.progress import step

DEFAULT_NAME = "modelmonitor"
_REMOVAL = """helm uninstall modelmonitor --namespace modelmonitor-system
  kubectl delete --ignore-not-found -f examples/demo -f testbed/manifests
  kubectl delete --ignore-not-found namespace modelmonitor-system"""


class ClusterProvider(Protocol):
    """A cluster that tests and the demo run on."""

    def create(self) -> None:
        """Bring the cluster up; one that runs is left as it is."""

    def load_image(self, archive: Path) -> None:
        """Make an image archive known to every node."""

    def kubeconfig(self) -> Path:
        """Return the path of a cluster administrator's kubeconfig."""

    def delete(self) -> None:
        """Remove the cluster and all that came with it."""

    def leftovers(self) -> list[str]:
        """Say what of the cluster is still on this machine."""


@dataclass(frozen=True)
class KindCluster:
    """A cluster of kind's, on a Docker engine. Not run by us yet: no machine of ours has a Docker engine."""

    name: str = DEFAULT_NAME

    def create(self) -> None:
        """Create the cluster from `kind-config.yaml`."""
        if self.name in self._clusters():
            return
        with step(f"kind cluster {self.name}", "creating (not run by us yet)", "created"):
            config = checkout_root() / "kind-config.yaml"
            kubeconfig = str(self.kubeconfig())
            self._kind("create", "cluster", "--config", str(config), "--wait", "120s", "--kubeconfig", kubeconfig)

    def load_image(self, archive: Path) -> None:
        """Load an image into every node of the cluster."""
        self._kind("load", "image-archive", str(archive))

    def kubeconfig(self) -> Path:
        """Return the kubeconfig that kind wrote."""
        return cache_folder("kind") / f"{self.name}.kubeconfig"

    def delete(self) -> None:
        """Delete the cluster."""
        self._kind("delete", "cluster", "--kubeconfig", str(self.kubeconfig()))
        self.kubeconfig().unlink(missing_ok=True)

    def leftovers(self) -> list[str]:
        """Name the cluster while kind still knows it."""
        return [f"kind cluster {self.name}"] if self.name in self._clusters() else []

    def _clusters(self) -> list[str]:
        return run(["kind", "get", "clusters"]).split()

    def _kind(self, *words: str) -> None:
        run(["kind", *words, "--name", self.name])


@dataclass(frozen=True)
class CurrentCluster:
    """The cluster that the user's kubeconfig points at; its nodes must be able to pull the images, or hold them."""

    path: Path

    def create(self) -> None:
        """Check that the cluster answers."""
        Kubectl(self.path).run("version", timeout_seconds=30)

    def load_image(self, archive: Path) -> None:
        """Say which image the user has to make known to the nodes; nothing here can do it for them."""
        print(f"CLUSTER=current: make the image in {archive} known to every node, or push it where they can pull it")

    def kubeconfig(self) -> Path:
        """Return the user's kubeconfig."""
        return self.path

    def delete(self) -> None:
        """Leave the user's cluster alone."""

    def leftovers(self) -> list[str]:
        """Say what only the user may decide to remove: the cluster was not made here, what runs on it was."""
        return [f"what was installed on the cluster of {self.path}; to remove it:\n  {_REMOVAL}"]


def choose(name: str = DEFAULT_NAME, nodes: int = 1, environment: Mapping[str, str] | None = None) -> ClusterProvider:
    """Choose by `$CLUSTER` (kind, node or current), else kind where a Docker engine answers, else a node of our own.

    Raises MissingProgramsError, with what is missing for each way, where there is none.
    """
    environment = os.environ if environment is None else environment
    wanted = environment.get("CLUSTER", "")
    if wanted == "current":
        return CurrentCluster(Path(environment.get("KUBECONFIG") or Path.home() / ".kube" / "config"))
    if wanted not in {"", "kind", "node"}:
        raise MissingProgramsError(f"CLUSTER={wanted} is unknown; say kind, node or current")
    lacks_kind = missing_for_kind() if wanted in {"", "kind"} else "CLUSTER=node was asked for"
    if not lacks_kind:
        return KindCluster(name)
    lacks_node = missing_for_node() if wanted in {"", "node"} else "CLUSTER=kind was asked for"
    if not lacks_node:
        return NodeCluster(name, nodes)
    raise MissingProgramsError(f"no cluster is possible here.\n  kind: {lacks_kind}\n  node: {lacks_node}")


def missing_for_kind() -> str:
    """Say what kind lacks on this machine; empty when nothing."""
    absent = [program for program in ("docker", "kind") if shutil.which(program) is None]
    if absent:
        return f"missing: {', '.join(absent)}"
    try:
        json.loads(run(["docker", "version", "--format", "{{json .Server}}"], timeout_seconds=15))
    except (CommandError, ValueError):
        return "missing: a Docker engine that answers (docker version)"
    return ""


def missing_for_node() -> str:
    """Say what a node of our own lacks on this machine; empty when nothing, or when apt can install it."""
    lacks = []
    if not Path("/sys/fs/cgroup").is_dir():
        lacks.append("Linux with control groups")
    if os.geteuid() != 0:
        lacks.append("root")
    if shutil.which("go") is None:
        lacks.append("go (1.26 or later)")
    return f"missing: {', '.join(lacks)}" if lacks else ""
