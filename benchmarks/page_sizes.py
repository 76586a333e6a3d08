"""Pages of 2 000 and 20 000 series, scraped by one and by ten at once, as Prometheus does: in gzip, kept connections.

The pods are read at the fastest interval, each at its own phase, so that a good part of the scrapes is the first after
a reading and waits for a new page.
"""

import asyncio
import re
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import aiohttp
from prometheus_client import generate_latest

from benchmarks.client_pages import client_pages, registry_of
from benchmarks.node_around import Surroundings
from benchmarks.page_rendering import render_page
from benchmarks.sidecar import MONITOR_PAGE, Sidecar, running_sidecar
from benchmarks.table import Row
from benchmarks.triton_pages import SERIES_OF_A_MODEL
from modelmonitor_api.names import METRICS_PATH

INTERVAL_SECONDS = 5
MEASURED_SECONDS = 40.0
REQUESTS_A_SECOND = 20.0
SCRAPERS = 10
BASELINE_REQUESTS = 40
_BASELINE = "prometheus_client renders it each time, one scraper"
_READINGS = re.compile(rb'modelmonitor_scrapes_total\{[^}]*endpoint="metrics",state="Ok"\} (\d+)')


@dataclass(frozen=True, slots=True)
class Size:
    """A page: pods and models of each, and what the 99th percentile of its scrapes may be, in milliseconds."""

    name: str
    pods: int
    models: int
    goal: float


SIZES = (Size("2 000", 5, 8, 5.0), Size("20 000", 10, 38, 25.0))


@dataclass(frozen=True, slots=True)
class _Scraped:
    """Milliseconds of all scrapes, sorted, and how often each pod was read meanwhile."""

    took: list[float]
    readings: float

    @property
    def p99(self) -> float:
        """The 99th percentile."""
        return self.took[len(self.took) * 99 // 100]


async def _scrape(url: str, requests: int, pause_seconds: float, phase_seconds: float = 0.0) -> list[float]:
    """Scrape at a pace that does not depend on how long the scrapes take."""
    took = []
    async with aiohttp.ClientSession(trust_env=False, auto_decompress=False) as session:
        due = time.monotonic() + phase_seconds
        for _ in range(requests):
            await asyncio.sleep(max(0.0, due - time.monotonic()))
            started = time.perf_counter()
            async with session.get(url, headers={"Accept-Encoding": "gzip"}) as answer:
                await answer.read()
            took.append(1000 * (time.perf_counter() - started))
            due += pause_seconds
    return took


async def _readings(sidecar: Sidecar) -> int:
    page = await sidecar.page(METRICS_PATH)
    found = _READINGS.search(page)
    assert found is not None, page
    return int(found[1])


async def _scrape_together(sidecar: Sidecar, scrapers: int, pods: int) -> _Scraped:
    """As many requests in all, whatever the number of scrapers."""
    pause = scrapers / REQUESTS_A_SECOND
    each = int(MEASURED_SECONDS / pause)
    before = await _readings(sidecar)
    url = sidecar.url + MONITOR_PAGE
    took = await asyncio.gather(*(_scrape(url, each, pause, pause * n / scrapers) for n in range(scrapers)))
    readings = await _readings(sidecar) - before
    return _Scraped(sorted(one for scraper in took for one in scraper), readings / pods)


async def _measure_baseline(page: bytes) -> tuple[float, float]:
    """Milliseconds of prometheus_client: rendering once (the best of five), and the longest of its scrapes."""
    registry = registry_of(page.decode())
    best = min(_cpu_milliseconds(lambda: generate_latest(registry)) for _ in range(5))
    async with client_pages({MONITOR_PAGE: page.decode()}) as url:
        took = await _scrape(url + MONITOR_PAGE, BASELINE_REQUESTS, 0.5)
    return best, max(took)


def _cpu_milliseconds(work: Callable[[], object]) -> float:
    started = time.process_time()
    work()
    return 1000 * (time.process_time() - started)


async def _measure_size(size: Size, report: Callable[[str], None]) -> Sequence[Row]:
    with tempfile.TemporaryDirectory() as name:
        around = Surroundings(Path(name) / "kubelet.sock", size.pods, size.models, INTERVAL_SECONDS)
        async with running_sidecar(around) as sidecar:
            await sidecar.wait_until_read(size.pods * size.models * SERIES_OF_A_MODEL)
            report(f"{size.name} series; one scraper, then ten, {MEASURED_SECONDS:.0f} s each")
            one, ten = [await _scrape_together(sidecar, n, size.pods) for n in (1, SCRAPERS)]
            page = await sidecar.page(MONITOR_PAGE)
    report("now prometheus_client")
    bare_render, bare_scrape = await _measure_baseline(page)
    rendered = min(_cpu_milliseconds(render_page(size.pods, size.models)) for _ in range(5))
    what = f"page of {size.name} series"
    span = f"in {MEASURED_SECONDS:.0f} s"
    polls = MEASURED_SECONDS / INTERVAL_SECONDS + 1
    packed = len(render_page(size.pods, size.models)().compressed)
    return (
        Row(f"{what}: rendering all of it, CPU", rendered, "ms", None, bare_render, "prometheus_client"),
        Row(f"{what}: compressed", packed / 1024, "KiB", None, len(page) / 1024, "as text"),
        Row(f"{what}, one scraper: p99", one.p99, "ms", size.goal, bare_scrape, _BASELINE),
        Row(f"{what}, ten scrapers: p99", ten.p99, "ms", size.goal, bare_scrape, _BASELINE),
        Row(f"{what}, ten scrapers: readings of each pod", ten.readings, span, polls, one.readings, "one scraper"),
    )


async def measure_sizes(report: Callable[[str], None]) -> Sequence[Row]:
    """The rows of both sizes."""
    return [row for size in SIZES for row in await _measure_size(size, report)]
