"""The sidecar's process in a network where every address leads to a sink: it connects to its pods, and nowhere else.

The sinks hear each of the addresses: the last test shows that, so a sidecar that connected would be seen.
"""

import asyncio
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path

from modelmonitor_api.plan import NodePlanSpec, PlannedMonitor, PlannedPod
from modelmonitor_sidecar.sources.podresources_pb2 import PodResources
from modelmonitor_testbed.cache import checkout_root
from modelmonitor_testbed.netns import PrivateNetwork, private_network
from modelmonitor_testbed.netns_sinks import Connection, Scene, read_connections
from tests.edge.sidecar.test_kubelet_socket import kubelet

NODE, SYSTEM, TEAM = "node-a", "mm", "team-a"
API_SERVER, PROXY = "10.96.0.1", "10.66.0.1"
NODE_ADDRESS, NODE_IN_IPV6 = "10.10.0.1", "fd12::10:1"
HTTP_PORT, METRICS_PORT, PLAN_PORT = 8000, 8002, 6443
PORTS = (80, 443, 3128, HTTP_PORT, METRICS_PORT)
INTERVAL_SECONDS, PATIENCE_SECONDS = 5, 60.0
POD, POD_IN_IPV6, REUSED, FORGED = "10.244.1.1", "fd12::1:1", "10.244.1.2", "10.244.7.7"

ELSEWHERE = {
    "loopback": "127.0.0.1",
    "any loopback": "127.8.8.8",
    "loopback in IPv6": "::1",
    "loopback within IPv6": "::ffff:127.0.0.1",
    "unspecified": "0.0.0.0",  # noqa: S104
    "unspecified in IPv6": "::",
    "link-local": "169.254.7.7",
    "metadata": "169.254.169.254",
    "metadata within IPv6": "::ffff:169.254.169.254",
    "metadata within IPv6 in hexadecimal": "::ffff:a9fe:a9fe",
    "metadata behind NAT64": "64:ff9b::a9fe:a9fe",
    "metadata behind 6to4": "2002:a9fe:a9fe::1",
    "metadata of AWS in IPv6": "fd00:ec2::254",
    "metadata of Google Cloud in IPv6": "fd20:ce::254",
    "metadata of Alibaba Cloud": "100.100.100.200",
    "wire server of Azure": "168.63.129.16",
    "the API server": API_SERVER,
    "the API server within IPv6": f"::ffff:{API_SERVER}",
    "the node, as a pod on its network has it": NODE_ADDRESS,
    "the node in the other family": NODE_IN_IPV6,
    "the node within IPv6": f"::ffff:{NODE_ADDRESS}",
    "decimal": "2130706433",
    "hexadecimal": "0x7f000001",
    "octal": "0177.0.0.1",
    "short": "127.1",
    "decimal metadata": "2852039166",
    "a name": "localhost",
}
"""Addresses that lead to a sink where somebody connects."""
NOWHERE = {
    "IPv6 link-local": "fe80::1",
    "IPv6 link-local with its interface": "fe80::1%lo",
    "multicast": "224.0.0.1",
    "IPv6 multicast": "ff02::1",
    "broadcast": "255.255.255.255",
    "with a port": "169.254.169.254:80",
    "with a user": f"{POD}@169.254.169.254",
    "with a path": "169.254.169.254/latest?",
    "with a fragment": "169.254.169.254#",
    "percent-encoded": "127%2e0%2e0%2e1",
    "with brackets": "[::1]",
    "with a line of its own": "127.0.0.1\r\nX: y",
    "with a space": " 127.0.0.1",
    "other digits": "１２７.0.0.1",
}
"""Addresses that are none where they are taken as they stand; they would be some to a client that repairs them."""
LOCATIONS = (
    "http://169.254.169.254/latest/meta-data/",
    f"https://{API_SERVER}:{PLAN_PORT}/api/v1/secrets",
    f"//127.0.0.1:{HTTP_PORT}/v2",
    "http://[::ffff:a9fe:a9fe]/",
    f"http://{NODE_ADDRESS}:443/",
    f"http://2130706433:{METRICS_PORT}/metrics",
)
STATUSES = ("301 Moved Permanently", "302 Found", "303 See Other", "307 Temporary Redirect", "308 Permanent Redirect")
REDIRECTS = {
    f"10.244.2.{number}": f"{status}\r\nLocation: {location}\r\nRefresh: 0; url={location}\r\n"
    for number, (status, location) in enumerate((s, where) for s in STATUSES for where in LOCATIONS)
}
ASKED = {POD, POD_IN_IPV6, REUSED, *REDIRECTS}


@dataclass
class World:
    """What runs in the network, and what the sinks heard."""

    network: PrivateNetwork
    folder: Path
    listed: list[PodResources]

    @property
    def sidecar_log(self) -> Path:
        return self.folder / "sidecar.log"

    def connections(self) -> list[Connection]:
        return read_connections(self.folder / "connections")

    def heard(self, after: int = 0) -> set[str]:
        return {one.address.removeprefix("::ffff:") for one in self.connections()[after:]}

    def count(self, address: str) -> int:
        return sum(one.address.removeprefix("::ffff:") == address for one in self.connections())

    async def until(self, holds: Callable[[], bool], what: str) -> None:
        deadline = time.monotonic() + PATIENCE_SECONDS
        while not holds():
            assert time.monotonic() < deadline, f"not within {PATIENCE_SECONDS:.0f} s: {what}\n{self.tail()}"
            await asyncio.sleep(0.1)

    async def rounds(self, number: int) -> None:
        """So many more readings of the pod that is asked."""
        for _ in range(number):
            before = self.count(POD)
            await self.until(lambda before=before: self.count(POD) > before, "the pod is read again")
            await asyncio.sleep(1.0)

    def tail(self) -> str:
        return self.sidecar_log.read_text()[-3000:]


def planned(name: str, address: str) -> PlannedPod:
    return PlannedPod(
        name=name, uid=f"uid-{name}", ip=address, container="triton", http_port=HTTP_PORT, metrics_port=METRICS_PORT
    )


def pods() -> list[PlannedPod]:
    """Every address as a pod of the plan; where the API server listens, its own port as well."""
    addresses = [POD, POD_IN_IPV6, REUSED, FORGED, *REDIRECTS, *ELSEWHERE.values(), *NOWHERE.values()]
    named = {REUSED: "reused", FORGED: "forged"}
    made = [planned(named.get(address, f"pod-{number}"), address) for number, address in enumerate(addresses)]
    return [*made, planned("api", API_SERVER).model_copy(update={"http_port": PLAN_PORT})]


def scene() -> Scene:
    monitor = PlannedMonitor(
        namespace=TEAM,
        name="fraud",
        uid="uid-fraud",
        generation=1,
        interval_seconds=INTERVAL_SECONDS,
        window_seconds=300,
        pods=tuple(pods()),
    )
    path = f"/apis/modelmonitor.dev/v1alpha1/namespaces/{SYSTEM}/nodeplans"
    spec = NodePlanSpec(node_name=NODE, monitors=(monitor,)).to_wire()
    return Scene(PORTS, PLAN_PORT, path, NODE, spec, REDIRECTS)


@contextmanager
def running(command: list[str], log: Path, environment: dict[str, str]) -> Iterator[subprocess.Popen[bytes]]:
    with log.open("wb") as output, subprocess.Popen(command, stdout=output, stderr=output, env=environment) as process:
        try:
            yield process
        finally:
            process.kill()


def python_path() -> dict[str, str]:
    root = checkout_root()
    return {
        "PATH": os.environ["PATH"],
        "PYTHONPATH": ":".join(str(root / part) for part in ("operator", "sidecar", "testbed", ".")),
    }


def sidecar_environment(folder: Path) -> dict[str, str]:
    proxy = f"http://{PROXY}:3128"
    proxies = {name: proxy for lower in ("http_proxy", "https_proxy", "all_proxy") for name in (lower, lower.upper())}
    return {
        **python_path(),
        **proxies,
        "NODE_NAME": NODE,
        "POD_UID": "uid-sidecar",
        "POD_NAME": "sidecar-x",
        "POD_NAMESPACE": SYSTEM,
        "HOST_IPS": f"{NODE_ADDRESS},{NODE_IN_IPV6}",
        "MODELMONITOR_API_SERVER": f"http://{API_SERVER}:{PLAN_PORT}",
        "MODELMONITOR_KEY_FILE": str(folder / "key"),
        "MODELMONITOR_POD_RESOURCES_SOCKET": str(folder / "kubelet.sock"),
        "OPENBLAS_NUM_THREADS": "1",
    }


@asynccontextmanager
async def network_with_sinks() -> AsyncIterator[World]:
    """A private network, its sinks, and a kubelet that runs every planned pod but the forged one."""
    with tempfile.TemporaryDirectory() as name, private_network() as network:
        folder = Path(name)
        (folder / "scene.json").write_text(json.dumps(asdict(scene())))
        arguments = [str(folder / "scene.json"), str(folder / "connections")]
        sinks = network.inside(sys.executable, "-m", "modelmonitor_testbed.netns_sinks", *arguments)
        ready = folder / "sinks.log"
        async with kubelet(folder / "kubelet.sock", "GPU-1") as listed:
            names = [(TEAM, pod.name) for pod in pods() if pod.name != "forged"]
            listed[:] = [PodResources(namespace=where, name=name) for where, name in [(SYSTEM, "sidecar-x"), *names]]
            world = World(network, folder, listed)
            world.sidecar_log.touch()
            with running(sinks, ready, python_path()):
                await world.until(lambda: "ready" in ready.read_text(), "the sinks listen")
                yield world


@asynccontextmanager
async def sidecar_among_sinks() -> AsyncIterator[World]:
    async with network_with_sinks() as world:
        (world.folder / "key").write_bytes(b"k" * 44)
        command = world.network.inside(sys.executable, "-m", "modelmonitor_sidecar")
        with running(command, world.sidecar_log, sidecar_environment(world.folder)):
            await world.until(lambda: world.heard() >= ASKED, "all pods that may be asked are asked")
            yield world


async def test_the_sidecar_connects_to_its_pods_and_nowhere_else() -> None:
    async with sidecar_among_sinks() as world:
        await world.rounds(2)
        assert world.heard() == ASKED
        said = world.sidecar_log.read_text()
        unsaid = [name for name, address in ELSEWHERE.items() if f"is not read at {address}: " not in said]
        assert unsaid == []


async def test_an_address_that_became_another_pods_is_left_alone_and_the_others_are_still_read() -> None:
    async with sidecar_among_sinks() as world:
        world.listed[:] = [pod for pod in world.listed if pod.name != "reused"]
        await world.rounds(3)
        asked = world.count(REUSED)
        await world.rounds(2)
        assert world.count(REUSED) == asked
        assert world.count(FORGED) == 0


async def test_the_sinks_hear_whoever_connects_to_any_of_these_addresses() -> None:
    connect = (
        "import socket, sys; [socket.create_connection((one, int(sys.argv[1])), 5).close() for one in sys.argv[2:]]"
    )
    command = [sys.executable, "-c", connect, str(HTTP_PORT), *ELSEWHERE.values()]
    async with network_with_sinks() as world:
        process = await asyncio.create_subprocess_exec(*world.network.inside(*command))
        assert await asyncio.wait_for(process.wait(), PATIENCE_SECONDS) == 0
        await world.until(lambda: len(world.connections()) == len(ELSEWHERE), "each connection is heard")
