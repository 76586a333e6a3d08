"""One monitor's situation, worked out once a cycle and read by every rule."""

from collections import defaultdict
from dataclasses import dataclass

from modelmonitor_api.findings import FindingCode, ObjectKind
from modelmonitor_api.spec import ModelMonitorSpec
from modelmonitor_api.status import GpuEvent
from modelmonitor_operator.rollup.candidates import Candidate, Readings, Source, SourceKind
from modelmonitor_operator.rollup.coverage import (
    Coverage,
    PodView,
    cover_pods,
    observe_readings,
    stale_seconds,
)
from modelmonitor_operator.rollup.gpus import HeldGpu, held_gpus
from modelmonitor_operator.rollup.inputs import NodeView, RollupInput
from modelmonitor_operator.rollup.models import ModelTotals, is_judged, total_models

_NEEDS_REQUESTS = (FindingCode.MODEL_FAILING, FindingCode.MODEL_SLOW, FindingCode.QUEUE_GROWING)


@dataclass(frozen=True, slots=True)
class MonitorView:
    """What the rules look at.

    Attributes:
        pods: the live ones.
        nodes: those of the pods that are to be read, None where the node has no sidecar.
        readings: by source, before the silent ones are dropped.
        events: Xids of the last hour on the nodes of the pods.
    """

    given: RollupInput
    spec: ModelMonitorSpec
    now: float
    limit_seconds: float
    pods: tuple[PodView, ...]
    nodes: tuple[tuple[str, NodeView | None], ...]
    models: tuple[ModelTotals, ...]
    gpus: tuple[HeldGpu, ...]
    readings: Readings
    events: tuple[GpuEvent, ...] = ()

    @property
    def namespace(self) -> str:
        """Namespace of the monitor and its pods."""
        return self.given.monitor.ref.namespace

    @property
    def window(self) -> str:
        """The window as the spec writes it."""
        return self.spec.health.window

    def pods_by_node(self) -> dict[str, list[PodView]]:
        """The pods of each node, without those that no node has."""
        grouped: defaultdict[str, list[PodView]] = defaultdict(list)
        for one in self.pods:
            if one.pod.node is not None:
                grouped[one.pod.node].append(one)
        return grouped

    def count(self, *wanted: Coverage) -> int:
        """How many pods are covered in one of these ways."""
        return sum(view.coverage in wanted for view in self.pods)

    def undecided(self, candidate: Candidate, readings: Readings) -> bool:
        """Whether the readings, though fresh, say nothing about a finding yet: it then stays as it is."""
        if candidate.key.kind is ObjectKind.GPU:
            nodes = [source.name for source in candidate.sources if source.kind is SourceKind.NVML]
            return any(readings.get(Source(SourceKind.POD_RESOURCES, node), 0) is None for node in nodes)
        if candidate.key.code not in _NEEDS_REQUESTS:
            return False
        total = next((total for total in self.models if total.label == candidate.key.name), None)
        return total is not None and not total.fully_covered and not is_judged(self.spec, total)


def view_monitor(given: RollupInput, spec: ModelMonitorSpec, now: float) -> MonitorView:
    """The situation of a monitor whose spec can be read."""
    limit = stale_seconds(spec.interval_seconds, given.cycle_seconds)
    pods = cover_pods(given, spec, now)
    names = sorted({view.pod.node for view in pods if view.coverage is not Coverage.NOT_TARGET and view.pod.node})
    return MonitorView(
        given=given,
        spec=spec,
        now=now,
        limit_seconds=limit,
        pods=pods,
        nodes=tuple((name, given.nodes.get(name)) for name in names),
        models=total_models(pods, spec),
        gpus=held_gpus(pods, limit, now),
        readings=observe_readings(pods, given, limit, now),
    )
