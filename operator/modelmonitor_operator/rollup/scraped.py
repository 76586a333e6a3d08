"""ScrapeVerified: whether the pages reach a Prometheus, by those who serve them and, with a URL, by itself."""

from collections.abc import Mapping

from modelmonitor_api.names import SIDECAR_PORT, monitor_metrics_path, object_name
from modelmonitor_api.quantities import render_duration
from modelmonitor_api.status import Condition, ConditionStatus, ConditionType
from modelmonitor_operator.arrival import ChildFact, ChildState
from modelmonitor_operator.objects import SERVICE_MONITOR
from modelmonitor_operator.rollup.candidates import join_names, render_count
from modelmonitor_operator.rollup.claim import Claim
from modelmonitor_operator.rollup.pages import (
    BAD,
    PageState,
    PageView,
    find_misses,
    render_age,
    tolerated_seconds,
    view_pages,
)
from modelmonitor_operator.rollup.prometheus_says import find_doubts, settle
from modelmonitor_operator.rollup.status import cut_text
from modelmonitor_operator.rollup.view import MonitorView

_TRUE, _FALSE, _UNKNOWN = ConditionStatus.TRUE, ConditionStatus.FALSE, ConditionStatus.UNKNOWN
_MOST_SCRAPERS = 2
_TOLD = 160


def _claim(status: ConditionStatus, reason: str, message: str) -> Claim:
    return Claim(ConditionType.SCRAPE_VERIFIED, status, reason, message)


def _scrapers(pages: tuple[PageView, ...]) -> str:
    """Who scrapes, and how often, in whole seconds."""
    intervals: dict[str, set[str]] = {}
    for page in pages:
        if page.scrape is not None and page.scrape.interval_seconds is not None:
            often = render_duration(max(1, int(page.scrape.interval_seconds + 0.5)))
            intervals.setdefault(page.scrape.by, set()).add(often)
    told = [f"{by} every {' or '.join(sorted(every)[:2])}" for by, every in sorted(intervals.items())]
    return join_names(told, _MOST_SCRAPERS)


def _next_step(view: MonitorView, selected: Claim) -> str:
    if view.given.arrival.children.get(SERVICE_MONITOR, ChildFact()).state is not ChildState.APPLIED:
        path = monitor_metrics_path(view.given.monitor.ref)
        return f"there is no ServiceMonitor: scrape {path} of the Service {object_name(view.given.monitor.ref.name)}"
    if selected.status is not _TRUE:
        return "see MonitoringSelected"
    pool = f"serviceMonitor/{view.namespace}/{object_name(view.given.monitor.ref.name)}"
    return f"look for {pool} in Prometheus' targets, and at NetworkPolicies for port {SIDECAR_PORT}"


def _describe(view: MonitorView, page: PageView, selected: Claim) -> str:
    """What is wrong with the worst page, with who, when and what to do."""
    scrape = page.scrape
    if scrape is None:
        return f"nobody scrapes {page.name}; {_next_step(view, selected)}"
    if page.state is PageState.CUT_OFF:
        return (
            f"{scrape.by} ends its scrapes of {page.name} before they are complete: raise "
            "spec.prometheus.scrapeTimeout, or lower spec.prometheus.sampleLimit so that the page is shorter"
        )
    if page.state is PageState.STOPPED:
        return f"{page.name} was last scraped {render_age(scrape.age_seconds)}, by {scrape.by}: look whether it runs"
    most, often = render_duration(tolerated_seconds(view)), render_duration(scrape.interval_seconds or 0.0)
    return f"{scrape.by} scrapes {page.name} every {often}, and alerts need every {most}: set a shorter scrape interval"


def _failed(view: MonitorView, pages: tuple[PageView, ...], selected: Claim) -> Claim | None:
    """What those who serve the pages say against arrival; pages come the worst first."""
    bad = tuple(page for page in pages if page.state in BAD)
    if not bad:
        return None
    count = f"{len(bad)} of {render_count(len(pages), 'page')} not scraped as needed: "
    misses = find_misses(view)
    if misses and bad[0].state is not PageState.CUT_OFF:
        right = monitor_metrics_path(view.given.monitor.ref)
        asked = f"{misses[0].scraper} asks for {cut_text(misses[0].path, _TOLD)}, which is not there"
        return _claim(_FALSE, "WrongPath", f"{count}{asked}: the path is {right}")
    if _is_unwanted(view, pages):
        return _claim(_UNKNOWN, "Disabled", "spec.prometheus.serviceMonitor is Disabled, and nothing scrapes the pages")
    return _claim(_FALSE, bad[0].state, count + _describe(view, bad[0], selected))


def _is_unwanted(view: MonitorView, pages: tuple[PageView, ...]) -> bool:
    """Whether nobody scrapes, and nobody wants to."""
    fact = view.given.arrival.children.get(SERVICE_MONITOR, ChildFact())
    quiet = all(page.state in (PageState.NEVER, PageState.WAITING) for page in pages)
    return fact.state is ChildState.DISABLED and quiet


def _arrived(view: MonitorView, pages: tuple[PageView, ...], before: Condition | None, *, doubted: bool) -> Claim:
    """The claim where nothing speaks against arrival."""
    good = tuple(page for page in pages if page.state is PageState.SCRAPED)
    if not pages:
        return _claim(_UNKNOWN, "NoPages", "no page is known: it comes with the first sidecar that reads a pod")
    if not good:
        if before is not None and before.status is _TRUE:
            return _claim(_TRUE, before.reason, before.message)
        return _claim(_UNKNOWN, "WaitingForScrape", f"{render_count(len(pages), 'page')} waiting for regular scrapes")
    waiting = len(pages) - len(good)
    told = f"{len(good)} of {render_count(len(pages), 'page')} scraped by {_scrapers(good)}"
    told += f"; {waiting} waiting for regular scrapes" if waiting else ""
    silent = len(view.nodes) + 1 - len(pages)
    told += f"; nothing is known of {silent} more" if silent > 0 else ""
    unreachable = _unreachable(view)
    if unreachable:
        return _claim(_TRUE, "PrometheusUnreachable", f"{told}; {unreachable}")
    answer = view.given.arrival.answer
    confirmed = answer.asked_at is not None and not doubted
    return _claim(_TRUE, "Scraped", told + ("; Prometheus has the samples and the rules" if confirmed else ""))


def _unreachable(view: MonitorView) -> str:
    """What to say where a Prometheus should be asked and cannot be."""
    arrival = view.given.arrival
    if not arrival.prometheus_url or not arrival.answer.error:
        return ""
    return (
        f"this rests on scrapes alone, the Prometheus of prometheus.url says: {cut_text(arrival.answer.error, _TOLD)}"
    )


def claim_scraped(
    view: MonitorView, selected: Claim, before: Condition | None, since: Mapping[str, float]
) -> tuple[Claim, Mapping[str, float]]:
    """Whether samples and rules arrive, and since when Prometheus raises which doubt.

    Args:
        selected: MonitoringSelected of this cycle, for the next step.
        before: ScrapeVerified as it was.
        since: what this function returned in the cycle before.
    """
    pages = view_pages(view)
    raised = find_doubts(view, pages)
    asked_at = view.given.arrival.answer.asked_at or 0.0
    doubts, begun = settle(raised, since, asked_at, before.reason if before is not None else "")
    explained = next((doubt for doubt in doubts if doubt.explains), None)
    failed = _failed(view, pages, selected)
    other = next(iter(doubts), None)
    if explained is not None:
        claim = _claim(_FALSE, explained.reason, explained.message)
    elif failed is not None:
        note = _unreachable(view)
        claim = _claim(failed.status, failed.reason, failed.message + (f"; {note}" if note else ""))
    elif other is not None:
        claim = _claim(_FALSE, other.reason, other.message)
    else:
        claim = _arrived(view, pages, before, doubted=bool(raised))
    return claim, begun
