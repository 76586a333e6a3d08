"""What a node with busy models and well GPUs says in its summary, without any node."""

from collections.abc import Iterable
from dataclasses import dataclass

from modelmonitor_api.plan import PlannedMonitor
from modelmonitor_api.summary import (
    DeviceHolder,
    EndpointReading,
    EndpointState,
    GpuReading,
    ModelReading,
    ModelWindow,
    NodeSummary,
    NvmlReading,
    PodResourcesReading,
    SourceState,
    TargetReading,
)

_WELL = EndpointReading(state=EndpointState.OK)
GPUS = 8


@dataclass(frozen=True, slots=True)
class Load:
    """How many models each pod serves, and how many requests each had in its window; none at all for 0."""

    models: int
    requests: int = 1000


@dataclass(frozen=True, slots=True)
class Identity:
    """Which sidecar speaks."""

    node: str
    pod_uid: str


def gpu_uuid(node: str, slot: int) -> str:
    """UUID of a GPU of a node."""
    return f"GPU-{node}-{slot:04d}"


def build_window(number: int, requests: int) -> ModelWindow:
    """A whole window of five minutes in which a model answered, a few times with a failure."""
    failures = number % 3 if requests else 0
    return ModelWindow(
        window_seconds=300,
        covered_seconds=300.0,
        successes=requests,
        failures=failures,
        success_seconds=requests * 0.0123,
        queue_seconds=requests * 0.0011,
        compute_seconds=requests * 0.0109,
        metrics_requests=requests + failures,
        failure_reasons={"REJECTED": 0, "CANCELED": 0, "BACKEND": failures, "OTHER": 0},
        pending_before=2.0 if requests else 0.0,
    )


def build_model(number: int, requests: int) -> ModelReading:
    """One busy model."""
    return ModelReading(
        name=f"model-{number:03d}",
        version="1",
        ready=True,
        pending_requests=2.0 if requests else 0.0,
        latency_p99_seconds=0.0345 if requests else None,
        success_total=1_000_000 + requests,
        failure_total=100 + number % 3,
        windows=(build_window(number, requests),),
    )


def build_gpu(node: str, slot: int) -> GpuReading:
    """One well GPU, every field read."""
    return GpuReading(
        index=slot,
        uuid=gpu_uuid(node, slot),
        name="NVIDIA A100-SXM4-80GB",
        pci_bus_id=f"00000000:{slot + 1:02X}:00.0",
        utilization_ratio=0.61,
        memory_utilization_ratio=0.22,
        memory_used_bytes=20 << 30,
        memory_total_bytes=80 << 30,
        power_watts=271.4,
        power_limit_watts=400.0,
        energy_joules=123456789.5,
        temperature_celsius=61.0,
        slowdown_temperature_celsius=89.0,
        sm_clock_hertz=1.41e9,
        memory_clock_hertz=1.593e9,
        clock_event_reasons=0,
        ecc_uncorrected_volatile=0,
        ecc_corrected_volatile=0,
        ecc_uncorrected_aggregate=0,
        ecc_corrected_aggregate=0,
        remapped_rows_correctable=0,
        remapped_rows_uncorrectable=0,
        remapped_rows_pending=False,
        remapped_rows_failure=False,
        pcie_replays=0,
        mig_enabled=False,
    )


def _targets(monitor: PlannedMonitor, load: Load, reading: int) -> Iterable[TargetReading]:
    for pod in monitor.pods:
        yield TargetReading(
            namespace=monitor.namespace,
            pod=pod.name,
            pod_uid=pod.uid,
            reading=reading,
            age_seconds=3.2,
            interval_seconds=monitor.interval_seconds,
            http=_WELL,
            metrics=_WELL,
            server_ready=True,
            server_version="2.51.0",
            models=tuple(build_model(number, load.requests * (number + 1)) for number in range(load.models)),
            models_total=load.models,
        )


def _holders(node: str, monitors: Iterable[PlannedMonitor]) -> Iterable[DeviceHolder]:
    pods = [(monitor.namespace, pod.name) for monitor in monitors for pod in monitor.pods]
    for slot, (namespace, pod) in enumerate(pods[:GPUS]):
        yield DeviceHolder(
            namespace=namespace,
            pod=pod,
            container="triton",
            resource="nvidia.com/gpu",
            device_ids=(gpu_uuid(node, slot),),
        )


def build_summary(
    who: Identity, monitors: tuple[PlannedMonitor, ...], load: Load, *, reading: int, plan_generation: int
) -> NodeSummary:
    """The summary of a node on which every pod of the plan serves the load."""
    return NodeSummary(
        sidecar_version="0.0.0",
        node=who.node,
        pod_uid=who.pod_uid,
        plan_generation=plan_generation,
        nvml=NvmlReading(
            state=SourceState.OK,
            reading=reading,
            age_seconds=4.1,
            driver_version="580.95.05",
            nvml_version="13.580.95.05",
            gpus=tuple(build_gpu(who.node, slot) for slot in range(GPUS)),
        ),
        pod_resources=PodResourcesReading(
            state=SourceState.OK,
            reading=reading,
            age_seconds=4.1,
            allocatable=tuple(gpu_uuid(who.node, slot) for slot in range(GPUS)),
            holders=tuple(_holders(who.node, monitors)),
        ),
        targets=tuple(target for monitor in monitors for target in _targets(monitor, load, reading)),
    )
