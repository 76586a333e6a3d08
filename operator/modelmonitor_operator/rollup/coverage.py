"""How well each pod is read: the freshness that every verdict rests on."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from modelmonitor_api.findings import FINDINGS, FindingCode
from modelmonitor_api.plan import PlannedPod
from modelmonitor_api.spec import ModelMonitorSpec
from modelmonitor_api.summary import EndpointState, NvmlReading, PodResourcesReading, SourceState, TargetReading
from modelmonitor_operator.observed import Pod, PollState
from modelmonitor_operator.rollup.candidates import WATCH, Readings, Source, SourceKind
from modelmonitor_operator.rollup.inputs import NodeView, RollupInput
from modelmonitor_operator.selection import NotTargetable, is_live, targetable

HOLD_SECONDS = 120.0
"""How long a source that gives nothing keeps its findings: a sidecar is replaced in less."""

_WELL = (EndpointState.OK, EndpointState.PENDING)


class Coverage(StrEnum):
    """How it stands with the reading of one pod."""

    NOT_TARGET = "NotTarget"
    """Not to be read: not running, or not readable."""
    UNWATCHED = "Unwatched"
    """Its node has no ready sidecar."""
    SILENT = "Silent"
    """Its node's sidecar does not answer."""
    PENDING = "Pending"
    """The sidecar has not read it yet."""
    STALE = "Stale"
    """The sidecar answers, and its newest reading of the pod is old."""
    READ = "Read"
    """Read freshly, be the answer good or bad."""


@dataclass(frozen=True, slots=True)
class PodView:
    """One selected, live pod with the newest reading of it."""

    pod: Pod
    planned: PlannedPod | NotTargetable
    coverage: Coverage
    node: NodeView | None = None
    target: TargetReading | None = None
    age_seconds: float | None = None

    @property
    def source(self) -> Source:
        """Whose readings count for findings of this pod."""
        return Source(SourceKind.TARGET, self.pod.uid)

    @property
    def container(self) -> str:
        """Container that serves Triton, empty where it is not known."""
        return self.planned.container if isinstance(self.planned, PlannedPod) else ""

    @property
    def models_target(self) -> TargetReading | None:
        """The reading, where it says something about models now: fresh, and Triton's HTTP endpoint answers."""
        if self.coverage is not Coverage.READ or self.target is None:
            return None
        return self.target if self.target.http.state is EndpointState.OK else None


def stale_seconds(interval_seconds: float, cycle_seconds: float) -> float:
    """The age from which a reading is no longer fresh: three intervals, and never less than two missed polls."""
    intervals = FINDINGS[FindingCode.READINGS_STALE].threshold or 3
    return max(intervals * interval_seconds, interval_seconds + 2 * cycle_seconds)


def is_failing(target: TargetReading) -> bool:
    """Whether an endpoint of the pod does not answer as Triton does."""
    return target.http.state not in _WELL or target.metrics.state not in _WELL


def summary_delay(node: NodeView, now: float) -> float | None:
    """Seconds since the node's believed summary arrived; None without one."""
    if node.summary is None or node.reading.received_at is None:
        return None
    return max(0.0, now - node.reading.received_at)


def is_fresh(source: NvmlReading | PodResourcesReading, delay_seconds: float, limit_seconds: float) -> bool:
    """Whether what a source of a node said, in a summary that came that long ago, still counts.

    After an error the source lists nothing, which is no proof that there is nothing.
    """
    known = source.state is SourceState.OK and source.age_seconds is not None
    return known and (source.age_seconds or 0.0) + delay_seconds <= limit_seconds


def _covered(pod: Pod, planned: PlannedPod, given: RollupInput, limit: float, now: float) -> PodView:
    node = given.nodes.get(pod.node or "")
    if node is None:
        return PodView(pod, planned, Coverage.UNWATCHED)
    delay = summary_delay(node, now)
    if delay is None or delay > limit:
        if not node.reading.sidecar.ready and node.summary is None:
            return PodView(pod, planned, Coverage.UNWATCHED, node)
        asked = node.reading.state is not PollState.PENDING
        return PodView(pod, planned, Coverage.SILENT if asked else Coverage.PENDING, node)
    target = node.targets.get(pod.uid)
    if target is None or target.namespace != pod.namespace:
        return PodView(pod, planned, Coverage.PENDING, node)
    age = None if target.age_seconds is None else target.age_seconds + delay
    return PodView(pod, planned, _target_coverage(target, age, limit), node, target, age)


def _target_coverage(target: TargetReading, age: float | None, limit: float) -> Coverage:
    if is_failing(target):
        return Coverage.READ
    if age is None:
        return Coverage.PENDING
    return Coverage.STALE if age > limit else Coverage.READ


def cover_pods(given: RollupInput, spec: ModelMonitorSpec, now: float) -> tuple[PodView, ...]:
    """A view of each live pod."""
    limit = stale_seconds(spec.interval_seconds, given.cycle_seconds)
    views = []
    for pod in given.pods:
        if not is_live(pod):
            continue
        planned = targetable(pod, spec)
        if isinstance(planned, NotTargetable):
            views.append(PodView(pod, planned, Coverage.NOT_TARGET))
        else:
            views.append(_covered(pod, planned, given, limit, now))
    return tuple(views)


def _node_readings(name: str, node: NodeView, limit: float, now: float) -> dict[Source, int | None]:
    asked = node.reading.state is not PollState.PENDING
    found: dict[Source, int | None] = {Source(SourceKind.POLL, name): node.reading.attempt if asked else None}
    found[Source(SourceKind.NVML, name)] = found[Source(SourceKind.POD_RESOURCES, name)] = None
    delay, summary = summary_delay(node, now), node.summary
    if delay is not None and summary is not None:
        if is_fresh(summary.nvml, delay, limit):
            found[Source(SourceKind.NVML, name)] = summary.nvml.reading
        if is_fresh(summary.pod_resources, delay, limit):
            found[Source(SourceKind.POD_RESOURCES, name)] = summary.pod_resources.reading
    return found


def observe_readings(
    pods: tuple[PodView, ...], given: RollupInput, limit: float, now: float
) -> dict[Source, int | None]:
    """The newest reading of every source of this monitor; None where a source gives no fresh one."""
    readings: dict[Source, int | None] = {WATCH: 0}
    for view in pods:
        if view.coverage is not Coverage.NOT_TARGET:
            fresh = view.coverage is Coverage.READ and view.target is not None
            readings[view.source] = view.target.reading if fresh and view.target else None
    for name in sorted({view.pod.node for view in pods if view.pod.node}):
        node = given.nodes.get(name)
        if node is None:
            readings.update({Source(kind, name): None for kind in (SourceKind.NVML, SourceKind.POD_RESOURCES)})
        else:
            readings.update(_node_readings(name, node, limit, now))
    return readings


def renew_freshness(readings: Readings, previous: Mapping[Source, float], now: float) -> dict[Source, float]:
    """When each source that still exists was last fresh, in seconds since the epoch."""
    renewed = {source: now for source, reading in readings.items() if reading is not None}
    return renewed | {source: previous[source] for source in readings if source not in renewed and source in previous}


def drop_gone(readings: Readings, fresh_at: Mapping[Source, float], now: float) -> dict[Source, int | None]:
    """The readings without the sources that have been silent for too long to be waited for."""
    return {
        source: reading
        for source, reading in readings.items()
        if reading is not None or (source in fresh_at and now - fresh_at[source] <= HOLD_SECONDS)
    }
