"""What edits of a ModelMonitor, of prices and of nodes cannot do: lose money, hide it, or break the ledger."""

import json
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

import pytest
from pydantic import ValidationError

from modelmonitor_api.cost_alerts import LEDGER_OLD_SECONDS
from modelmonitor_api.spec_cost import CostSpec, Currency
from modelmonitor_api.spec_objectives import Objective
from modelmonitor_operator.cost.amounts import Amounts
from modelmonitor_operator.cost.budget import budget_of
from modelmonitor_operator.cost.ledger import (
    KEPT_DAYS,
    KEPT_HOURS,
    KEPT_MONTHS,
    KEPT_OBJECTIVES,
    OBJECTIVE_DAYS,
    Ledger,
    new_ledger,
)
from modelmonitor_operator.cost.ledger_document import (
    MAX_BYTES,
    LedgerFault,
    LedgerProblem,
    parse_ledger,
    render_ledger,
)
from modelmonitor_operator.cost.price_table import NODE_CURRENCY, NODE_PRICE, PriceError, parse_table
from modelmonitor_operator.cost.report import build_cost_status
from modelmonitor_operator.cost.tally import Terms
from modelmonitor_operator.price_book import MAX_GONE, PriceBook
from tests.unit.cost.accounts import NOW, Book, book, life, meter, model, prices, reading
from tests.unit.operator.worlds import settings

HOUR = 3600
TABLE = {"currency": "USD", "prices.csv": "gpuModel,capacityType,perGpuHour\n*,Any,3.00\n"}


def priced_node(price: str, currency: str) -> dict[str, str]:
    return {NODE_PRICE: price, NODE_CURRENCY: currency}


def hours(made: Book, first: int, last: int) -> Decimal:
    """Charge from one hour to another, at work all the time."""
    for hour in range(first, last + 1):
        at = hour * HOUR
        made.take(reading(at, meter(at, at, model(used=at, counted=at))), life(0))
    return made.ledger.total.spent


def from_nodes() -> PriceBook:
    found = PriceBook()
    found.expect("", nodes=True, locked=False)
    found.put_node("n1", {"karpenter.sh/capacity-type": "spot"}, priced_node("3", "USD"))
    found.nodes_listed()
    return found


# Nodes that come and go


def test_a_node_in_another_currency_that_comes_leaves_the_money_as_it_was() -> None:
    found = from_nodes()
    made = book(Terms(found.prices_for(None)))
    assert hours(made, 0, 1) == 3
    found.put_node("a0", {}, priced_node("2", "EUR"))
    made.terms = Terms(found.prices_for(None))
    assert hours(made, 2, 2) == 6
    found.drop_node("n1")
    made.terms = Terms(found.prices_for(None))
    assert hours(made, 3, 3) == 9
    assert made.ledger.currency is Currency.USD


def test_a_node_whose_currency_changes_is_passed_over_and_the_status_says_what_to_write() -> None:
    found = from_nodes()
    made = book(Terms(found.prices_for(None)))
    hours(made, 0, 1)
    found.put_node("n1", {}, priced_node("2", "EUR"))
    listed = found.prices_for(None)
    made.terms = Terms(listed)
    assert hours(made, 2, 2) == 3
    status = build_cost_status(made.ledger, None, listed, NOW + 2 * HOUR)
    assert status.reason == "MixedCurrencies"
    assert "node n1 (EUR): write them in USD, or set spec.cost.currency" in status.message


def test_the_last_minutes_of_pods_on_a_node_that_is_gone_have_its_price() -> None:
    found = from_nodes()
    made = book(Terms(found.prices_for(None)))
    hours(made, 0, 1)
    found.drop_node("n1")
    made.terms = Terms(found.prices_for(None))
    total = made.take(None, life(0, end=2 * HOUR), now=3 * HOUR, silent=2 * HOUR)
    assert (total.spent, total.unpriced_us) == (6, 0)


def test_prices_of_nodes_that_are_gone_are_remembered_for_the_newest_of_them() -> None:
    found = from_nodes()
    for number in range(MAX_GONE + 1):
        found.put_node(f"spot-{number}", {}, priced_node("3", "USD"))
        found.drop_node(f"spot-{number}")
    listed = found.prices_for(None)
    assert listed.gpu_hour("spot-0", "A100") is None
    assert listed.gpu_hour(f"spot-{MAX_GONE}", "A100") is not None
    assert len(listed.nodes) == MAX_GONE + 1


def test_a_price_table_that_is_made_again_in_its_place_leaves_the_money_as_it_was() -> None:
    found = from_nodes()
    found.expect("ops/table", nodes=True, locked=False)
    found.put_table({**TABLE, "currency": "EUR"})
    made = book(Terms(found.prices_for(None)))
    hours(made, 0, 1)
    found.drop_table()
    made.terms = Terms(found.prices_for(None))
    made.take(reading(HOUR, meter(HOUR, HOUR)), life(0))
    found.put_table({**TABLE, "currency": "EUR"})
    made.terms = Terms(found.prices_for(None))
    assert hours(made, 2, 2) == 6


# What a team writes


@pytest.mark.parametrize("locked_by", ["table", "nodes"])
def test_another_currency_in_a_model_monitor_does_not_get_round_locked_prices(locked_by: str) -> None:
    found = from_nodes()
    found.expect("", nodes=True, locked=True)
    if locked_by == "table":
        found.put_table(TABLE)
    spec = CostSpec.model_validate({"currency": "JPY", "pricePerGpuHour": "0.01", "budget": {"amount": "1"}})
    made = book(Terms(found.prices_for(spec)))
    assert hours(made, 0, 1) == 3
    status = build_cost_status(made.ledger, spec, found.prices_for(spec), NOW + HOUR)
    assert (status.spent, status.reason, status.budget) == ("3.00 USD", "MixedCurrencies", None)
    assert status.message == (
        "spec.cost.currency is JPY, and an administrator has locked prices in USD: write currency: USD, and the budget "
        "in it"
    )


def test_a_budget_in_a_new_currency_is_not_held_against_money_in_the_old_one() -> None:
    made = book(Terms(prices(currency="VND", pricePerGpuHour="26000")))
    hours(made, 0, 1)
    spec = CostSpec.model_validate({"currency": "USD", "pricePerGpuHour": "1", "budget": {"amount": "1000"}})
    assert budget_of(made.ledger, spec, NOW + HOUR) is None
    status = build_cost_status(made.ledger, spec, prices(), NOW + HOUR)
    assert status.message == "the ledger counts in VND and in USD from its next write on: wait some minutes"


def test_changing_the_currency_again_and_again_hides_no_sum() -> None:
    made = book()
    hours(made, 0, 10)
    for number, currency in enumerate(["EUR", "USD"] * 10):
        made.terms = Terms(prices(currency=currency, pricePerGpuHour="2.40"))
        hours(made, 11 + number, 11 + number)
    closed = {one.currency: one.spent for one in made.ledger.closed}
    assert closed == {"USD": Decimal(24) + 9 * Decimal("2.40"), "EUR": 10 * Decimal("2.40")}


def test_a_thousand_names_of_objectives_leave_a_ledger_that_can_be_read() -> None:
    made = book()
    for number in range(1000):
        fields = {"name": f"o{number}-{'x' * 30}", "type": "Availability", "target": "99"}
        made.terms = Terms(prices(), objectives=(Objective.model_validate(fields),))
        at = 300 * number
        made.take(reading(at, meter(at, at, model(used=at, counted=at))), life(0))
    assert len(made.ledger.objectives) == KEPT_OBJECTIVES
    assert f"o999-{'x' * 30}" in made.ledger.objectives


def test_the_largest_ledger_fits() -> None:
    days = [str(date(2026, 1, 1) + timedelta(days=number)) for number in range(KEPT_DAYS)]
    amount = Decimal("123456.123456789012")
    full = Amounts(*(10**13 if isinstance(one, int) else amount for one in Amounts()))
    ledger = Ledger(
        "0f6b5f0e-3f5e-4a57-9a41-3f4c0f5f4a11",
        NOW,
        currency=Currency.USD,
        models={(f"{number}" + "ü" * 200, "1"): full for number in range(40)},
        days=dict.fromkeys(days, full),
        months={f"{2020 + number // 12}-{number % 12 + 1:02d}": full for number in range(KEPT_MONTHS)},
        hours={500_000 + number: amount for number in range(KEPT_HOURS)},
        objectives={
            f"o{n}-{'x' * 36}": dict.fromkeys(days[:OBJECTIVE_DAYS], (10**9, 10**9)) for n in range(KEPT_OBJECTIVES)
        },
    )
    text = render_ledger(ledger)
    assert len(text.encode()) <= MAX_BYTES
    assert isinstance(parse_ledger(text, ledger.monitor_uid), Ledger)


# What somebody writes into a ledger or a table by hand


@pytest.mark.parametrize(
    ("field", "value"),
    [
        pytest.param("timeZone", "Nowhere/Land", id="a zone that does not exist"),
        pytest.param("timeZone", 5, id="a zone that is a number"),
        pytest.param("days", {"2026-1-5": {}}, id="a day without its zeros"),
        pytest.param("days", {"tomorrow": {}}, id="a day that is a word"),
        pytest.param("months", {"2026-13": {}}, id="a month that no year has"),
        pytest.param("objectives", {"o": {"20260105": [1, 1]}}, id="a day of an objective"),
    ],
)
def test_an_edit_that_means_nothing_is_refused_when_it_is_read(field: str, value: Any) -> None:
    document = json.loads(render_ledger(new_ledger("uid", NOW)))
    del document["digest"]
    found = parse_ledger(json.dumps({**document, field: value}), "uid")
    assert isinstance(found, LedgerProblem)
    assert found.fault is LedgerFault.UNREADABLE


def test_two_prices_for_the_same_gpu_are_none() -> None:
    rows = "gpuModel,capacityType,perGpuHour\nNVIDIA L4,Any,3.00\nnvidia l4,,20.00\n"
    with pytest.raises(PriceError, match="'nvidia l4', Any has two rows: keep one of them"):
        parse_table("ops/table", {"currency": "USD", "prices.csv": rows})


def test_a_ledger_is_written_no_later_than_the_alerts_expect() -> None:
    assert settings(cost={"writeSeconds": 300}).cost.write_seconds * 6 == LEDGER_OLD_SECONDS
    with pytest.raises(ValidationError, match="writeSeconds"):
        settings(cost={"writeSeconds": 301})
