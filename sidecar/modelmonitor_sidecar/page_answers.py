"""Sends pages, and finds out how each scrape ended.

A scrape is cut off where the connection ends while the page is on its way, or where a program that keeps its
connections between scrapes ends this one at once after the answer: it did not want the rest. A page goes out in pieces,
each when the one before has left, so that a scraper that went away is seen.
"""

import asyncio
from dataclasses import dataclass

from aiohttp import ClientConnectionError, hdrs, web

from modelmonitor_api.names import MonitorRef
from modelmonitor_api.scrape_book import CUT_OFF_SECONDS, LONGEST_SECONDS, ScrapeBook, is_scraper, scraper_name
from modelmonitor_api.summary import ScrapeResult
from modelmonitor_sidecar.collectors.families import CONTENT_TYPE
from modelmonitor_sidecar.pages import Page
from modelmonitor_sidecar.snapshot import Clock

PIECE_BYTES = 64 * 1024


@dataclass(frozen=True, slots=True)
class PageAnswers:
    """Answers scrapes and notes them in the book; `grace_seconds` after an answer it is known how it ended."""

    book: ScrapeBook
    clock: Clock
    grace_seconds: float = CUT_OFF_SECONDS
    longest_seconds: float = LONGEST_SECONDS

    async def send(self, request: web.Request, page: Page, monitor: MonitorRef) -> web.StreamResponse:
        """One monitor's page."""
        if request.method == hdrs.METH_HEAD:
            return plain_answer(request, page)
        transport = request.transport
        headers, body = _encoded(request, page)
        response = web.StreamResponse(headers=headers)
        response.content_length = len(body)
        whole = False
        try:
            whole = await self._write(request, response, body)
        finally:
            self._note(request, monitor, transport, whole=whole)
        return response

    async def _write(self, request: web.Request, response: web.StreamResponse, body: bytes) -> bool:
        """Send headers and body; False where the connection ended before, or took too long and was ended."""
        try:
            async with asyncio.timeout(self.longest_seconds):
                await response.prepare(request)
                for start in range(0, len(body), PIECE_BYTES):
                    await response.write(body[start : start + PIECE_BYTES])
                await response.write_eof()
        except (ConnectionError, ClientConnectionError):
            return False
        except TimeoutError:
            if request.transport is not None:
                request.transport.abort()
            return False
        return request.transport is not None and not request.transport.is_closing()

    def miss(self, request: web.Request) -> None:
        """A request for a page that is not there."""
        self.book.note_miss(request.path, _scraper(request), self.clock().at)

    def _note(
        self, request: web.Request, monitor: MonitorRef, transport: asyncio.Transport | None, *, whole: bool
    ) -> None:
        scraper, at = _scraper(request), self.clock().at
        if whole and request.keep_alive and is_scraper(request.headers.get(hdrs.USER_AGENT, "")):
            asyncio.get_running_loop().call_later(self.grace_seconds, self._settle, monitor, scraper, at, transport)
        else:
            result = ScrapeResult.COMPLETE if whole else ScrapeResult.CUT_OFF
            self.book.note_scrape(monitor, scraper, at, result)

    def _settle(self, monitor: MonitorRef, scraper: str, at: float, transport: asyncio.Transport | None) -> None:
        ended = transport is None or transport.is_closing()
        result = ScrapeResult.CUT_OFF if ended else ScrapeResult.COMPLETE
        self.book.note_scrape(monitor, scraper, at, result)


def plain_answer(request: web.Request, page: Page) -> web.Response:
    """A page whose scrapes nobody counts."""
    headers, body = _encoded(request, page)
    return web.Response(body=body, headers=headers)


def _encoded(request: web.Request, page: Page) -> tuple[dict[str, str], bytes]:
    headers: dict[str, str] = {hdrs.CONTENT_TYPE: CONTENT_TYPE, hdrs.VARY: hdrs.ACCEPT_ENCODING}
    if "gzip" in request.headers.get(hdrs.ACCEPT_ENCODING, ""):
        return {**headers, hdrs.CONTENT_ENCODING: "gzip"}, page.compressed
    return headers, page.plain


def _scraper(request: web.Request) -> str:
    return scraper_name(request.remote or "unknown address", request.headers.get(hdrs.USER_AGENT, ""))
