"""What a sidecar tells about cost: meters that only rise, so that any two readings can be subtracted.

A sidecar splits every stretch of a device's time among those who hold it, at the rate at which it reads, and adds the
parts up. The operator subtracts the meters of its last committed ledger: a span of any length, an hour in which the
operator was down included, adds up to the device exactly. Meters begin at zero with each sidecar (`started_us`).

All times are whole microseconds of the node's own clock since it booted (CLOCK_BOOTTIME): it never steps, and it goes
on while a sidecar restarts, so elapsed time needs nobody's wall clock. A microsecond of a device is one device for one
microsecond; a pod with half a device collects half as many. Energy is whole millijoules.
"""

from enum import StrEnum

from modelmonitor_api.wire import Wire


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

    execution_us: int = 0
    """`batch_stats[].compute_infer.ns`, added once for each execution."""
    succeeded: int = 0
    failed: int = 0
    inferences: int = 0
    """Leaves out those that the response cache answered."""
    cached: int = 0
    """Requests that the response cache answered."""


class ModelMeter(Wire):
    """One model version in one pod, since the sidecar began."""

    name: str
    version: str = ""
    used_us: int = 0
    """Its part of the devices' busy time."""
    borrowed_us: int = 0
    """What of that lies beyond its pod's own share of a time-sliced device."""
    energy_mj: int = 0
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

    gpu: str
    """UUID of the physical GPU."""
    gpu_model: str = ""
    """NVML's product name."""
    parts: int
    of: int
    """The pod holds `parts` of `of` of the physical GPU."""


class PodMeter(Wire):
    """One pod of the plan, since the sidecar began; pods that went are kept for two hours."""

    pod_uid: str
    method: CostMethod
    holdings: tuple[Holding, ...] = ()
    since_us: int = 0
    """When this meter began: a pod that was forgotten and came back has a new one."""
    until_us: int
    """Up to when the meters are settled; `since_us` where nothing is yet: its Triton has not been read."""
    departed: bool = False
    """It held devices and does so no longer: `until_us` is when that was seen."""
    last_held_us: int = 0
    """When it was last seen to hold devices."""
    observed_us: int = 0
    """Device time that it held and that was seen and split."""
    other_us: int = 0
    """What of its own share was busy with nothing that Triton counts."""
    rest_energy_mj: int = 0
    """Energy of its share while no model was busy."""
    models: tuple[ModelMeter, ...] = ()


class DeviceMeter(Wire):
    """One physical GPU, since the sidecar began. By usage, four buckets add up to `wall_us`: used, idle, other,
    unallocated. By allocation it is what pods of the plan hold, what others hold, and what nobody holds."""

    gpu: str
    gpu_model: str = ""
    wall_us: int = 0
    used_us: int = 0
    """Busy with Triton models of the plan."""
    idle_us: int = 0
    """Held and not busy."""
    other_us: int = 0
    """Busy with something else."""
    unallocated_us: int = 0
    """Held by nobody."""
    planned_us: int = 0
    """Held by pods of the plan, whether they used it or not; lent and borrowed time does not count here."""
    unplanned_us: int = 0
    """Held by other pods, likewise."""
    energy_mj: int = 0


class CostReading(Wire):
    """The meters of one node."""

    boot_id: str
    """`/proc/sys/kernel/random/boot_id`: another one means that the clock began anew."""
    started_us: int
    """When this sidecar began to count."""
    at_us: int
    """Now, by the node's clock."""
    time: float
    """Now, by the node's wall clock, in seconds since the epoch: the clock that the kubelet stamps pods with."""
    devices: tuple[DeviceMeter, ...] = ()
    pods: tuple[PodMeter, ...] = ()
