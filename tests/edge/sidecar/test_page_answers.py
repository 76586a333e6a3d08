"""Who scraped a page, and whether the scraper wanted all of it, is seen on the connection."""

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import replace

import pytest
from aiohttp import web

from modelmonitor_api.names import MonitorRef, monitor_metrics_path
from modelmonitor_api.scrape_book import ScrapeBook
from modelmonitor_api.summary import MonitorPage, ScrapeResult
from modelmonitor_sidecar.page_answers import PageAnswers
from modelmonitor_sidecar.pages import Page
from modelmonitor_sidecar.snapshot import Instant
from tests.edge.sidecar.loopback import served

REF = MonitorRef("team-a", "fraud")
SMALL, LARGE = Page((b"nv_x 1\n",)), Page((b"nv_x 1\n" * 5_000_000,))
GRACE_SECONDS = 0.1
PATIENCE_SECONDS = 10.0
PROMETHEUS, CURL = "Prometheus/3.5.0", "curl/8.5.0"


class Server:
    """Serves one page at the monitor's path and another elsewhere."""

    def __init__(self) -> None:
        self.book = ScrapeBook()
        self.book.serve([REF], 0.0)
        self.answers = PageAnswers(self.book, lambda: Instant(time.monotonic(), time.time()), GRACE_SECONDS)
        self.port = 0

    def application(self) -> web.Application:
        async def small(request: web.Request) -> web.StreamResponse:
            return await self.answers.send(request, SMALL, REF)

        async def large(request: web.Request) -> web.StreamResponse:
            return await self.answers.send(request, LARGE, REF)

        application = web.Application()
        application.add_routes([web.get(monitor_metrics_path(REF), small), web.get("/large", large)])
        return application

    async def connect(
        self, agent: str, path: str = "", more: str = ""
    ) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        reader, writer = await asyncio.open_connection("127.0.0.1", self.port)
        where = path or monitor_metrics_path(REF)
        writer.write(f"GET {where} HTTP/1.1\r\nHost: x\r\nUser-Agent: {agent}\r\n{more}\r\n".encode())
        await writer.drain()
        return reader, writer

    async def until_noted(self) -> MonitorPage:
        deadline = time.monotonic() + PATIENCE_SECONDS
        while not any(self.book.results.values()):
            assert time.monotonic() < deadline, "no scrape was noted"
            await asyncio.sleep(0.01)
        page = self.book.page(REF, time.monotonic())
        assert page is not None
        return page


@pytest.fixture
async def server() -> AsyncIterator[Server]:
    made = Server()
    async with served(made.application()) as port:
        made.port = port
        yield made


Client = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


async def _stay(reader: asyncio.StreamReader, _writer: asyncio.StreamWriter) -> None:
    await reader.readuntil(SMALL.plain)


async def _read_and_go(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    await reader.readuntil(SMALL.plain)
    writer.close()


@pytest.mark.parametrize(
    ("agent", "client", "more", "result"),
    [
        pytest.param(PROMETHEUS, _stay, "", ScrapeResult.COMPLETE, id="Prometheus keeps its connection"),
        pytest.param(PROMETHEUS, _read_and_go, "", ScrapeResult.CUT_OFF, id="Prometheus ends it at once"),
        pytest.param(
            PROMETHEUS, _read_and_go, "Connection: close\r\n", ScrapeResult.COMPLETE, id="Prometheus said it would end"
        ),
        pytest.param(CURL, _read_and_go, "", ScrapeResult.COMPLETE, id="curl ends its connection, as always"),
    ],
)
async def test_how_a_scrape_ended_is_noted(
    server: Server, agent: str, client: Client, more: str, result: ScrapeResult
) -> None:
    reader, writer = await server.connect(agent, more=more)
    await client(reader, writer)
    (scraper,) = (await server.until_noted()).scrapers
    assert (scraper.scraper, scraper.count, scraper.result) == (f"127.0.0.1 {agent}", 1, result)
    writer.close()


@pytest.mark.parametrize("agent", [PROMETHEUS, CURL])
async def test_whoever_goes_away_while_the_page_is_on_its_way_was_cut_off(server: Server, agent: str) -> None:
    reader, writer = await server.connect(agent, "/large")
    await reader.readexactly(1000)
    writer.transport.abort()
    assert [s.result for s in (await server.until_noted()).scrapers] == [ScrapeResult.CUT_OFF]


async def test_whoever_reads_nothing_is_cut_off_at_the_longest_deadline(server: Server) -> None:
    server.answers = replace(server.answers, longest_seconds=0.2)
    _, writer = await server.connect(CURL, "/large")
    assert [s.result for s in (await server.until_noted()).scrapers] == [ScrapeResult.CUT_OFF]
    writer.close()


async def test_a_large_page_that_is_read_slowly_arrives_whole(server: Server) -> None:
    reader, writer = await server.connect(CURL, "/large", "Connection: close\r\n")
    head = await reader.readuntil(b"\r\n\r\n")
    assert f"Content-Length: {len(LARGE.plain)}".encode() in head
    size = 0
    while piece := await reader.read(1 << 20):
        size += len(piece)
    assert size == len(LARGE.plain)
    assert [s.result for s in (await server.until_noted()).scrapers] == [ScrapeResult.COMPLETE]
    writer.close()


async def test_scrapes_on_one_connection_and_on_others_are_one_scrapers(server: Server) -> None:
    for _ in range(2):
        reader, writer = await server.connect(PROMETHEUS)
        await reader.readuntil(SMALL.plain)
        await asyncio.sleep(2 * GRACE_SECONDS)
        writer.close()
    (scraper,) = (await server.until_noted()).scrapers
    assert scraper.count == 2
    assert scraper.interval_seconds is not None
    assert scraper.interval_seconds > GRACE_SECONDS


async def test_a_head_request_is_no_scrape(server: Server) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", server.port)
    writer.write(f"HEAD {monitor_metrics_path(REF)} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n".encode())
    assert (await reader.read()).startswith(b"HTTP/1.1 200")
    assert not any(server.book.results.values())
    writer.close()
