"""Up to where everything has been charged: it is written in the same object as the totals, so the two cannot differ."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from modelmonitor_api.cost_summary import CostReading, PodMeter


@dataclass(frozen=True, slots=True)
class PodMark:
    """One pod.

    Attributes:
        boot_id, started_us: of the sidecar whose meters `meter` are.
        until_us: charged up to here, by the node's clock of that boot.
        until: the same in seconds since the epoch, for the time after a reboot.
        meter: as it was when last charged; it also says what the pod holds. None before the first.
        done: it has ended and is charged to its end.
        owned: whether this ModelMonitor paid for it.
    """

    node: str
    boot_id: str
    started_us: int
    until_us: int
    until: float
    meter: PodMeter
    done: bool = False
    owned: bool = True

    def is_of(self, reading: CostReading) -> bool:
        """Whether the same sidecar is still counting."""
        return self.boot_id == reading.boot_id and self.started_us == reading.started_us

    def goes_on_in(self, reading: CostReading, meter: PodMeter) -> bool:
        """Whether a meter goes on from `meter`: the same sidecar, which has not forgotten the pod in between."""
        return self.is_of(reading) and self.meter.since_us == meter.since_us


@dataclass(frozen=True, slots=True)
class NodeMark:
    """The newest reading of a node that was charged: an older one is never used again."""

    boot_id: str
    at_us: int
    time: float

    def is_before(self, reading: CostReading) -> bool:
        """Whether a reading is newer; across a reboot the wall clock decides."""
        return reading.at_us > self.at_us if reading.boot_id == self.boot_id else reading.time > self.time


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """All of them.

    Attributes:
        partial: it did not all fit into the document: a pod that is missing here was charged all the same.
        written: when, in seconds since the epoch by the operator's clock.
    """

    nodes: Mapping[str, NodeMark] = field(default_factory=dict)
    pods: Mapping[str, PodMark] = field(default_factory=dict)
    partial: bool = False
    written: float = 0.0


@dataclass(frozen=True, slots=True)
class Axis:
    """The node's clock of one boot, and what it shows at wall times."""

    boot_id: str
    at_us: int
    time: float

    @classmethod
    def of_reading(cls, reading: CostReading) -> "Axis":
        """The clock of a reading."""
        return cls(reading.boot_id, reading.at_us, reading.time)

    def at(self, time: float) -> int:
        """The clock at a time in seconds since the epoch; before the boot it is negative."""
        return self.at_us - round((self.time - time) * 1_000_000)

    def time_at(self, at_us: int) -> float:
        """The time in seconds since the epoch at which the clock showed this."""
        return self.time - (self.at_us - at_us) / 1_000_000

    def until(self, mark: PodMark) -> int:
        """Up to where a pod is charged, by this clock."""
        return mark.until_us if mark.boot_id == self.boot_id else self.at(mark.until)
