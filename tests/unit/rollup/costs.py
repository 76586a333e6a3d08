"""Costs in few words: one GPU that was held for some days, charged by the hour."""

from dataclasses import replace
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

from modelmonitor_api.spec_cost import CostSpec, Currency
from modelmonitor_operator.cost.amounts import Amounts
from modelmonitor_operator.cost.budget import view_budget
from modelmonitor_operator.cost.checkpoint import Checkpoint, PodMark
from modelmonitor_operator.cost.facts import CostFacts, CostState
from modelmonitor_operator.cost.ledger import Ledger, new_ledger
from modelmonitor_operator.cost.money import HOUR_US
from modelmonitor_operator.cost.periods import day_of, midnight
from modelmonitor_operator.cost.prices import PriceList
from modelmonitor_operator.cost.report import build_cost_status
from tests.unit.cost.accounts import meter
from tests.unit.rollup.situations import NOW

PRICED: dict[str, Any] = {"currency": "EUR", "pricePerGpuHour": "1"}
DAYS = 39


def ledger(days: int = DAYS, per_hour: str = "1", unpriced_days: int = 0, **fields: Any) -> Ledger:
    """One GPU held for so many days up to now, a quarter of it busy; on the first days it had no price."""
    today, began = day_of("UTC", NOW), midnight("UTC", day_of("UTC", NOW) - timedelta(days=days))
    found: dict[str, Amounts] = {}
    hours: dict[int, Decimal] = {}
    for n in range(days + 1):
        start = began + n * 86400
        length = int(min(NOW - start, 86400) // 3600)
        price = Decimal(0) if n < unpriced_days else Decimal(per_hour)
        found[str(today - timedelta(days=days - n))] = _held(length, price)
        hours |= {int(start // 3600) + hour: price for hour in range(length)}
    total = Amounts()
    for one in found.values():
        total = total.plus(one)
    made = replace(new_ledger("uid-monitor", began), currency=Currency.EUR, models={("fraud", "1"): total})
    marks = {"p": PodMark("n1", "boot", 0, 0, 0.0, meter(1, 1))}
    return replace(made, days=found, hours=hours, checkpoint=Checkpoint(pods=marks), **fields)


def _held(hours: int, price: Decimal) -> Amounts:
    us = hours * HOUR_US
    return Amounts(
        used_us=us // 4,
        idle_us=us - us // 4,
        unpriced_us=0 if price else us,
        used=price * hours / 4,
        idle=price * hours * 3 / 4,
        inferences=1000,
    )


def committed(made: Ledger | None = None, cost: dict[str, Any] | None = None, **prices: Any) -> CostFacts:
    """What a ledger says under `spec.cost`."""
    made, spec = made or ledger(), CostSpec.model_validate(PRICED if cost is None else cost)
    status = build_cost_status(made, spec, PriceList(spec, **prices), NOW)
    budget = view_budget(made, spec.budget, NOW) if spec.budget else None
    return CostFacts(CostState.COMMITTED, made, status, budget)


def budgeted(amount: str, made: Ledger | None = None, **fields: Any) -> CostFacts:
    """The same with a budget."""
    return committed(made, {**PRICED, "budget": {"amount": amount, **fields}})


def counted(name: str, good: int, total: int, days: int = 3) -> CostFacts:
    """A ledger that has counted an objective's requests yesterday."""
    yesterday: date = day_of("UTC", NOW) - timedelta(days=1)
    return committed(ledger(days - 1, objectives={name: {str(yesterday): (good, total)}}))
