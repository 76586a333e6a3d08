"""What one pod held and did in one stretch: the difference of two meters, held against the pod's lifetime.

How long a pod held its devices follows from its lifetime alone. Meters say what became of that time. What of it no
meter saw (the sidecar was not there, a GPU did not answer) is made up for from Triton's own counters, which go on
without a sidecar, and is then `modelled`; where those say nothing either, it is a gap.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from modelmonitor_api.apportion import apportion, share_between
from modelmonitor_api.cost_summary import CONFIDENCE, Confidence, CostMethod, Counters, Holding, ModelMeter, PodMeter
from modelmonitor_operator.cost.amounts import REST, ModelKey
from modelmonitor_operator.cost.model_use import ModelUse, add_meters, add_uses, believe, fit, most_energy

ROUNDING_US = 1000
"""A difference of the two roundings, not a gap."""


class GapReason(StrEnum):
    """Why nobody can know."""

    USE_UNKNOWN = "UseUnknown"
    """The pod held devices; what it did with them was not seen."""
    POD_VANISHED = "PodVanished"
    """The pod was deleted unseen: it held devices no longer than this."""
    NODE_SILENT = "NodeSilent"
    """Its node's sidecar has not answered for long."""


@dataclass(frozen=True, slots=True)
class Stretch:
    """From where to where a pod is charged, by its node's clock.

    Attributes:
        before: its meter at the start; None where there was none.
        continued: `before` is of the same sidecar, so that the meters can be subtracted.
        is_new: it began after everything that was charged so far, so all that its meters say is of this stretch.
    """

    start_us: int
    end_us: int
    before: PodMeter | None = None
    continued: bool = False
    is_new: bool = False


@dataclass(frozen=True, slots=True)
class Use:
    """What a pod did: held = used - borrowed + idle + other + gap.

    Attributes:
        modelled_us: of held, what was made up for from Triton's counters.
        confidence: of all the rest of held.
        ensembles: models that only call others: they are counted, and charged nothing.
    """

    holdings: tuple[Holding, ...]
    idle_us: int = 0
    other_us: int = 0
    gap_us: int = 0
    rest_energy_mj: int = 0
    modelled_us: int = 0
    models: Mapping[ModelKey, ModelUse] = field(default_factory=dict)
    confidence: Confidence = Confidence.MEASURED
    ensembles: frozenset[ModelKey] = frozenset()


def held_in(holdings: tuple[Holding, ...], start_us: int, end_us: int) -> int:
    """Device time that is held in a stretch."""
    return sum(share_between(start_us, end_us, one.parts, one.of) for one in holdings)


def unseen(holdings: tuple[Holding, ...], start_us: int, end_us: int) -> Use:
    """A stretch of which nothing is known but what was held."""
    return Use(holdings, gap_us=held_in(holdings, start_us, end_us))


def measure(stretch: Stretch, meter: PodMeter) -> Use:
    """What a pod did in a stretch that ends at its meter, or at the pod's end before that."""
    held = held_in(meter.holdings, stretch.start_us, stretch.end_us)
    base = stretch.before if stretch.continued else None
    known = base is not None or stretch.before is not None or stretch.is_new
    if not known:
        models = {_key(one): ModelUse() for one in meter.models}
        return Use(meter.holdings, gap_us=held, models=models, ensembles=_ensembles(meter))
    models = _differences(meter, base)
    seen = min(held, max(0, meter.observed_us - (base.observed_us if base else 0)))
    other = max(0, meter.other_us - (base.other_us if base else 0))
    devices, length_us = len(meter.holdings), stretch.end_us - stretch.start_us
    models, other = fit(believe(models, devices, length_us), other, seen)
    idle = seen - other - sum(one.own_us for one in models.values())
    blind = held - seen
    if blind <= ROUNDING_US:
        bridged, idle = {}, idle + blind
    elif base is None and meter.models:
        bridged = believe(_bridge(meter, stretch.before, blind), devices, length_us)
    else:
        bridged = None
    rest_mj = max(0, meter.rest_energy_mj - (base.rest_energy_mj if base else 0))
    made_up = 0 if not bridged else sum(one.used_us for one in bridged.values())
    return Use(
        holdings=meter.holdings,
        idle_us=idle + (blind - made_up if bridged else 0),
        other_us=other,
        gap_us=blind if bridged is None else 0,
        rest_energy_mj=min(rest_mj, most_energy(devices, length_us)),
        modelled_us=blind if bridged else 0,
        models=add_uses(models, bridged or {}),
        confidence=CONFIDENCE[meter.method],
        ensembles=_ensembles(meter),
    )


def _ensembles(meter: PodMeter) -> frozenset[ModelKey]:
    return frozenset(_key(one) for one in meter.models if one.ensemble)


def _key(meter: ModelMeter) -> ModelKey:
    return meter.name, meter.version


def _differences(meter: PodMeter, base: PodMeter | None) -> dict[ModelKey, ModelUse]:
    """By model, what its meter rose by. Models that the document had no room for come out together, as the rest."""
    before = {_key(one): one for one in base.models} if base else {}
    rest = before.pop(REST, None)
    found = {_key(one): _difference(one, before.get(_key(one))) for one in meter.models}
    if rest is None:
        return found
    missing = [one for one in meter.models if _key(one) not in before]
    total = _difference(add_meters(missing), rest)
    kept = {key: use for key, use in found.items() if key in before}
    return {**kept, **{_key(one): ModelUse() for one in missing}, REST: total}


def _difference(meter: ModelMeter, base: ModelMeter | None) -> ModelUse:
    zero = ModelMeter(name=meter.name)
    old = base or zero
    new, was = meter.counted, old.counted
    return ModelUse(
        max(0, meter.used_us - old.used_us),
        max(0, meter.borrowed_us - old.borrowed_us),
        max(0, meter.energy_mj - old.energy_mj),
        *_requests(new, was),
    )


def _requests(new: Counters, old: Counters) -> tuple[int, int, int, int]:
    """How many inferences, good, bad and cached requests there were."""
    rises = (
        new.inferences - old.inferences,
        new.succeeded - old.succeeded,
        new.failed - old.failed,
        new.cached - old.cached,
    )
    inferences, succeeded, failed, cached = (max(0, rise) for rise in rises)
    return inferences, succeeded, failed, cached


def _bridge(meter: PodMeter, before: PodMeter | None, blind_us: int) -> dict[ModelKey, ModelUse]:
    """What Triton counted between the last sidecar's last reading and this one's first, fitted into the blind time."""
    old = {_key(one): one.raw for one in before.models} if before else {}
    gained = {
        _key(one): _gain(_first(one), old.get(_key(one), Counters()))
        for one in meter.models
        if not one.reset and (before is None or REST not in old or _key(one) in old)
    }
    size = meter.holdings[0] if meter.method is CostMethod.MIG else None
    calling = _ensembles(meter)
    executed = [
        0 if key in calling else one.execution_us * size.parts // size.of if size else one.execution_us
        for key, one in gained.items()
    ]
    total = min(blind_us, sum(executed))
    used = apportion(total, executed) if total else (0,) * len(executed)
    return {
        key: ModelUse(us, 0, 0, *_requests(one, Counters()))
        for (key, one), us in zip(gained.items(), used, strict=True)
    }


def _first(meter: ModelMeter) -> Counters:
    """Triton's counters when this sidecar first read them."""
    raw, counted = meter.raw, meter.counted
    return Counters.model_construct(
        execution_us=max(0, raw.execution_us - counted.execution_us),
        succeeded=max(0, raw.succeeded - counted.succeeded),
        failed=max(0, raw.failed - counted.failed),
        inferences=max(0, raw.inferences - counted.inferences),
        cached=max(0, raw.cached - counted.cached),
    )


def _gain(new: Counters, old: Counters) -> Counters:
    """How much counters rose; where one fell, all of them began anew."""
    names = ("execution_us", "succeeded", "failed", "inferences", "cached")
    if any(getattr(new, name) < getattr(old, name) for name in names):
        return new
    return Counters.model_construct(**{name: getattr(new, name) - getattr(old, name) for name in names})
