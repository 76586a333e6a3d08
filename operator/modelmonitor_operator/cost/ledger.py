"""The ledger of one ModelMonitor: what its models have cost, and up to where everything has been charged.

It is a value: `advance` makes the next of it, `ledger_document` its text, `report` the status.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field, replace
from decimal import Decimal
from enum import StrEnum

from modelmonitor_api.spec_cost import Currency
from modelmonitor_api.spec_objectives import PERIOD_DAYS
from modelmonitor_operator.cost.amounts import NOTHING, REST, Amounts, ModelKey, add_up
from modelmonitor_operator.cost.checkpoint import Checkpoint
from modelmonitor_operator.cost.measure import GapReason
from modelmonitor_operator.cost.tally import GapTotal

KEPT_DAYS = 40
"""Days that are kept apart; older ones are added to their month."""
KEPT_MONTHS = 24
KEPT_HOURS = 24 * 8
OBJECTIVE_DAYS = PERIOD_DAYS + 2
"""An objective speaks of its period; time zones can differ by a day at either end."""
KEPT_OBJECTIVES = 16
"""As many as a ModelMonitor may have; of those that it no longer has the ones that were counted last."""
MAX_MODELS = 40
"""Models that are kept apart; those that cost least are added up as the rest."""


class Beginning(StrEnum):
    """Why a ledger begins when it does."""

    NEW = "New"
    """The ModelMonitor is new to the operator."""
    LOST = "LedgerLost"
    """There was one, and it is gone: what it held is not known any more."""


@dataclass(frozen=True, slots=True)
class ClosedAccount:
    """What was spent in a currency that the ModelMonitor had before, whenever it had it."""

    currency: Currency
    spent: Decimal
    until: float


@dataclass(frozen=True, slots=True)
class Ledger:
    """Everything that must last about the cost of one ModelMonitor.

    Attributes:
        since: nothing before this is charged; seconds since the epoch.
        models: every model version since then; days, months and `earlier` hold the same once more.
        days: by local day, as `2026-01-31`. months: by month, as `2026-01`, of days that are no longer kept.
        hours: money by hours since the epoch.
        objectives: good and all requests by objective and day.
    """

    monitor_uid: str
    since: float
    beginning: Beginning = Beginning.NEW
    currency: Currency | None = None
    zone: str = "UTC"
    models: Mapping[ModelKey, Amounts] = field(default_factory=dict)
    days: Mapping[str, Amounts] = field(default_factory=dict)
    months: Mapping[str, Amounts] = field(default_factory=dict)
    earlier: Amounts = NOTHING
    hours: Mapping[int, Decimal] = field(default_factory=dict)
    objectives: Mapping[str, Mapping[str, tuple[int, int]]] = field(default_factory=dict)
    gaps: Mapping[GapReason, GapTotal] = field(default_factory=dict)
    closed: tuple[ClosedAccount, ...] = ()
    checkpoint: Checkpoint = field(default_factory=Checkpoint)

    @property
    def total(self) -> Amounts:
        """Everything since the ledger began, in its currency."""
        return add_up(*self.models.values())


def new_ledger(monitor_uid: str, since: float, beginning: Beginning = Beginning.NEW) -> Ledger:
    """A ledger with nothing in it; pods that are older than `since` are charged from `since`."""
    return Ledger(monitor_uid, since, beginning)


def in_currency(ledger: Ledger, currency: Currency | None, now: float) -> Ledger:
    """The same in another currency: what was spent is closed, time and energy go on."""
    if currency is None or currency is ledger.currency:
        return ledger
    closed = ledger.closed
    spent = ledger.total.spent
    if ledger.currency is not None and spent:
        before = sum((one.spent for one in closed if one.currency is ledger.currency), Decimal(0))
        others = (one for one in closed if one.currency is not ledger.currency)
        closed = (*others, ClosedAccount(ledger.currency, before + spent, now))
    return replace(
        ledger,
        currency=currency,
        models={key: one.without_money() for key, one in ledger.models.items()},
        days={key: one.without_money() for key, one in ledger.days.items()},
        months={key: one.without_money() for key, one in ledger.months.items()},
        earlier=ledger.earlier.without_money(),
        hours={},
        gaps={reason: replace(one, money=Decimal(0)) for reason, one in ledger.gaps.items()},
        closed=closed,
    )


def shorten(ledger: Ledger, objectives: Collection[str] = ()) -> Ledger:
    """Days into months, months into what was earlier, small models into the rest.

    Args:
        objectives: those that the ModelMonitor has now.
    """
    days, months, earlier = dict(ledger.days), dict(ledger.months), ledger.earlier
    for day in sorted(days)[:-KEPT_DAYS]:
        month = day[:7]
        months[month] = months.get(month, NOTHING).plus(days.pop(day))
    for month in sorted(months)[:-KEPT_MONTHS]:
        earlier = earlier.plus(months.pop(month))
    hours = ledger.hours
    if len(hours) > KEPT_HOURS:
        hours = {hour: hours[hour] for hour in sorted(hours)[-KEPT_HOURS:]}
    counted = {
        name: {day: ledger.objectives[name][day] for day in sorted(ledger.objectives[name])[-OBJECTIVE_DAYS:]}
        for name in _kept_objectives(ledger, objectives)
    }
    return replace(ledger, days=days, months=months, earlier=earlier, hours=hours, objectives=counted)


def _kept_objectives(ledger: Ledger, present: Collection[str]) -> list[str]:
    found = ledger.objectives
    ranked = sorted(found, key=lambda name: (name in present, max(found[name], default=""), name), reverse=True)
    return ranked[:KEPT_OBJECTIVES]


def keep_largest(
    ledger: Ledger, most: int, before: Mapping[ModelKey, Amounts] | None = None
) -> dict[ModelKey, Amounts]:
    """The models that are kept apart, and all others added up as the rest.

    Models that a pod has now come first, of these the ones that were kept before, then those that hold most: old
    versions make room for new ones, and a model that is kept is not dropped for a newcomer.
    """
    models = ledger.models
    if len(models) <= most:
        return dict(models)
    marks = ledger.checkpoint.pods.values()
    loaded = {(one.name, one.version) for mark in marks if not mark.done for one in mark.meter.models}
    kept_before = before or {}

    def rank(key: ModelKey) -> tuple[bool, bool, int, ModelKey]:
        return key not in loaded, key not in kept_before, -models[key].held_us, key

    kept = {key: models[key] for key in sorted((key for key in models if key != REST), key=rank)[: most - 1]}
    return kept | {REST: add_up(*(one for key, one in models.items() if key not in kept))}
