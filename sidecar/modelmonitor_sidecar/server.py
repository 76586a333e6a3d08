"""What the sidecar serves: metrics pages, the signed summary, and two probes."""

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field

from aiohttp import web

from modelmonitor_api.cost_summary import CostReading
from modelmonitor_api.names import (
    HEALTHZ_PATH,
    METRICS_PATH,
    MONITORS_PATH,
    NONCE_HEADER,
    POD_UID_HEADER,
    READYZ_PATH,
    SIGNATURE_HEADER,
    SUMMARY_PATH,
    MonitorRef,
)
from modelmonitor_api.scrape_book import ScrapeBook
from modelmonitor_api.signing import sign_answer
from modelmonitor_sidecar.collectors.families import Chunk, FamilyBuilder
from modelmonitor_sidecar.collectors.gpus import collect_gpus
from modelmonitor_sidecar.collectors.own import Answered, Identity, ProcessReading, collect_own
from modelmonitor_sidecar.keys import Gate, RefusedError, SummaryRequest
from modelmonitor_sidecar.monitor_pages import MonitorPages
from modelmonitor_sidecar.page_answers import PageAnswers, plain_answer
from modelmonitor_sidecar.pages import PageCache
from modelmonitor_sidecar.snapshot import Clock, NodeSnapshot, SnapshotStore, TargetSnapshot
from modelmonitor_sidecar.summary import render_summary

STUCK_SECONDS = 30.0
"""The sidecar's own loop is stuck when it has not come round for so long."""


@dataclass(slots=True)
class Heartbeat:
    """When the sidecar's own work last came round, in seconds of the monotonic clock."""

    at: float


@dataclass(slots=True)
class Pages:
    """Everything that is served. Handlers read the newest snapshot; they never wait for a source.

    Attributes:
        read_cost: the meters of cost, for the summary.
        book: who scraped the monitors' pages.
    """

    store: SnapshotStore
    clock: Clock
    gate: Gate
    who: Identity
    read_process: Callable[[], ProcessReading]
    heartbeat: Heartbeat
    read_cost: Callable[[], CostReading | None]
    summary_requests: Counter[str] = field(default_factory=Counter)
    book: ScrapeBook = field(default_factory=ScrapeBook)
    answers: PageAnswers = field(init=False)
    _own_page: PageCache = field(default_factory=PageCache)
    _monitor_pages: MonitorPages = field(init=False)

    def __post_init__(self) -> None:
        self.answers = PageAnswers(self.book, self.clock)
        self._monitor_pages = MonitorPages(self.who.node)

    async def metrics(self, request: web.Request) -> web.Response:
        """The node's GPUs and the sidecar itself."""
        snapshot = self.store.newest
        return plain_answer(request, self._own_page.page((snapshot,), lambda: (self._collect(snapshot),)))

    def _collect(self, snapshot: NodeSnapshot) -> Chunk:
        page = FamilyBuilder()
        answered = Answered(self.summary_requests, self.book.results, self.book.missed)
        collect_own(page, snapshot, self.who, self.read_process(), answered)
        collect_gpus(page, snapshot, self.who.node)
        return page.chunk()

    async def monitor(self, request: web.Request) -> web.StreamResponse:
        """One ModelMonitor's pods and models."""
        ref = MonitorRef(request.match_info["namespace"], request.match_info["name"])
        snapshot = self.store.newest
        monitor = snapshot.monitor(ref)
        if monitor is None:
            self.answers.miss(request)
            return web.Response(status=404, text=f"this node's plan names no ModelMonitor {ref}\n")
        return await self.answers.send(request, self._monitor_pages.page(snapshot, monitor), ref)

    async def no_such_page(self, request: web.Request) -> web.Response:
        """A path beside those of the monitors: told in the summary, because somebody configured it."""
        self.answers.miss(request)
        return web.Response(status=404, text=f"a ModelMonitor's page is {MONITORS_PATH}/NAMESPACE/NAME{METRICS_PATH}\n")

    def follow_plan(self, snapshot: NodeSnapshot) -> None:
        """Serve the pages of the monitors that the plan names, and drop those of others."""
        monitors = {monitor.ref for monitor in snapshot.plan.monitors}
        self._monitor_pages.forget()
        self.book.forget(self.book.monitors - monitors)
        self.book.serve(monitors, self.clock().at)

    def prepare(self, target: TargetSnapshot) -> None:
        """Render what a new reading of a pod changes, before somebody asks."""
        self._monitor_pages.prepare(target)

    async def summary(self, request: web.Request) -> web.Response:
        """Everything that the operator judges by, signed with the key that it asked with."""
        asked = SummaryRequest(
            nonce=request.headers.get(NONCE_HEADER, ""),
            pod_uid=request.headers.get(POD_UID_HEADER, ""),
            signature=request.headers.get(SIGNATURE_HEADER, ""),
        )
        try:
            key = self.gate.admit(asked)
        except RefusedError as error:
            self.summary_requests[error.result] += 1
            return web.Response(status=401, text=f"{error}\n")
        self.summary_requests["answered"] += 1
        body = render_summary(self.store.newest, self.clock().at, self.who, self.book, self.read_cost())
        signature = sign_answer(key, asked.nonce, self.who.pod_uid, body)
        return web.Response(body=body, content_type="application/json", headers={SIGNATURE_HEADER: signature})

    async def healthz(self, _request: web.Request) -> web.Response:
        """Whether the sidecar's own work goes on. A hung driver or Triton is no reason to restart it."""
        silent = self.clock().at - self.heartbeat.at
        if silent > STUCK_SECONDS:
            return web.Response(status=503, text=f"the sidecar's own work has not come round for {silent:.0f} s\n")
        return web.Response(text="ok\n")

    async def readyz(self, _request: web.Request) -> web.Response:
        """Whether the plan has been listed once. The body says how it stands with each source."""
        snapshot = self.store.newest
        lines = (
            f"plan {snapshot.plan.state.value} {snapshot.plan.message}",
            f"nvml {snapshot.nvml.state.value} {snapshot.nvml.message}",
            f"pod-resources {snapshot.pod_resources.state.value} {snapshot.pod_resources.message}",
        )
        text = "".join(f"{line.rstrip()}\n" for line in lines)
        return web.Response(status=200 if snapshot.plan.listed else 503, text=text)


def build_application(pages: Pages) -> web.Application:
    """All routes."""
    application = web.Application(client_max_size=1024)
    application.add_routes(
        [
            web.get(METRICS_PATH, pages.metrics),
            web.get(f"{MONITORS_PATH}/{{namespace}}/{{name}}{METRICS_PATH}", pages.monitor),
            web.get(f"{MONITORS_PATH}{{path:.*}}", pages.no_such_page),
            web.get(SUMMARY_PATH, pages.summary),
            web.get(HEALTHZ_PATH, pages.healthz),
            web.get(READYZ_PATH, pages.readyz),
        ]
    )
    return application
