"""The GPUs: four whole ones, two that are time-sliced, two that are cut into slices now and then."""

from dataclasses import dataclass, field

from modelmonitor_sidecar.cost.shares import Device

PPM = 1_000_000
REPLICAS = 4
LAYOUTS = {"GPU-n3-0": ((3, 3, 1), (3, 3), (4, 3)), "GPU-n3-1": ((2, 2, 2, 1), (2, 2, 3), (2, 2, 1, 1, 1))}
"""Into what slices the GPUs of the third node are cut, by turns."""


@dataclass
class Gpu:
    """One physical GPU, with what it is cut into."""

    node: str
    uuid: str
    model: str
    devices: list[Device]
    free: list[Device] = field(default_factory=list)
    energy_mj: int = 0
    drawn_mj: int = 0
    """All of it, whatever the counter says."""
    busy_ppm: int = 0
    since_us: int = 0

    def settle(self, now_us: int) -> None:
        """Bring the energy counter up to now: 60 W, and 300 W more when busy."""
        more = (60 * PPM + 300 * self.busy_ppm) * (now_us - self.since_us) // (1000 * PPM)
        self.energy_mj += more
        self.drawn_mj += more
        self.since_us = now_us


def make_gpus() -> dict[str, Gpu]:
    """The GPUs of three nodes."""
    gpus: dict[str, Gpu] = {}
    for node, model, number in (("n1", "NVIDIA A100-SXM4-40GB", 4), ("n2", "NVIDIA A10G", 2), ("n3", "NVIDIA H100", 2)):
        for n in range(number):
            uuid = f"GPU-{node}-{n}"
            gpus[uuid] = Gpu(node, uuid, model, [])
            shared = node == "n2"
            gpus[uuid].devices = [Device(uuid, uuid, model, replicas=REPLICAS if shared else 1, shared=shared)]
            if node == "n3":
                gpus[uuid].devices = cut_slices(gpus[uuid], LAYOUTS[uuid][0], 0)
            gpus[uuid].free = gpus[uuid].devices * (REPLICAS if shared else 1)
    return gpus


def cut_slices(gpu: Gpu, layout: tuple[int, ...], now_us: int) -> list[Device]:
    """Slices of the given sizes, new ones each time."""
    return [Device(f"MIG-{gpu.uuid}-{now_us}-{n}", gpu.uuid, gpu.model, parts, 7) for n, parts in enumerate(layout)]
