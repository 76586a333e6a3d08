"""Sums while a ledger is advanced: by model, by local day, by hour, by objective, by gap."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal

from modelmonitor_api.apportion import apportion
from modelmonitor_api.cost_summary import Confidence, Holding
from modelmonitor_api.quantities import model_selected
from modelmonitor_api.spec_objectives import Objective, ObjectiveType
from modelmonitor_operator.cost.amounts import NO_MODEL, NOTHING, Amounts, ModelKey
from modelmonitor_operator.cost.measure import GapReason, Use
from modelmonitor_operator.cost.model_use import ModelUse
from modelmonitor_operator.cost.money import ZERO, cost_of, energy_cost
from modelmonitor_operator.cost.periods import day_of, split_by_day
from modelmonitor_operator.cost.prices import PriceList

HOUR = 3600.0


@dataclass(frozen=True, slots=True)
class Terms:
    """Under what a ledger is advanced.

    Attributes:
        zone: IANA time zone of its days.
        objectives: those whose requests are counted.
    """

    prices: PriceList
    zone: str = "UTC"
    objectives: tuple[Objective, ...] = ()


@dataclass(frozen=True, slots=True)
class GapTotal:
    """All gaps of one reason.

    Attributes:
        last: when the newest ended, in seconds since the epoch.
    """

    time_us: int = 0
    money: Decimal = ZERO
    last: float = 0.0


@dataclass(frozen=True, slots=True)
class Rate:
    """What a pod's mixture of devices costs an hour.

    Attributes:
        per_hour: None where a device of it has no price.
        per_kwh: None where energy is not charged.
    """

    per_hour: Decimal | None
    per_kwh: Decimal | None


@dataclass(slots=True)
class Tally:
    """The sums. Filled by `book` alone."""

    terms: Terms
    models: dict[ModelKey, Amounts]
    days: dict[str, Amounts]
    hours: dict[int, Decimal]
    objectives: dict[str, dict[str, tuple[int, int]]]
    gaps: dict[GapReason, GapTotal]
    rates: dict[tuple[str, tuple[Holding, ...]], Rate] = field(default_factory=dict)

    def book(self, node: str, use: Use, span: tuple[float, float], reason: GapReason = GapReason.USE_UNKNOWN) -> None:
        """Add what a pod did between two times, in seconds since the epoch, to every sum that it belongs to."""
        rate = self._rate(node, use.holdings)
        pieces = split_by_day(self.terms.zone, *span)
        if len(pieces) <= 1:
            self._book_day(pieces[0] if pieces else (day_of(self.terms.zone, span[1]), *span), use, rate, reason)
            return
        lengths = [round((end - start) * 1_000_000) for _, start, end in pieces]
        for piece, part in zip(pieces, cut_use(use, lengths), strict=True):
            self._book_day(piece, part, rate, reason)

    def _rate(self, node: str, holdings: tuple[Holding, ...]) -> Rate:
        key = (node, holdings)
        if key not in self.rates:
            self.rates[key] = _find_rate(self.terms.prices, node, holdings)
        return self.rates[key]

    def _book_day(self, piece: tuple[date, float, float], use: Use, rate: Rate, reason: GapReason) -> None:
        day, spent = piece[0].isoformat(), ZERO
        for key, amounts in _amounts(use, rate):
            self.models[key] = self.models.get(key, NOTHING).plus(amounts)
            self.days[day] = self.days.get(day, NOTHING).plus(amounts)
            spent += amounts.spent
            if amounts.gap_us:
                had = self.gaps.get(reason, GapTotal())
                self.gaps[reason] = GapTotal(had.time_us + amounts.gap_us, had.money + amounts.gap, piece[2])
        hour = int((piece[1] + piece[2]) / 2 // HOUR)
        self.hours[hour] = self.hours.get(hour, ZERO) + spent
        self._count(day, use)

    def _count(self, day: str, use: Use) -> None:
        for objective in self.terms.objectives:
            if objective.type is not ObjectiveType.AVAILABILITY:
                continue
            met = [one for (name, _), one in use.models.items() if model_selected(objective.models, (), name)]
            good, bad = sum(one.succeeded for one in met), sum(one.failed for one in met)
            if good or bad:
                days = self.objectives.setdefault(objective.name, {})
                had = days.get(day, (0, 0))
                days[day] = (had[0] + good, had[1] + good + bad)


def _find_rate(prices: PriceList, node: str, holdings: tuple[Holding, ...]) -> Rate:
    """The mean of the devices' prices, by how much of each is held."""
    weights = [Decimal(one.parts) / one.of for one in holdings]
    found = [prices.gpu_hour(node, one.gpu_model) for one in holdings]
    per_hour: Decimal | None = None
    if holdings and all(found):
        each = [price.per_hour * weight for price, weight in zip(found, weights, strict=True) if price]
        per_hour = sum(each, ZERO) / sum(weights, ZERO)
    metered = not all(price is not None and price.includes_energy for price in found) if found else True
    return Rate(per_hour, prices.energy_per_kwh if metered else None)


def _amounts(use: Use, rate: Rate) -> Iterator[tuple[ModelKey, Amounts]]:
    """What a pod did, by model. What no model did is the models' in equal parts: together they hold the devices."""
    keys = sorted(use.models)
    if use.ensembles.issuperset(keys):
        keys = [NO_MODEL, *keys]
    equal = [int(key not in use.ensembles) for key in keys]
    idle, other, gap = (apportion(us, equal) for us in (use.idle_us, use.other_us, use.gap_us))
    rest, modelled = apportion(use.rest_energy_mj, equal), apportion(use.modelled_us, equal)
    nothing, energy_price = ModelUse(), rate.per_kwh
    for n, key in enumerate(keys):
        one = use.models.get(key, nothing)
        energy_mj = one.energy_mj + rest[n]
        price = rate.per_hour
        own = one.used_us - one.borrowed_us + idle[n] + other[n] + gap[n]
        yield (
            key,
            Amounts(
                one.used_us,
                one.borrowed_us,
                idle[n],
                other[n],
                gap[n],
                own if use.confidence is Confidence.MODELLED else modelled[n],
                own if use.confidence is Confidence.ASSUMED else 0,
                own if price is None else 0,
                energy_mj,
                one.inferences,
                one.succeeded,
                one.failed,
                one.cached,
                _money(one.used_us, price),
                _money(one.borrowed_us, price),
                _money(idle[n], price),
                _money(other[n], price),
                _money(gap[n], price),
                energy_cost(energy_mj, energy_price) if energy_price is not None and energy_mj else ZERO,
            ),
        )


def _money(time_us: int, price: Decimal | None) -> Decimal:
    return cost_of(time_us, price) if time_us and price is not None else ZERO


def cut_use(use: Use, lengths: list[int]) -> list[Use]:
    """A use in pieces, in the ratio of their lengths."""

    def cut(total: int) -> tuple[int, ...]:
        return apportion(total, lengths)

    idle, other, gap = cut(use.idle_us), cut(use.other_us), cut(use.gap_us)
    rest, modelled = cut(use.rest_energy_mj), cut(use.modelled_us)
    models: list[dict[ModelKey, ModelUse]] = [{} for _ in lengths]
    for key, one in use.models.items():
        own = cut(one.used_us - one.borrowed_us)
        borrowed, energy, made = cut(one.borrowed_us), cut(one.energy_mj), cut(one.inferences)
        good, bad, cached = cut(one.succeeded), cut(one.failed), cut(one.cached)
        for n in range(len(lengths)):
            models[n][key] = ModelUse(own[n] + borrowed[n], borrowed[n], energy[n], made[n], good[n], bad[n], cached[n])
    return [
        Use(use.holdings, idle[n], other[n], gap[n], rest[n], modelled[n], models[n], use.confidence, use.ensembles)
        for n in range(len(lengths))
    ]
