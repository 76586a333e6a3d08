"""Rendering a monitor's page alone: pods that were read, in this process, without a server."""

import json
from collections.abc import Callable

from benchmarks.triton_pages import model_names, render_metrics, render_statistics
from modelmonitor_api.plan import NodePlanSpec, PlannedMonitor, PlannedPod
from modelmonitor_api.summary import EndpointReading, EndpointState, ModelReading, SourceState
from modelmonitor_sidecar.exposition import parse_page
from modelmonitor_sidecar.monitor_pages import MonitorPages
from modelmonitor_sidecar.pages import Page
from modelmonitor_sidecar.snapshot import Instant, NodeSnapshot, PlanSnapshot, Target, TargetSnapshot
from modelmonitor_sidecar.sources.triton_answers import parse_statistics

_OK = EndpointReading(state=EndpointState.OK)


def _read(pod: PlannedPod, number: int, models: int) -> TargetSnapshot:
    names = model_names(number, models)
    return TargetSnapshot(
        Target("team", pod, 15, (300,)),
        reading=1,
        read=Instant(1.0, 1.8e9),
        http=_OK,
        metrics=_OK,
        server_ready=True,
        models=tuple(ModelReading(name=name, version="1", ready=True) for name in names),
        statistics=parse_statistics(json.loads(render_statistics(names))),
        series=parse_page(render_metrics(names)).series,
    )


def render_page(pods: int, models: int) -> Callable[[], Page]:
    """Renders the whole page anew at each call; what is read is made before."""
    planned = tuple(
        PlannedPod(name=f"triton-{n}", uid=f"uid-{n}", ip="127.0.0.1", container="triton", http_port=1, metrics_port=2)
        for n in range(pods)
    )
    monitor = PlannedMonitor(
        namespace="team", name="fraud", uid="uid", interval_seconds=15, window_seconds=300, pods=planned
    )
    plan = PlanSnapshot(SourceState.OK, spec=NodePlanSpec(node_name="node-a", monitors=(monitor,)), listed=True)
    targets = {pod.uid: _read(pod, number, models) for number, pod in enumerate(planned)}
    snapshot = NodeSnapshot(plan=plan, targets=targets)
    return lambda: MonitorPages("node-a").page(snapshot, monitor)
