"""One stretch of one device's time, split among those who hold it. Whole microseconds in, the same number out.

Two views, and both add up to the device:
- **allocation**, what you hold: each holder's replicas, and what nobody holds;
- **usage**, what you used: the device's own busy time split over models by their execution time, then what was busy
  with something else, what was held and not busy, and what nobody held. On a time-sliced device a pod may use more
  than it holds: that is *borrowed*, and taken from what others left unused, in proportion.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from modelmonitor_api.apportion import apportion

ModelKey = tuple[str, str]


@dataclass(frozen=True, slots=True)
class Claim:
    """One pod's claim on the device.

    Attributes:
        planned: a Triton pod of ours; `execution_us` is empty for any other.
        execution_us: by model, of this stretch.
    """

    pod: str
    replicas: int
    planned: bool = True
    execution_us: Mapping[ModelKey, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class PodShare:
    """What one pod held, and what became of it: held = used - borrowed + other + idle.

    Attributes:
        lent_us: what of `idle_us` others borrowed; usage counts it as theirs.
    """

    held_us: int
    used_us: Mapping[ModelKey, int]
    borrowed_us: int = 0
    other_us: int = 0
    idle_us: int = 0
    lent_us: int = 0


@dataclass(frozen=True, slots=True)
class Split:
    """A stretch of a device. Usage: used + other + idle - lent of the pods, and the three below, are the whole.

    Attributes:
        unplanned_busy_us, unplanned_idle_us: of pods that no plan names, or of nobody who can be seen.
        unallocated_us: neither held nor lent.
        unplanned_held_us: what pods hold that no plan names, by allocation.
    """

    pods: Mapping[str, PodShare]
    unplanned_busy_us: int
    unplanned_idle_us: int
    unallocated_us: int
    unplanned_held_us: int = 0


def attribute(wall_us: int, busy_us: int, claims: Sequence[Claim], replicas: int) -> Split:
    """Split a stretch of a device.

    Args:
        wall_us: the device's time, a slice's already made small to its size.
        busy_us: how much of it was busy, at most all.
        replicas: how many times the device can be held.
    """
    free = max(0, replicas - sum(claim.replicas for claim in claims))
    *held, unheld = apportion(wall_us, [*(claim.replicas for claim in claims), free])
    if not claims:
        busy = min(busy_us, wall_us)
        return Split({}, busy, 0, wall_us - busy)
    strangers = sum(part for part, claim in zip(held, claims, strict=True) if not claim.planned)
    ours = [(claim, part) for claim, part in zip(claims, held, strict=True) if claim.planned]
    return _use(min(busy_us, wall_us), ours, (strangers, len(ours) < len(claims)), unheld)


def _use(busy_us: int, ours: list[tuple[Claim, int]], strangers: tuple[int, bool], unheld: int) -> Split:
    strangers_hold, has_strangers = strangers
    flat = [(number, key, us) for number, (claim, _) in enumerate(ours) for key, us in claim.execution_us.items() if us]
    executed = sum(us for _, _, us in flat)
    used_in_all = 0 if not executed else min(busy_us, executed) if has_strangers else busy_us
    used: list[dict[ModelKey, int]] = [{} for _ in ours]
    for (number, key, _), us in zip(flat, apportion(used_in_all, [us for *_, us in flat]) if flat else (), strict=True):
        used[number][key] = us
    rest = busy_us - used_in_all
    others = [0] * len(ours)
    if rest and not has_strangers:
        own = apportion(rest, [part for _, part in ours])
        others = [min(us, part) for us, (_, part) in zip(own, ours, strict=True)]
        rest -= sum(others)
    return _settle(ours, used, others, (rest, strangers_hold, unheld))


def _settle(
    ours: list[tuple[Claim, int]], used: list[dict[ModelKey, int]], others: list[int], rest: tuple[int, int, int]
) -> Split:
    """Who idled, who borrowed, and from whom."""
    unplanned_busy, strangers_hold, unheld = rest
    totals = [sum(models.values()) + other for models, other in zip(used, others, strict=True)]
    held = [part for _, part in ours]
    borrowed = [max(0, total - part) for total, part in zip(totals, held, strict=True)]
    idle = [max(0, part - total) for total, part in zip(totals, held, strict=True)]
    strangers_idle = max(0, strangers_hold - unplanned_busy)
    lent = apportion(sum(borrowed) + max(0, unplanned_busy - strangers_hold), [*idle, strangers_idle, unheld])
    pods = {
        claim.pod: PodShare(part, used[n], borrowed[n], others[n], idle[n], lent[n])
        for n, (claim, part) in enumerate(ours)
    }
    return Split(pods, unplanned_busy, strangers_idle - lent[-2], unheld - lent[-1], strangers_hold)
