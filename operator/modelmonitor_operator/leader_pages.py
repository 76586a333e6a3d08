"""The leader's page of each ModelMonitor, as bytes, and who scrapes it.

How it is wired: the process makes one `LeaderPages(clock, world.monitors, cycle_seconds)` and gives it to the HTTP
server and to `Verdicts`. While it leads, everything runs inside `with pages.leading():`, so that a process which leads
no longer has no page. `Verdicts` calls `judged` after each roll-up and `sweep` once a cycle; `page` and `misses` go
back into the next roll-up.

A page shows the newest verdict and no other: a standby, a monitor that has not been judged and a verdict that nobody
renews are refused with 503, so that Prometheus says `up == 0` instead of storing an old verdict as a new one. A page is
made when somebody scrapes it, once for each verdict; the bytes of all pages together are bounded.
"""

import gzip
from collections import OrderedDict
from collections.abc import Callable, Container, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from modelmonitor_api.names import MonitorRef
from modelmonitor_api.scrape_book import ScrapeBook
from modelmonitor_api.status import ModelMonitorStatus
from modelmonitor_api.summary import PageMiss, ScrapeResult
from modelmonitor_operator.arrival import PageReport
from modelmonitor_operator.clock import Clock
from modelmonitor_operator.leader_metrics import Judgement, render_leader_page

STALE_SECONDS = 60.0
STALE_CYCLES = 3
"""A verdict that has not been renewed for so long, and so many cycles, is not shown: whoever should renew it no longer
works, or no longer leads."""
MAX_CACHED_BYTES = 8 * 2**20
"""Of the pages of all monitors together; beyond it the page that nobody asked for the longest is made anew."""
_GZIP_LEVEL = 1


@dataclass(frozen=True, slots=True)
class LeaderPage:
    """One page, ready to be sent."""

    body: bytes
    compressed: bool


class PageRefusedError(Exception):
    """There is no page to show; the message says why.

    Attributes:
        result: one word for the counter of requests.
        exists: False where this process leads and knows no such monitor.
    """

    def __init__(self, message: str, result: str, *, exists: bool = True) -> None:
        super().__init__(message)
        self.result = result
        self.exists = exists


@dataclass(frozen=True, slots=True)
class _Judged:
    what: Judgement
    at: float


@dataclass(frozen=True, slots=True)
class _Cached:
    """`status` is the verdict that the bytes show; it is compared by identity."""

    status: ModelMonitorStatus
    page: LeaderPage


class LeaderPages:
    """Pages of the monitors that this process has judged while it leads.

    Args:
        monitors: those that exist, as they are at each moment.
        cycle_seconds: how often they are judged.

    Attributes:
        holds_lease: whether nobody else can lead at this moment. A process that was frozen is asked for pages before it
            finds out by itself.
    """

    def __init__(self, clock: Clock, monitors: Container[MonitorRef], cycle_seconds: float) -> None:
        self._clock = clock
        self._monitors = monitors
        self._stale_seconds = max(STALE_SECONDS, STALE_CYCLES * cycle_seconds)
        self._is_leading = False
        self.holds_lease: Callable[[], bool] = lambda: True
        self._judged: dict[MonitorRef, _Judged] = {}
        self._cache: OrderedDict[tuple[MonitorRef, bool], _Cached] = OrderedDict()
        self._cached_bytes = 0
        self._book = ScrapeBook()

    @property
    def cached_bytes(self) -> int:
        """What the pages that are kept take, in bytes."""
        return self._cached_bytes

    @contextmanager
    def leading(self) -> Iterator[None]:
        """Pages are served within the with block and at no other time; who scraped before is forgotten."""
        self._forget_everything()
        self._is_leading = True
        try:
            yield
        finally:
            self._is_leading = False
            self._forget_everything()

    def judged(self, judgement: Judgement) -> None:
        """A monitor has a new verdict."""
        if self._is_leading:
            now = self._clock.monotonic()
            self._judged[judgement.monitor.ref] = _Judged(judgement, now)
            self._book.serve((judgement.monitor.ref,), now)

    def sweep(self) -> None:
        """Forget the monitors that no longer exist."""
        gone = [ref for ref in self._judged if ref not in self._monitors]
        self._book.forget(gone)
        for ref in gone:
            del self._judged[ref]
            self._drop(ref)

    def render(self, ref: MonitorRef, *, accepts_gzip: bool) -> LeaderPage:
        """The page of a monitor.

        Raises:
            PageRefusedError: this process does not lead, or has no fresh verdict on the monitor.
        """
        judgement = self._fresh(ref)
        key = ref, accepts_gzip
        cached = self._cache.get(key)
        if cached is None or cached.status is not judgement.status:
            cached = _Cached(judgement.status, _pack(render_leader_page(judgement), accepts_gzip=accepts_gzip))
            self._put(key, cached)
        self._cache.move_to_end(key)
        return cached.page

    def note_scrape(self, ref: MonitorRef, scraper: str, at: float, result: ScrapeResult) -> None:
        """A page went out; `at` is monotonic."""
        self._book.note_scrape(ref, scraper, at, result)

    def note_miss(self, path: str, scraper: str) -> None:
        """Somebody asked for a page that is not there."""
        self._book.note_miss(path, scraper, self._clock.monotonic())

    def page(self, ref: MonitorRef) -> PageReport | None:
        """Who scrapes the page of a monitor; None where there is no page."""
        found = self._book.page(ref, self._clock.monotonic())
        return None if found is None else PageReport(None, found.served_seconds, found.scrapers)

    def misses(self) -> tuple[PageMiss, ...]:
        """Requests of the last hour for pages that are not there."""
        return self._book.misses(self._clock.monotonic())

    def _fresh(self, ref: MonitorRef) -> Judgement:
        if not self._is_leading or not self.holds_lease():
            raise PageRefusedError("this process is a standby: the leader has the page", "standby")
        if ref not in self._monitors:
            raise PageRefusedError(f"there is no ModelMonitor {ref}", "not_found", exists=False)
        judged = self._judged.get(ref)
        if judged is None:
            raise PageRefusedError(f"the leader has not judged {ref} yet", "not_judged")
        age = self._clock.monotonic() - judged.at
        if age > self._stale_seconds:
            raise PageRefusedError(f"the verdict on {ref} was last renewed {age:.0f} s ago", "stale")
        return judged.what

    def _put(self, key: tuple[MonitorRef, bool], cached: _Cached) -> None:
        old = self._cache.pop(key, None)
        self._cached_bytes += len(cached.page.body) - (len(old.page.body) if old else 0)
        self._cache[key] = cached
        while self._cached_bytes > MAX_CACHED_BYTES and len(self._cache) > 1:
            _, oldest = self._cache.popitem(last=False)
            self._cached_bytes -= len(oldest.page.body)

    def _drop(self, ref: MonitorRef) -> None:
        for accepts_gzip in (False, True):
            dropped = self._cache.pop((ref, accepts_gzip), None)
            self._cached_bytes -= len(dropped.page.body) if dropped else 0

    def _forget_everything(self) -> None:
        self._judged.clear()
        self._cache.clear()
        self._cached_bytes = 0
        self._book = ScrapeBook()


def _pack(plain: bytes, *, accepts_gzip: bool) -> LeaderPage:
    if not accepts_gzip:
        return LeaderPage(plain, compressed=False)
    return LeaderPage(gzip.compress(plain, _GZIP_LEVEL, mtime=0), compressed=True)
