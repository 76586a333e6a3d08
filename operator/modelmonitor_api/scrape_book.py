"""Who scraped which page, and who asked for a page that is not there: counted by those who serve, bounded.

The sidecars and the leader each keep one. What it says needs no Prometheus to be asked, and works for any scraper.
"""

from collections.abc import Iterable
from dataclasses import dataclass, replace

from modelmonitor_api.names import MonitorRef
from modelmonitor_api.summary import MonitorPage, PageMiss, PageScraper, ScrapeResult

MAX_SCRAPERS = 4
MAX_MISSES = 16
KEPT_SECONDS = 3600.0
MAX_SCRAPER_CHARACTERS = 128
MAX_PATH_CHARACTERS = 200
CUT_OFF_SECONDS = 1.0
"""A scraper that keeps its connections and closes one so soon after an answer did not want the answer."""
LONGEST_SECONDS = 300.0
"""As long as `spec.prometheus.scrapeTimeout` may be; who takes longer over a page is not waited for."""

_SCRAPER_AGENTS = (
    "prometheus/",
    "vm_promscrape",
    "victoriametrics",
    "grafanaagent/",
    "alloy/",
    "opentelemetry",
    "otelcol",
    "datadog",
    "telegraf",
)
"""How the `User-Agent` of programs begins that scrape at an interval and keep their connections between scrapes."""


def is_scraper(user_agent: str) -> bool:
    """Whether the program scrapes at an interval, so that a connection that it ends at once after an answer tells."""
    return user_agent.casefold().startswith(_SCRAPER_AGENTS)


def scraper_name(address: str, user_agent: str) -> str:
    """A scraper as people read it: address without port, and `User-Agent`; the same program is the same text."""
    return _printable(f"{address} {user_agent or 'without User-Agent'}", MAX_SCRAPER_CHARACTERS)


def _printable(text: str, limit: int) -> str:
    return "".join(character if character.isprintable() else "�" for character in text[:limit])


@dataclass(frozen=True, slots=True)
class _Scrapes:
    """The scrapes of one page by one scraper. `interval` is of the last two."""

    at: float
    result: ScrapeResult
    count: int = 1
    interval: float | None = None


@dataclass(frozen=True, slots=True)
class _Misses:
    at: float
    count: int = 1


class ScrapeBook:
    """Counts scrapes and misses. `at` and `now` are seconds of one monotonic clock, given by whoever calls.

    Attributes:
        results: scrapes of all pages since the start, by how they ended.
        missed: misses since the start.
    """

    def __init__(self) -> None:
        self.results: dict[ScrapeResult, int] = dict.fromkeys(ScrapeResult, 0)
        self.missed = 0
        self._served: dict[MonitorRef, float] = {}
        self._scrapes: dict[MonitorRef, dict[str, _Scrapes]] = {}
        self._misses: dict[tuple[str, str], _Misses] = {}

    @property
    def monitors(self) -> frozenset[MonitorRef]:
        """The monitors whose pages are there."""
        return frozenset(self._served)

    def serve(self, monitors: Iterable[MonitorRef], at: float) -> None:
        """The pages of these monitors are there from now on; those that were there before stay as they are."""
        for monitor in monitors:
            self._served.setdefault(monitor, at)

    def forget(self, monitors: Iterable[MonitorRef]) -> None:
        """The pages of these monitors are there no longer."""
        for monitor in tuple(monitors):
            self._served.pop(monitor, None)
            self._scrapes.pop(monitor, None)

    def note_scrape(self, monitor: MonitorRef, scraper: str, at: float, result: ScrapeResult) -> None:
        """A scrape that was answered at `at`; of a page that is gone by now it is counted and nothing more."""
        self.results[result] += 1
        if monitor not in self._served:
            return
        known = self._scrapes.setdefault(monitor, {})
        last = known.get(scraper)
        if last is None:
            known[scraper] = _Scrapes(at, result)
        elif at >= last.at:
            known[scraper] = _Scrapes(at, result, last.count + 1, at - last.at)
        else:
            known[scraper] = replace(last, count=last.count + 1)
        if len(known) > MAX_SCRAPERS:
            del known[min(known, key=lambda name: known[name].at)]

    def note_miss(self, path: str, scraper: str, at: float) -> None:
        """A request for a page that is not there."""
        self.missed += 1
        key = _printable(path, MAX_PATH_CHARACTERS), scraper
        last = self._misses.get(key)
        self._misses[key] = _Misses(at, 1 if last is None or at - last.at > KEPT_SECONDS else last.count + 1)
        if len(self._misses) > MAX_MISSES:
            del self._misses[min(self._misses, key=lambda one: self._misses[one].at)]

    def page(self, monitor: MonitorRef, now: float) -> MonitorPage | None:
        """Who scrapes one monitor's page, the newest scraper first; None where the page is not there."""
        since = self._served.get(monitor)
        if since is None:
            return None
        newest = sorted(self._scrapes.get(monitor, {}).items(), key=lambda item: -item[1].at)
        return MonitorPage(
            namespace=monitor.namespace,
            name=monitor.name,
            served_seconds=_age(since, now),
            scrapers=tuple(_scraper(name, one, now) for name, one in newest if now - one.at <= KEPT_SECONDS),
        )

    def pages(self, now: float) -> tuple[MonitorPage, ...]:
        """Every page that is there, by namespace and name."""
        found = (self.page(monitor, now) for monitor in sorted(self._served))
        return tuple(page for page in found if page is not None)

    def misses(self, now: float) -> tuple[PageMiss, ...]:
        """Requests of the last hour for pages that are not there, the newest first."""
        newest = sorted(self._misses.items(), key=lambda item: -item[1].at)
        return tuple(
            PageMiss(path=path, scraper=scraper, age_seconds=_age(one.at, now), count=one.count)
            for (path, scraper), one in newest
            if now - one.at <= KEPT_SECONDS
        )


def _age(at: float, now: float) -> float:
    return round(max(0.0, now - at), 3)


def _scraper(name: str, one: _Scrapes, now: float) -> PageScraper:
    return PageScraper(
        scraper=name,
        age_seconds=_age(one.at, now),
        count=one.count,
        interval_seconds=None if one.interval is None else round(one.interval, 3),
        result=one.result,
    )
