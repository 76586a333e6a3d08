"""How many targets Prometheus gets for 50 ModelMonitors on 20 nodes, each with pods on two: the Endpoints say it.

Endpoints take no loopback address, so the sidecars have addresses at which nobody answers; who is behind a Service is
decided without asking them.
"""

import asyncio
from collections import Counter
from collections.abc import Callable, Sequence

from benchmarks.api import Api, for_each
from benchmarks.fleet import Fleet
from benchmarks.installation import SYSTEM, Installation, installed
from benchmarks.manifests import Json
from benchmarks.synthetic import Load
from benchmarks.table import Row
from modelmonitor_api.names import CHILD_COMPONENT, COMPONENT_LABEL, LEADER_PORT_NAME, SIDECAR_PORT_NAME
from modelmonitor_testbed.controlplane import ControlPlane, running_control_plane

MONITORS = 50
NODES = 20
NODES_OF_EACH = 2
LEADER_IP = "10.91.0.1"
ENDPOINTS_PATH = f"/api/v1/endpoints?labelSelector={COMPONENT_LABEL}%3D{CHILD_COMPONENT}"
_PATIENCE_SECONDS = 60.0


def silent_address(number: int) -> str:
    """Address of the sidecar of a node, by the node's number."""
    return f"10.90.0.{number + 1}"


def count_targets(items: Sequence[Json]) -> Counter[str]:
    """Addresses of all Endpoints by the name of their port; those that are not ready are targets too."""
    found: Counter[str] = Counter()
    for subset in (subset for each in items for subset in each.get("subsets") or ()):
        addresses = len(subset.get("addresses", ())) + len(subset.get("notReadyAddresses", ()))
        for port in subset["ports"]:
            found[port["name"]] += addresses
    return found


async def _create(installation: Installation, number: int) -> None:
    name = f"monitor-{number:02d}"
    for place in range(NODES_OF_EACH):
        node = f"node-{(number * NODES_OF_EACH + place) % NODES}"
        await installation.create_triton("team", f"triton-{name}-{place}", name, node)
    await installation.create_monitor("team", name)


async def _settled_targets(api: Api) -> Counter[str]:
    """The targets once their number has not changed for some seconds after every leader is in."""
    found: Counter[str] = Counter()
    same = 0
    async with asyncio.timeout(_PATIENCE_SECONDS):
        while same < 6 or found[LEADER_PORT_NAME] < MONITORS or found[SIDECAR_PORT_NAME] < MONITORS:
            await asyncio.sleep(0.5)
            now = count_targets((await api.call("GET", ENDPOINTS_PATH))["items"])
            same, found = same + 1 if now == found else 0, now
    return found


async def _measure(control_plane: ControlPlane, report: Callable[[str], None]) -> Sequence[Row]:
    async with installed(control_plane) as installation:
        fleet = Fleet(installation.api, SYSTEM, NODES, Load(models=1), silent_address)
        async with fleet.running():
            await installation.create_namespace("team")
            await for_each(range(MONITORS), lambda number: _create(installation, number))
            installation.start_operator(pod_ip=LEADER_IP)
            found = await _settled_targets(installation.api)
    report(f"targets by port: {dict(found)}")
    what = f"Prometheus targets, {MONITORS} monitors on {NODES} nodes, pods on {NODES_OF_EACH} each"
    goal = MONITORS * NODES_OF_EACH + MONITORS
    return (Row(what, found.total(), "", goal, MONITORS * NODES, "every sidecar for every monitor"),)


def measure(report: Callable[[str], None]) -> Sequence[Row]:
    """Addresses in the Endpoints that the operator makes."""
    with running_control_plane() as control_plane:
        return asyncio.run(_measure(control_plane, report))
