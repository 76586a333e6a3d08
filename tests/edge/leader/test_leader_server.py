"""The leader's pages over HTTP: what a scraper gets, and what is seen of how its scrape ended."""

import asyncio
import gzip
from collections.abc import AsyncIterator, Callable

import aiohttp
import pytest

from modelmonitor_api.names import MonitorRef, monitor_metrics_path
from modelmonitor_api.scrape_book import LONGEST_SECONDS
from modelmonitor_api.summary import ScrapeResult
from modelmonitor_operator.adapters.http_server import build_app
from modelmonitor_operator.adapters.leader_server import LeaderServer
from modelmonitor_operator.leader_pages import LeaderPage, LeaderPages
from modelmonitor_operator.telemetry import Telemetry
from tests.edge.sidecar.loopback import served
from tests.unit.leader.test_leader_pages import big
from tests.unit.leader.verdicts import REF, judgement, read_page
from tests.unit.operator.worlds import FakeClock

PATH = monitor_metrics_path(REF)
PROMETHEUS = "Prometheus/3.15.0"
LOOK_SECONDS = 0.05
PATIENCE_SECONDS = 5.0


class Leader:
    """The operator's HTTP server with a clock and verdicts that a test sets; it leads."""

    def __init__(self, longest_seconds: float = LONGEST_SECONDS) -> None:
        self.longest_seconds = longest_seconds
        self.clock, self.telemetry, self.monitors = FakeClock(), Telemetry("1.2.3"), {REF}
        self.pages = LeaderPages(self.clock, self.monitors, 10.0)
        self.port = 0
        self.session: aiohttp.ClientSession

    def build_app(self) -> aiohttp.web.Application:
        server = LeaderServer(self.pages, self.clock, self.telemetry, LOOK_SECONDS, self.longest_seconds)
        return build_app(self.telemetry, lambda: "", lambda: "", server)

    async def get(self, path: str = PATH, **headers: str) -> tuple[int, bytes, dict[str, str]]:
        url = f"http://127.0.0.1:{self.port}{path}"
        async with self.session.get(url, headers={"User-Agent": PROMETHEUS, **headers}) as response:
            return response.status, await response.read(), dict(response.headers)

    async def converse(self, *, agent: str = PROMETHEUS, read_bytes: int = -1, more: str = "") -> None:
        """Ask on a connection of one's own, read so many bytes of the answer or all of it, and hang up."""
        reader, writer = await asyncio.open_connection("127.0.0.1", self.port, limit=1024)
        head = f"GET {PATH} HTTP/1.1\r\nHost: leader\r\nUser-Agent: {agent}\r\n{more}\r\n"
        writer.write(head.encode())
        started = await reader.readuntil(b"\r\n\r\n")
        length = int(started.lower().split(b"content-length: ")[1].split(b"\r\n")[0])
        await reader.readexactly(length if read_bytes < 0 else read_bytes)
        writer.transport.abort() if read_bytes >= 0 else writer.close()

    def results(self) -> list[tuple[str, ScrapeResult]]:
        report = self.pages.page(REF)
        return [(one.scraper, one.result) for one in report.scrapers] if report else []

    def counted(self, result: str) -> float:
        return (
            self.telemetry.registry.get_sample_value("modelmonitor_operator_page_requests_total", {"result": result})
            or 0.0
        )


async def until(holds: Callable[[], object]) -> None:
    """Wait until something holds; it may take as long as any test."""
    for _ in range(round(PATIENCE_SECONDS / 0.01)):
        if holds():
            return
        await asyncio.sleep(0.01)
    raise TimeoutError


@pytest.fixture
async def leader() -> AsyncIterator[Leader]:
    made = Leader()
    async with served(made.build_app()) as port, aiohttp.ClientSession(auto_decompress=False) as session:
        made.port, made.session = port, session
        with made.pages.leading():
            yield made


async def test_a_scraper_that_keeps_its_connection_has_read_the_page(leader: Leader) -> None:
    leader.pages.judged(judgement())
    status, body, headers = await leader.get(**{"Accept-Encoding": "identity"})
    assert status == 200
    assert headers["Content-Type"].startswith("text/plain; version=0.0.4")
    assert read_page(body)
    await until(leader.results)
    assert leader.results() == [(f"127.0.0.1 {PROMETHEUS}", ScrapeResult.COMPLETE)]
    assert leader.counted("complete") == 1


async def test_a_page_is_given_in_gzip_to_those_who_ask(leader: Leader) -> None:
    leader.pages.judged(big())
    _, plain, _ = await leader.get(**{"Accept-Encoding": "identity"})
    _, packed, headers = await leader.get(**{"Accept-Encoding": "gzip"})
    assert headers["Content-Encoding"] == "gzip"
    assert gzip.decompress(packed) == plain


async def test_a_scraper_that_hangs_up_at_once_after_the_page_has_thrown_it_away(leader: Leader) -> None:
    leader.pages.judged(judgement())
    await leader.converse()
    await until(leader.results)
    assert leader.results() == [(f"127.0.0.1 {PROMETHEUS}", ScrapeResult.CUT_OFF)]
    assert leader.counted("cut_off") == 1


async def test_a_scraper_that_hangs_up_within_a_large_page_is_seen(leader: Leader) -> None:
    leader.pages.judged(big())
    await leader.converse(read_bytes=1000)
    await until(leader.results)
    assert [result for _, result in leader.results()] == [ScrapeResult.CUT_OFF]


async def test_a_scraper_that_reads_nothing_is_not_waited_for_beyond_the_deadline(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    slow = Leader(longest_seconds=0.2)
    monkeypatch.setattr(slow.pages, "render", lambda *_, **__: LeaderPage(b"x 1\n" * 10_000_000, compressed=False))
    async with served(slow.build_app()) as slow.port:
        with slow.pages.leading():
            slow.pages.judged(judgement())
            _, writer = await asyncio.open_connection("127.0.0.1", slow.port, limit=1024)
            writer.write(f"GET {PATH} HTTP/1.1\r\nHost: leader\r\nUser-Agent: {PROMETHEUS}\r\n\r\n".encode())
            await until(slow.results)
            writer.transport.abort()
            assert [result for _, result in slow.results()] == [ScrapeResult.CUT_OFF]
    assert slow.counted("cut_off") == 1


@pytest.mark.parametrize(
    "asked",
    [
        pytest.param({"agent": "curl/8.5.0"}, id="a program that does not scrape at an interval"),
        pytest.param({"more": "Connection: close\r\n"}, id="a scraper that said that it would"),
    ],
)
async def test_who_may_hang_up_after_the_page_has_read_it(leader: Leader, asked: dict[str, str]) -> None:
    leader.pages.judged(judgement())
    await leader.converse(**asked)
    await until(leader.results)
    assert [result for _, result in leader.results()] == [ScrapeResult.COMPLETE]


async def test_a_standby_answers_503_with_the_reason_and_counts_no_scrape() -> None:
    standby = Leader()
    async with served(standby.build_app()) as port, aiohttp.ClientSession() as session:
        standby.port, standby.session = port, session
        standby.pages.judged(judgement())
        status, body, _ = await standby.get()
    assert (status, b"standby" in body) == (503, True)
    assert (standby.counted("standby"), standby.counted("complete")) == (1, 0)
    assert standby.pages.misses() == ()


async def test_a_monitor_without_a_verdict_is_503_and_no_miss(leader: Leader) -> None:
    status, body, _ = await leader.get()
    assert (status, b"not judged team-a/fraud yet" in body) == (503, True)
    assert leader.pages.misses() == ()


@pytest.mark.parametrize(
    "path",
    [
        pytest.param("/monitors/team-a/fraud", id="without /metrics"),
        pytest.param("/monitors/team-a/fraud/metrics/", id="with a slash at the end"),
        pytest.param(monitor_metrics_path(MonitorRef("team-b", "fraud")), id="a monitor that does not exist"),
        pytest.param("/monitors/", id="nothing at all"),
    ],
)
async def test_a_wrong_path_is_remembered_with_who_asked(leader: Leader, path: str) -> None:
    leader.pages.judged(judgement())
    status, body, _ = await leader.get(path)
    assert status == 404
    assert b"ModelMonitor" in body
    assert [(one.path, one.scraper) for one in leader.pages.misses()] == [(path, f"127.0.0.1 {PROMETHEUS}")]
    assert leader.results() == []


@pytest.mark.parametrize("path", ["/", "/metricsx", "/debug"])
async def test_other_paths_are_no_misses(leader: Leader, path: str) -> None:
    assert (await leader.get(path))[0] == 404
    assert leader.pages.misses() == ()


async def test_looking_whether_the_page_is_there_is_no_scrape(leader: Leader) -> None:
    leader.pages.judged(judgement())
    async with leader.session.head(f"http://127.0.0.1:{leader.port}{PATH}") as response:
        assert response.status == 405
    assert leader.counted("complete") == 0


async def test_ten_scrapers_at_once_get_the_same_bytes(leader: Leader) -> None:
    leader.pages.judged(judgement())
    bodies = {body for _, body, _ in await asyncio.gather(*(leader.get() for _ in range(10)))}
    assert len(bodies) == 1
    await until(lambda: leader.counted("complete") == 10)


async def test_the_operators_own_metrics_are_still_there(leader: Leader) -> None:
    status, body, _ = await leader.get("/metrics")
    assert (status, b"modelmonitor_operator_build_info" in body) == (200, True)
