"""Serves the leader's page of each ModelMonitor, and sees how each scrape ends."""

import asyncio
from dataclasses import dataclass

from aiohttp import hdrs, web

from modelmonitor_api.names import METRICS_PATH, MONITORS_PATH, MonitorRef
from modelmonitor_api.scrape_book import CUT_OFF_SECONDS, LONGEST_SECONDS, is_scraper, scraper_name
from modelmonitor_api.summary import ScrapeResult
from modelmonitor_operator.clock import Clock
from modelmonitor_operator.leader_pages import LeaderPage, LeaderPages, PageRefusedError
from modelmonitor_operator.telemetry import CONTENT_TYPE, Telemetry

_CHUNK_BYTES = 64 * 1024
_RESULTS = {ScrapeResult.COMPLETE: "complete", ScrapeResult.CUT_OFF: "cut_off"}
_WRONG_PATH = f"the page of a ModelMonitor is {MONITORS_PATH}/<namespace>/<name>{METRICS_PATH}\n"


@dataclass(frozen=True, slots=True)
class _Scrape:
    """One request for the page of a monitor."""

    ref: MonitorRef
    scraper: str


class LeaderServer:
    """The routes under `/monitors`.

    Args:
        cut_off_seconds: how soon after an answer the end of a connection means that the scraper did not want it.
        longest_seconds: who takes longer over a page is not waited for.
    """

    def __init__(
        self,
        pages: LeaderPages,
        clock: Clock,
        telemetry: Telemetry,
        cut_off_seconds: float = CUT_OFF_SECONDS,
        longest_seconds: float = LONGEST_SECONDS,
    ) -> None:
        self._pages = pages
        self._clock = clock
        self._requests = telemetry.page_requests
        self._cut_off_seconds = cut_off_seconds
        self._longest_seconds = longest_seconds

    def add_routes(self, app: web.Application) -> None:
        """The page of each monitor; whatever else is asked for below `/monitors` is a miss."""
        page = f"{MONITORS_PATH}/{{namespace}}/{{name}}{METRICS_PATH}"
        app.router.add_get(page, self._serve, allow_head=False)
        app.router.add_get(f"{MONITORS_PATH}/{{rest:.*}}", self._miss, allow_head=False)

    async def _serve(self, request: web.Request) -> web.StreamResponse:
        ref = MonitorRef(request.match_info["namespace"], request.match_info["name"])
        accepts_gzip = "gzip" in request.headers.get(hdrs.ACCEPT_ENCODING, "")
        try:
            page = self._pages.render(ref, accepts_gzip=accepts_gzip)
        except PageRefusedError as error:
            return self._refuse(request, error)
        return await self._answer(request, page, _Scrape(ref, _scraper(request)))

    async def _answer(self, request: web.Request, page: LeaderPage, scrape: _Scrape) -> web.StreamResponse:
        response = _begin(page)
        try:
            async with asyncio.timeout(self._longest_seconds):
                await _send(request, response, page.body)
        except TimeoutError:
            if request.transport is not None:
                request.transport.abort()
            self._note(scrape, self._clock.monotonic(), ScrapeResult.CUT_OFF)
            return response
        except (ConnectionError, asyncio.CancelledError):
            self._note(scrape, self._clock.monotonic(), ScrapeResult.CUT_OFF)
            raise
        self._note_when_sure(request, scrape)
        return response

    def _refuse(self, request: web.Request, error: PageRefusedError) -> web.Response:
        if not error.exists:
            self._pages.note_miss(request.path, _scraper(request))
        self._requests.labels(result=error.result).inc()
        return web.Response(status=503 if error.exists else 404, text=f"{error}\n")

    async def _miss(self, request: web.Request) -> web.Response:
        self._pages.note_miss(request.path, _scraper(request))
        self._requests.labels(result="wrong_path").inc()
        return web.Response(status=404, text=_WRONG_PATH)

    def _note_when_sure(self, request: web.Request, scrape: _Scrape) -> None:
        """Note the scrape: at once, or when a scraper that keeps its connections has had time to end this one.

        Prometheus ends the connection when its deadline passes, and keeps it otherwise; at its limit of bytes it reads
        the rest and keeps it too, so that a limit cannot be seen here.
        Source: https://github.com/prometheus/prometheus/blob/v3.15.0/scrape/scrape.go (readResponse)
        """
        at, transport = self._clock.monotonic(), request.transport
        if not request.keep_alive or not is_scraper(request.headers.get(hdrs.USER_AGENT, "")):
            self._note(scrape, at, ScrapeResult.COMPLETE)
            return

        def look() -> None:
            ended = transport is None or transport.is_closing()
            self._note(scrape, at, ScrapeResult.CUT_OFF if ended else ScrapeResult.COMPLETE)

        asyncio.get_running_loop().call_later(self._cut_off_seconds, look)

    def _note(self, scrape: _Scrape, at: float, result: ScrapeResult) -> None:
        self._pages.note_scrape(scrape.ref, scrape.scraper, at, result)
        self._requests.labels(result=_RESULTS[result]).inc()


def _scraper(request: web.Request) -> str:
    return scraper_name(request.remote or "", request.headers.get(hdrs.USER_AGENT, ""))


def _begin(page: LeaderPage) -> web.StreamResponse:
    response = web.StreamResponse(headers={hdrs.CONTENT_TYPE: CONTENT_TYPE, hdrs.VARY: hdrs.ACCEPT_ENCODING})
    if page.compressed:
        response.headers[hdrs.CONTENT_ENCODING] = "gzip"
    response.content_length = len(page.body)
    return response


async def _send(request: web.Request, response: web.StreamResponse, body: bytes) -> None:
    """Send the page in pieces, each when there is room for it, so that a scraper that goes away is seen."""
    await response.prepare(request)
    for start in range(0, len(body), _CHUNK_BYTES):
        await response.write(body[start : start + _CHUNK_BYTES])
    await response.write_eof()
