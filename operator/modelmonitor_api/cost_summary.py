"""What a sidecar tells about cost: meters that only rise, so that any two readings can be subtracted.

A sidecar splits every stretch of a device's time among those who hold it, at the rate at which it reads, and adds the
parts up. The operator subtracts the meters of its last committed ledger: a span of any length, an hour in which the
operator was down included, adds up to the device exactly. Meters begin at zero with each sidecar (`started_us`).

What is not possible on any node is refused: one sidecar that says it would make ledgers that cannot be read.

All times are whole microseconds of the node's own clock since it booted (CLOCK_BOOTTIME): it never steps, and it goes
on while a sidecar restarts, so elapsed time needs nobody's wall clock. A microsecond of a device is one device for one
microsecond; a pod with half a device collects half as many. Energy is whole millijoules.
"""

from enum import StrEnum
from typing import Annotated

from pydantic import Field, StringConstraints, model_validator

from modelmonitor_api.wire import Wire

MOST_COUNTED = 10**17
"""What a meter of anything stands still at: a ledger adds up many of them and takes 10^18."""
MOST_PARTS = 10**6
MAX_HOLDINGS = 256
"""Devices or slices that one pod holds."""
MAX_MODELS = 4000
"""Model versions of one pod: twice what a sidecar meters on its node."""
_MOST_TIME = 1e11
_LONGEST_MODEL, _LONGEST_VERSION, _LONGEST = 256, 64, 128

Count = Annotated[int, Field(ge=0, le=MOST_COUNTED)]
ClockTime = Annotated[int, Field(ge=-(10**16), le=10**15)]
"""At most thirty years after the node booted; what was before that is negative."""
Word = Annotated[str, StringConstraints(max_length=_LONGEST)]


class CostMethod(StrEnum):
    """How a figure was split, the surest first."""

    EXCLUSIVE = "Exclusive"
    """One pod holds whole devices."""
    MIG = "Mig"
    """By the compute slices of a MIG instance."""
    TIME_SLICE = "TimeSlice"
    """Held by replicas, used by busy time."""
    MODELLED = "Modelled"
    """A model on several devices, or a span that was made up for from Triton's own counters."""
    ASSUMED = "Assumed"
    """A mode of sharing that is not understood: equal parts."""


class Confidence(StrEnum):
    """How sure a figure is."""

    MEASURED = "Measured"
    MODELLED = "Modelled"
    ASSUMED = "Assumed"


CONFIDENCE = {
    CostMethod.EXCLUSIVE: Confidence.MEASURED,
    CostMethod.TIME_SLICE: Confidence.MEASURED,
    CostMethod.MIG: Confidence.MODELLED,
    CostMethod.MODELLED: Confidence.MODELLED,
    CostMethod.ASSUMED: Confidence.ASSUMED,
}
"""How sure each method is. A MIG instance has no utilisation of its own, so what of it is used follows from execution
times. Source: https://docs.nvidia.com/datacenter/tesla/mig-user-guide/ (telemetry)."""


class Counters(Wire):
    """Triton's cumulative statistics of one model version in one pod."""

    execution_us: Count = 0
    """`batch_stats[].compute_infer.ns`, added once for each execution."""
    succeeded: Count = 0
    failed: Count = 0
    inferences: Count = 0
    """Leaves out those that the response cache answered."""
    cached: Count = 0
    """Requests that the response cache answered."""


class ModelMeter(Wire):
    """One model version in one pod, since the sidecar began."""

    name: Annotated[str, StringConstraints(max_length=_LONGEST_MODEL)]
    version: Annotated[str, StringConstraints(max_length=_LONGEST_VERSION)] = ""
    used_us: Count = 0
    """Its part of the devices' busy time."""
    borrowed_us: Count = 0
    """What of that lies beyond its pod's own share of a time-sliced device."""
    energy_mj: Count = 0
    counted: Counters = Counters()
    """What Triton counted since this sidecar first read it; unmoved by reloads."""
    raw: Counters = Counters()
    """The counters as Triton has them now."""
    ensemble: bool = False
    """It executes nothing itself, and what it causes is charged to the models that it calls."""
    reset: bool = False
    """Triton's counters have begun anew while this sidecar read them, so `raw - counted` says nothing."""


class Holding(Wire):
    """A part of one device that a pod holds."""

    gpu: Word
    """UUID of the physical GPU."""
    gpu_model: Word = ""
    """NVML's product name."""
    parts: Annotated[int, Field(ge=1)]
    of: Annotated[int, Field(le=MOST_PARTS)]
    """The pod holds `parts` of `of` of the physical GPU."""

    @model_validator(mode="after")
    def _check_parts(self) -> "Holding":
        if self.parts > self.of:
            raise ValueError(f"{self.parts} parts of {self.of} are more than the device")
        return self


class PodMeter(Wire):
    """One pod of the plan, since the sidecar began; pods that went are kept for two hours."""

    pod_uid: Word
    method: CostMethod
    holdings: tuple[Holding, ...] = Field(default=(), max_length=MAX_HOLDINGS)
    since_us: ClockTime = 0
    """When this meter began: a pod that was forgotten and came back has a new one."""
    until_us: ClockTime
    """Up to when the meters are settled; `since_us` where nothing is yet: its Triton has not been read."""
    departed: bool = False
    """It held devices and does so no longer: `until_us` is when that was seen."""
    last_held_us: ClockTime = 0
    """When it was last seen to hold devices."""
    observed_us: Count = 0
    """Device time that it held and that was seen and split."""
    other_us: Count = 0
    """What of its own share was busy with nothing that Triton counts."""
    rest_energy_mj: Count = 0
    """Energy of its share while no model was busy."""
    models: tuple[ModelMeter, ...] = Field(default=(), max_length=MAX_MODELS)


class DeviceMeter(Wire):
    """One physical GPU, since the sidecar began. By usage, four buckets add up to `wall_us`: used, idle, other,
    unallocated. By allocation it is what pods of the plan hold, what others hold, and what nobody holds."""

    gpu: Word
    gpu_model: Word = ""
    wall_us: Count = 0
    used_us: Count = 0
    """Busy with Triton models of the plan."""
    idle_us: Count = 0
    """Held and not busy."""
    other_us: Count = 0
    """Busy with something else."""
    unallocated_us: Count = 0
    """Held by nobody."""
    planned_us: Count = 0
    """Held by pods of the plan, whether they used it or not; lent and borrowed time does not count here."""
    unplanned_us: Count = 0
    """Held by other pods, likewise."""
    energy_mj: Count = 0


class CostReading(Wire):
    """The meters of one node."""

    boot_id: Word
    """`/proc/sys/kernel/random/boot_id`: another one means that the clock began anew."""
    started_us: ClockTime
    """When this sidecar began to count."""
    at_us: ClockTime
    """Now, by the node's clock."""
    time: Annotated[float, Field(ge=0, le=_MOST_TIME, allow_inf_nan=False)]
    """Now, by the node's wall clock, in seconds since the epoch: the clock that the kubelet stamps pods with."""
    devices: tuple[DeviceMeter, ...] = ()
    pods: tuple[PodMeter, ...] = ()

    @model_validator(mode="after")
    def _check_clock(self) -> "CostReading":
        if any(max(pod.until_us, pod.last_held_us) > self.at_us for pod in self.pods):
            raise ValueError("a pod's meter is settled further than the node's clock has come")
        return self
