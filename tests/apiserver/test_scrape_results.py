"""A real Prometheus scrapes the sidecar's answers: what it does with them is what the book says.

A body or sample limit does not show on the connection: Prometheus reads the whole answer and throws it away. Only
Prometheus itself can say that; the operator asks it where a URL is set.
"""

from __future__ import annotations

import asyncio
import json
import time
from pathlib import Path

from aiohttp import web

from modelmonitor_api.names import MonitorRef
from modelmonitor_api.scrape_book import ScrapeBook
from modelmonitor_api.summary import ScrapeResult
from modelmonitor_sidecar.page_answers import PageAnswers
from modelmonitor_sidecar.pages import Page
from modelmonitor_sidecar.snapshot import Instant
from modelmonitor_testbed.controlplane import free_ports
from modelmonitor_testbed.process import start_bound
from modelmonitor_testbed.tools import PROMETHEUS, tool
from tests.edge.sidecar.loopback import served

BODY = b"".join(b'modelmonitor_pods{number="%d"} 1\n' % number for number in range(5000))
PATIENCE_SECONDS = 30.0
JOBS = {
    "normal": {},
    "late": {"scrape_timeout": "200ms"},
    "body-limit": {"body_size_limit": "1KB"},
    "sample-limit": {"sample_limit": 10},
}
LATE_SECONDS = 0.4


def application(answers: PageAnswers) -> web.Application:
    """A page for each job; that of `late` comes after its deadline."""

    async def answer(request: web.Request) -> web.StreamResponse:
        job = request.match_info["job"]
        if job == "late":
            await asyncio.sleep(LATE_SECONDS)
        return await answers.send(request, Page((BODY,)), MonitorRef("team-a", job))

    made = web.Application()
    made.router.add_get("/{job}", answer)
    return made


def configuration(port: int) -> str:
    """One job for each page, scraped every second; Prometheus reads JSON as YAML."""
    jobs = [
        {
            "job_name": job,
            "metrics_path": f"/{job}",
            "scrape_interval": "1s",
            "scrape_timeout": "1s",
            "static_configs": [{"targets": [f"127.0.0.1:{port}"]}],
            **more,
        }
        for job, more in JOBS.items()
    ]
    return json.dumps({"scrape_configs": jobs})


async def test_a_deadline_that_passed_is_seen_and_a_limit_is_not(tmp_path: Path) -> None:
    book = ScrapeBook()
    book.serve([MonitorRef("team-a", job) for job in JOBS], time.monotonic())
    answers = PageAnswers(book, lambda: Instant(time.monotonic(), time.time()), grace_seconds=0.3)
    (api,) = free_ports(1)
    async with served(application(answers)) as port:
        (tmp_path / "prometheus.yml").write_text(configuration(port))
        words = [
            tool(PROMETHEUS, "prometheus"),
            f"--config.file={tmp_path / 'prometheus.yml'}",
            f"--storage.tsdb.path={tmp_path / 'data'}",
            f"--web.listen-address=127.0.0.1:{api}",
        ]
        child = start_bound(words, tmp_path / "log")
        try:
            deadline = time.monotonic() + PATIENCE_SECONDS
            while any(not p.scrapers or p.scrapers[0].count < 3 for p in book.pages(time.monotonic())):
                assert time.monotonic() < deadline, (tmp_path / "log").read_text()[-2000:]
                await asyncio.sleep(0.1)
        finally:
            child.terminate()
            await asyncio.to_thread(child.wait)
    found = {page.name: page.scrapers[0] for page in book.pages(time.monotonic())}
    assert {name: one.result for name, one in found.items()} == {
        "normal": ScrapeResult.COMPLETE,
        "late": ScrapeResult.CUT_OFF,
        "body-limit": ScrapeResult.COMPLETE,
        "sample-limit": ScrapeResult.COMPLETE,
    }
    assert all(one.scraper.startswith("127.0.0.1 Prometheus/") for one in found.values())
    assert all(one.interval_seconds is not None and 0.5 < one.interval_seconds < 2.5 for one in found.values())
