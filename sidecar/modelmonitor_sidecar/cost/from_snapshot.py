"""A moment for the meters, out of what the sidecar has read."""

from collections.abc import Mapping

from modelmonitor_api.summary import GpuReading, GpuState, SourceState
from modelmonitor_sidecar.cost.moment import PPM, GpuSample, Moment, PodSample
from modelmonitor_sidecar.cost.shares import list_devices, list_holders
from modelmonitor_sidecar.snapshot import NodeSnapshot


def build_moment(at_us: int, snapshot: NodeSnapshot, pods: Mapping[str, PodSample]) -> Moment:
    """The node at `at_us`, microseconds of its boot clock, when NVML was read or failed to answer.

    Args:
        pods: by UID, what Triton counted; a pod of the plan that is missing here has not been read yet.
    """
    nvml, resources, plan = snapshot.nvml, snapshot.pod_resources, snapshot.plan.monitors
    planned = {(monitor.namespace, pod.name): pod.uid for monitor in plan for pod in monitor.pods}
    told = resources.state is SourceState.OK
    gpus = nvml.gpus if nvml.state is SourceState.OK else ()
    listed = ((one.namespace, one.pod, one.device_ids) for one in resources.holders)
    return Moment(
        at_us=at_us,
        devices=list_devices(nvml.gpus, resources.allocatable),
        gpus={gpu.uuid: _sample(gpu) for gpu in gpus if gpu.uuid and gpu.state is GpuState.OK},
        holders=list_holders(listed, planned) if told else None,
        pods=tuple(pods.get(uid) or PodSample(uid) for uid in sorted(set(planned.values()))),
    )


def _sample(gpu: GpuReading) -> GpuSample:
    """A GPU in MIG mode says no utilisation of its own, or one that means nothing for its slices."""
    busy = None if gpu.mig_enabled or gpu.utilization_ratio is None else round(gpu.utilization_ratio * PPM)
    energy = None if gpu.energy_joules is None else round(gpu.energy_joules * 1000)
    return GpuSample(busy, energy)
