"""From nothing to 200 Ready ModelMonitors: no operator, no sidecars, no key when the clock starts."""

import asyncio
import time
from collections.abc import Callable, Sequence

from benchmarks.api import Api, for_each
from benchmarks.fleet import Fleet
from benchmarks.installation import SYSTEM, Installation, installed, monitor_path, wait_until_ready
from benchmarks.manifests import Json, build_monitor
from benchmarks.synthetic import Load
from benchmarks.table import Row
from benchmarks.usage import cpu_seconds
from modelmonitor_testbed.controlplane import ControlPlane, running_control_plane

MONITORS = 200
NODES = 20
NAMESPACES = 20
GOAL_SECONDS = 60.0


def _place(number: int) -> tuple[str, str]:
    return f"team-{number % NAMESPACES:02d}", f"monitor-{number:03d}"


async def _create_triton(installation: Installation, number: int) -> None:
    namespace, monitor = _place(number)
    await installation.create_triton(namespace, f"triton-{number:03d}", monitor, f"node-{number % NODES}")


async def _create_bare(api: Api, number: int, status: Json) -> None:
    """The two writes without which no ModelMonitor is Ready: create it, write its status."""
    path, name = monitor_path("bare"), f"bare-{number:03d}"
    await api.create(path, build_monitor("bare", name))
    await api.patch(f"{path}/{name}/status", {"status": status})


async def _measure_bare(installation: Installation) -> float:
    path = monitor_path(_place(0)[0])
    status = (await installation.api.call("GET", path))["items"][0]["status"]
    await installation.create_namespace("bare")
    started = time.monotonic()
    await for_each(range(MONITORS), lambda number: _create_bare(installation.api, number, status))
    return time.monotonic() - started


async def _measure(control_plane: ControlPlane, report: Callable[[str], None]) -> Sequence[Row]:
    async with installed(control_plane) as installation:
        api = installation.api
        async with Fleet(api, SYSTEM, NODES, Load(models=4)).running():
            await for_each(range(NAMESPACES), lambda number: installation.create_namespace(f"team-{number:02d}"))
            await for_each(range(MONITORS), lambda number: _create_triton(installation, number))
            report(f"{MONITORS} Triton pods run on {NODES} nodes")
            started = time.monotonic()
            operator = installation.start_operator()
            await for_each(range(MONITORS), lambda number: installation.create_monitor(*_place(number)))
            report(f"all created after {time.monotonic() - started:.1f} s")
            await wait_until_ready(api, operator, MONITORS)
            took = time.monotonic() - started
            report(f"operator: {cpu_seconds(operator.pid):.1f} s of CPU in that time")
            operator.stop()
            bare = await _measure_bare(installation)
    what = f"{MONITORS} ModelMonitors, operator just started, to Ready"
    return (Row(what, took, "s", GOAL_SECONDS, bare, "create them and patch a status, nothing else"),)


def measure(report: Callable[[str], None]) -> Sequence[Row]:
    """Wall-clock seconds until the last one is Ready."""
    with running_control_plane() as control_plane:
        return asyncio.run(_measure(control_plane, report))
