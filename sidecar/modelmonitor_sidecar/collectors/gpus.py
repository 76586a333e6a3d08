"""The node's GPUs as metrics. A reading that a GPU does not offer has no sample."""

from modelmonitor_api.summary import GpuReading, GpuState
from modelmonitor_sidecar.collectors.families import FamilyBuilder, label_text
from modelmonitor_sidecar.snapshot import NodeSnapshot, NvmlSnapshot

CLOCK_EVENT_REASONS = {
    0x1: "idle",
    0x2: "applications_clocks_setting",
    0x4: "sw_power_cap",
    0x8: "hw_slowdown",
    0x10: "sync_boost",
    0x20: "sw_thermal_slowdown",
    0x40: "hw_thermal_slowdown",
    0x80: "hw_power_brake_slowdown",
    0x100: "display_clock_setting",
}
"""Bits of nvmlClocksEventReasons. Source: nvml.h."""

_STATES = tuple(state.value for state in GpuState)

_READINGS: tuple[tuple[str, str], ...] = (
    ("utilization_ratio", "utilization_ratio"),
    ("memory_utilization_ratio", "memory_utilization_ratio"),
    ("memory_used_bytes", "memory_used_bytes"),
    ("memory_total_bytes", "memory_total_bytes"),
    ("power_watts", "power_watts"),
    ("power_limit_watts", "power_limit_watts"),
    ("energy_joules_total", "energy_joules"),
    ("temperature_celsius", "temperature_celsius"),
    ("slowdown_temperature_celsius", "slowdown_temperature_celsius"),
    ("sm_clock_hertz", "sm_clock_hertz"),
    ("memory_clock_hertz", "memory_clock_hertz"),
    ("remapped_rows_pending", "remapped_rows_pending"),
    ("remapped_rows_failure", "remapped_rows_failure"),
    ("pcie_replays_total", "pcie_replays"),
    ("mig_enabled", "mig_enabled"),
)

_ECC = (
    ("corrected", "volatile", "ecc_corrected_volatile"),
    ("uncorrected", "volatile", "ecc_uncorrected_volatile"),
    ("corrected", "aggregate", "ecc_corrected_aggregate"),
    ("uncorrected", "aggregate", "ecc_uncorrected_aggregate"),
)


def gpu_labels(gpu: GpuReading) -> tuple[tuple[str, str], ...]:
    """Which GPU: its index of NVML and its UUID."""
    return ("gpu", str(gpu.index)), ("uuid", gpu.uuid or "")


def collect_gpus(page: FamilyBuilder, snapshot: NodeSnapshot, node: str) -> None:
    """Add every GPU of the newest reading."""
    for gpu in snapshot.nvml.gpus:
        labels = label_text([("node", node), *gpu_labels(gpu)])
        _collect_identity(page, gpu, labels, snapshot.nvml)
        for name, field in _READINGS:
            page.add(f"modelmonitor_gpu_{name}", getattr(gpu, field), labels)
        _collect_memory_errors(page, gpu, labels)
        _collect_clock_events(page, gpu, labels)
        _collect_mig(page, gpu, labels)
    _collect_xids(page, snapshot.nvml, node)


def _collect_identity(page: FamilyBuilder, gpu: GpuReading, labels: str, nvml: NvmlSnapshot) -> None:
    facts = (
        ("name", gpu.name or ""),
        ("pci_bus_id", gpu.pci_bus_id or ""),
        ("driver_version", nvml.driver_version or ""),
    )
    more = label_text(facts)
    page.add("modelmonitor_gpu_info", 1, f"{labels},{more}" if more else labels)
    page.add_states("modelmonitor_gpu_state", labels, gpu.state.value, _STATES)


def _collect_memory_errors(page: FamilyBuilder, gpu: GpuReading, labels: str) -> None:
    for kind, counter, field in _ECC:
        more = f'{labels},error_type="{kind}",counter_type="{counter}"'
        page.add("modelmonitor_gpu_ecc_errors", getattr(gpu, field), more)
    page.add("modelmonitor_gpu_remapped_rows", gpu.remapped_rows_correctable, f'{labels},cause="correctable"')
    page.add("modelmonitor_gpu_remapped_rows", gpu.remapped_rows_uncorrectable, f'{labels},cause="uncorrectable"')


def _collect_clock_events(page: FamilyBuilder, gpu: GpuReading, labels: str) -> None:
    if gpu.clock_event_reasons is None:
        return
    for bit, reason in CLOCK_EVENT_REASONS.items():
        active = 1 if gpu.clock_event_reasons & bit else 0
        page.add("modelmonitor_gpu_clock_event_active", active, f'{labels},reason="{reason}"')


def _collect_mig(page: FamilyBuilder, gpu: GpuReading, labels: str) -> None:
    for instance in gpu.mig_instances:
        own = label_text([("mig_uuid", instance.uuid), ("profile", instance.profile or "")])
        page.add("modelmonitor_gpu_mig_memory_used_bytes", instance.memory_used_bytes, f"{labels},{own}")
        page.add("modelmonitor_gpu_mig_memory_total_bytes", instance.memory_total_bytes, f"{labels},{own}")


def _collect_xids(page: FamilyBuilder, nvml: NvmlSnapshot, node: str) -> None:
    for (index, uuid, code), count in nvml.xid_counts:
        gpu = "" if index is None else str(index)
        labels = label_text([("node", node), ("gpu", gpu), ("uuid", uuid or ""), ("xid", str(code))])
        page.add("modelmonitor_gpu_xid_events_total", count, labels)
