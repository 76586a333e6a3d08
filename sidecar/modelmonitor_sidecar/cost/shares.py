"""Which part of which physical GPU a pod holds, from the kubelet's device ids and NVML's list of slices.

Device ids: `GPU-…` whole, `GPU-…::N` one replica of a time-sliced GPU, `MIG-…` a slice, `MIG-…::N` a replica of one.
Source of the form of replicas: https://github.com/NVIDIA/k8s-device-plugin#shared-access-to-gpus
"""

import re
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace

from modelmonitor_api.summary import GpuReading, MigInstance

_PROFILE = re.compile(r"^(?:(\d+)c\.)?(\d+)g\.")
_SLICES = 7
_FEWER_SLICES = {"A30": 4}
"""GPUs that MIG cuts into fewer compute slices than seven.
Source: https://docs.nvidia.com/datacenter/tesla/mig-user-guide/ (supported MIG profiles)."""


@dataclass(frozen=True, slots=True)
class Device:
    """Something that the kubelet hands out: a GPU or a slice of one.

    Attributes:
        gpu: UUID of the physical GPU.
        parts, of: its size in compute slices of that GPU.
        replicas: how many times it can be handed out; 1 where it is not shared.
        understood: False where the size or the number of replicas is a guess.
    """

    uuid: str
    gpu: str
    gpu_model: str = ""
    parts: int = 1
    of: int = 1
    replicas: int = 1
    shared: bool = False
    understood: bool = True

    @property
    def is_slice(self) -> bool:
        """Whether it is a MIG instance."""
        return self.uuid != self.gpu


@dataclass(frozen=True, slots=True)
class Holder:
    """What one pod holds of one device.

    Attributes:
        pod: UID of a pod of the plan, or `namespace/name` of another.
        planned: whether the plan names it.
    """

    pod: str
    device: str
    replicas: int
    planned: bool


def slice_size(gpu_model: str, instance: MigInstance, gpu_memory_bytes: int | None) -> tuple[int, int, bool]:
    """Compute slices of a MIG instance, of how many, and whether that is known and not guessed from its memory."""
    of = next((slices for name, slices in _FEWER_SLICES.items() if name in gpu_model.split()), _SLICES)
    match = _PROFILE.match((instance.profile or "").removeprefix("MIG "))
    if match is not None:
        return min(of, max(1, int(match[1] or match[2]))), of, True
    if instance.memory_total_bytes and gpu_memory_bytes:
        return min(of, max(1, round(of * instance.memory_total_bytes / gpu_memory_bytes))), of, False
    return 1, of, False


def list_devices(gpus: Iterable[GpuReading], allocatable: Iterable[str]) -> dict[str, Device]:
    """The node's devices by UUID: a GPU in MIG mode is its slices, and what no slice takes is nobody's."""
    replicas = Counter(device.partition("::")[0] for device in allocatable if "::" in device)
    found: dict[str, Device] = {}
    for gpu in gpus:
        if gpu.uuid is None:
            continue
        model = gpu.name or ""
        for instance in gpu.mig_instances:
            parts, of, known = slice_size(model, instance, gpu.memory_total_bytes)
            found[instance.uuid] = _shared(
                Device(instance.uuid, gpu.uuid, model, parts, of, understood=known), replicas
            )
        if not gpu.mig_instances and not gpu.mig_enabled:
            found[gpu.uuid] = _shared(Device(gpu.uuid, gpu.uuid, model), replicas)
    return found


def _shared(device: Device, replicas: Mapping[str, int]) -> Device:
    count = replicas.get(device.uuid, 0)
    if not count:
        return device
    return replace(device, replicas=count, shared=True)


def list_holders(
    holders: Iterable[tuple[str, str, Iterable[str]]], planned: Mapping[tuple[str, str], str]
) -> tuple[Holder, ...]:
    """Who holds what, replicas of one device added up.

    Args:
        holders: namespace, pod and device ids, one for each container.
        planned: UID by namespace and name of the pods of the plan.
    """
    counts: Counter[tuple[str, str, bool]] = Counter()
    for namespace, pod, devices in holders:
        uid = planned.get((namespace, pod))
        for device in devices:
            counts[uid or f"{namespace}/{pod}", device.partition("::")[0], uid is not None] += 1
    return tuple(Holder(pod, device, count, known) for (pod, device, known), count in sorted(counts.items()))
