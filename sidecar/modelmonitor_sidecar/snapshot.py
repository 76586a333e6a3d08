"""Everything that the sidecar knows at one moment, as one frozen value. The newest is published by one assignment.

Times are seconds of two clocks: `at` since the node booted, for ages and for the meters of cost; `wall` since the
epoch, for metrics pages.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace

from modelmonitor_api.names import MonitorRef
from modelmonitor_api.plan import NodePlanSpec, PlannedMonitor, PlannedPod
from modelmonitor_api.summary import (
    DeviceHolder,
    EndpointReading,
    GpuReading,
    ModelReading,
    SourceState,
)
from modelmonitor_sidecar.cost.moment import PodSample
from modelmonitor_sidecar.exposition import Series
from modelmonitor_sidecar.windows import ModelKey, StatisticsCounters

UNREAD = EndpointReading()
XID_SECONDS = 3600.0
MAX_XIDS = 64


@dataclass(frozen=True, slots=True)
class Instant:
    """One moment on both clocks, in seconds."""

    at: float
    wall: float

    @property
    def at_us(self) -> int:
        """`at` in whole microseconds."""
        return round(self.at * 1_000_000)


@dataclass(frozen=True, slots=True)
class PlanSnapshot:
    """The plan in force.

    Attributes:
        state: OK also where the server has no plan for this node; FAILED keeps the last plan in force.
        generation: of the NodePlan; None where there is none.
        listed: the API server has answered at least once.
        errors: times that listing or watching failed.
    """

    state: SourceState = SourceState.PENDING
    message: str = ""
    generation: int | None = None
    spec: NodePlanSpec | None = None
    listed: bool = False
    errors: int = 0

    @property
    def monitors(self) -> tuple[PlannedMonitor, ...]:
        """The monitors of the plan in force."""
        return () if self.spec is None else self.spec.monitors


@dataclass(frozen=True, slots=True)
class Xid:
    """One Xid event."""

    sequence: int
    code: int
    at: float
    gpu_uuid: str | None = None
    gpu_index: int | None = None


@dataclass(frozen=True, slots=True)
class NvmlSnapshot:
    """The newest that NVML said.

    Attributes:
        reading: rises by one for each reading and for each attempt that failed, one an interval while a call hangs.
        attempted_at: when `reading` last rose, in seconds since the node booted.
        gpus: empty once the newest reading is older than three intervals.
        xid_counts: events since the start, by (index, UUID, code).
    """

    state: SourceState = SourceState.PENDING
    message: str = ""
    reading: int = 0
    read: Instant | None = None
    attempted_at: float = 0.0
    driver_version: str | None = None
    nvml_version: str | None = None
    gpus: tuple[GpuReading, ...] = ()
    xids: tuple[Xid, ...] = ()
    xid_counts: tuple[tuple[tuple[int | None, str | None, int], int], ...] = ()


@dataclass(frozen=True, slots=True)
class PodResourcesSnapshot:
    """The newest that the kubelet said about devices. `holders` are of any pod; readers keep those of the plan."""

    state: SourceState = SourceState.PENDING
    message: str = ""
    reading: int = 0
    read: Instant | None = None
    allocatable: tuple[str, ...] = ()
    holders: tuple[DeviceHolder, ...] = ()


@dataclass(frozen=True, slots=True)
class Target:
    """One Triton pod to read, for all the monitors that select it."""

    namespace: str
    pod: PlannedPod
    interval_seconds: int
    windows: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class TargetSnapshot:
    """The newest reading of one pod. Models and series are those of the newest reading alone, never older ones.

    Attributes:
        read: when an endpoint last answered; None before.
        dropped_models: models that the node's budget has no room for.
        statistics: cumulative counters of the statistics API; empty where it was not read.
        counted: the newest answer of the statistics API as the meters of cost take it, with the models that the budget
            has no room for elsewhere; it outlives readings without an answer, which `read_at_us` of it shows.
    """

    target: Target
    reading: int = 0
    read: Instant | None = None
    http: EndpointReading = UNREAD
    metrics: EndpointReading = UNREAD
    server_ready: bool | None = None
    server_version: str | None = None
    bad_lines: int = 0
    dropped_series: int = 0
    dropped_models: int = 0
    models: tuple[ModelReading, ...] = ()
    statistics: Mapping[ModelKey, StatisticsCounters] = field(default_factory=dict)
    counted: PodSample | None = None
    series: tuple[Series, ...] = ()


@dataclass(frozen=True, slots=True)
class ScrapeTotals:
    """Counts of all readings since the start; `endpoints` by (endpoint, state)."""

    endpoints: Mapping[tuple[str, str], int] = field(default_factory=dict)
    bad_lines: int = 0
    dropped_series: int = 0


@dataclass(frozen=True, slots=True)
class NodeSnapshot:
    """Everything at one moment. `targets` by pod UID."""

    plan: PlanSnapshot = PlanSnapshot()
    nvml: NvmlSnapshot = NvmlSnapshot()
    pod_resources: PodResourcesSnapshot = PodResourcesSnapshot()
    targets: Mapping[str, TargetSnapshot] = field(default_factory=dict)
    scrapes: ScrapeTotals = ScrapeTotals()

    def monitor(self, ref: MonitorRef) -> PlannedMonitor | None:
        """The plan's entry for one monitor."""
        return next((monitor for monitor in self.plan.monitors if monitor.ref == ref), None)

    def planned_holders(self) -> tuple[DeviceHolder, ...]:
        """Who holds devices, of the pods that the plan names; the others are nobody's business."""
        planned = {(m.namespace, pod.name) for m in self.plan.monitors for pod in m.pods}
        return tuple(h for h in self.pod_resources.holders if (h.namespace, h.pod) in planned)


class SnapshotStore:
    """Holds the newest snapshot. Only the event loop's thread publishes; any thread may read `newest`.

    Attributes:
        on_target: called with each new reading of a pod.
        on_devices: called after each new state of NVML or of the kubelet.
    """

    def __init__(self) -> None:
        self.newest = NodeSnapshot()
        self.on_target: Callable[[TargetSnapshot], object] | None = None
        self.on_devices: Callable[[], object] | None = None

    def publish_plan(self, plan: PlanSnapshot) -> None:
        """A new state of the plan."""
        self.newest = replace(self.newest, plan=plan)

    def publish_nvml(self, nvml: NvmlSnapshot) -> None:
        """A new state of NVML."""
        self.newest = replace(self.newest, nvml=nvml)
        if self.on_devices is not None:
            self.on_devices()

    def publish_pod_resources(self, pod_resources: PodResourcesSnapshot) -> None:
        """A new state of the kubelet's pod-resources API."""
        self.newest = replace(self.newest, pod_resources=pod_resources)
        if self.on_devices is not None:
            self.on_devices()

    def publish_target(self, snapshot: TargetSnapshot) -> None:
        """A new reading of one pod."""
        uid = snapshot.target.pod.uid
        targets = {**self.newest.targets, uid: snapshot}
        self.newest = replace(self.newest, targets=targets, scrapes=_counted(self.newest.scrapes, snapshot))
        if self.on_target is not None:
            self.on_target(snapshot)

    def forget_target(self, pod_uid: str) -> None:
        """A pod that the plan no longer names."""
        targets = {uid: target for uid, target in self.newest.targets.items() if uid != pod_uid}
        self.newest = replace(self.newest, targets=targets)


def _counted(totals: ScrapeTotals, snapshot: TargetSnapshot) -> ScrapeTotals:
    endpoints = dict(totals.endpoints)
    for endpoint, reading in (("http", snapshot.http), ("metrics", snapshot.metrics)):
        key = (endpoint, reading.state.value)
        endpoints[key] = endpoints.get(key, 0) + 1
    return ScrapeTotals(
        endpoints, totals.bad_lines + snapshot.bad_lines, totals.dropped_series + snapshot.dropped_series
    )


Clock = Callable[[], Instant]
"""Tells the moment; tests give their own."""
