"""What a simulated GPU is when it is well: an 80 GB A100 with the fields of the state file.

Units are in the names or those of NVML: °C, percent, MHz. Figures are round ones near NVIDIA's data sheet.
"""

import uuid
from dataclasses import dataclass

from modelmonitor_testbed.gpu.state import State

# Slices and memory of the A100 80 GB: docs.nvidia.com/datacenter/tesla/mig-user-guide, "A100 MIG Profiles".
MIG_PROFILES = {"1g.10gb": (1, 9856), "2g.20gb": (2, 19968), "3g.40gb": (3, 40192), "7g.80gb": (7, 80896)}
NAME = "NVIDIA A100-SXM4-80GB"

HEALTHY = {
    "name": NAME,
    "lost": "0",
    "missing": "0",
    "utilization": "30",
    "temperature": "45",
    "shutdown_temperature": "92",
    "slowdown_temperature": "89",
    "gpu_max_temperature": "85",
    "memory_max_temperature": "95",
    "memory_total_mib": "81920",
    "memory_used_mib": "20480",
    "memory_reserved_mib": "640",
    "idle_power_watts": "60",
    "power_limit_watts": "400",
    "graphics_clock": "1410",
    "sm_clock": "1410",
    "memory_clock": "1593",
    "video_clock": "1275",
    "max_graphics_clock": "1410",
    "max_sm_clock": "1410",
    "max_memory_clock": "1593",
    "max_video_clock": "1290",
    "clock_event_reasons": "0x0",
    "supported_clock_event_reasons": "0x1ff",
    "ecc_mode": "1",
    "ecc_corrected_volatile": "0",
    "ecc_uncorrected_volatile": "0",
    "ecc_corrected_aggregate": "0",
    "ecc_uncorrected_aggregate": "0",
    "remapped_corrected": "0",
    "remapped_uncorrected": "0",
    "remap_pending": "0",
    "remap_failed": "0",
    "retired_pages_pending": "unsupported",
    "pcie_replay": "0",
    "mig_mode": "0",
    "replicas": "1",
    "persistence_mode": "1",
    "compute_mode": "0",
    "compute_capability": "8.0",
    "device_health": "Healthy",
}
LAYOUT = frozenset({"mig_mode", "replicas"})
"""How a GPU is divided: by its administrator, so that getting well changes nothing in it."""
OPTIONAL_FIELDS = frozenset(
    {"power_watts", "memory_utilization", "pcie_tx_kb", "pcie_rx_kb", "processes", "fan_speed", "performance_state"}
)
MIG_FIELDS = frozenset({"memory_total_mib", "memory_used_mib", "device_health"})


@dataclass(frozen=True)
class Node:
    """A machine with simulated GPUs: the same name always gives the same identifiers."""

    name: str
    gpus: int
    mig: dict[int, tuple[str, ...]]

    def gpu_uuid(self, slot: int) -> str:
        """Return the UUID of one GPU, as NVML writes it."""
        return f"GPU-{uuid.uuid5(uuid.NAMESPACE_DNS, f'{self.name}/{slot}')}"

    def mig_uuid(self, slot: int, instance: int) -> str:
        """Return the UUID of one MIG instance, as NVML writes it."""
        return f"MIG-{uuid.uuid5(uuid.NAMESPACE_DNS, f'{self.name}/{slot}/{instance}')}"


def build_state(node: Node, now: float) -> State:
    """Return the state of a node whose GPUs are well; ValueError for a MIG layout that no A100 has."""
    state = {
        "gpus": str(node.gpus),
        "node": node.name,
        "driver": "loaded",
        "driver_version": "580.95.05",
        "nvml_version": "13.580.95.05",
        "cuda_version": "13000",
        "xids": "0",
        "first_xid": "1",
    }
    for slot in range(node.gpus):
        state |= {f"gpu.{slot}.{name}": value for name, value in _gpu(node, slot, now).items()}
        state |= _instances(node, slot)
    return state


def _gpu(node: Node, slot: int, now: float) -> State:
    identity = {
        "uuid": node.gpu_uuid(slot),
        "serial": str(1320000000000 + uuid.uuid5(uuid.NAMESPACE_DNS, f"{node.name}/{slot}").int % 10**9),
        "minor": str(slot),
        "pci_bus_id": f"00000000:{slot + 1:02X}:00.0",
        "vbios_version": "92.00.A0.00.05",
        "energy_millijoules": "0",
        "energy_at": f"{now:.3f}",
        "mig_mode": "1" if slot in node.mig else "0",
    }
    return HEALTHY | identity


def _instances(node: Node, slot: int) -> State:
    profiles = node.mig.get(slot, ())
    unknown = [profile for profile in profiles if profile not in MIG_PROFILES]
    if unknown:
        raise ValueError(f"MIG profile {unknown[0]} is not one of {', '.join(MIG_PROFILES)}")
    if sum(MIG_PROFILES[profile][0] for profile in profiles) > 7:
        raise ValueError(f"GPU {slot}: {', '.join(profiles)} need more than 7 slices")
    state: State = {}
    for instance, profile in enumerate(profiles):
        slices, mib = MIG_PROFILES[profile]
        fields = {
            "uuid": node.mig_uuid(slot, instance),
            "name": f"{NAME} MIG {profile}",
            "profile": profile,
            "gpu_instance": str(instance + 1),
            "compute_instance": "0",
            "slices": str(slices),
            "memory_total_mib": str(mib),
            "memory_used_mib": str(mib // 4),
            "device_health": "Healthy",
        }
        state |= {f"gpu.{slot}.mig.{instance}.{name}": value for name, value in fields.items()}
    return state
