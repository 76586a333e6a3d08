"""Which physical GPU a device id of the kubelet means: `GPU-…`, `GPU-…::N` (a replica), `MIG-…`, `MIG-…::N`."""

from collections.abc import Iterable
from enum import StrEnum

from modelmonitor_api.summary import DeviceHolder, GpuReading


class Sharing(StrEnum):
    """How a container holds a device."""

    EXCLUSIVE = "exclusive"
    TIMESLICE = "timeslice"
    MIG = "mig"


class DeviceIndex:
    """Finds GPUs by device id, once a page."""

    def __init__(self, gpus: Iterable[GpuReading], holders: Iterable[DeviceHolder]) -> None:
        self._gpus: dict[str, GpuReading] = {}
        self._mig: set[str] = set()
        for gpu in gpus:
            if gpu.uuid:
                self._gpus[gpu.uuid] = gpu
            for instance in gpu.mig_instances:
                self._gpus[instance.uuid] = gpu
                self._mig.add(instance.uuid)
        self._containers: dict[str, set[tuple[str, str, str]]] = {}
        for holder in holders:
            for device in holder.device_ids:
                key = (holder.namespace, holder.pod, holder.container)
                self._containers.setdefault(_physical(device), set()).add(key)

    def gpu(self, device: str) -> GpuReading | None:
        """The GPU of a device id; None where NVML does not list it."""
        return self._gpus.get(_physical(device))

    def sharing(self, device: str) -> Sharing:
        """How the device is held: a replica, and a device that several containers hold, is time-sliced."""
        uuid = _physical(device)
        if uuid.startswith("MIG-") or uuid in self._mig:
            return Sharing.MIG
        shared = "::" in device or len(self._containers.get(uuid, ())) > 1
        return Sharing.TIMESLICE if shared else Sharing.EXCLUSIVE

    @staticmethod
    def unlisted_uuid(device: str) -> str:
        """The UUID of a physical GPU that NVML does not list; empty for a MIG instance, whose GPU is not known then."""
        uuid = _physical(device)
        return "" if uuid.startswith("MIG-") else uuid


def _physical(device: str) -> str:
    return device.partition("::")[0]
