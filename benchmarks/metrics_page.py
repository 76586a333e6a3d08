"""How long a scrape of the sidecar takes: while NVML hangs and a Triton drips, and on pages of two sizes.

The baseline renders the same pages with prometheus_client at each request, from a process with nothing else to do.
"""

import asyncio
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path

import aiohttp

from benchmarks.client_pages import client_pages
from benchmarks.node_around import Surroundings
from benchmarks.page_sizes import measure_sizes
from benchmarks.sidecar import MONITOR_PAGE, Sidecar, running_sidecar
from benchmarks.table import Row
from benchmarks.triton_pages import SERIES_OF_A_MODEL
from modelmonitor_api.names import METRICS_PATH
from modelmonitor_testbed.gpu.changes import hang
from modelmonitor_testbed.gpu.state import edited_state

REQUESTS = 1000
PAUSE_SECONDS = 0.02
HANG_PATIENCE_SECONDS = 60.0
GOAL_MILLISECONDS = 5.0
_PAGES = {METRICS_PATH: "/metrics", MONITOR_PAGE: "a monitor's page, 2 580 series"}
_GOALS = {METRICS_PATH: GOAL_MILLISECONDS, MONITOR_PAGE: None}
"""Of the 99th percentile."""


async def _scrape(session: aiohttp.ClientSession, url: str) -> list[float]:
    """Milliseconds of each request, sorted; spread over time so that they meet whatever else goes on."""
    took = []
    for _ in range(REQUESTS):
        started = time.perf_counter()
        async with session.get(url, headers={"Accept-Encoding": "identity"}) as answer:
            await answer.read()
        took.append(1000 * (time.perf_counter() - started))
        await asyncio.sleep(PAUSE_SECONDS)
    return sorted(took)


async def _wait_until_hung(sidecar: Sidecar) -> None:
    with edited_state(sidecar.gpus) as state:
        hang(state, "all")
    deadline = time.monotonic() + HANG_PATIENCE_SECONDS
    while b"nvml Hung" not in await sidecar.page("/readyz"):
        assert time.monotonic() < deadline, await sidecar.page("/readyz")
        await asyncio.sleep(0.5)


def _rows(took: dict[str, list[float]], bare: dict[str, list[float]]) -> Sequence[Row]:
    rows = []
    for path, name in _PAGES.items():
        for percent, goal in ((50, None), (99, _GOALS[path])):
            place = REQUESTS * percent // 100
            rows.append(
                Row(
                    f"{name}, NVML hung, a Triton drips: p{percent}",
                    took[path][place],
                    "ms",
                    goal,
                    bare[path][place],
                    "prometheus_client renders it each time",
                )
            )
    return rows


async def _measure_hung(report: Callable[[str], None]) -> Sequence[Row]:
    with tempfile.TemporaryDirectory() as name:
        around = Surroundings(Path(name) / "kubelet.sock", drips=True)
        async with running_sidecar(around) as sidecar:
            await sidecar.wait_until_read(around.pods * around.models * SERIES_OF_A_MODEL)
            await _wait_until_hung(sidecar)
            report(f"NVML hangs; {REQUESTS} requests for each page")
            took = {path: await _scrape(sidecar.session, sidecar.url + path) for path in _PAGES}
            pages = {path: (await sidecar.page(path)).decode() for path in _PAGES}
        async with client_pages(pages) as url, aiohttp.ClientSession(trust_env=False) as session:
            bare = {path: await _scrape(session, url + path) for path in pages}
    return _rows(took, bare)


async def _measure(report: Callable[[str], None]) -> Sequence[Row]:
    return (*await _measure_hung(report), *await measure_sizes(report))


def measure(report: Callable[[str], None]) -> Sequence[Row]:
    """Milliseconds of a request, client included."""
    return asyncio.run(_measure(report))
