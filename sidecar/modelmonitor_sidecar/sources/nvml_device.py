"""One physical GPU as NVML tells it: what it does not offer is absent, what it fails at is named."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from modelmonitor_api.summary import GpuReading, GpuState, MigInstance
from modelmonitor_sidecar.sources import nvml_calls as c
from modelmonitor_sidecar.sources.nvml_calls import Handle, NvmlCalls
from modelmonitor_sidecar.sources.nvml_errors import Meaning, NvmlCallError

_MILLI = 1e-3
_MEGA = 1e6
_PERCENT = 0.01


@dataclass(frozen=True, slots=True)
class GpuIdentity:
    """What does not change while the driver is loaded; remembered, so that a lost GPU keeps its name."""

    index: int
    uuid: str | None = None
    name: str | None = None
    pci_bus_id: str | None = None
    slowdown_temperature_celsius: float | None = None


class DeviceReader:
    """Reads one GPU once. Gathers the calls that failed instead of stopping at the first."""

    def __init__(self, calls: NvmlCalls, handle: Handle) -> None:
        self._calls, self._handle = calls, handle
        self.problems: list[str] = []

    def read(self, name: str, *arguments: object) -> Any:
        """One call for this GPU; None where it has no answer.

        Raises:
            NvmlCallError: the GPU is lost, or NVML as a whole is gone.
        """
        try:
            return self._calls.read(name, self._handle, *arguments)
        except NvmlCallError as error:
            if error.meaning is not Meaning.GPU_FAILED:
                raise
            self.problems.append(str(error))
            return None

    def scaled(self, scale: float, name: str, *arguments: object) -> float | None:
        """One number, in our unit."""
        value = self.read(name, *arguments)
        return None if value is None else round(float(value) * scale, 6)


def identify(calls: NvmlCalls, handle: Handle, index: int) -> GpuIdentity:
    """The lasting facts of one GPU."""
    device = DeviceReader(calls, handle)
    pci = device.read("nvmlDeviceGetPciInfo")
    return GpuIdentity(
        index=index,
        uuid=device.read("nvmlDeviceGetUUID"),
        name=device.read("nvmlDeviceGetName"),
        pci_bus_id=None if pci is None else _text(pci.busId),
        slowdown_temperature_celsius=device.scaled(1.0, "nvmlDeviceGetTemperatureThreshold", c.SLOWDOWN_THRESHOLD),
    )


def read_device(calls: NvmlCalls, handle: Handle, identity: GpuIdentity) -> GpuReading:
    """Everything of one GPU that changes.

    Raises:
        NvmlCallError: the GPU is lost, or NVML as a whole is gone.
    """
    device = DeviceReader(calls, handle)
    values: dict[str, Any] = {}
    for part in _PARTS:
        values.update(part(device))
    values["mig_instances"] = _mig_instances(calls, handle) if values["mig_enabled"] else ()
    problems = "; ".join(dict.fromkeys(device.problems))[:512]
    return GpuReading(
        **_identity_fields(identity), **values, state=GpuState.FAILED if problems else GpuState.OK, message=problems
    )


def failed_device(identity: GpuIdentity, error: NvmlCallError) -> GpuReading:
    """A GPU that could not be read at all."""
    state = GpuState.LOST if error.meaning is Meaning.GPU_LOST else GpuState.FAILED
    return GpuReading(**_identity_fields(identity), state=state, message=str(error))


def _identity_fields(identity: GpuIdentity) -> dict[str, Any]:
    return {name: getattr(identity, name) for name in GpuIdentity.__slots__}


def _text(value: str | bytes) -> str:
    return value.decode(errors="replace") if isinstance(value, bytes) else value


def _memory(device: DeviceReader) -> dict[str, Any]:
    memory = device.read("nvmlDeviceGetMemoryInfo", c.MEMORY_V2) or device.read("nvmlDeviceGetMemoryInfo")
    return {
        "memory_used_bytes": None if memory is None else int(memory.used),
        "memory_total_bytes": None if memory is None else int(memory.total),
    }


def _utilization(device: DeviceReader) -> dict[str, Any]:
    rates = device.read("nvmlDeviceGetUtilizationRates")
    return {
        "utilization_ratio": None if rates is None else round(rates.gpu * _PERCENT, 4),
        "memory_utilization_ratio": None if rates is None else round(rates.memory * _PERCENT, 4),
    }


def _power_and_heat(device: DeviceReader) -> dict[str, Any]:
    return {
        "power_watts": device.scaled(_MILLI, "nvmlDeviceGetPowerUsage"),
        "power_limit_watts": device.scaled(_MILLI, "nvmlDeviceGetEnforcedPowerLimit"),
        "energy_joules": device.scaled(_MILLI, "nvmlDeviceGetTotalEnergyConsumption"),
        "temperature_celsius": device.scaled(1.0, "nvmlDeviceGetTemperature", c.GPU_SENSOR),
    }


def _clocks(device: DeviceReader) -> dict[str, Any]:
    reasons = device.read("nvmlDeviceGetCurrentClocksEventReasons")
    if reasons is None:
        reasons = device.read("nvmlDeviceGetCurrentClocksThrottleReasons")
    return {
        "sm_clock_hertz": device.scaled(_MEGA, "nvmlDeviceGetClockInfo", c.SM_CLOCK),
        "memory_clock_hertz": device.scaled(_MEGA, "nvmlDeviceGetClockInfo", c.MEMORY_CLOCK),
        "clock_event_reasons": reasons,
    }


def _ecc(device: DeviceReader) -> dict[str, Any]:
    name = "nvmlDeviceGetTotalEccErrors"
    return {
        "ecc_uncorrected_volatile": device.read(name, c.UNCORRECTED, c.VOLATILE),
        "ecc_corrected_volatile": device.read(name, c.CORRECTED, c.VOLATILE),
        "ecc_uncorrected_aggregate": device.read(name, c.UNCORRECTED, c.AGGREGATE),
        "ecc_corrected_aggregate": device.read(name, c.CORRECTED, c.AGGREGATE),
    }


def _rows_and_bus(device: DeviceReader) -> dict[str, Any]:
    rows = device.read("nvmlDeviceGetRemappedRows") or (None, None, None, None)
    mode = device.read("nvmlDeviceGetMigMode")
    return {
        "remapped_rows_correctable": rows[0],
        "remapped_rows_uncorrectable": rows[1],
        "remapped_rows_pending": None if rows[2] is None else bool(rows[2]),
        "remapped_rows_failure": None if rows[3] is None else bool(rows[3]),
        "pcie_replays": device.read("nvmlDeviceGetPcieReplayCounter"),
        "mig_enabled": None if mode is None else bool(mode[0]),
    }


_PARTS: tuple[Callable[[DeviceReader], dict[str, Any]], ...] = (
    _memory,
    _utilization,
    _power_and_heat,
    _clocks,
    _ecc,
    _rows_and_bus,
)


def _mig_instances(calls: NvmlCalls, handle: Handle) -> tuple[MigInstance, ...]:
    found: list[MigInstance] = []
    for index in range(calls.read("nvmlDeviceGetMaxMigDeviceCount", handle) or 0):
        instance = calls.read("nvmlDeviceGetMigDeviceHandleByIndex", handle, index)
        if instance is not None:
            found.append(_mig_instance(DeviceReader(calls, instance)))
    return tuple(one for one in found if one.uuid)


def _mig_instance(device: DeviceReader) -> MigInstance:
    _, _, profile = (device.read("nvmlDeviceGetName") or "").rpartition("MIG ")
    return MigInstance(
        uuid=device.read("nvmlDeviceGetUUID") or "",
        profile=profile or None,
        gpu_instance_id=device.read("nvmlDeviceGetGpuInstanceId"),
        compute_instance_id=device.read("nvmlDeviceGetComputeInstanceId"),
        **_memory(device),
    )
