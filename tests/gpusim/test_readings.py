"""What pynvml reads from simulated GPUs that are well."""

import time
from collections.abc import Callable

import pynvml
import pytest

from .conftest import NODE, Simulation


def handle(slot: int = 0) -> object:
    return pynvml.nvmlDeviceGetHandleByIndex(slot)


def test_a_node_has_its_gpus_under_the_same_uuids_by_index_uuid_and_bus(nvml: Simulation) -> None:
    assert pynvml.nvmlDeviceGetCount() == NODE.gpus
    for slot in range(NODE.gpus):
        gpu = handle(slot)
        bus = pynvml.nvmlDeviceGetPciInfo(gpu).busId
        by_uuid = pynvml.nvmlDeviceGetHandleByUUID(NODE.gpu_uuid(slot))
        by_bus = pynvml.nvmlDeviceGetHandleByPciBusId(bus)
        assert {pynvml.nvmlDeviceGetUUID(h) for h in (gpu, by_uuid, by_bus)} == {NODE.gpu_uuid(slot)}
        assert pynvml.nvmlDeviceGetIndex(gpu) == slot


def test_versions_are_those_of_the_state(nvml: Simulation) -> None:
    assert pynvml.nvmlSystemGetDriverVersion() == "580.95.05"
    assert pynvml.nvmlSystemGetNVMLVersion() == "13.580.95.05"
    assert pynvml.nvmlSystemGetCudaDriverVersion() == 13000


@pytest.mark.parametrize(
    ("field", "value", "read", "expected"),
    [
        ("temperature", "97", lambda h: pynvml.nvmlDeviceGetTemperature(h, pynvml.NVML_TEMPERATURE_GPU), 97),
        ("utilization", "80", lambda h: pynvml.nvmlDeviceGetUtilizationRates(h).gpu, 80),
        ("memory_used_mib", "1024", lambda h: pynvml.nvmlDeviceGetMemoryInfo(h, pynvml.nvmlMemory_v2).used, 1 << 30),
        ("power_watts", "250.5", pynvml.nvmlDeviceGetPowerUsage, 250500),
        ("sm_clock", "600", lambda h: pynvml.nvmlDeviceGetClockInfo(h, pynvml.NVML_CLOCK_SM), 600),
        ("clock_event_reasons", "0x40", pynvml.nvmlDeviceGetCurrentClocksEventReasons, 0x40),
        ("ecc_uncorrected_volatile", "2", lambda h: pynvml.nvmlDeviceGetTotalEccErrors(h, 1, 0), 2),
        ("ecc_corrected_aggregate", "9", lambda h: pynvml.nvmlDeviceGetTotalEccErrors(h, 0, 1), 9),
        ("remap_pending", "1", lambda h: pynvml.nvmlDeviceGetRemappedRows(h)[2], 1),
        ("pcie_replay", "7", pynvml.nvmlDeviceGetPcieReplayCounter, 7),
    ],
)
def test_a_field_set_while_it_runs_is_read_at_the_next_call(
    nvml: Simulation, field: str, value: str, read: Callable[[object], int], expected: int
) -> None:
    assert read(handle()) != expected
    nvml.gpusim("set", "0", f"{field}={value}")
    assert read(handle()) == expected


def test_both_versions_of_memory_agree(nvml: Simulation) -> None:
    first, second = (
        pynvml.nvmlDeviceGetMemoryInfo(handle()),
        pynvml.nvmlDeviceGetMemoryInfo(handle(), pynvml.nvmlMemory_v2),
    )
    assert first.total == second.total == 81920 << 20
    assert first.used == second.used + second.reserved


def test_what_the_hardware_lacks_is_not_supported(nvml: Simulation) -> None:
    with pytest.raises(pynvml.NVMLError_NotSupported):
        pynvml.nvmlDeviceGetPcieThroughput(handle(), pynvml.NVML_PCIE_UTIL_TX_BYTES)
    nvml.gpusim("set", "0", "temperature=unsupported")
    with pytest.raises(pynvml.NVMLError_NotSupported):
        pynvml.nvmlDeviceGetTemperature(handle(), pynvml.NVML_TEMPERATURE_GPU)


def test_energy_rises_with_time_and_power_and_falls_when_the_driver_is_loaded_again(nvml: Simulation) -> None:
    nvml.put("gpu.0.energy_millijoules", "1000000")
    readings = [pynvml.nvmlDeviceGetTotalEnergyConsumption(handle()) for _ in range(50)]
    assert readings == sorted(readings)
    assert readings[0] >= 1000000
    nvml.put("gpu.0.energy_at", f"{time.time() - 100:.3f}")
    assert pynvml.nvmlDeviceGetTotalEnergyConsumption(handle()) == pytest.approx(1000000 + 162000 * 100, rel=0.01)
    nvml.gpusim("driver", "unload")
    nvml.gpusim("driver", "load")
    assert pynvml.nvmlDeviceGetTotalEnergyConsumption(handle()) < 100000


@pytest.mark.parametrize("load", ["wave", "0", "100"])
def test_energy_goes_on_where_it_was_when_power_changes(nvml: Simulation, load: str) -> None:
    nvml.gpusim("set", "0", f"utilization={load}")
    nvml.put("gpu.0.energy_at", f"{time.time() - 1000:.3f}")
    before = pynvml.nvmlDeviceGetTotalEnergyConsumption(handle())
    nvml.gpusim("set", "0", "utilization=30")
    after = pynvml.nvmlDeviceGetTotalEnergyConsumption(handle())
    assert before <= after <= before + 400000


def test_a_wave_stays_within_bounds_and_power_follows(nvml: Simulation) -> None:
    nvml.gpusim("set", "0", "utilization=wave")
    assert 15 <= pynvml.nvmlDeviceGetUtilizationRates(handle()).gpu <= 85
    assert 60000 < pynvml.nvmlDeviceGetPowerUsage(handle()) < 400000
