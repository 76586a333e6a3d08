"""Which devices a node with simulated GPUs offers, under the names of NVIDIA's device plugin."""

from collections.abc import Iterator
from dataclasses import dataclass

from modelmonitor_testbed.gpu.state import State

GPU = "nvidia.com/gpu"
SHARED_GPU = "nvidia.com/gpu.shared"


@dataclass(frozen=True)
class Sharing:
    """Time-slicing: how many pods may have one GPU, and whether the resource says so in its name."""

    replicas: int = 1
    renamed: bool = False

    @property
    def resource(self) -> str:
        """Return the resource name of whole GPUs."""
        return SHARED_GPU if self.renamed and self.replicas > 1 else GPU

    def device_ids(self, uuid: str) -> Iterator[str]:
        """Return the ids of one GPU: its UUID, or one `UUID::N` for each replica."""
        if self.replicas == 1:
            yield uuid
        else:
            yield from (f"{uuid}::{replica}" for replica in range(self.replicas))


@dataclass(frozen=True)
class Device:
    """One device as the kubelet sees it."""

    id: str
    healthy: bool


Offers = dict[str, tuple[Device, ...]]


def build_offers(state: State, sharing: Sharing) -> Offers:
    """Return devices by resource: GPUs whole or time-sliced, those in MIG mode by their instances' profiles.

    A GPU with `replicas` of its own is time-sliced into so many, under the resource name that says so, whatever the
    node's sharing is. A GPU that is lost or missing stays on offer, as it does until a plugin or its operator notices.
    """
    offers: Offers = {}
    for slot in range(int(state["gpus"])):
        for resource, device in _gpu_devices(state, f"gpu.{slot}", sharing):
            offers[resource] = (*offers.get(resource, ()), device)
    return offers


def _gpu_devices(state: State, prefix: str, sharing: Sharing) -> Iterator[tuple[str, Device]]:
    if state[f"{prefix}.mig_mode"] == "0":
        own = int(state.get(f"{prefix}.replicas", "1"))
        shared = Sharing(own, renamed=True) if own > 1 else sharing
        for device_id in shared.device_ids(state[f"{prefix}.uuid"]):
            yield shared.resource, Device(device_id, _healthy(state, prefix))
        return
    for instance in range(7):
        mig = f"{prefix}.mig.{instance}"
        if f"{mig}.uuid" in state:
            resource = f"nvidia.com/mig-{state[f'{mig}.profile']}"
            yield resource, Device(state[f"{mig}.uuid"], _healthy(state, mig))


def _healthy(state: State, prefix: str) -> bool:
    return state[f"{prefix}.device_health"] == "Healthy"
