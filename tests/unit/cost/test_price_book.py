"""Where prices come from: the table and the nodes, as the watches tell of them."""

from decimal import Decimal
from typing import Any

import pytest

from modelmonitor_api.spec_cost import CostSpec
from modelmonitor_operator.cost.prices import PriceSource
from modelmonitor_operator.errors import ForbiddenError
from tests.unit.cost.ledger_house import Clock, Leader, Shelf, busy, raw_monitor, raw_pod

H100 = "NVIDIA H100"
CSV = "gpuModel,capacityType,perGpuHour\n*,Any,2.00\n"
SPOT_CSV = "gpuModel,capacityType,perGpuHour\n*,OnDemand,2.00\n*,Spot,0.80\n"


def table(csv: str = CSV, **more: str) -> dict[str, Any]:
    return {
        "metadata": {"uid": "t", "name": "prices", "namespace": "system"},
        "data": {"currency": "EUR", "prices.csv": csv, **more},
    }


def node(name: str = "n1", labels: dict[str, str] | None = None, **annotations: str) -> dict[str, Any]:
    named = {f"modelmonitor.dev/{key.replace('_', '-')}": value for key, value in annotations.items()}
    return {"metadata": {"uid": name, "name": name, "labels": labels or {}, "annotations": named}}


def leader(**cost: Any) -> Leader:
    return Leader(Shelf(), Clock(), cost={"priceTable": "prices", "writeSeconds": 10, **cost}, cycleSeconds=10)


def per_hour(one: Leader, spec: CostSpec | None = None) -> Decimal | None:
    found = one.world.price_book.prices_for(spec).gpu_hour("n1", H100)
    return found.per_hour if found else None


def problems(one: Leader) -> tuple[str, ...]:
    return one.world.price_book.prices_for(None).problems


def test_the_price_table_gives_the_price_and_says_where_it_stands() -> None:
    one = leader()
    one.intake.cost.price_table().put(table())
    found = one.world.price_book.prices_for(None).gpu_hour("n1", H100)
    assert found is not None
    assert (found.per_hour, found.source, found.where) == (Decimal(2), PriceSource.PRICE_TABLE, "system/prices[*]")


def test_a_table_that_becomes_none_is_told_and_the_last_good_one_stays_in_force() -> None:
    one = leader()
    sink = one.intake.cost.price_table()
    sink.put(table())
    sink.put(table("gpu;price\nH100;2,00"))
    assert per_hour(one) == 2
    assert "the first line of prices.csv is not" in problems(one)[0]
    assert "the last table that could be read is in force" in problems(one)[0]
    sink.put(table(CSV.replace("2.00", "3.00")))
    assert per_hour(one) == 3
    assert not problems(one)


def test_a_table_that_is_not_there_is_told_with_what_to_do() -> None:
    one = leader()
    sink = one.intake.cost.price_table()
    sink.listed()
    assert problems(one) == ("price table system/prices is not there: make that ConfigMap, or correct its name",)
    sink.put(table())
    assert problems(one) == ()
    sink.drop(table())
    assert (per_hour(one), len(problems(one))) == (None, 1)


def test_a_node_tells_its_price_and_how_it_was_bought() -> None:
    one = leader(priceTable="")
    sink = one.intake.cost.nodes()
    sink.put(node(price_per_gpu_hour="1.50", price_currency="EUR"))
    assert per_hour(one) == Decimal("1.50")
    sink.drop(node())
    assert per_hour(one) is None


def test_how_a_node_was_bought_decides_the_row_of_the_table() -> None:
    one = leader()
    one.intake.cost.price_table().put(table(SPOT_CSV))
    nodes = one.intake.cost.nodes()
    nodes.put(node())
    assert per_hour(one) == Decimal("2.00")
    nodes.put(node(labels={"karpenter.sh/capacity-type": "spot"}))
    assert per_hour(one) == Decimal("0.80")


def test_a_price_on_a_node_that_cannot_be_read_is_told_until_it_can() -> None:
    one = leader(priceTable="")
    sink = one.intake.cost.nodes()
    sink.put(node(price_per_gpu_hour="1,50", price_currency="EUR"))
    assert problems(one) == (
        "node n1: modelmonitor.dev/price-per-gpu-hour: '1,50' is no amount above 0: write for example \"2.50\"",
    )
    sink.put(node(price_per_gpu_hour="1.50", price_currency="EUR"))
    assert problems(one) == ()


def test_a_missing_right_is_told() -> None:
    one = leader()
    forbidden = ForbiddenError("is forbidden", 403)
    one.intake.cost.nodes().failed(forbidden)
    one.intake.cost.price_table().failed(forbidden)
    assert one.world.price_book.known
    assert [text.split(":")[0] for text in problems(one)] == [
        "the operator may not read the price table",
        "the operator may not list nodes, whose prices do not count",
    ]
    one.intake.cost.nodes().listed()
    one.intake.cost.price_table().put(table())
    assert problems(one) == ()


def test_where_nodes_are_not_read_a_table_by_capacity_type_is_told_of() -> None:
    one = leader(readNodes=False)
    sink = one.intake.cost.price_table()
    sink.put(table())
    assert problems(one) == ()
    sink.put(table(SPOT_CSV))
    assert "every GPU counts as OnDemand" in problems(one)[0]


def test_locked_prices_pass_over_those_of_the_monitor() -> None:
    spec = CostSpec.model_validate({"currency": "EUR", "pricePerGpuHour": "0.01"})
    free, locked = leader(), leader(lockPrices=True)
    for one in (free, locked):
        one.intake.cost.price_table().put(table())
    assert (per_hour(free, spec), per_hour(locked, spec)) == (Decimal("0.01"), Decimal(2))


def test_a_thousand_price_lists_share_one_view_of_the_nodes() -> None:
    one = leader()
    one.intake.cost.nodes().put(node(price_per_gpu_hour="1.50", price_currency="EUR"))
    book = one.world.price_book
    assert book.prices_for(None).nodes is book.prices_for(None).nodes


@pytest.mark.parametrize("missing", ["nodes", "table"])
async def test_nothing_is_charged_before_the_prices_have_been_read(missing: str) -> None:
    one = leader()
    monitor = raw_monitor(cost={})
    one.told(raw_pod(), monitor=monitor)
    if missing != "nodes":
        one.intake.cost.nodes().listed()
    if missing != "table":
        one.intake.cost.price_table().put(table())
    for one.clock.passed in (10, 20, 30, 40):
        await one.beat(busy(one.clock.passed))
    assert not one.shelf.writes
    one.intake.cost.nodes().listed()
    one.intake.cost.price_table().put(table())
    for one.clock.passed in (50, 60, 70, 80):
        await one.beat(busy(one.clock.passed))
    total = one.shelf.ledger().total
    assert total.unpriced_us == 0
    assert float(total.spent) == pytest.approx(2 * total.held_us / 3.6e9) != 0


async def test_a_changed_table_is_told_in_the_next_cycle_and_only_then_made_anew() -> None:
    one = leader(readNodes=False)
    one.told(raw_pod(), monitor=raw_monitor(cost={}))
    sink = one.intake.cost.price_table()
    sink.put(table())
    for one.clock.passed in (10, 20, 30, 40):
        await one.beat(busy(one.clock.passed))
    before = one.book.facts(one.monitor)
    assert one.book.facts(one.monitor) is before
    sink.put(table(CSV.replace("2.00", "4.00")))
    after = one.book.facts(one.monitor)
    assert after.status is not None
    assert [price.per_gpu_hour for price in after.status.prices] == ["4"]
    assert one.book.facts(one.monitor) is after
