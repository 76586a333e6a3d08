"""The pages of all monitors, put together of a part for each pod, so that a new reading renders that pod's part alone.

A part is rendered when the pod has been read, if the last one was scraped: so the scrape does not wait for it, and a
page that nobody wants costs nothing.
"""

from dataclasses import dataclass, field

from modelmonitor_api.names import LABEL_NODE, MonitorRef
from modelmonitor_api.plan import PlannedMonitor, PlannedPod
from modelmonitor_sidecar.collectors.families import Chunk, FamilyBuilder, label_text
from modelmonitor_sidecar.collectors.monitors import collect_target
from modelmonitor_sidecar.collectors.pod_gpus import collect_pod_gpus
from modelmonitor_sidecar.collectors.ranks import OnePart, Parts, RankedParts
from modelmonitor_sidecar.pages import Page, PageCache
from modelmonitor_sidecar.snapshot import NodeSnapshot, TargetSnapshot

_OWN_SERIES = 2
"""How many series a page has about itself."""


@dataclass(slots=True)
class _PodPart:
    """One pod's part of a page, and whether it has been handed out."""

    monitor: PlannedMonitor
    pod: PlannedPod
    target: TargetSnapshot
    chunk: Chunk
    used: bool = False


@dataclass(slots=True)
class _MonitorState:
    """What is kept of one monitor's page; parts by pod UID."""

    parts: dict[str, _PodPart] = field(default_factory=dict)
    cache: PageCache = field(default_factory=PageCache)


class MonitorPages:
    """Makes the pages of one node's monitors."""

    def __init__(self, node: str) -> None:
        self._node = node
        self._states: dict[MonitorRef, _MonitorState] = {}

    def page(self, snapshot: NodeSnapshot, monitor: PlannedMonitor) -> Page:
        """The page of one monitor of the plan: the same object while what it shows is the same."""
        state = self._states.setdefault(monitor.ref, _MonitorState())
        return state.cache.page(_shown(snapshot, monitor), lambda: self._collect(state, snapshot, monitor))

    def prepare(self, target: TargetSnapshot) -> None:
        """Render what a new reading changes on pages that were scraped since the last one, and drop it from others."""
        uid = target.target.pod.uid
        for state in self._states.values():
            known = state.parts.pop(uid, None)
            if known is not None:
                state.cache.drop()
                if known.used:
                    state.parts[uid] = self._render(known.monitor, known.pod, target)

    def forget(self) -> None:
        """Drop all pages: a new plan names other monitors, or says other things about the same."""
        self._states.clear()

    def _render(self, monitor: PlannedMonitor, pod: PlannedPod, target: TargetSnapshot) -> _PodPart:
        parts = OnePart()
        collect_target(parts, monitor, pod, target, self._node)
        return _PodPart(monitor, pod, target, parts.builder.chunk())

    def _collect(self, state: _MonitorState, snapshot: NodeSnapshot, monitor: PlannedMonitor) -> list[Chunk]:
        gpus = OnePart()
        collect_pod_gpus(gpus, snapshot, monitor, self._node)
        chunks = [*self._pod_chunks(state, snapshot, monitor), gpus.builder.chunk()]
        room = monitor.sample_limit - _OWN_SERIES
        left_out = 0
        if sum(chunk.series for chunk in chunks) > room:
            ranked = RankedParts()
            self._collect_ranked(ranked, snapshot, monitor)
            kept, left_out = ranked.within(room)
            chunks = [kept.chunk()]
        return [self._own(monitor, sum(chunk.series for chunk in chunks), left_out), *chunks]

    def _pod_chunks(self, state: _MonitorState, snapshot: NodeSnapshot, monitor: PlannedMonitor) -> list[Chunk]:
        parts: dict[str, _PodPart] = {}
        for pod in monitor.pods:
            target = snapshot.targets.get(pod.uid)
            if target is not None:
                known = state.parts.get(pod.uid)
                fresh = known is not None and known.target is target and known.monitor is monitor
                part = known if known is not None and fresh else self._render(monitor, pod, target)
                part.used = True
                parts[pod.uid] = part
        state.parts = parts
        return [part.chunk for part in parts.values()]

    def _collect_ranked(self, parts: Parts, snapshot: NodeSnapshot, monitor: PlannedMonitor) -> None:
        for pod in monitor.pods:
            target = snapshot.targets.get(pod.uid)
            if target is not None:
                collect_target(parts, monitor, pod, target, self._node)
        collect_pod_gpus(parts, snapshot, monitor, self._node)

    def _own(self, monitor: PlannedMonitor, series: int, left_out: int) -> Chunk:
        labels = label_text(
            [("modelmonitor", monitor.name), ("namespace", monitor.namespace), (LABEL_NODE, self._node)]
        )
        page = FamilyBuilder()
        page.add("modelmonitor_page_series", series + _OWN_SERIES, labels)
        page.add("modelmonitor_page_dropped_series", left_out, labels)
        return page.chunk()


def _shown(snapshot: NodeSnapshot, monitor: PlannedMonitor) -> tuple[object, ...]:
    """The objects that a monitor's page shows: while they are the same objects, so is the page."""
    targets = (snapshot.targets.get(pod.uid) for pod in monitor.pods)
    return (monitor, snapshot.nvml.gpus, snapshot.nvml.read, snapshot.pod_resources, *targets)
