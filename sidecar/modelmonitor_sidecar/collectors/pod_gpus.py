"""The GPUs that a ModelMonitor's pods hold, joined to pod and model as far as that is true.

A reading belongs to a pod only if the pod holds the GPU alone, and to a model only if Triton's container holds no other
GPU and Triton has no other model ready. Where it is not so, an `_info` series says which GPU, and why there is no
reading.
"""

from collections.abc import Iterator, Sequence

from modelmonitor_api.plan import PlannedMonitor
from modelmonitor_api.summary import DeviceHolder, GpuReading, ModelReading
from modelmonitor_sidecar.collectors.families import FamilyBuilder, label_text
from modelmonitor_sidecar.collectors.gpus import gpu_labels
from modelmonitor_sidecar.collectors.monitors import monitor_selects, pod_labels
from modelmonitor_sidecar.collectors.ranks import Parts, Rank
from modelmonitor_sidecar.devices import DeviceIndex, Sharing
from modelmonitor_sidecar.snapshot import NodeSnapshot, TargetSnapshot

_POD_READINGS = ("utilization_ratio", "memory_used_bytes", "memory_total_bytes", "power_watts", "temperature_celsius")
_MODEL_READINGS = ("utilization_ratio", "memory_used_bytes", "power_watts")
_EXCLUSIVE, _SEVERAL_GPUS, _SEVERAL_MODELS = Sharing.EXCLUSIVE.value, "several_gpus", "shared_by_models"


def collect_pod_gpus(parts: Parts, snapshot: NodeSnapshot, monitor: PlannedMonitor, node: str) -> None:
    """Add the devices of the monitor's pods."""
    index = DeviceIndex(snapshot.nvml.gpus, snapshot.pod_resources.holders)
    holders: dict[str, list[DeviceHolder]] = {}
    for holder in snapshot.pod_resources.holders:
        if holder.namespace == monitor.namespace:
            holders.setdefault(holder.pod, []).append(holder)
    read = None if snapshot.nvml.read is None else snapshot.nvml.read.wall
    for pod in monitor.pods:
        held = holders.get(pod.name, ())
        page = parts.part(Rank.GPUS, pod.uid)
        for holder in held:
            _collect_holder(page, holder, index, pod_labels(monitor, pod.name, node, holder.container), read)
        target = snapshot.targets.get(pod.uid)
        if target is not None:
            devices = [d for h in held if h.container == pod.container or not pod.container for d in h.device_ids]
            owner = pod_labels(monitor, pod.name, node, pod.container)
            _collect_models(parts, monitor, target, list(_gpus(devices, index)), owner)


def _collect_holder(
    page: FamilyBuilder, holder: DeviceHolder, index: DeviceIndex, owner: str, read: float | None
) -> None:
    for device in holder.device_ids:
        gpu, sharing = index.gpu(device), index.sharing(device)
        which = label_text(gpu_labels(gpu) if gpu else [("uuid", index.unlisted_uuid(device))])
        labels = f"{owner},{which}" if which else owner
        more = label_text([("resource", holder.resource), ("device", device), ("sharing", sharing.value)])
        page.add("modelmonitor_pod_gpu_allocation_info", 1, f"{labels},{more}")
        if gpu is not None and sharing is Sharing.EXCLUSIVE:
            for name in _POD_READINGS:
                page.add(f"modelmonitor_pod_gpu_{name}", getattr(gpu, name), labels)
            page.add("modelmonitor_pod_gpu_last_reading_timestamp_seconds", read, labels)


def _gpus(devices: Sequence[str], index: DeviceIndex) -> Iterator[tuple[GpuReading, str]]:
    """Each GPU once, with the method by which its readings may be given to a model; `exclusive` as far as it knows."""
    seen: set[int] = set()
    for device in devices:
        gpu, sharing = index.gpu(device), index.sharing(device)
        if gpu is not None and gpu.index not in seen:
            seen.add(gpu.index)
            alone = sharing is not Sharing.EXCLUSIVE or len(devices) == 1
            yield gpu, sharing.value if alone else _SEVERAL_GPUS


def _collect_models(
    parts: Parts,
    monitor: PlannedMonitor,
    target: TargetSnapshot,
    gpus: Sequence[tuple[GpuReading, str]],
    owner: str,
) -> None:
    ready = [model for model in target.models if model.ready]
    several = len(ready) > 1 or target.dropped_models > 0
    for model in ready:
        if monitor_selects(monitor, model.name):
            page = parts.part(Rank.MODELS, f"{target.target.pod.uid}/{model.name}")
            for gpu, method in gpus:
                shared = several and method == _EXCLUSIVE
                _collect_model(page, model, gpu, _SEVERAL_MODELS if shared else method, owner)


def _collect_model(page: FamilyBuilder, model: ModelReading, gpu: GpuReading, method: str, owner: str) -> None:
    own = label_text([("model", model.name), ("version", model.version), *gpu_labels(gpu)])
    labels = f"{owner},{own}"
    page.add("modelmonitor_model_gpu_info", 1, f'{labels},method="{method}"')
    if method == _EXCLUSIVE:
        for name in _MODEL_READINGS:
            page.add(f"modelmonitor_model_gpu_{name}", getattr(gpu, name), labels)
