"""What the meters are fed with: one moment of the node, whole numbers only."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from modelmonitor_api.cost_summary import Counters
from modelmonitor_sidecar.cost.attribution import ModelKey
from modelmonitor_sidecar.cost.shares import Device, Holder

PPM = 1_000_000


@dataclass(frozen=True, slots=True)
class GpuSample:
    """One physical GPU, as NVML answers. A GPU that does not answer has no sample.

    Attributes:
        busy_ppm: utilisation in millionths; None where the GPU says none (MIG).
        energy_mj: cumulative since the driver was loaded; None where not supported.
    """

    busy_ppm: int | None = None
    energy_mj: int | None = None


@dataclass(frozen=True, slots=True)
class PodSample:
    """One pod of the plan.

    Attributes:
        read_at_us: when its Triton last answered; None before it ever did.
        ensembles: models of these that only call others.
    """

    uid: str
    read_at_us: int | None = None
    models: Mapping[ModelKey, Counters] = field(default_factory=dict)
    ensembles: frozenset[ModelKey] = frozenset()


@dataclass(frozen=True, slots=True)
class Moment:
    """The node at `at_us` of its own clock.

    Attributes:
        devices: by UUID, what the kubelet can hand out.
        gpus: by UUID of the physical GPU.
        holders: None where the kubelet does not say.
        pods: all pods of the plan.
    """

    at_us: int
    devices: Mapping[str, Device]
    gpus: Mapping[str, GpuSample]
    holders: tuple[Holder, ...] | None
    pods: tuple[PodSample, ...] = ()
