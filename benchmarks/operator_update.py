"""What one change of a ModelMonitor costs the operator: its spec is patched, a new status follows.

Counted is all CPU of the operator's process while updates come at a steady rate, without what it used at rest for as
long. The baseline is the least that can do the same: watch, and patch a status for each new generation.
"""

import asyncio
import json
import multiprocessing
import os
import ssl
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from multiprocessing.connection import Connection
from pathlib import Path

import aiohttp

from benchmarks.api import Api
from benchmarks.installation import MONITORS_PATH, Installation, at_rest, installed, monitor_path
from benchmarks.manifests import Json
from benchmarks.synthetic import Load
from benchmarks.table import Row
from benchmarks.usage import cpu_seconds
from modelmonitor_testbed.controlplane import ControlPlane, running_control_plane

MONITORS = 50
UPDATES = 400
UPDATES_PER_SECOND = 20.0
REST_SECONDS = 30.0
SETTLE_SECONDS = 3.0
GOAL_MILLISECONDS = 3.0


@dataclass(frozen=True, slots=True)
class Access:
    """What another process needs to talk to the API server."""

    server: str
    authority: Path
    certificate: Path
    key: Path


async def _update(api: Api, round_number: int) -> None:
    """One change that a user makes: the generation rises."""
    name = f"monitor-{round_number % MONITORS:03d}"
    patch = {"spec": {"health": {"minimumRequests": 21 + round_number // MONITORS}}}
    await api.patch(monitor_path("team", name), patch)


async def _update_all(api: Api, offset: int) -> float:
    """All updates at a steady rate, and time to settle; seconds that it took."""
    started = time.monotonic()
    for number in range(UPDATES):
        await asyncio.sleep(max(0.0, started + number / UPDATES_PER_SECOND - time.monotonic()))
        await _update(api, offset + number)
    await asyncio.sleep(SETTLE_SECONDS)
    return time.monotonic() - started


async def _observed(api: Api) -> int:
    """How many monitors bear a status for their newest spec."""
    items = (await api.call("GET", MONITORS_PATH))["items"]
    return sum(item["status"]["observedGeneration"] == item["metadata"]["generation"] for item in items)


async def _rest_cpu(pid: int) -> float:
    """CPU seconds a second at rest."""
    before = cpu_seconds(pid)
    await asyncio.sleep(REST_SECONDS)
    return (cpu_seconds(pid) - before) / REST_SECONDS


async def _patch_loop(access: Access) -> None:
    trust = ssl.create_default_context(cafile=str(access.authority))
    trust.load_cert_chain(access.certificate, access.key)
    seen: dict[str, int] = {}
    limits = aiohttp.ClientTimeout(total=None)
    async with (
        aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(ssl=trust), read_bufsize=8 << 20, timeout=limits
        ) as session,
        session.get(f"{access.server}{MONITORS_PATH}?watch=1") as watch,
    ):
        async for line in watch.content:
            await _patch_status(session, access.server, json.loads(line)["object"], seen)


async def _patch_status(session: aiohttp.ClientSession, server: str, monitor: Json, seen: dict[str, int]) -> None:
    metadata = monitor["metadata"]
    if seen.get(metadata["uid"]) == metadata["generation"]:
        return
    seen[metadata["uid"]] = metadata["generation"]
    status = {**monitor["status"], "observedGeneration": metadata["generation"]}
    body = {
        "apiVersion": monitor["apiVersion"],
        "kind": monitor["kind"],
        "status": status,
        "metadata": {name: metadata[name] for name in ("name", "namespace", "uid", "resourceVersion")},
    }
    path = f"{server}{monitor_path(metadata['namespace'], metadata['name'])}/status?fieldManager=bare&force=true"
    headers = {"Content-Type": "application/apply-patch+yaml"}
    async with session.patch(path, data=json.dumps(body), headers=headers) as answer:
        await answer.read()


def run_patch_loop(access: Access, started: Connection) -> None:
    """The baseline's process: until it is ended."""
    started.send(os.getpid())
    asyncio.run(_patch_loop(access))


async def _measure_bare(installation: Installation) -> float:
    plan = installation.control_plane.plan
    pair = plan.authority.issue("bare", "/O=system:masters/CN=bare")
    context = multiprocessing.get_context("spawn")
    ours, theirs = context.Pipe()
    access = Access(plan.server, plan.authority.pair.certificate, pair.certificate, pair.key)
    loop = context.Process(target=run_patch_loop, args=(access, theirs), daemon=True)
    loop.start()
    try:
        pid = await asyncio.to_thread(ours.recv)
        await asyncio.sleep(SETTLE_SECONDS)
        before = cpu_seconds(pid)
        await _update_all(installation.api, UPDATES)
        used = cpu_seconds(pid) - before
        assert await _observed(installation.api) == MONITORS, "the bare loop missed an update"
    finally:
        loop.terminate()
        loop.join()
    return used


async def _measure(control_plane: ControlPlane, report: Callable[[str], None]) -> Sequence[Row]:
    async with installed(control_plane) as installation:
        async with at_rest(installation, MONITORS, 5, Load(models=4)) as operator:
            report(f"{MONITORS} ModelMonitors are Ready; resting for {REST_SECONDS:.0f} s")
            await asyncio.sleep(SETTLE_SECONDS)
            rest = await _rest_cpu(operator.pid)
            before, writes = cpu_seconds(operator.pid), operator.metric("modelmonitor_operator_api_writes_total")
            took = await _update_all(installation.api, 0)
            used = cpu_seconds(operator.pid) - before
            writes = operator.metric("modelmonitor_operator_api_writes_total") - writes
            assert await _observed(installation.api) == MONITORS, "a status is older than its spec"
            report(
                f"{used:.2f} s of CPU for {UPDATES} updates and {writes:.0f} writes in {took:.0f} s; "
                f"at rest {1000 * rest:.1f} millicores"
            )
        operator.stop()
        bare = await _measure_bare(installation)
    per_update = 1000 * (used - rest * took) / UPDATES
    what = f"operator CPU per update of a ModelMonitor ({UPDATES} updates of {MONITORS}, idle CPU taken off)"
    return (Row(what, per_update, "ms", GOAL_MILLISECONDS, 1000 * bare / UPDATES, "bare asyncio watch and patch loop"),)


def measure(report: Callable[[str], None]) -> Sequence[Row]:
    """CPU milliseconds for each update."""
    with running_control_plane() as control_plane:
        return asyncio.run(_measure(control_plane, report))
