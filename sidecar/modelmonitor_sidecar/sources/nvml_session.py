"""From initialisation to shutdown of NVML: the GPUs that it lists, and the Xids that it reports."""

from dataclasses import dataclass

from modelmonitor_api.summary import GpuReading
from modelmonitor_sidecar.sources import nvml_calls
from modelmonitor_sidecar.sources.nvml_calls import Handle, NvmlCalls, handle_address
from modelmonitor_sidecar.sources.nvml_device import GpuIdentity, failed_device, identify, read_device
from modelmonitor_sidecar.sources.nvml_errors import Meaning, NvmlCallError


@dataclass(frozen=True, slots=True)
class XidReport:
    """One Xid as NVML reported it."""

    code: int
    gpu_index: int | None
    gpu_uuid: str | None


class NvmlSession:
    """One initialisation of NVML. Used by one thread."""

    def __init__(self, calls: NvmlCalls) -> None:
        """Initialise NVML.

        Raises:
            NvmlCallError: there is no library, no driver, or it refuses.
        """
        self._calls = calls
        calls.call("nvmlInit")
        self.driver_version: str | None = calls.read("nvmlSystemGetDriverVersion")
        self.nvml_version: str | None = calls.read("nvmlSystemGetNVMLVersion")
        self._identities: dict[int, GpuIdentity] = {}
        self._registered: dict[int, int] = {}
        self._events: Handle | None = calls.read("nvmlEventSetCreate")
        self._count = 0
        self._energy: dict[str, float] = {}

    def close(self) -> None:
        """Give back what NVML holds; errors do not matter any more."""
        for name, arguments in (("nvmlEventSetFree", (self._events,)), ("nvmlShutdown", ())):
            try:
                if arguments != (None,):
                    self._calls.call(name, *arguments)
            except NvmlCallError:
                continue

    def read(self) -> tuple[GpuReading, ...]:
        """Every GPU once, in the order of NVML's indices.

        Raises:
            NvmlCallError: NVML as a whole no longer answers.
        """
        count = int(self._calls.call("nvmlDeviceGetCount"))
        if count != self._count:
            self._count, self._identities, self._registered = count, {}, {}
        return tuple(reading for reading in map(self._read_one, range(count)) if reading is not None)

    def driver_was_reloaded(self, gpus: tuple[GpuReading, ...]) -> bool:
        """Whether a GPU's energy fell since the last time: it counts from when the driver was loaded."""
        energy = {gpu.uuid: gpu.energy_joules for gpu in gpus if gpu.uuid and gpu.energy_joules is not None}
        fell = any(joules < self._energy.get(uuid, 0.0) for uuid, joules in energy.items())
        self._energy.update(energy)
        return fell

    def _read_one(self, index: int) -> GpuReading | None:
        known = self._identities.get(index, GpuIdentity(index))
        try:
            handle = self._calls.call("nvmlDeviceGetHandleByIndex", index)
            if known.uuid is None:
                known = self._identities[index] = identify(self._calls, handle, index)
            self._watch_events(index, handle)
            return read_device(self._calls, handle, known)
        except NvmlCallError as error:
            if error.meaning is Meaning.SESSION_OVER:
                raise
            self._registered = {a: i for a, i in self._registered.items() if i != index}
            return failed_device(known, error)

    def _watch_events(self, index: int, handle: Handle) -> None:
        address = handle_address(handle)
        if self._events is None or address in self._registered:
            return
        try:
            self._calls.read("nvmlDeviceRegisterEvents", handle, nvml_calls.XID_EVENTS, self._events)
        except NvmlCallError as error:
            if error.meaning is not Meaning.GPU_FAILED:
                raise
        self._registered[address] = index

    def wait_for_xid(self, seconds: float) -> XidReport | None:
        """The next Xid, or None after `seconds`, or where NVML has no events to offer.

        Raises:
            NvmlCallError: NVML as a whole no longer answers, or has no events; wait in another way then.
        """
        if self._events is None or not self._registered:
            raise NvmlCallError(3, "nvmlEventSetWait_v2")
        try:
            data = self._calls.call("nvmlEventSetWait_v2", self._events, max(1, int(seconds * 1000)))
        except NvmlCallError as error:
            if error.code == nvml_calls.TIMEOUT:
                return None
            raise
        index = self._registered.get(handle_address(data.device))
        uuid = self._identities[index].uuid if index in self._identities else None
        return XidReport(int(data.eventData), index, uuid)
