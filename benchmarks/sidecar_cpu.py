"""The sidecar's CPU at the default interval of 15 s, asked by Prometheus and the operator as in a cluster."""

import asyncio
import multiprocessing
import os
import tempfile
import time
from collections.abc import Callable, Sequence
from multiprocessing.connection import Connection
from pathlib import Path

import aiohttp

from benchmarks.node_around import PORT, Surroundings
from benchmarks.sidecar import node_around, running_sidecar, use_as_in_a_cluster
from benchmarks.table import Row
from benchmarks.triton_pages import SERIES_OF_A_MODEL
from benchmarks.usage import cpu_seconds

GOAL_MILLICORES = 5.0
WARM_SECONDS = 20.0
MEASURED_SECONDS = 90.0
_GETS = ("/metrics", "/v2", "/v2/health/ready", "/v2/models/stats")


async def _fetch_loop(addresses: Sequence[str], interval_seconds: float) -> None:
    async with aiohttp.ClientSession(trust_env=False) as session:
        while True:
            started = time.monotonic()
            for address in addresses:
                for path in _GETS:
                    async with session.get(f"http://{address}:{PORT}{path}") as answer:
                        await answer.read()
                async with session.post(f"http://{address}:{PORT}/v2/repository/index") as answer:
                    await answer.read()
            await asyncio.sleep(interval_seconds - (time.monotonic() - started))


def run_fetch_loop(addresses: Sequence[str], interval_seconds: float, started: Connection) -> None:
    """The baseline's process: until it is ended."""
    started.send(os.getpid())
    asyncio.run(_fetch_loop(addresses, interval_seconds))


async def _used(pid: int, seconds: float) -> float:
    """Millicores over that time."""
    before, began = cpu_seconds(pid), time.monotonic()
    await asyncio.sleep(seconds)
    return 1000 * (cpu_seconds(pid) - before) / (time.monotonic() - began)


async def _measure_bare(around: Surroundings) -> float:
    context = multiprocessing.get_context("spawn")
    ours, theirs = context.Pipe()
    addresses = [around.address(pod) for pod in range(around.pods)]
    async with node_around(around):
        loop = context.Process(target=run_fetch_loop, args=(addresses, around.interval_seconds, theirs), daemon=True)
        loop.start()
        try:
            pid = await asyncio.to_thread(ours.recv)
            await asyncio.sleep(5)
            return await _used(pid, MEASURED_SECONDS)
        finally:
            loop.terminate()
            loop.join()


async def _measure(report: Callable[[str], None]) -> Sequence[Row]:
    with tempfile.TemporaryDirectory() as name:
        around = Surroundings(Path(name) / "kubelet.sock")
        async with running_sidecar(around) as sidecar:
            await sidecar.wait_until_read(around.pods * around.models * SERIES_OF_A_MODEL)
            users = asyncio.create_task(use_as_in_a_cluster(sidecar, WARM_SECONDS + MEASURED_SECONDS + 60))
            await asyncio.sleep(WARM_SECONDS)
            report(f"measuring for {MEASURED_SECONDS:.0f} s")
            used = await _used(sidecar.child.pid, MEASURED_SECONDS)
            users.cancel()
        report("now the bare loop")
        bare = await _measure_bare(around)
    what = "sidecar CPU at an interval of 15 s, 8 GPUs, 50 models, 2 050 series"
    return (Row(what, used, "millicores", GOAL_MILLICORES, bare, "asyncio loop that fetches the same pages"),)


def measure(report: Callable[[str], None]) -> Sequence[Row]:
    """Millicores over a minute and a half."""
    return asyncio.run(_measure(report))
