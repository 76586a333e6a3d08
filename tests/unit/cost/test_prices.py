"""Which price counts, where it came from, and what is refused."""

from collections.abc import Mapping
from datetime import date
from decimal import Decimal

import pytest

from modelmonitor_api.spec_cost import CapacityType, CostSpec, Currency, OnPremises
from modelmonitor_operator.cost.price_table import (
    CSV_KEY,
    NODE_PRICE,
    NodePrice,
    PriceError,
    PriceRow,
    PriceTable,
    capacity_type,
    parse_node_price,
    parse_table,
)
from modelmonitor_operator.cost.prices import NodeFacts, PriceList, PriceSource, on_premises_price, warn_of
from modelmonitor_operator.cost.reference_prices import PER_USD, REFERENCE_PRICES, reference_price
from tests.unit.cost.accounts import A100

TABLE = PriceTable("mm/prices", Currency.EUR, (PriceRow("*A100*", CapacityType.ANY, Decimal("1.5")),), date(2027, 1, 1))
NODE = NodePrice(Currency.EUR, Decimal("0.9"))


def spec(**fields: object) -> CostSpec:
    return CostSpec.model_validate({"currency": "EUR", **fields})


def chosen(prices: PriceList, node: str = "n1", gpu: str = A100) -> tuple[str, str, str] | None:
    price = prices.gpu_hour(node, gpu)
    return None if price is None else (str(price.per_hour), price.source.value, price.where)


def test_the_monitors_own_price_comes_first_then_the_table_then_the_node() -> None:
    nodes = {"n1": NodeFacts(price=NODE)}
    own = spec(pricePerGpuHour="3")
    assert chosen(PriceList(own, TABLE, nodes)) == ("3", "ModelMonitor", "spec.cost.pricePerGpuHour")
    assert chosen(PriceList(own, TABLE, nodes, locked=True)) == ("1.5", "PriceTable", "mm/prices[*A100*]")
    assert chosen(PriceList(None, TABLE, nodes)) == ("1.5", "PriceTable", "mm/prices[*A100*]")
    assert chosen(PriceList(None, TABLE, nodes), gpu="NVIDIA L4") == ("0.9", "Node", "node n1")
    assert chosen(PriceList(spec(), None, nodes), node="n2") is None


def test_the_row_that_names_the_gpu_most_closely_wins() -> None:
    rows = [
        {"gpuModel": "*", "perGpuHour": "9"},
        {"gpuModel": "*a100*", "perGpuHour": "3"},
        {"gpuModel": "*A100*", "capacityType": "Spot", "perGpuHour": "1"},
        {"gpuModel": "NVIDIA A100-SXM4-80GB", "perGpuHour": "4"},
    ]
    nodes = {"n1": NodeFacts(CapacityType.SPOT), "n2": NodeFacts()}
    prices = PriceList(spec(prices=rows), nodes=nodes)
    found = [
        prices.gpu_hour(*one) for one in (("n1", A100), ("n2", A100), ("n1", "nvidia a100-sxm4-80gb"), ("n1", "T4"))
    ]
    assert [str(price.per_hour) for price in found if price] == ["1", "3", "4", "9"]


def test_a_price_in_another_currency_is_passed_over_and_said() -> None:
    prices = PriceList(spec(currency="USD"), TABLE, {"n1": NodeFacts(price=NODE)})
    assert chosen(prices) is None
    assert prices.mixed_currencies() == ("price table mm/prices (EUR)", "node n1 (EUR)")


def test_bought_gpus_cost_their_purchase_over_their_life_and_their_power() -> None:
    made = OnPremises.model_validate({"purchaseCost": "35064", "lifeYears": "4", "powerWatts": "1000"})
    assert on_premises_price(made, "0.30", "1.5") == Decimal("1") + Decimal("0.45")
    prices = PriceList(spec(onPremises=[made], energyPricePerKwh="0.30", pue="1.5"))
    price = prices.gpu_hour("n1", A100)
    assert price is not None
    assert (price.includes_energy, price.where) == (True, "spec.cost.onPremises[*]")
    metered = PriceList(spec(onPremises=[{"purchaseCost": "35064"}])).gpu_hour("n1", A100)
    assert metered is not None
    assert (metered.per_hour, metered.includes_energy) == (1, False)


def test_energy_costs_what_the_first_source_says_times_the_sites_overhead() -> None:
    assert PriceList(spec(energyPricePerKwh="0.30", pue="1.5")).energy_per_kwh == Decimal("0.45")
    assert PriceList(spec(pricePerGpuHour="1")).energy_per_kwh is None
    table = PriceTable("t", Currency.EUR, TABLE.rows, None, Decimal("0.2"), Decimal("1.1"))
    assert PriceList(None, table).energy_per_kwh == Decimal("0.22")


def test_a_price_far_from_the_reference_is_warned_of() -> None:
    def warning(price: str) -> str | None:
        found = PriceList(spec(pricePerGpuHour=price, currency="USD")).gpu_hour("n1", A100)
        assert found is not None
        return warn_of(found, A100, Currency.USD)

    assert warning("2.75") is None
    assert warning("0.55") is None
    assert warning("13.75") is None
    assert "is 2e+02 times the reference of 2.75" in (warning("550") or "")
    assert "is it by the hour" in (warning("0.5") or "")


def test_every_currency_has_a_rate_and_every_reference_is_above_zero() -> None:
    assert set(PER_USD) == set(Currency)
    assert all(row.usd_per_hour > 0 for row in REFERENCE_PRICES)
    assert reference_price("NVIDIA A100-SXM4-80GB", Currency.USD) != reference_price(A100, Currency.USD)
    assert reference_price("NVIDIA L40S", Currency.USD) == Decimal("1.86")
    assert reference_price("Some GPU", Currency.USD) is None


GOOD = {
    "currency": "EUR",
    "updated": "2027-01-01",
    CSV_KEY: "gpuModel,capacityType,perGpuHour\n# a note\n*A100*,,1.5\n",
}


def test_a_table_is_read() -> None:
    assert parse_table("mm/prices", GOOD) == TABLE


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({CSV_KEY: "<html><body>login</body></html>"}, "first line"),
        ({CSV_KEY: ""}, "has no row"),
        ({CSV_KEY: "gpuModel,capacityType,perGpuHour\n"}, "has no row"),
        ({CSV_KEY: "gpuModel,capacityType,perGpuHour\nA100,Spot\n"}, "a row has 3 fields"),
        ({CSV_KEY: "gpuModel,capacityType,perGpuHour\nA100,Spot,1,5\n"}, "a row has 3 fields"),
        ({CSV_KEY: "gpuModel,capacityType,perGpuHour\nA100,spot,1.5\n"}, "is none of Any"),
        ({CSV_KEY: "gpuModel,capacityType,perGpuHour\nA100,Spot,-1\n"}, "no amount above 0"),
        ({CSV_KEY: "gpuModel,capacityType,perGpuHour\nA100,Spot,1e3\n"}, "no amount above 0"),
        ({CSV_KEY: "gpuModel,capacityType,perGpuHour\nA100,Spot,NaN\n"}, "no amount above 0"),
        ({CSV_KEY: "gpuModel,capacityType,perGpuHour\nA100,Spot,0\n"}, "no amount above 0"),
        ({CSV_KEY: f"gpuModel,capacityType,perGpuHour\nA100,Spot,{'9' * 40}\n"}, "no amount above 0"),
        ({CSV_KEY: "gpuModel,capacityType,perGpuHour\n" + "A100,Spot,1\n" * 1001}, "more than 1000 rows"),
        ({"currency": "Euro"}, "no currency"),
        ({"updated": "yesterday"}, "no date"),
        ({"energyPricePerKwh": "0,3"}, "no amount above 0"),
        ({"pue": "0.5"}, "no factor"),
    ],
    ids=str,
)
def test_a_table_that_is_none_is_refused_with_what_to_write(change: Mapping[str, str], says: str) -> None:
    with pytest.raises(PriceError, match=says):
        parse_table("mm/prices", {**GOOD, **change})


def test_a_nodes_annotation_wins_over_its_label() -> None:
    label = {NODE_PRICE: "2", "modelmonitor.dev/price-currency": "USD"}
    found = parse_node_price("n1", label, {NODE_PRICE: "2.5"})
    assert found == NodePrice(Currency.USD, Decimal("2.5"))
    assert parse_node_price("n1", {}, {}) is None
    with pytest.raises(PriceError, match="no amount"):
        parse_node_price("n1", {NODE_PRICE: "free"}, {})


@pytest.mark.parametrize(
    ("label", "value", "bought"),
    [
        ("karpenter.sh/capacity-type", "spot", CapacityType.SPOT),
        ("eks.amazonaws.com/capacityType", "ON_DEMAND", CapacityType.ON_DEMAND),
        ("cloud.google.com/gke-spot", "true", CapacityType.SPOT),
        ("kubernetes.azure.com/scalesetpriority", "spot", CapacityType.SPOT),
        ("some/label", "spot", CapacityType.ON_DEMAND),
    ],
)
def test_the_providers_labels_say_how_a_node_was_bought(label: str, value: str, bought: CapacityType) -> None:
    assert capacity_type({label: value}) is bought


def test_the_source_of_a_price_is_one_of_three() -> None:
    assert [one.value for one in PriceSource] == ["ModelMonitor", "PriceTable", "Node"]
