"""A whole Kubernetes cluster of our own on this machine: everything in private namespaces, nothing left behind.

Files lie under the cluster's run folder, processes under one first process, addresses in one private range.
"""

from __future__ import annotations

import json
import os
import shutil
import time
import urllib.request
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from modelmonitor_testbed.buildah import file_system
from modelmonitor_testbed.cache import cache_root, locked, run_folder
from modelmonitor_testbed.certificates import Authority, make_authority
from modelmonitor_testbed.control_plane_arguments import ControlPlanePlan
from modelmonitor_testbed.controlplane import wait_until_ready
from modelmonitor_testbed.debian import NODE_NEEDS, MissingProgramsError, ensure
from modelmonitor_testbed.images import pause_image
from modelmonitor_testbed.kubectl import Kubectl
from modelmonitor_testbed.node import control_groups, namespaces, setup
from modelmonitor_testbed.node.addresses import Addresses, choose_addresses, link_name
from modelmonitor_testbed.node.configuration import CONTAINERD_SOCKET, PROXY_HEALTH_PORT, NodePlace, control_group
from modelmonitor_testbed.process import CommandError, run
from modelmonitor_testbed.progress import step
from modelmonitor_testbed.tools import CONTAINERD, ETCD, KUBERNETES, tool, tools

_API_PORT = 6443
_READY_SECONDS = 90.0
_NUMBERS = (1, 2)
_HIDDEN = ("/run", "/var/lib", "/var/log", "/proc", "/sys")
"""Folders that a node replaces with its own, so the cache cannot lie there."""


class NodeError(RuntimeError):
    """The node did not become what it should; the message says where its logs are."""


@dataclass(frozen=True)
class NodeCluster:
    """One cluster of one or two nodes, known by its name; all that is known of it is read from its folder."""

    name: str = "modelmonitor"
    nodes: int = 1

    @property
    def folder(self) -> Path:
        """The folder that holds everything of the running cluster."""
        return run_folder(self.name)

    @property
    def audit_log(self) -> Path:
        """What service accounts asked the API server for, since the cluster was made."""
        return self.folder / "audit.jsonl"

    def create(self) -> None:
        """Bring the cluster up, all nodes ready and the pause image loaded; a running one is left as it is."""
        with locked(f"cluster-{self.name}"):
            if self.is_running():
                self._check_size()
                return
            self._refuse_impossible()
            ensure(NODE_NEEDS)
            for module in (ETCD, KUBERNETES, CONTAINERD):
                tools(module)
            pause = pause_image()
            self._delete()
            with step(f"cluster {self.name}", "starting", "control plane ready"):
                places = self._start_first_node()
            with step(f"cluster {self.name}, {self.nodes} node(s)", "starting", "ready"):
                for place in places:
                    self._start_node(place)
                self._wait_nodes_ready()
                self.load_image(pause)
            self._complete.touch()

    def load_image(self, archive: Path) -> None:
        """Load an image archive into every node that does not hold it yet."""
        with ThreadPoolExecutor() as pool:
            list(pool.map(lambda place: _load_into(place, archive), self.places()))

    def kubeconfig(self) -> Path:
        """Return the kubeconfig of a cluster administrator."""
        return self.folder / "kubeconfig"

    def delete(self) -> None:
        """End the cluster and remove all that it made on this machine; nothing happens where there is none."""
        with locked(f"cluster-{self.name}"):
            self._delete()

    def leftovers(self) -> list[str]:
        """Say what of the cluster is still on this machine: processes, mounts, links, control groups, files."""
        found = [f"folder {self.folder}"] if self.folder.exists() else []
        links = [link_name(self.name, number) for number in _NUMBERS]
        found += [f"link {link}" for link in links if namespaces.link_exists(link)]
        groups = [group for number in _NUMBERS for group in control_groups.find(control_group(self.name, number))]
        found += [f"control group {group}" for group in groups]
        found += [f"mount {line.split()[4]}" for line in _mounts() if f"{self.folder}/" in line]
        return found + [f"process {pid}" for pid in namespaces.processes_with(f"{self.folder}/")]

    def is_running(self) -> bool:
        """Tell whether this cluster came up whole and its first node still runs."""
        return self._complete.exists() and namespaces.read_pid(self._place_folder(1)) is not None

    def places(self) -> list[NodePlace]:
        """Return where each node of the recorded cluster lives; none where there is no cluster."""
        try:
            state = json.loads((self.folder / "cluster.json").read_text())
        except FileNotFoundError:
            return []
        return self._make_places(Addresses(state["second"]), state["nodes"], state["snapshotter"])

    def kubectl(self) -> Kubectl:
        """Return kubectl for this cluster."""
        return Kubectl(self.kubeconfig())

    @property
    def _complete(self) -> Path:
        return self.folder / "complete"

    def _check_size(self) -> None:
        if len(self.places()) != self.nodes:
            raise NodeError(f"cluster {self.name} runs with {len(self.places())} node(s); take it down first")

    def _delete(self) -> None:
        for number in _NUMBERS:
            namespaces.end(self._place_folder(number))
        for number in _NUMBERS:
            namespaces.remove_link(link_name(self.name, number))
            control_groups.remove(control_group(self.name, number))
        shutil.rmtree(self.folder, ignore_errors=True)

    def _refuse_impossible(self) -> None:
        if os.geteuid() != 0:
            raise MissingProgramsError("missing: root. A node needs namespaces, mounts and control groups of its own.")
        if any(str(cache_root()).startswith(f"{hidden}/") for hidden in _HIDDEN):
            raise NodeError(f"the cache lies in {cache_root()}, which a node hides; set MODELMONITOR_CACHE elsewhere")

    def _start_first_node(self) -> list[NodePlace]:
        with locked("addresses"):
            addresses = choose_addresses(self.name, namespaces.used_ranges())
            self.folder.mkdir(parents=True)
            state = {"second": addresses.second, "nodes": self.nodes, "snapshotter": choose_snapshotter(self.folder)}
            (self.folder / "cluster.json").write_text(json.dumps(state))
            places = self.places()
            pid = namespaces.start(places[0], None)
            namespaces.connect(places[0], pid, None)
        plan = self._plan(addresses)
        commands = setup.write_control_plane(plan)
        setup.start_services(places[0], commands)
        wait_until_ready(plan, _READY_SECONDS, self._check_alive)
        return places

    def _start_node(self, place: NodePlace) -> None:
        first_pid = namespaces.read_pid(self._place_folder(1))
        if place.number > 1:
            namespaces.connect(place, namespaces.start(place, first_pid), first_pid)
        control_groups.make(place.control_group)
        server = f"https://{place.addresses.api_server}:{_API_PORT}"
        commands = setup.write_node(place, Authority(self.folder / "pki"), server)
        setup.start_services(place, commands)

    def _plan(self, addresses: Addresses) -> ControlPlanePlan:
        return ControlPlanePlan(
            folder=self.folder,
            authority=make_authority(self.folder / "pki"),
            address=addresses.api_server,
            port=_API_PORT,
            etcd_port=2379,
            etcd_peer_port=2380,
            controller_port=10257,
            service_range=addresses.services,
            pod_range=addresses.pods,
            audit_log=self.audit_log,
        )

    def _wait_nodes_ready(self) -> None:
        kubectl = self.kubectl()

        def ready() -> bool:
            if kubectl.find("serviceaccount", "default", "default") is None:
                return False
            items = kubectl.get("nodes")["items"]
            conditions = [c for item in items for c in item["status"].get("conditions", []) if c["type"] == "Ready"]
            all_ready = [c["status"] for c in conditions] == ["True"] * self.nodes
            return len(items) == self.nodes and all_ready and all(map(proxy_is_healthy, self.places()))

        wait_for(ready, _READY_SECONDS, f"nodes of {self.name} ready; logs are in {self.folder}/node*/")

    def _check_alive(self) -> None:
        if namespaces.read_pid(self._place_folder(1)) is None:
            raise NodeError(f"the node's first process ended; see {self._place_folder(1)}/init.log")

    def _place_folder(self, number: int) -> Path:
        return self.folder / f"node{number}"

    def _make_places(self, addresses: Addresses, count: int, snapshotter: str) -> list[NodePlace]:
        numbers = range(1, count + 1)
        return [NodePlace(self.name, n, self._place_folder(n), addresses, snapshotter) for n in numbers]


def _load_into(place: NodePlace, archive: Path) -> None:
    loaded = place.folder / "loaded" / archive.name
    if loaded.exists():
        return
    if (pid := namespaces.read_pid(place.folder)) is None:
        raise NodeError(f"cluster {place.cluster} does not run")
    socket = f"/proc/{pid}/root{CONTAINERD_SOCKET}"
    command = [
        str(tool(CONTAINERD, "ctr")),
        "--address",
        socket,
        "--namespace",
        "k8s.io",
        "images",
        "import",
        "--local",
    ]
    run([*command, "--snapshotter", place.snapshotter, archive])
    loaded.parent.mkdir(exist_ok=True)
    loaded.touch()


def proxy_is_healthy(place: NodePlace) -> bool:
    """Tell whether a node's kube-proxy has written its rules."""
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    try:
        with opener.open(f"http://{place.address}:{PROXY_HEALTH_PORT}/healthz", timeout=1):
            return True
    except OSError:
        return False


def choose_snapshotter(folder: Path) -> str:
    """Return containerd's snapshotter; an overlay cannot lie on an overlay, as in a container."""
    return "native" if file_system(folder) == "overlayfs" else "overlayfs"


def wait_for(condition: Callable[[], bool], timeout_seconds: float, what: str) -> None:
    """Wait until a condition holds; raise NodeError with `what` was waited for when it never does."""
    deadline = time.monotonic() + timeout_seconds
    last = "it never held"
    while time.monotonic() < deadline:
        try:
            if condition():
                return
        except CommandError as error:
            last = str(error)
        time.sleep(0.2)
    raise NodeError(f"not within {timeout_seconds:.0f} s: {what} ({last})")


def _mounts() -> list[str]:
    return Path("/proc/self/mountinfo").read_text().splitlines()
