"""How long a scrape of the sidecar takes while NVML hangs and a Triton drips: neither may slow a page down.

The baseline renders the same pages with prometheus_client at each request, from a process with nothing else to do.
"""

import asyncio
import multiprocessing
import tempfile
import time
from collections.abc import Awaitable, Callable, Iterable, Sequence
from multiprocessing.connection import Connection
from pathlib import Path

import aiohttp
from aiohttp import web
from prometheus_client import CollectorRegistry, Metric, generate_latest
from prometheus_client.parser import text_string_to_metric_families
from prometheus_client.registry import Collector

from benchmarks.node_around import Surroundings
from benchmarks.sidecar import MONITOR_PAGE, Sidecar, running_sidecar
from benchmarks.table import Row
from benchmarks.triton_pages import SERIES_OF_A_MODEL
from modelmonitor_api.names import METRICS_PATH
from modelmonitor_testbed.controlplane import free_ports
from modelmonitor_testbed.gpu.changes import hang
from modelmonitor_testbed.gpu.state import edited_state

REQUESTS = 1000
PAUSE_SECONDS = 0.02
HANG_PATIENCE_SECONDS = 60.0
GOAL_MILLISECONDS = 5.0
_PAGES = {METRICS_PATH: "/metrics", MONITOR_PAGE: "a monitor's page, 2 050 series"}
_GOALS = {METRICS_PATH: GOAL_MILLISECONDS, MONITOR_PAGE: None}
"""Of the 99th percentile."""


class _Same(Collector):
    """Collects the same families again and again."""

    def __init__(self, families: Sequence[Metric]) -> None:
        self._families = families

    def collect(self) -> Iterable[Metric]:
        """The families."""
        return self._families


def _page_of(text: str) -> Callable[[web.Request], Awaitable[web.Response]]:
    registry = CollectorRegistry()
    registry.register(_Same(list(text_string_to_metric_families(text))))

    async def answer(_request: web.Request) -> web.Response:
        return web.Response(body=generate_latest(registry), content_type="text/plain")

    return answer


async def _serve(pages: dict[str, str], port: int, ready: Connection) -> None:
    app = web.Application()
    for path, text in pages.items():
        app.router.add_get(path, _page_of(text))
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", port).start()
    ready.send("there")
    await asyncio.to_thread(ready.poll, None)
    await runner.cleanup()


def render_each_time(pages: dict[str, str], port: int, ready: Connection) -> None:
    """The baseline's process: until the parent ends it."""
    asyncio.run(_serve(pages, port, ready))


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


async def _scrape_baseline(pages: dict[str, str]) -> dict[str, list[float]]:
    context = multiprocessing.get_context("spawn")
    ours, theirs = context.Pipe()
    (port,) = free_ports(1)
    process = context.Process(target=render_each_time, args=(pages, port, theirs), daemon=True)
    process.start()
    try:
        await asyncio.to_thread(ours.recv)
        async with aiohttp.ClientSession(trust_env=False) as session:
            return {path: await _scrape(session, f"http://127.0.0.1:{port}{path}") for path in pages}
    finally:
        process.terminate()
        process.join()


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


async def _measure(report: Callable[[str], None]) -> Sequence[Row]:
    with tempfile.TemporaryDirectory() as name:
        around = Surroundings(Path(name) / "kubelet.sock", drips=True)
        async with running_sidecar(around) as sidecar:
            await sidecar.wait_until_read(around.pods * around.models * SERIES_OF_A_MODEL)
            await _wait_until_hung(sidecar)
            report(f"NVML hangs; {REQUESTS} requests for each page")
            took = {path: await _scrape(sidecar.session, sidecar.url + path) for path in _PAGES}
            pages = {path: (await sidecar.page(path)).decode() for path in _PAGES}
        bare = await _scrape_baseline(pages)
    return _rows(took, bare)


def measure(report: Callable[[str], None]) -> Sequence[Row]:
    """Milliseconds of a request, client included."""
    return asyncio.run(_measure(report))
