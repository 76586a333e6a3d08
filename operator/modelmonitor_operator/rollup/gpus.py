"""Which physical GPUs a monitor's pods hold, and what NVML says about each."""

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass

from modelmonitor_api.summary import GpuReading, GpuState
from modelmonitor_operator.rollup.coverage import PodView, is_fresh, summary_delay
from modelmonitor_operator.rollup.inputs import NodeView

_REPLICA = "::"
_GPU, _MIG = "GPU-", "MIG-"


@dataclass(frozen=True, slots=True)
class HeldBy:
    """One pod, and the container in it, that the kubelet gave the GPU or a share of it."""

    view: PodView
    container: str


@dataclass(frozen=True, slots=True)
class HeldGpu:
    """One physical GPU that at least one of the monitor's pods holds.

    Attributes:
        uuid: of the physical GPU; of the MIG instance where its GPU is not known.
        reading: None where NVML does not list the GPU.
    """

    uuid: str
    node: str
    view: NodeView
    reading: GpuReading | None
    holders: tuple[HeldBy, ...]

    @property
    def pods(self) -> list[str]:
        """Names of the pods, each once."""
        return sorted({holder.view.pod.name for holder in self.holders})

    @property
    def models(self) -> list[str]:
        """Models that those pods list, each once."""
        targets = (holder.view.models_target for holder in self.holders)
        return sorted({model.name for target in targets if target for model in target.models})


def physical_uuid(device_id: str, node: NodeView) -> str:
    """The GPU behind a device id of the kubelet: without the time-slice replica, and the parent of a MIG instance."""
    plain = device_id.partition(_REPLICA)[0]
    return node.mig_parents.get(plain, plain)


def _is_gpu(device_id: str) -> bool:
    return device_id.startswith((_GPU, _MIG))


def held_gpus(pods: Iterable[PodView], limit_seconds: float, now: float) -> tuple[HeldGpu, ...]:
    """The GPUs that the pods hold, on the nodes whose pod-resources reading is fresh; by node and UUID."""
    found: dict[tuple[str, str], dict[tuple[str, str], HeldBy]] = {}
    nodes: dict[str, NodeView] = {}
    for view in pods:
        node, name = view.node, view.pod.node
        if node is None or name is None or not _knows_holders(node, limit_seconds, now):
            continue
        nodes[name] = node
        for holder in node.holders.get((view.pod.namespace, view.pod.name), ()):
            for device_id in filter(_is_gpu, holder.device_ids):
                key = (name, physical_uuid(device_id, node))
                found.setdefault(key, {})[view.pod.uid, holder.container] = HeldBy(view, holder.container)
    return tuple(
        HeldGpu(uuid, name, nodes[name], nodes[name].gpus.get(uuid), tuple(found[name, uuid].values()))
        for name, uuid in sorted(found)
    )


def _knows_holders(node: NodeView, limit_seconds: float, now: float) -> bool:
    delay = summary_delay(node, now)
    if delay is None or node.summary is None:
        return False
    return is_fresh(node.summary.pod_resources, delay, limit_seconds)


def missing_gpus(node: NodeView) -> tuple[str, ...]:
    """Physical GPUs and MIG instances that the kubelet may hand out and NVML does not list."""
    if node.summary is None:
        return ()
    known = set(node.gpus)
    allocatable = {physical_uuid(device, node) for device in node.summary.pod_resources.allocatable if _is_gpu(device)}
    missing = sorted(allocatable - known)
    nameless = sum(1 for gpu in node.summary.nvml.gpus if not gpu.uuid)
    return tuple(missing[nameless:])


def gpus_by_node(gpus: Iterable[HeldGpu]) -> dict[str, list[HeldGpu]]:
    """The held GPUs of each node."""
    grouped: defaultdict[str, list[HeldGpu]] = defaultdict(list)
    for gpu in gpus:
        grouped[gpu.node].append(gpu)
    return grouped


def broken_reading(gpu: HeldGpu) -> GpuReading | None:
    """The reading that says that NVML cannot read the GPU; of a GPU without a UUID where the held one is not listed."""
    if gpu.reading is not None:
        return gpu.reading if gpu.reading.state is not GpuState.OK else None
    listed = gpu.view.summary.nvml.gpus if gpu.view.summary else ()
    return next((reading for reading in listed if not reading.uuid and reading.state is not GpuState.OK), None)
