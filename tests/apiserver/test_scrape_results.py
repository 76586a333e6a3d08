"""A real Prometheus scrapes the sidecar's answers: what it does with them is what the book says, and names are whole.

A body or sample limit does not show on the connection: Prometheus reads the whole answer and throws it away. Only
Prometheus itself can say that; the operator asks it where a URL is set.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

from aiohttp import web

from modelmonitor_api.names import MonitorRef
from modelmonitor_api.scrape_book import ScrapeBook
from modelmonitor_api.summary import PageScraper, ScrapeResult
from modelmonitor_sidecar.monitor_pages import MonitorPages
from modelmonitor_sidecar.page_answers import PageAnswers
from modelmonitor_sidecar.pages import Page
from modelmonitor_sidecar.snapshot import Instant
from modelmonitor_testbed.prometheus.local import LOG, running_prometheus
from tests.edge.sidecar.loopback import served
from tests.unit.sidecar.nodes import model, snapshot

BODY = b"".join(b'modelmonitor_pods{number="%d"} 1\n' % number for number in range(5000))
PATIENCE_SECONDS = 60.0
JOBS = {
    "normal": {},
    "late": {"scrape_timeout": "500ms"},
    "body-limit": {"body_size_limit": "1KB"},
    "sample-limit": {"sample_limit": 10},
}
LATE_SECONDS = 1.0


HOSTILE_NAMES = (
    "a\x00b",
    "a\x01\x1b[31m",
    "a\rb",
    "a\nb",
    "a\u2028b",
    "\ufeff",
    'a"b\\c\\n',
    "{{ $value }} [[ .x ]] ${y} <b>",
    "\U0001f600\U0010ffff",
    "\x7f\x85",
    '"} 1\nmodelmonitor_model_ready{model="forged',
)


def application(answers: PageAnswers, page: Page) -> web.Application:
    """A page for each job; that of `late` comes after its deadline."""

    async def answer(request: web.Request) -> web.StreamResponse:
        job = request.match_info["job"]
        if job == "late":
            await asyncio.sleep(LATE_SECONDS)
        return await answers.send(request, page, MonitorRef("team-a", job))

    made = web.Application()
    made.router.add_get("/{job}", answer)
    return made


def configuration(wanted: Mapping[str, Mapping[str, object]], port: int) -> dict[str, object]:
    """One job for each page on a port of loopback."""
    jobs = [
        {
            "job_name": job,
            "metrics_path": f"/{job}",
            "scrape_interval": "2s",
            "scrape_timeout": "2s",
            "static_configs": [{"targets": [f"127.0.0.1:{port}"]}],
            **more,
        }
        for job, more in wanted.items()
    ]
    return {"scrape_configs": jobs}


async def until_scraped(book: ScrapeBook, times: int, log: Path) -> dict[str, PageScraper]:
    """Wait until every page was scraped so often; the newest scraper of each."""
    deadline = time.monotonic() + PATIENCE_SECONDS
    while any(not p.scrapers or p.scrapers[0].count < times for p in book.pages(time.monotonic())):
        assert time.monotonic() < deadline, f"some page was not scraped; see {log}"
        await asyncio.sleep(0.1)
    return {page.name: page.scrapers[0] for page in book.pages(time.monotonic())}


def book_of(*jobs: str) -> ScrapeBook:
    """A book of the jobs' pages."""
    made = ScrapeBook()
    made.serve([MonitorRef("team-a", job) for job in jobs], time.monotonic())
    return made


def answers_of(book: ScrapeBook) -> PageAnswers:
    """Answers that know soon how a scrape ended."""
    return PageAnswers(book, lambda: Instant(time.monotonic(), time.time()), grace_seconds=0.3)


async def test_a_deadline_that_passed_is_seen_and_a_limit_is_not(tmp_path: Path) -> None:
    book = book_of(*JOBS)
    application_ = application(answers_of(book), Page((BODY,)))
    async with served(application_) as port:
        with running_prometheus(tmp_path, configuration(JOBS, port)):
            found = await until_scraped(book, 2, tmp_path / LOG)
    assert {name: one.result for name, one in found.items()} == {
        "normal": ScrapeResult.COMPLETE,
        "late": ScrapeResult.CUT_OFF,
        "body-limit": ScrapeResult.COMPLETE,
        "sample-limit": ScrapeResult.COMPLETE,
    }
    assert all(one.scraper.startswith("127.0.0.1 Prometheus/") for one in found.values())
    assert all(one.interval_seconds is not None and 1 < one.interval_seconds < 5 for one in found.values())


async def test_names_of_models_arrive_in_prometheus_as_they_are(tmp_path: Path) -> None:
    seen = snapshot()
    (uid, target), *_ = seen.targets.items()
    hostile = replace(target, models=tuple(model(name) for name in HOSTILE_NAMES), statistics={}, series=())
    shown = replace(seen, targets={uid: hostile})
    page = MonitorPages("node-a").page(shown, shown.plan.monitors[0])
    book = book_of("normal")
    async with served(application(answers_of(book), page)) as port:
        with running_prometheus(tmp_path, configuration({"normal": {}}, port)) as api:
            await until_scraped(book, 2, tmp_path / LOG)
            found = await asyncio.to_thread(api.query, "modelmonitor_model_ready")
    assert sorted(one.labels["model"] for one in found) == sorted(HOSTILE_NAMES)
