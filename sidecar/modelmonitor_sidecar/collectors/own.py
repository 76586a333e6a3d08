"""The sidecar about itself: its version, its plan, its sources, what it read and who asked."""

from collections.abc import Mapping
from dataclasses import dataclass

from modelmonitor_api.summary import ScrapeResult, SourceState
from modelmonitor_sidecar.collectors.families import FamilyBuilder, label_text
from modelmonitor_sidecar.snapshot import Instant, NodeSnapshot

_STATES = tuple(state.value for state in SourceState)


@dataclass(frozen=True, slots=True)
class ProcessReading:
    """What the kernel says about this process, in seconds, bytes and counts."""

    cpu_seconds: float
    resident_bytes: int
    open_fds: int
    start_time: float


@dataclass(frozen=True, slots=True)
class Identity:
    """Who this sidecar is."""

    node: str
    pod_uid: str
    version: str


@dataclass(frozen=True, slots=True)
class Answered:
    """Requests since the start: for the summary and for pages of monitors by how they ended, and for no page."""

    summaries: Mapping[str, int]
    pages: Mapping[ScrapeResult, int]
    missed: int


_PAGE_RESULTS = {ScrapeResult.COMPLETE: "complete", ScrapeResult.CUT_OFF: "cut_off"}


def collect_own(
    page: FamilyBuilder, snapshot: NodeSnapshot, who: Identity, process: ProcessReading, answered: Answered
) -> None:
    """Add the sidecar's own metrics."""
    node = label_text([("node", who.node)])
    page.add("modelmonitor_build_info", 1, label_text([("node", who.node), ("version", who.version)]))
    _collect_plan(page, snapshot, node)
    _collect_sources(page, snapshot, node)
    _collect_scrapes(page, snapshot, node)
    _collect_answered(page, answered, node)
    page.add("process_cpu_seconds_total", process.cpu_seconds)
    page.add("process_resident_memory_bytes", process.resident_bytes)
    page.add("process_open_fds", process.open_fds)
    page.add("process_start_time_seconds", process.start_time)


def _collect_answered(page: FamilyBuilder, answered: Answered, node: str) -> None:
    for result, count in sorted(answered.summaries.items()):
        page.add("modelmonitor_summary_requests_total", count, f'{node},result="{result}"')
    for scraped, count in answered.pages.items():
        page.add("modelmonitor_page_requests_total", count, f'{node},result="{_PAGE_RESULTS[scraped]}"')
    page.add("modelmonitor_page_requests_total", answered.missed, f'{node},result="missing"')


def _collect_plan(page: FamilyBuilder, snapshot: NodeSnapshot, node: str) -> None:
    plan = snapshot.plan
    page.add("modelmonitor_plan_generation", plan.generation, node)
    page.add("modelmonitor_plan_monitors", len(plan.monitors), node)
    page.add("modelmonitor_plan_targets", len({pod.uid for m in plan.monitors for pod in m.pods}), node)
    page.add("modelmonitor_plan_watch_errors_total", plan.errors, node)


def _collect_sources(page: FamilyBuilder, snapshot: NodeSnapshot, node: str) -> None:
    nvml, resources, plan = snapshot.nvml, snapshot.pod_resources, snapshot.plan
    for source, state in (("nvml", nvml.state), ("pod_resources", resources.state), ("plan", plan.state)):
        page.add_states("modelmonitor_source_state", f'{node},source="{source}"', state.value, _STATES)
    for source, read, count in (
        ("nvml", nvml.read, nvml.reading),
        ("pod_resources", resources.read, resources.reading),
    ):
        _collect_reading(page, f'{node},source="{source}"', read, count)


def _collect_reading(page: FamilyBuilder, labels: str, read: Instant | None, count: int) -> None:
    wall = None if read is None else read.wall
    page.add("modelmonitor_source_last_reading_timestamp_seconds", wall, labels)
    page.add("modelmonitor_source_readings_total", count, labels)


def _collect_scrapes(page: FamilyBuilder, snapshot: NodeSnapshot, node: str) -> None:
    totals = snapshot.scrapes
    for (endpoint, state), count in sorted(totals.endpoints.items()):
        page.add("modelmonitor_scrapes_total", count, f'{node},endpoint="{endpoint}",state="{state}"')
    page.add("modelmonitor_scrape_bad_lines_total", totals.bad_lines, node)
    page.add("modelmonitor_scrape_dropped_series_total", totals.dropped_series, node)
