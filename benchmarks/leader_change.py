"""From the death of the leader with 1 000 ModelMonitors until every Endpoints has the address of the new one.

Two operators on a real API server. The first is killed, so that its Lease has to run out; the second ends as Kubernetes
ends a pod, and releases it. The clock runs from the signal to the last address, as a watch sees it.
"""

import asyncio
import time
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager, suppress
from urllib.request import urlopen

from benchmarks.api import Api, for_each
from benchmarks.installation import Installation, Operator, at_rest, installed
from benchmarks.manifests import Json
from benchmarks.synthetic import Load
from benchmarks.table import Row
from benchmarks.usage import cpu_seconds
from modelmonitor_api.names import CHILD_COMPONENT, COMPONENT_LABEL, LEADER_PORT_NAME
from modelmonitor_testbed.controlplane import ControlPlane, running_control_plane

MONITORS = 1000
NODES = 20
GOAL_SECONDS = 30.0
_ADDRESSES = ("10.91.0.1", "10.91.0.2", "10.91.0.3")
_PATH = "/api/v1/endpoints"
_CHILDREN = {"labelSelector": f"{COMPONENT_LABEL}%3D{CHILD_COMPONENT}"}
_PATIENCE_SECONDS = 240.0
_QUIET_SECONDS = 20.0


class Addresses:
    """The leader's address in each Endpoints, as a watch brings it."""

    def __init__(self) -> None:
        self._of: dict[str, str] = {}
        self._changed = asyncio.Event()

    async def see(self, _event: str, endpoints: Json) -> None:
        """One event of the watch."""
        for subset in endpoints.get("subsets") or ():
            if subset["ports"][0]["name"] == LEADER_PORT_NAME:
                self._of[endpoints["metadata"]["name"]] = subset["addresses"][0]["ip"]
                self._changed.set()

    def count(self, address: str) -> int:
        """How many Endpoints have that leader."""
        return sum(each == address for each in self._of.values())

    async def wait(self, address: str) -> None:
        """Until all have it."""
        async with asyncio.timeout(_PATIENCE_SECONDS):
            while self.count(address) < MONITORS:
                self._changed.clear()
                await self._changed.wait()


@asynccontextmanager
async def _watched(api: Api) -> AsyncIterator[Addresses]:
    addresses = Addresses()
    task = asyncio.create_task(api.follow(_PATH, _CHILDREN, addresses.see))
    try:
        yield addresses
    finally:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task


async def _start_standby(installation: Installation, number: int) -> Operator:
    standby = installation.start_operator(f"operator-{number}", _ADDRESSES[number])
    for _ in range(round(_PATIENCE_SECONDS)):
        await asyncio.sleep(1)
        if await asyncio.to_thread(_is_ready, standby):
            await asyncio.sleep(_QUIET_SECONDS)
            return standby
    raise TimeoutError("the standby is not ready")


def _is_ready(operator: Operator) -> bool:
    with suppress(OSError), urlopen(f"http://127.0.0.1:{operator.port}/readyz", timeout=5) as answer:
        return bool(answer.status == 200)
    return False


async def _change(addresses: Addresses, end: Callable[[], None], follower: Operator, address: str) -> tuple[float, str]:
    """Seconds until the follower's address is everywhere, and what that cost it."""
    started, before = time.monotonic(), cpu_seconds(follower.pid)
    end()
    await addresses.wait(address)
    took = time.monotonic() - started
    return took, f"{took:.1f} s, {cpu_seconds(follower.pid) - before:.1f} s of CPU of the new leader"


async def _measure_bare(api: Api) -> float:
    """Write as many Endpoints from here, 24 at a time."""
    items = (await api.call("GET", f"{_PATH}?labelSelector={_CHILDREN['labelSelector']}"))["items"]
    paths = [f"/api/v1/namespaces/{one['metadata']['namespace']}/endpoints/{one['metadata']['name']}" for one in items]
    started = time.monotonic()
    await for_each(paths, lambda path: api.patch(path, {"metadata": {"annotations": {"bench": "bare"}}}))
    return time.monotonic() - started


async def _measure(control_plane: ControlPlane, report: Callable[[str], None]) -> Sequence[Row]:
    async with (
        installed(control_plane) as installation,
        at_rest(installation, MONITORS, NODES, Load(models=1, requests=0), _ADDRESSES[0]) as first,
        _watched(installation.api) as addresses,
    ):
        report(f"{MONITORS} ModelMonitors are Ready")
        await addresses.wait(_ADDRESSES[0])
        second = await _start_standby(installation, 1)
        killed, told = await _change(addresses, first.child.kill, second, _ADDRESSES[1])
        report(f"killed: {told}")
        third = await _start_standby(installation, 2)
        ended, told = await _change(addresses, second.child.terminate, third, _ADDRESSES[2])
        report(f"ended: {told}")
        await asyncio.to_thread(third.stop)
        bare = await _measure_bare(installation.api)
    what = f"change of leader, {MONITORS} ModelMonitors: all leader addresses are the new one's"
    of = "a patch of each Endpoints, nothing else"
    return (
        Row(f"{what}; the old one killed", killed, "s", GOAL_SECONDS, bare, of),
        Row(f"{what}; the old one ended", ended, "s", GOAL_SECONDS, bare, of),
    )


def measure(report: Callable[[str], None]) -> Sequence[Row]:
    """Wall-clock seconds; takes five minutes."""
    with running_control_plane() as control_plane:
        return asyncio.run(_measure(control_plane, report))
