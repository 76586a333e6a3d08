"""What the status says about cost."""

from dataclasses import replace
from decimal import Decimal

import pytest

from modelmonitor_api.cost_summary import Confidence, CostMethod
from modelmonitor_api.spec_cost import CostSpec, Currency
from modelmonitor_api.status_cost import MAX_COST_BYTES, CostObstacle, CostStatus
from modelmonitor_operator.cost.ledger import Beginning, in_currency
from modelmonitor_operator.cost.prices import PriceList
from modelmonitor_operator.cost.report import build_cost_status, render_rate
from modelmonitor_operator.cost.tally import Terms
from tests.unit.cost.accounts import A100, NOW, Book, book, life, meter, model, prices, reading

HOUR = 3600


def status(made: Book, **fields: object) -> CostStatus:
    spec = CostSpec.model_validate({"currency": "USD", "pricePerGpuHour": "2.40", **fields})
    return build_cost_status(made.ledger, spec, made.terms.prices, NOW + HOUR)


def running(terms: Terms | None = None) -> Book:
    made = book(terms or Terms(prices()), since=0)
    made.take(reading(HOUR, meter(HOUR, HOUR, model(used=900, counted=800, energy_mj=3_600_000_000))), life())
    return made


def test_a_model_has_its_cost_on_both_bases() -> None:
    found = status(running())
    (one,) = found.models
    assert (one.name, one.allocation, one.usage, one.idle) == ("fraud", "2.40", "0.60", "1.80")
    assert (one.per_thousand_allocation, one.per_thousand_usage) == ("0.30", "0.075")
    assert (one.gpu_hours, one.energy_kwh, one.per_thousand_watt_hours) == ("1.00", "1.000", "125.00")
    assert (found.total.allocation, found.period.allocation, found.confidence) == ("2.40", "2.40", Confidence.MEASURED)


def test_a_thousand_inferences_of_an_ensemble_have_no_price_of_their_own() -> None:
    made = book(Terms(prices()), since=0)
    ensemble = model("chain", counted=800, ensemble=True)
    made.take(reading(HOUR, meter(HOUR, HOUR, model(used=900, counted=800), ensemble)), life())
    chain = next(one for one in status(made).models if one.name == "chain")
    assert (chain.per_thousand_allocation, chain.per_thousand_usage, chain.per_thousand_watt_hours) == (None,) * 3


def test_the_price_in_force_has_a_source() -> None:
    (price,) = status(running()).prices
    assert (price.per_gpu_hour, price.source, price.where, price.warning) == (
        "2.4",
        "ModelMonitor",
        "spec.cost.pricePerGpuHour",
        "",
    )


def test_a_price_by_the_month_is_warned_of() -> None:
    (price,) = status(running(Terms(prices(pricePerGpuHour="1752")))).prices
    assert "times the reference" in price.warning


def test_spend_and_projection_are_one_line() -> None:
    found = status(running())
    assert found.spent == "2.40 USD"
    assert found.projected.endswith(" USD")
    assert found.forecast is not None
    assert not found.forecast.proven


def test_without_a_price_the_field_to_fill_is_named() -> None:
    found = status(running(Terms(PriceList())))
    assert (found.currency, found.total.allocation, found.total.gpu_hours) == (None, None, "1.00")
    assert "spec.cost.pricePerGpuHour" in found.message
    assert (found.reason, found.spent, found.projected) == (CostObstacle.NO_PRICE, "1.00 GPU-hours", "")
    assert found.prices[0].per_gpu_hour is None


def test_nothing_unpriced_is_told_as_a_zero() -> None:
    made = running(Terms(replace(prices(pricePerGpuHour="2.40"), locked=True)))
    found = status(made)
    (one,) = found.models
    assert (found.currency, found.spent, found.projected, found.forecast) == ("USD", "1.00 GPU-hours", "", None)
    assert (found.total.allocation, one.usage, one.per_thousand_allocation, one.per_thousand_usage) == (None,) * 4
    assert (one.gpu_hours, one.per_thousand_watt_hours) == ("1.00", "125.00")
    assert "locked" in found.message


def test_devices_that_tell_no_energy_have_none() -> None:
    made = book(since=0)
    made.take(reading(HOUR, meter(HOUR, HOUR, model(used=900, counted=800))), life())
    (one,) = status(made).models
    assert (one.energy_kwh, one.energy, one.per_thousand_watt_hours) == (None, None, None)


def test_time_without_a_price_is_told_beside_the_money() -> None:
    made = running(Terms(PriceList(CostSpec.model_validate({"currency": "USD"}))))
    made.terms = Terms(prices())
    made.take(reading(2 * HOUR, meter(2 * HOUR, 2 * HOUR, model(used=900, counted=800))), life())
    found = status(made, budget={"amount": "3"})
    assert (found.spent, found.reason) == ("2.40 USD + 1.00 GPU-hours", CostObstacle.PARTLY_UNPRICED)
    assert "1.00 GPU-hours were held without a price in USD" in found.message
    assert found.models[0].per_thousand_allocation is None


def test_another_currency_leaves_no_money_and_says_so() -> None:
    made = running()
    made.ledger = in_currency(made.ledger, Currency.EUR, NOW + HOUR)
    found = build_cost_status(made.ledger, CostSpec(currency=Currency.EUR), PriceList(), NOW + HOUR)
    assert (found.currency, found.spent, found.total.allocation) == ("EUR", "1.00 GPU-hours", None)


def test_a_table_that_cannot_be_read_comes_before_what_it_does_not_price() -> None:
    broken = PriceList(problems=("price table cost/prices is not there",))
    found = build_cost_status(running(Terms(broken)).ledger, None, broken, NOW + HOUR)
    assert found.reason is CostObstacle.PRICE_SOURCE_UNUSABLE
    assert found.message.startswith(f"price table cost/prices is not there; {A100} has no price")


@pytest.mark.parametrize(
    ("amount", "text"),
    [
        ("0", "0.00"),
        ("0.000012", "0.000012"),
        ("0.0000123456", "0.00001235"),
        ("0.3", "0.30"),
        ("1.23456", "1.235"),
        ("1234.567", "1234.57"),
        ("0.000000000004", "0.000000000004"),
    ],
)
def test_money_for_a_thousand_inferences_keeps_digits_that_say_something(amount: str, text: str) -> None:
    assert render_rate(Decimal(amount)) == text


def test_a_budget_is_told() -> None:
    found = status(running(), budget={"amount": "3"})
    assert found.budget is not None
    assert (found.budget.spent, found.budget.left, found.budget.reached_percent) == ("2.40", "0.60", 80)
    assert found.budget.period_end == "2027-02-01T00:00:00Z"


def test_a_gap_and_a_lost_ledger_are_told() -> None:
    made = running()
    made.take(reading(HOUR + 60, meter(HOUR + 60, HOUR, model(used=900, counted=800))), life())
    made.ledger = replace(made.ledger, beginning=Beginning.LOST)
    found = status(made)
    assert [(gap.reason, gap.gpu_hours, gap.money) for gap in found.gaps] == [("UseUnknown", "0.02", "0.04")]
    assert found.beginning == "LedgerLost"


def test_a_slice_is_modelled_and_a_guess_is_assumed() -> None:
    for method, confidence in ((CostMethod.MIG, Confidence.MODELLED), (CostMethod.ASSUMED, Confidence.ASSUMED)):
        made = book(since=0)
        made.take(reading(HOUR, meter(HOUR, HOUR, model(used=900, counted=800), method=method)), life())
        assert status(made).confidence is confidence


def test_it_is_bounded_whatever_models_are_called() -> None:
    made = book(since=0)
    models = [model(chr(0x1F600 + n) * 250, used=n) for n in range(39)]
    made.take(reading(HOUR, meter(HOUR, HOUR, *models)), life())
    found = status(made)
    assert len(found.model_dump_json(by_alias=True, exclude_none=True).encode()) <= MAX_COST_BYTES
    assert (found.models_total, len(found.models) > 0) == (39, True)
