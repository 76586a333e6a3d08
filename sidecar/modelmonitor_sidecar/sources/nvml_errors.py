"""What each NVML error means for us. One table, so that no other place decides.

Source: enum nvmlReturn_t, https://docs.nvidia.com/deploy/nvml-api/group__nvmlDeviceEnumvs.html
"""

from dataclasses import dataclass
from enum import StrEnum

from modelmonitor_api.summary import SourceState


class Meaning(StrEnum):
    """What to do about an error."""

    NO_READING = "no reading"
    """Normal: the device does not offer this; the reading is absent, never zero."""
    GPU_LOST = "GPU lost"
    """The GPU fell off the bus."""
    GPU_FAILED = "GPU failed"
    """The GPU is there and cannot be read properly."""
    SESSION_OVER = "session over"
    """NVML as a whole no longer answers: begin again from initialisation."""


@dataclass(frozen=True, slots=True)
class ErrorRule:
    """One row of the table.

    Attributes:
        state: of NVML as a whole, where initialisation or the session ends with this error.
        advice: what a person can do; empty where there is nothing to say beyond the error's name.
    """

    name: str
    meaning: Meaning
    state: SourceState = SourceState.FAILED
    advice: str = ""


_NO, _LOST, _FAILED, _OVER = Meaning.NO_READING, Meaning.GPU_LOST, Meaning.GPU_FAILED, Meaning.SESSION_OVER

ERRORS: dict[int, ErrorRule] = {
    1: ErrorRule("UNINITIALIZED", _OVER, advice="the driver was unloaded or loaded anew; NVML is initialised again"),
    2: ErrorRule("INVALID_ARGUMENT", _NO),
    3: ErrorRule("NOT_SUPPORTED", _NO),
    4: ErrorRule(
        "NO_PERMISSION", _NO, advice="the container may not open the device files; check the GPU access preset"
    ),
    5: ErrorRule("ALREADY_INITIALIZED", _NO),
    6: ErrorRule("NOT_FOUND", _NO),
    7: ErrorRule("INSUFFICIENT_SIZE", _NO),
    8: ErrorRule("INSUFFICIENT_POWER", _FAILED, advice="a power cable of the GPU is not attached"),
    9: ErrorRule(
        "DRIVER_NOT_LOADED",
        _OVER,
        advice="the NVIDIA kernel driver is not loaded on the node; run nvidia-smi there, look at the driver's pods",
    ),
    10: ErrorRule("TIMEOUT", _FAILED),
    11: ErrorRule("IRQ_ISSUE", _FAILED, advice="the kernel sees an interrupt problem of the GPU"),
    12: ErrorRule(
        "LIBRARY_NOT_FOUND",
        _OVER,
        SourceState.ABSENT,
        "libnvidia-ml.so.1 is not in the sidecar's container: the node has no NVIDIA driver, or "
        "sidecar.gpuAccess.preset does not suit how this cluster gives access to GPUs",
    ),
    13: ErrorRule("FUNCTION_NOT_FOUND", _NO),
    14: ErrorRule("CORRUPTED_INFOROM", _FAILED, advice="the GPU's infoROM is corrupted"),
    15: ErrorRule("GPU_IS_LOST", _LOST, advice="the GPU fell off the bus; the node usually needs a reboot"),
    16: ErrorRule("RESET_REQUIRED", _FAILED, advice="the GPU must be reset before it can be used again"),
    17: ErrorRule("OPERATING_SYSTEM", _FAILED),
    18: ErrorRule(
        "LIB_RM_VERSION_MISMATCH",
        _OVER,
        advice="the driver was replaced while its old library is still mounted; restart this sidecar pod, or reboot",
    ),
    19: ErrorRule("IN_USE", _NO),
    20: ErrorRule("MEMORY", _FAILED),
    21: ErrorRule("NO_DATA", _NO),
    22: ErrorRule("VGPU_ECC_NOT_SUPPORTED", _NO),
    23: ErrorRule("INSUFFICIENT_RESOURCES", _FAILED),
    24: ErrorRule("FREQ_NOT_SUPPORTED", _NO),
    25: ErrorRule("ARGUMENT_VERSION_MISMATCH", _NO),
    26: ErrorRule("DEPRECATED", _NO),
    27: ErrorRule("NOT_READY", _NO),
    28: ErrorRule("GPU_NOT_FOUND", _LOST, advice="the GPU is no longer on the bus"),
    29: ErrorRule("INVALID_STATE", _FAILED),
    30: ErrorRule("RESET_TYPE_NOT_SUPPORTED", _NO),
    999: ErrorRule("UNKNOWN", _FAILED, advice="the driver reports an unknown error; look for Xid lines in dmesg"),
}

_UNLISTED = ErrorRule("error", _FAILED)


class NvmlCallError(Exception):
    """A call into NVML failed, and the table says what that means."""

    def __init__(self, code: int, call: str) -> None:
        self.code = code
        self.rule = ERRORS.get(code, _UNLISTED)
        advice = f": {self.rule.advice}" if self.rule.advice else ""
        super().__init__(f"{call} answered {self.rule.name} ({code}){advice}")

    @property
    def meaning(self) -> Meaning:
        """What to do about it."""
        return self.rule.meaning
