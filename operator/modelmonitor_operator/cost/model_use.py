"""What models of one pod did in a stretch, and how much of what a sidecar says of it is believed.

A sidecar speaks for its own node alone, and a Triton for its own pod. Whatever either says, a ledger that adds it up
stays one that can be read: no more is booked than the devices and the time allow.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from modelmonitor_api.apportion import apportion
from modelmonitor_api.cost_summary import MOST_COUNTED, Counters, ModelMeter
from modelmonitor_operator.cost.amounts import REST, ModelKey

MOST_MJ, MOST_MJ_PER_US = 10**12, 10
"""The most energy of one pod in one stretch that is believed, beside ten kilowatts of each device: 278 kWh, for what
was used before the stretch while nobody could ask."""
MOST_REQUESTS, MOST_REQUESTS_PER_US = 10**9, 10
"""The most requests of one pod in one stretch that are believed, beside ten in each microsecond of it."""


@dataclass(frozen=True, slots=True)
class ModelUse:
    """What one model did."""

    used_us: int = 0
    borrowed_us: int = 0
    energy_mj: int = 0
    inferences: int = 0
    succeeded: int = 0
    failed: int = 0
    cached: int = 0

    @property
    def own_us(self) -> int:
        """Used, in its pod's own share of the devices."""
        return self.used_us - self.borrowed_us


Uses = Mapping[ModelKey, ModelUse]


def add_meters(meters: Sequence[ModelMeter]) -> ModelMeter:
    """Several models' meters as one, of the rest; like each of them it stands still at the most that is counted."""

    def total(of: Sequence[int]) -> int:
        return min(MOST_COUNTED, sum(of))

    return ModelMeter(
        name=REST[0],
        version=REST[1],
        used_us=total([one.used_us for one in meters]),
        borrowed_us=total([one.borrowed_us for one in meters]),
        energy_mj=total([one.energy_mj for one in meters]),
        counted=Counters(
            execution_us=total([one.counted.execution_us for one in meters]),
            succeeded=total([one.counted.succeeded for one in meters]),
            failed=total([one.counted.failed for one in meters]),
            inferences=total([one.counted.inferences for one in meters]),
            cached=total([one.counted.cached for one in meters]),
        ),
    )


def add_uses(left: Uses, right: Uses) -> dict[ModelKey, ModelUse]:
    """Both together, by model."""
    both = dict(left)
    for key, more in right.items():
        had = both.get(key, ModelUse())
        both[key] = ModelUse(
            had.used_us + more.used_us,
            had.borrowed_us + more.borrowed_us,
            had.energy_mj + more.energy_mj,
            had.inferences + more.inferences,
            had.succeeded + more.succeeded,
            had.failed + more.failed,
            had.cached + more.cached,
        )
    return both


def most_energy(devices: int, length_us: int) -> int:
    """What so many devices can use in a time, in millijoules."""
    return MOST_MJ + MOST_MJ_PER_US * devices * length_us


def believe(models: Uses, devices: int, length_us: int) -> dict[ModelKey, ModelUse]:
    """No more than so many devices can do in a time: what is beyond is cut alike, and none borrows what it did not use.

    What a pod used in its own share is held against what it held by `fit`.
    """
    uses, most_us = list(models.values()), devices * length_us
    requests = MOST_REQUESTS + MOST_REQUESTS_PER_US * length_us
    borrowed = _cut([min(one.borrowed_us, one.used_us) for one in uses], most_us)
    columns = zip(
        (max(0, one.own_us) + more for one, more in zip(uses, borrowed, strict=True)),
        borrowed,
        _cut([one.energy_mj for one in uses], most_energy(devices, length_us)),
        _cut([one.inferences for one in uses], requests),
        _cut([one.succeeded for one in uses], requests),
        _cut([one.failed for one in uses], requests),
        _cut([one.cached for one in uses], requests),
        strict=True,
    )
    return {key: ModelUse(*row) for key, row in zip(models, columns, strict=True)}


def fit(models: Uses, other_us: int, seen_us: int) -> tuple[dict[ModelKey, ModelUse], int]:
    """No more than the pod held: where the meters saw more than its lifetime has, all of it is cut alike."""
    own = [one.own_us for one in models.values()]
    if sum(own) + other_us <= seen_us:
        return dict(models), other_us
    *cut, other = apportion(seen_us, [*own, other_us])
    fitted = {}
    for (key, one), mine in zip(models.items(), cut, strict=True):
        rest = (one.energy_mj, one.inferences, one.succeeded, one.failed, one.cached)
        fitted[key] = ModelUse(mine + one.borrowed_us, one.borrowed_us, *rest)
    return fitted, other


def _cut(amounts: Sequence[int], most: int) -> Sequence[int]:
    return amounts if sum(amounts) <= most else apportion(most, amounts)
