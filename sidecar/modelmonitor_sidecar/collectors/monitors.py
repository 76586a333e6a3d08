"""One ModelMonitor's page: its pods, their models, Triton's own series under their own names, and the GPUs they hold.

The labels namespace, pod, node and container come from the plan. A page of Triton cannot set them: its own were dropped
when it was parsed.
"""

from modelmonitor_api.metrics import METRICS, Metric, sample_names
from modelmonitor_api.plan import PlannedMonitor
from modelmonitor_api.quantities import model_selected
from modelmonitor_api.summary import DeviceHolder, EndpointState, GpuReading
from modelmonitor_sidecar.collectors.families import Family, FamilyBuilder, Sample, label_text
from modelmonitor_sidecar.collectors.gpus import gpu_labels
from modelmonitor_sidecar.devices import DeviceIndex, Sharing
from modelmonitor_sidecar.snapshot import NodeSnapshot, TargetSnapshot

_FAMILY_OF: dict[str, Metric] = {
    name: metric for metric in METRICS.values() if metric.name.startswith("nv_") for name in sample_names(metric)
}


def collect_monitor(snapshot: NodeSnapshot, monitor: PlannedMonitor, node: str) -> tuple[Family, ...]:
    """Every family of one monitor's page."""
    page = FamilyBuilder()
    triton: dict[str, list[Sample]] = {}
    names: set[str] = set()
    for pod in monitor.pods:
        names.add(pod.name)
        target = snapshot.targets.get(pod.uid)
        if target is not None:
            labels = _pod_labels(monitor.namespace, pod.name, node, pod.container)
            _collect_target(page, target, labels, monitor)
            _collect_series(triton, target, labels, monitor)
    _collect_devices(page, snapshot, monitor.namespace, names, node)
    series = tuple(Family(METRICS[name], tuple(samples)) for name, samples in triton.items())
    return (*page.families(), *series)


def _pod_labels(namespace: str, pod: str, node: str, container: str) -> str:
    return label_text([("namespace", namespace), ("pod", pod), ("node", node), ("container", container)])


def _selected(monitor: PlannedMonitor, model: str) -> bool:
    return model_selected(monitor.models.include, monitor.models.exclude, model)


def _collect_target(page: FamilyBuilder, target: TargetSnapshot, labels: str, monitor: PlannedMonitor) -> None:
    for endpoint, reading in (("http", target.http), ("metrics", target.metrics)):
        if reading.state is not EndpointState.PENDING:
            up = 1 if reading.state is EndpointState.OK else 0
            page.add("modelmonitor_target_up", up, f'{labels},endpoint="{endpoint}"')
    read = None if target.read is None else target.read.wall
    page.add("modelmonitor_target_last_reading_timestamp_seconds", read, labels)
    page.add("modelmonitor_target_server_ready", target.server_ready, labels)
    page.add("modelmonitor_target_bad_lines", target.bad_lines, labels)
    page.add("modelmonitor_target_dropped_series", target.dropped_series, labels)
    for model in target.models:
        if _selected(monitor, model.name):
            own = label_text([("model", model.name), ("version", model.version)])
            page.add("modelmonitor_model_ready", model.ready, f"{labels},{own}")


def _collect_series(
    triton: dict[str, list[Sample]], target: TargetSnapshot, labels: str, monitor: PlannedMonitor
) -> None:
    chosen: dict[str, bool] = {}
    for series in target.series:
        model = series.labels.model
        if model not in chosen:
            chosen[model] = not model or _selected(monitor, model)
        if chosen[model]:
            text = f"{labels},{series.labels.text}" if series.labels.text else labels
            triton.setdefault(_FAMILY_OF[series.name].name, []).append(Sample(series.name, text, series.value))


def _collect_devices(page: FamilyBuilder, snapshot: NodeSnapshot, namespace: str, pods: set[str], node: str) -> None:
    index = DeviceIndex(snapshot.nvml.gpus, snapshot.pod_resources.holders)
    for holder in snapshot.pod_resources.holders:
        if holder.namespace == namespace and holder.pod in pods:
            _collect_holder(page, holder, index, node)


def _collect_holder(page: FamilyBuilder, holder: DeviceHolder, index: DeviceIndex, node: str) -> None:
    owner = _pod_labels(holder.namespace, holder.pod, node, holder.container)
    for device in holder.device_ids:
        gpu = index.gpu(device)
        sharing = index.sharing(device)
        which = label_text(gpu_labels(gpu)) if gpu else label_text([("uuid", index.unlisted_uuid(device))])
        labels = f"{owner},{which}" if which else owner
        more = label_text([("resource", holder.resource), ("device", device), ("sharing", sharing.value)])
        page.add("modelmonitor_pod_gpu_allocation_info", 1, f"{labels},{more}")
        if gpu is not None and sharing is Sharing.EXCLUSIVE:
            _collect_exclusive(page, gpu, labels)


def _collect_exclusive(page: FamilyBuilder, gpu: GpuReading, labels: str) -> None:
    page.add("modelmonitor_pod_gpu_utilization_ratio", gpu.utilization_ratio, labels)
    page.add("modelmonitor_pod_gpu_memory_used_bytes", gpu.memory_used_bytes, labels)
    page.add("modelmonitor_pod_gpu_memory_total_bytes", gpu.memory_total_bytes, labels)
    page.add("modelmonitor_pod_gpu_power_watts", gpu.power_watts, labels)
    page.add("modelmonitor_pod_gpu_temperature_celsius", gpu.temperature_celsius, labels)
