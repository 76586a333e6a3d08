"""What a user may not write into spec.cost."""

import pytest
from pydantic import ValidationError

from generate.schema import structural_schema
from modelmonitor_api.spec_cost import AMOUNT_PATTERN, Budget, CostSpec, is_time_zone


@pytest.mark.parametrize(
    "amount", ["-1", "", "1e3", "NaN", "Infinity", "1,5", "1.", ".5", "9" * 40, "0", "00.5", "+1", " 1"]
)
def test_an_amount_is_plain_digits_above_zero(amount: str) -> None:
    with pytest.raises(ValidationError):
        CostSpec.model_validate({"currency": "EUR", "pricePerGpuHour": amount})


@pytest.mark.parametrize(
    "cost",
    [
        {"pricePerGpuHour": "1"},
        {"budget": {"amount": "5"}},
        {"currency": "Euro"},
        {"currency": "XXX"},
        {"currency": "EUR", "pricePerGpuHour": 1.5},
        {"currency": "EUR", "pue": "0.9"},
        {"currency": "EUR", "timeZone": "Mars/Olympus"},
        {"currency": "EUR", "timeZone": "../../etc/passwd"},
        {"currency": "EUR", "timeZone": "/etc/passwd"},
        {"currency": "EUR", "onPremises": [{"purchaseCost": "1", "powerWatts": "700"}]},
        {"currency": "EUR", "budget": {"amount": "5", "thresholds": []}},
        {"currency": "EUR", "budget": {"amount": "5", "period": "Year"}},
    ],
    ids=str,
)
def test_what_cannot_be_is_refused(cost: dict[str, object]) -> None:
    with pytest.raises(ValidationError):
        CostSpec.model_validate(cost)


def test_nothing_at_all_is_a_cost() -> None:
    assert CostSpec.model_validate({}) == CostSpec()
    assert Budget(amount="5").thresholds == (50, 80, 100)


def test_time_zones_are_those_of_the_iana_database() -> None:
    assert is_time_zone("Europe/Berlin")
    assert not is_time_zone("Europe")
    assert not is_time_zone("a" * 300)


def test_the_schema_says_what_to_write_instead() -> None:
    schema = structural_schema(CostSpec)
    price = schema["properties"]["pricePerGpuHour"]  # type: ignore[index]
    assert 'write "2.50"' in str(price)
    rule = price["x-kubernetes-validations"][0]["rule"]
    assert AMOUNT_PATTERN.replace("\\", "\\\\") in rule
