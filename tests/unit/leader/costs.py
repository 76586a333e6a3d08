"""Facts of cost in few words, for pages and what is made of them."""

from dataclasses import replace
from typing import Any

from modelmonitor_api.spec_cost import CostSpec
from modelmonitor_operator.cost.budget import view_budget
from modelmonitor_operator.cost.facts import CostFacts, CostState
from modelmonitor_operator.cost.ledger import Ledger
from modelmonitor_operator.cost.price_table import PriceTable, parse_table
from modelmonitor_operator.cost.prices import PriceList
from modelmonitor_operator.cost.report import build_cost_status
from modelmonitor_operator.cost.tally import Terms
from tests.unit.cost.accounts import NOW, Book, book, life, meter, model, reading

HOUR = 3600
SPEC = {
    "currency": "USD",
    "pricePerGpuHour": "2.40",
    "energyPricePerKwh": "0.30",
    "budget": {"amount": "100", "period": "Day"},
}


def table(currency: str = "USD") -> PriceTable:
    """A price table of two weeks ago."""
    rows = "gpuModel,capacityType,perGpuHour\n*A100*,OnDemand,3.00\n"
    return parse_table("prices", {"currency": currency, "updated": "2027-01-01", "prices.csv": rows})


def running(spec: dict[str, Any] | None = None, priced: PriceTable | None = None) -> Book:
    """A pod that has run for an hour: a quarter of it busy with `fraud`, and the last minute unseen."""
    chosen = CostSpec.model_validate(SPEC if spec is None else spec)
    made = book(Terms(PriceList(chosen, table=priced)), since=0)
    busy = model(used=900, counted=800, energy_mj=3_600_000_000)
    for at in (HOUR - 60, HOUR):
        made.take(reading(at, meter(at, HOUR - 60, busy)), life())
    return made


def facts(
    ledger: Ledger, spec: dict[str, Any] | None = None, prices: PriceList | None = None, at: float = HOUR
) -> CostFacts:
    """What a leader tells of a ledger that it has committed, by default an hour after its beginning."""
    chosen = CostSpec.model_validate(SPEC if spec is None else spec)
    written = replace(ledger, checkpoint=replace(ledger.checkpoint, written=NOW + at))
    return CostFacts(
        CostState.COMMITTED,
        written,
        build_cost_status(written, chosen, prices or PriceList(chosen), NOW + at),
        view_budget(written, chosen.budget, NOW + at) if chosen.budget else None,
    )


def rich() -> CostFacts:
    """Every figure of cost that there is: a gap, energy, a budget, a price with an age."""
    spec = {name: value for name, value in SPEC.items() if name != "pricePerGpuHour"}
    made = running(spec, table())
    return facts(made.ledger, spec, made.terms.prices)
