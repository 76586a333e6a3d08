"""How well each page of a monitor is scraped, by what its server saw: no access to any Prometheus is needed."""

from collections.abc import Collection, Iterator
from dataclasses import dataclass
from enum import StrEnum

from modelmonitor_api.names import MonitorRef
from modelmonitor_api.quantities import parse_duration, render_duration
from modelmonitor_api.summary import PageMiss, PageScraper, ScrapeResult
from modelmonitor_operator.rollup.coverage import summary_delay
from modelmonitor_operator.rollup.inputs import NodeView
from modelmonitor_operator.rollup.view import MonitorView

TOLERATED_INTERVALS = 2
LEAST_TOLERATED_SECONDS = 120.0
"""A page has to be scraped every two scrape intervals, and never more often than every two minutes: Prometheus counts
a series as gone five minutes after its last sample, and two failed scrapes have to fit into that.
Source: https://prometheus.io/docs/prometheus/latest/querying/basics/#staleness"""
GRACE_INTERVALS = 3
GRACE_SECONDS = 90.0
"""How long a new page may wait for its first scrape: prometheus-operator's reload, and the kubelet's delay in bringing
a changed Secret into the pod, about a minute.
Source: https://kubernetes.io/docs/concepts/configuration/secret/#using-secrets-as-files-from-a-pod"""
MISS_SECONDS = 600.0
"""Requests for a wrong path count for so long."""
_REPEATED = 2
_JITTER_SECONDS = 1.0
_LONGEST_SECONDS = 1e9
_AGES = (3600, 1800, 600, 300, 120, 60)
LEADER = "leader"


class PageState(StrEnum):
    """How it stands with one page; the worst first."""

    CUT_OFF = "CutOff"
    NEVER = "NeverScraped"
    STOPPED = "ScrapesStopped"
    SELDOM = "ScrapedTooSeldom"
    WAITING = "WaitingForScrape"
    SCRAPED = "Scraped"


WORST_FIRST = tuple(PageState)
BAD = frozenset({PageState.CUT_OFF, PageState.NEVER, PageState.STOPPED, PageState.SELDOM})


@dataclass(frozen=True, slots=True)
class Scrape:
    """What one scraper did, its ages as of now."""

    by: str
    age_seconds: float
    interval_seconds: float | None
    cut_off: bool


@dataclass(frozen=True, slots=True)
class PageView:
    """One page: of the sidecar of a node, or the leader's.

    Attributes:
        scrape: the one that the state speaks of; None where nobody has come.
    """

    place: str
    state: PageState
    scrape: Scrape | None = None

    @property
    def name(self) -> str:
        """How people call it."""
        return "the leader's page" if self.place == LEADER else f"the page on node {self.place}"


def tolerated_seconds(view: MonitorView) -> float:
    """The longest time between two scrapes of a page that is scraped often enough."""
    return max(TOLERATED_INTERVALS * parse_duration(view.spec.prometheus.interval), LEAST_TOLERATED_SECONDS)


def grace_seconds(view: MonitorView) -> float:
    """How long a page may wait for its first scrape."""
    return GRACE_INTERVALS * parse_duration(view.spec.prometheus.interval) + GRACE_SECONDS


def _believed(seconds: float) -> float:
    """A length of time that can be compared and shown; what is none counts as very long."""
    return seconds if 0 <= seconds <= _LONGEST_SECONDS else _LONGEST_SECONDS


def _scrapes(scrapers: Collection[PageScraper], delay_seconds: float) -> list[Scrape]:
    return [
        Scrape(
            one.scraper,
            _believed(one.age_seconds) + delay_seconds,
            None if one.interval_seconds is None else _believed(one.interval_seconds),
            one.result is ScrapeResult.CUT_OFF,
        )
        for one in scrapers
    ]


def _state_by(scrape: Scrape, tolerated: float, delay_seconds: float) -> PageState:
    """How it would stand with a page if this were its only scraper."""
    if scrape.age_seconds - delay_seconds > tolerated + _JITTER_SECONDS:
        return PageState.STOPPED
    if scrape.cut_off:
        return PageState.CUT_OFF
    if scrape.interval_seconds is None:
        return PageState.WAITING
    return PageState.SELDOM if scrape.interval_seconds > tolerated + _JITTER_SECONDS else PageState.SCRAPED


def _judge_page(
    view: MonitorView, place: str, served_seconds: float, scrapers: Collection[PageScraper], delay_seconds: float
) -> PageView:
    """The page by its best scraper: of two Prometheus servers one is enough, and a single old look is no scraper.

    Of two that are as good, always the same is named, or the status would change with every scrape.
    """
    tolerated = tolerated_seconds(view)
    judged = [(_state_by(scrape, tolerated, delay_seconds), scrape) for scrape in _scrapes(scrapers, delay_seconds)]
    judged = [(s, one) for s, one in judged if s is not PageState.STOPPED or one.interval_seconds is not None]
    if not judged:
        waits = served_seconds <= grace_seconds(view)
        return PageView(place, PageState.WAITING if waits else PageState.NEVER)
    best = max(WORST_FIRST.index(state) for state, _ in judged)
    alike = [scrape for state, scrape in judged if WORST_FIRST.index(state) == best]
    newest_first = WORST_FIRST[best] is PageState.STOPPED
    return PageView(place, WORST_FIRST[best], min(alike, key=lambda one: (newest_first and one.age_seconds, one.by)))


def _speaking(view: MonitorView) -> Iterator[tuple[str, NodeView, float]]:
    """The nodes whose sidecar has just answered, with the age of the answer; a silent one says nothing of now."""
    for name, node in view.nodes:
        delay = None if node is None else summary_delay(node, view.now)
        if node is not None and delay is not None and delay <= view.limit_seconds:
            yield name, node, delay


def view_pages(view: MonitorView) -> tuple[PageView, ...]:
    """Every page of the monitor that is known now, the worst first."""
    pages = []
    for name, node, delay in _speaking(view):
        page = node.pages.get(view.given.monitor.ref)
        if page is not None:
            pages.append(_judge_page(view, name, page.served_seconds, page.scrapers, delay))
    leader = view.given.arrival.leader_page
    if leader is not None:
        pages.append(_judge_page(view, LEADER, leader.served_seconds, leader.scrapers, 0.0))
    return tuple(sorted(pages, key=lambda page: (WORST_FIRST.index(page.state), page.place)))


def _means(path: str, ref: MonitorRef) -> bool:
    """Whether a wrong path names the monitor: with its namespace, or by its name alone where a namespace is missing."""
    parts = [part for part in path.partition("?")[0].split("/") if part]
    if ref.name not in parts:
        return False
    return ref.namespace in parts or parts in (["monitors", ref.name], ["monitors", ref.name, "metrics"])


def find_misses(view: MonitorView) -> tuple[PageMiss, ...]:
    """Repeated requests of the last minutes for wrong paths that name the monitor, in an order that does not jitter."""
    found = [miss for miss in _all_misses(view) if miss.age_seconds <= MISS_SECONDS and miss.count >= _REPEATED]
    ours = {miss for miss in found if _means(miss.path, view.given.monitor.ref)}
    return tuple(sorted(ours, key=lambda miss: (miss.path, miss.scraper, miss.age_seconds)))


def _all_misses(view: MonitorView) -> Iterator[PageMiss]:
    yield from view.given.arrival.misses
    for _, node, _ in _speaking(view):
        yield from node.summary.page_misses if node.summary is not None else ()


def render_age(seconds: float) -> str:
    """An age for people in coarse steps, so that a status is not written again for it alone."""
    return next((f"more than {render_duration(step)} ago" for step in _AGES if seconds > step), "just now")
