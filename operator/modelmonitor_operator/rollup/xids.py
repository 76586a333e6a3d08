"""Xid events: nothing on the node remembers them, so the status does; merged, bounded, forgotten after an hour."""

from collections.abc import Iterable

from modelmonitor_api.findings import XID_SECONDS
from modelmonitor_api.status import MAX_EVENTS, GpuEvent
from modelmonitor_api.summary import NodeSummary
from modelmonitor_api.xid import XidAction, xid_action
from modelmonitor_operator.rollup.coverage import summary_delay
from modelmonitor_operator.rollup.gpus import HeldBy, HeldGpu
from modelmonitor_operator.rollup.inputs import NodeView
from modelmonitor_operator.timestamps import parse_time, render_time

SAME_EVENT_SECONDS = 5.0
"""Two reports of one Xid differ by the way from NVML to here; closer than this they are one event."""


def _reported(node: NodeView, now: float) -> Iterable[tuple[str, int, float]]:
    """GPU, Xid and time of each event that a sidecar still reports."""
    delay, summary = summary_delay(node, now), node.summary
    if delay is None or summary is None or not summary.nvml.xids:
        return
    by_index = _uuids_by_index(summary)
    for event in summary.nvml.xids:
        gpu = event.gpu_uuid or by_index.get(event.gpu_index)
        if gpu:
            yield gpu, event.code, now - delay - max(0.0, event.age_seconds)


def _uuids_by_index(summary: NodeSummary) -> dict[int | None, str]:
    return {gpu.index: gpu.uuid for gpu in summary.nvml.gpus if gpu.uuid}


def _physical(gpu: str, node: NodeView) -> str:
    return node.mig_parents.get(gpu, gpu)


def merge_events(
    remembered: Iterable[GpuEvent], gpus: Iterable[HeldGpu], nodes: Iterable[tuple[str, NodeView | None]], now: float
) -> tuple[GpuEvent, ...]:
    """The newest Xid of each GPU and code within the last hour: what was remembered, and what held GPUs report now."""
    held = {gpu.uuid for gpu in gpus}
    newest: dict[tuple[str, int], tuple[float, str]] = {}
    for event in remembered:
        at = parse_time(event.time)
        if at is not None and now - at < XID_SECONDS:
            newest[event.gpu, event.code] = (at, event.node)
    for name, node in nodes:
        for reported, code, at in _reported(node, now) if node else ():
            key = (_physical(reported, node) if node else reported, code)
            before = newest.get(key)
            is_new = before is None or at > before[0] + SAME_EVENT_SECONDS
            if key[0] in held and now - at < XID_SECONDS and is_new:
                newest[key] = (at, name)
    ordered = sorted(newest.items(), key=lambda item: (-item[1][0], item[0]))[:MAX_EVENTS]
    return tuple(GpuEvent(gpu=gpu, code=code, node=node, time=render_time(at)) for (gpu, code), (at, node) in ordered)


def _started_at(holder: HeldBy) -> float | None:
    """When the program that uses the GPU started: its container, or the pod where that is not known."""
    pod = holder.view.pod
    for container in pod.containers:
        if container.name == holder.container and container.started_at is not None:
            return container.started_at
    return pod.started_at


def is_mended(event: GpuEvent, gpu: HeldGpu) -> bool:
    """Whether a restart was all that NVIDIA advises, and every holder of the GPU has started since."""
    at = parse_time(event.time)
    if at is None or xid_action(event.code) is not XidAction.RESTART_APP:
        return False
    starts = [_started_at(holder) for holder in gpu.holders]
    return bool(starts) and all(start is not None and start > at for start in starts)
