"""What metering adds to a cycle of the sidecar: CPU of one moment taken, and of the meters in the summary.

A node of 8 GPUs in four replicas each and 16 Triton pods with two replicas; all counters rise at every reading.
The baseline is the summary of the same node without cost.
"""

import gc
import time
from collections.abc import Callable, Sequence
from dataclasses import replace

from benchmarks.synthetic import GPUS, build_gpu, build_model, gpu_uuid
from benchmarks.table import Row
from modelmonitor_api.cost_summary import CostReading, Counters
from modelmonitor_api.plan import NodePlanSpec, PlannedMonitor, PlannedPod
from modelmonitor_api.scrape_book import ScrapeBook
from modelmonitor_api.summary import DeviceHolder, EndpointReading, EndpointState, SourceState
from modelmonitor_sidecar.collectors.own import Identity
from modelmonitor_sidecar.cost.moment import PodSample
from modelmonitor_sidecar.metering import Metering
from modelmonitor_sidecar.snapshot import (
    Instant,
    NodeSnapshot,
    NvmlSnapshot,
    PlanSnapshot,
    PodResourcesSnapshot,
    SnapshotStore,
    Target,
    TargetSnapshot,
)
from modelmonitor_sidecar.summary import render_summary

GOAL_MILLISECONDS = 5.0
PODS, REPLICAS, INTERVAL_SECONDS = 16, 4, 15
CYCLES = 200
_NODE = "node-a"
_WHO = Identity(_NODE, "uid-sidecar", "0")
_OK = EndpointReading(state=EndpointState.OK)


def _build_node(models: int) -> NodeSnapshot:
    """Everything read once; `models` in all."""
    pods = tuple(
        PlannedPod(name=f"triton-{n}", uid=f"uid-{n}", ip="10.0.0.1", container="triton", http_port=1, metrics_port=2)
        for n in range(PODS)
    )
    monitor = PlannedMonitor(
        namespace="team", name="fraud", uid="uid", interval_seconds=INTERVAL_SECONDS, window_seconds=300, pods=pods
    )
    devices = [f"{gpu_uuid(_NODE, slot)}::{replica}" for slot in range(GPUS) for replica in range(REPLICAS)]
    holders = tuple(
        DeviceHolder(
            namespace="team",
            pod=pod.name,
            container="triton",
            resource="nvidia.com/gpu",
            device_ids=tuple(devices[2 * n : 2 * n + 2]),
        )
        for n, pod in enumerate(pods)
    )
    read = Instant(1.0, 1.8e9)
    return NodeSnapshot(
        plan=PlanSnapshot(SourceState.OK, spec=NodePlanSpec(node_name=_NODE, monitors=(monitor,)), listed=True),
        nvml=NvmlSnapshot(SourceState.OK, read=read, gpus=tuple(build_gpu(_NODE, slot) for slot in range(GPUS))),
        pod_resources=PodResourcesSnapshot(SourceState.OK, "", 1, read, tuple(devices), holders),
        targets={
            pod.uid: TargetSnapshot(
                Target("team", pod, INTERVAL_SECONDS, (300,)),
                reading=1,
                read=read,
                http=_OK,
                metrics=_OK,
                models=tuple(build_model(number, 100) for number in range(n, models, PODS)),
            )
            for n, pod in enumerate(pods)
        },
    )


def _read_everything(node: NodeSnapshot, cycle: int) -> NodeSnapshot:
    """The node an interval later: every counter has risen."""
    at = (cycle + 1) * INTERVAL_SECONDS
    targets = {}
    for uid, target in node.targets.items():
        counted = {
            (model.name, model.version): Counters.model_construct(
                execution_us=at * 10_000 * (n + 1), succeeded=at * 10, failed=at, inferences=at * 10, cached=at
            )
            for n, model in enumerate(target.models)
        }
        targets[uid] = replace(target, counted=PodSample(uid, at * 1_000_000 - 1, counted))
    gpus = tuple(gpu.model_copy(update={"energy_joules": 300.0 * at}) for gpu in node.nvml.gpus)
    return replace(node, nvml=replace(node.nvml, gpus=gpus, reading=cycle + 1, attempted_at=float(at)), targets=targets)


def _render(node: NodeSnapshot, cost: CostReading | None) -> int:
    return len(render_summary(node, node.nvml.attempted_at, _WHO, ScrapeBook(), cost))


def _time(work: Callable[[], object]) -> float:
    """Milliseconds of CPU."""
    began = time.process_time()
    work()
    return 1000 * (time.process_time() - began)


def measure_node(models: int) -> tuple[float, float, float]:
    """Milliseconds of CPU for a cycle, and for the summary without cost; KiB that cost adds to the summary."""
    node, store = _build_node(models), SnapshotStore()
    metering = Metering(store, lambda: Instant(store.newest.nvml.attempted_at, 1.8e9), "boot")
    metered = plain = 0.0
    bytes_of_cost = 0
    gc.collect()
    for cycle in range(CYCLES):
        store.newest = _read_everything(node, cycle)
        metered += _time(metering.follow) + _time(lambda: _render(store.newest, metering.read()))
        plain += _time(lambda: _render(store.newest, None))
        bytes_of_cost = _render(store.newest, metering.read()) - _render(store.newest, None)
    _check(metering.read(), models)
    return (metered - plain) / CYCLES, plain / CYCLES, bytes_of_cost / 1024


def _check(reading: CostReading | None, models: int) -> None:
    """What was timed has metered: every model used something, and the buckets are the device.

    Raises:
        AssertionError: it has not.
    """
    assert reading is not None
    used = [one.used_us for pod in reading.pods for one in pod.models]
    assert (len(used), min(used) > 0) == (models, True)
    for device in reading.devices:
        assert device.used_us + device.idle_us + device.other_us + device.unallocated_us == device.wall_us > 0


def measure(report: Callable[[str], None]) -> Sequence[Row]:
    """Two sizes of a node, a few seconds each."""
    rows = []
    for models, goal in ((50, GOAL_MILLISECONDS), (50 * PODS, None)):
        report(f"{models} models")
        cycle, plain, kib = measure_node(models)
        what = f"sidecar, cost of {GPUS} GPUs, {PODS} pods, {models} models"
        rows.append(Row(f"{what}: CPU a cycle", cycle, "ms", goal, plain, "the summary without cost"))
        report(f"{kib:.0f} KiB of the summary are cost")
    return rows
