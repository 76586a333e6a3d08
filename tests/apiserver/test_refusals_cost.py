"""Prices and budgets that cannot be meant are refused by the API server; what the status says about them is taken."""

import json
from pathlib import Path
from typing import Any

import pytest
import yaml

from modelmonitor_operator.rollup import seed_state
from modelmonitor_testbed.kubectl import Kubectl
from modelmonitor_testbed.process import CommandError
from tests.unit.rollup.costs import budgeted, committed, ledger
from tests.unit.rollup.situations import Story, given

EXAMPLE = Path(__file__).parents[2] / "examples" / "cost.yaml"
EUR = {"currency": "EUR"}
AMOUNT = 'in quotes, with a point, at most nine digits before it and six behind: write "2.50"'


def monitor(cost: dict[str, Any], name: str = "refused", **more: Any) -> str:
    spec = {"selector": {"matchLabels": {"app": "triton"}}, "cost": cost, **more}
    metadata = {"name": name, "namespace": "default"}
    return json.dumps(
        {"apiVersion": "modelmonitor.dev/v1alpha1", "kind": "ModelMonitor", "metadata": metadata, "spec": spec}
    )


def dry_run(kubectl: Kubectl, cost: dict[str, Any]) -> Any:
    text = kubectl.run("apply", "--dry-run=server", "-o", "yaml", "-f", "-", input_text=monitor(cost))
    return yaml.safe_load(text)["spec"]["cost"]


AMOUNTS = {
    "negative": "-1",
    "empty": "",
    "an exponent": "1e3",
    "not a number": "NaN",
    "infinite": "Infinity",
    "a comma": "1,5",
    "ten digits": "9" * 10,
    "seven digits behind the point": "0.0000001",
    "zero": "0",
    "a leading zero": "00.5",
    "a plus": "+1",
    "a space": " 1",
    "a currency sign": "1 EUR",
}


@pytest.mark.parametrize("amount", AMOUNTS.values(), ids=AMOUNTS.keys())
def test_an_amount_that_is_no_plain_decimal_above_zero_is_refused(kubectl: Kubectl, amount: str) -> None:
    with pytest.raises(CommandError) as refused:
        dry_run(kubectl, {**EUR, "pricePerGpuHour": amount})
    assert "spec.cost.pricePerGpuHour" in str(refused.value)
    assert AMOUNT in str(refused.value)


def test_an_amount_of_forty_digits_is_refused_for_its_length(kubectl: Kubectl) -> None:
    with pytest.raises(CommandError) as refused:
        dry_run(kubectl, {**EUR, "pricePerGpuHour": "9" * 40})
    assert "spec.cost.pricePerGpuHour: Too long: may not be more than 16" in str(refused.value)


MEANT: dict[str, tuple[dict[str, Any], str, str]] = {
    "an amount that is a number": ({**EUR, "pricePerGpuHour": 2.5}, "cost.pricePerGpuHour", "must be of type string"),
    "a price without a currency": ({"pricePerGpuHour": "2.50"}, "spec.cost", "write for example currency: EUR"),
    "a budget without a currency": ({"budget": {"amount": "5"}}, "spec.cost", "write for example currency: EUR"),
    "an unknown currency": ({"currency": "EURO"}, "spec.cost.currency", 'supported values: "AED"'),
    "an empty currency": ({"currency": ""}, "spec.cost.currency", "supported values"),
    "a second currency beside a price": (
        {**EUR, "prices": [{"gpuModel": "*", "perGpuHour": "1", "currency": "USD"}]},
        "spec.cost.prices[0].currency",
        "unknown field",
    ),
    "a second currency for the budget": (
        {**EUR, "budget": {"amount": "5", "currency": "USD"}},
        "spec.cost.budget.currency",
        "unknown field",
    ),
    "a price of a model that is negative": (
        {**EUR, "prices": [{"gpuModel": "*", "perGpuHour": "-1"}]},
        "spec.cost.prices[0].perGpuHour",
        'write "2.50"',
    ),
    "two prices of the same GPUs": (
        {**EUR, "prices": [{"gpuModel": "*", "perGpuHour": "1"}, {"gpuModel": "*", "perGpuHour": "2"}]},
        "spec.cost.prices[1]",
        "Duplicate value",
    ),
    "a price of no GPU": ({**EUR, "prices": [{"gpuModel": "", "perGpuHour": "1"}]}, "prices[0].gpuModel", "at least 1"),
    "a way to buy that is not known": (
        {**EUR, "prices": [{"gpuModel": "*", "perGpuHour": "1", "capacityType": "Cheap"}]},
        "spec.cost.prices[0].capacityType",
        '"OnDemand"',
    ),
    "rated power without a price of energy": (
        {**EUR, "onPremises": [{"purchaseCost": "32000", "powerWatts": "700"}]},
        "spec.cost",
        'write for example energyPricePerKwh: "0.30"',
    ),
    "GPUs that are written off in no time": (
        {**EUR, "onPremises": [{"purchaseCost": "32000", "lifeYears": "0"}]},
        "spec.cost.onPremises[0].lifeYears",
        'write "4"',
    ),
    "energy with a negative price": ({**EUR, "energyPricePerKwh": "-0.1"}, "cost.energyPricePerKwh", 'write "0.30"'),
    "a site that uses less than its GPUs": ({**EUR, "pue": "0.9"}, "spec.cost.pue", 'write for example "1.4"'),
    "a site with a comma": ({**EUR, "pue": "1,4"}, "spec.cost.pue", 'write for example "1.4"'),
    "a budget of nothing": ({**EUR, "budget": {"amount": "0"}}, "spec.cost.budget.amount", 'write "5000"'),
    "a budget of a year": ({**EUR, "budget": {"amount": "5", "period": "Year"}}, "cost.budget.period", '"Month"'),
    "no threshold": ({**EUR, "budget": {"amount": "5", "thresholds": []}}, "budget.thresholds", "at least 1"),
    "a threshold of nothing": ({**EUR, "budget": {"amount": "5", "thresholds": [0]}}, "budget.thresholds[0]", "to 1"),
    "a threshold that is a share": (
        {**EUR, "budget": {"amount": "5", "thresholds": [0.8]}},
        "budget.thresholds[0]",
        "must be of type integer",
    ),
    "a time zone of another planet": (
        {"timeZone": "Mars/Phobos"},
        "spec.cost.timeZone",
        "cost: timeZone is a name of the IANA database: write for example Europe/Berlin",
    ),
    "a time zone that differs on every machine": ({"timeZone": "Local"}, "cost.timeZone", "Europe/Berlin"),
    "a time zone that is a path": ({"timeZone": "../../etc/passwd"}, "spec.cost.timeZone", "Europe/Berlin"),
    "an empty time zone": ({"timeZone": ""}, "spec.cost.timeZone", "Europe/Berlin"),
    "a misspelt field": ({"pricePerGPUHour": "1"}, "spec.cost.pricePerGPUHour", "unknown field"),
}


@pytest.mark.parametrize(("cost", "field", "advice"), MEANT.values(), ids=MEANT.keys())
def test_a_cost_that_cannot_be_meant_is_refused_with_advice(
    kubectl: Kubectl, cost: dict[str, Any], field: str, advice: str
) -> None:
    with pytest.raises(CommandError) as refused:
        dry_run(kubectl, cost)
    assert field in str(refused.value)
    assert advice in str(refused.value)


TAKEN: dict[str, dict[str, Any]] = {
    "nothing": {},
    "a budget without a price, of which the condition speaks": {**EUR, "budget": {"amount": "5000"}},
    "a cloud": {**EUR, "pricePerGpuHour": "2.5", "prices": [{"gpuModel": "*A100*", "perGpuHour": "0.000001"}]},
    "the largest price": {**EUR, "pricePerGpuHour": "999999999.999999"},
    "GPUs that were bought": {
        **EUR,
        "onPremises": [{"purchaseCost": "32000", "powerWatts": "700"}],
        "energyPricePerKwh": "0.30",
        "pue": "1.25",
    },
    "a zone with three parts": {"timeZone": "America/Argentina/Buenos_Aires"},
    "a zone with an offset": {"timeZone": "Etc/GMT+5"},
}


@pytest.mark.parametrize("cost", TAKEN.values(), ids=TAKEN.keys())
def test_what_can_be_meant_is_taken(kubectl: Kubectl, cost: dict[str, Any]) -> None:
    assert dry_run(kubectl, cost).items() >= {key: cost[key] for key in cost if isinstance(cost[key], str)}.items()


def test_an_empty_cost_and_a_budget_get_their_defaults(kubectl: Kubectl) -> None:
    assert dry_run(kubectl, {}) == {"pue": "1", "timeZone": "UTC"}
    found = dry_run(kubectl, {**EUR, "budget": {"amount": "5"}})
    assert found["budget"] == {"amount": "5", "period": "Month", "thresholds": [50, 80, 100]}


def test_the_example_of_cost_is_accepted_as_it_stands(kubectl: Kubectl) -> None:
    assert kubectl.run("apply", "--dry-run=server", "-f", EXAMPLE).count("created") == 2


STATUSES = {
    "a budget and all its numbers": budgeted("1000"),
    "a budget that is gone": budgeted("300"),
    "nothing with a price": committed(ledger(per_hour="0", currency=None), {}),
    "a ledger of some days": budgeted("400", ledger(days=1)),
}


@pytest.mark.parametrize("name", STATUSES)
def test_the_server_takes_what_the_status_says_and_gives_it_back(kubectl: Kubectl, name: str) -> None:
    status = Story(state=seed_state(None)).cycle(given(cost=STATUSES[name]))
    kubectl.run("apply", "-f", "-", input_text=monitor(EUR, "costs"))
    patch = json.dumps({"status": status.to_wire()})
    kubectl.run("patch", "mm", "costs", "--subresource=status", "--type=merge", "-p", '{"status":{"cost":null}}')
    said = kubectl.run("patch", "mm", "costs", "--subresource=status", "--type=merge", "-p", patch)
    assert "Warning" not in said
    assert yaml.safe_load(kubectl.run("get", "mm", "costs", "-o", "yaml"))["status"] == status.to_wire()


def test_spend_and_projection_are_columns(kubectl: Kubectl) -> None:
    status = Story(state=seed_state(None)).cycle(given(cost=budgeted("1000")))
    kubectl.run("apply", "-f", "-", input_text=monitor(EUR, "columns-of-cost"))
    patch = json.dumps({"status": status.to_wire()})
    kubectl.run("patch", "mm", "columns-of-cost", "--subresource=status", "--type=merge", "-p", patch)
    head, row = kubectl.run("get", "mm", "columns-of-cost").splitlines()
    spent, projected = head.index("SPENT"), head.index("PROJECTED")
    assert row[spent:projected].strip() == "344.00 EUR"
    assert row[projected:].startswith("744.00 EUR")
