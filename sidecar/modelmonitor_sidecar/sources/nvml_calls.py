"""Every call into NVML goes through here: timed for the watchdog, its error translated. The only import of pynvml."""

import ctypes
import time
from collections.abc import Callable
from typing import Any

import pynvml  # type: ignore[import-untyped]

from modelmonitor_sidecar.sources.nvml_errors import Meaning, NvmlCallError

XID_EVENTS: int = pynvml.nvmlEventTypeXidCriticalError
MEMORY_V2: int = pynvml.nvmlMemory_v2
TIMEOUT: int = pynvml.NVML_ERROR_TIMEOUT
SLOWDOWN_THRESHOLD: int = pynvml.NVML_TEMPERATURE_THRESHOLD_SLOWDOWN
GPU_SENSOR: int = pynvml.NVML_TEMPERATURE_GPU
SM_CLOCK: int = pynvml.NVML_CLOCK_SM
MEMORY_CLOCK: int = pynvml.NVML_CLOCK_MEM
CORRECTED: int = pynvml.NVML_MEMORY_ERROR_TYPE_CORRECTED
UNCORRECTED: int = pynvml.NVML_MEMORY_ERROR_TYPE_UNCORRECTED
VOLATILE: int = pynvml.NVML_VOLATILE_ECC
AGGREGATE: int = pynvml.NVML_AGGREGATE_ECC

Handle = Any
"""A device or an event set of NVML's; opaque."""


class NvmlCalls:
    """Calls NVML by name. One thread calls; any thread may ask how long the running call takes."""

    def __init__(self, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._monotonic = monotonic
        self._running: tuple[str, float] | None = None

    def running(self) -> tuple[str, float] | None:
        """Name of the running call and for how many seconds it runs; None between calls."""
        running = self._running
        return None if running is None else (running[0], self._monotonic() - running[1])

    def call(self, name: str, *arguments: object) -> Any:
        """One call.

        Raises:
            NvmlCallError: NVML answered with an error.
        """
        self._running = (name, self._monotonic())
        try:
            return getattr(pynvml, name)(*arguments)
        except pynvml.NVMLError as error:
            raise NvmlCallError(int(error.value), name) from error
        finally:
            self._running = None

    def read(self, name: str, *arguments: object) -> Any:
        """One call; None where the device does not offer the reading.

        Raises:
            NvmlCallError: with any meaning other than NO_READING.
        """
        try:
            return self.call(name, *arguments)
        except NvmlCallError as error:
            if error.meaning is Meaning.NO_READING:
                return None
            raise


def handle_address(handle: Handle) -> int:
    """Where a device handle points to, to tell two handles apart without a call."""
    return ctypes.cast(handle, ctypes.c_void_p).value or 0
