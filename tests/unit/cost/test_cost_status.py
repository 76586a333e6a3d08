"""What the status says about cost."""

from dataclasses import replace

from modelmonitor_api.cost_summary import Confidence, CostMethod
from modelmonitor_api.spec_cost import CostSpec
from modelmonitor_api.status_cost import MAX_COST_BYTES, CostStatus
from modelmonitor_operator.cost.ledger import Beginning
from modelmonitor_operator.cost.prices import PriceList
from modelmonitor_operator.cost.report import build_cost_status
from modelmonitor_operator.cost.tally import Terms
from tests.unit.cost.accounts import NOW, Book, book, life, meter, model, prices, reading

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
    assert (one.per_thousand_allocation, one.per_thousand_usage) == ("0.30", "0.08")
    assert (one.gpu_hours, one.energy_kwh, one.per_thousand_watt_hours) == ("1.00", "1.000", "125.0000")
    assert (found.total.allocation, found.period.allocation, found.confidence) == ("2.40", "2.40", Confidence.MEASURED)


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
    assert found.spent == "1.00 GPU-hours"
    assert found.prices[0].per_gpu_hour is None


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
