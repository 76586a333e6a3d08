"""What GPUs cost, and what may be spent: `spec.cost`. Money is a decimal string, and there is one currency."""

from decimal import Decimal
from enum import StrEnum
from typing import Annotated
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import AfterValidator, Field, StringConstraints, model_validator
from pydantic.config import JsonDict

from modelmonitor_api.validation import cel_rules
from modelmonitor_api.wire import Wire

AMOUNT_PATTERN = r"^(0|[1-9][0-9]{0,8})(\.[0-9]{1,6})?$"
"""Not negative, at most nine digits before the point and six behind it; no exponent, no comma, no sign."""
FACTOR_PATTERN = r"^[1-9](\.[0-9]{1,3})?$"
"""From 1 to below 10."""
ANY = "*"
"""Every GPU model."""


class Currency(StrEnum):
    """Currencies by their code. Source: https://www.iso.org/iso-4217-currency-codes.html (those in common use)."""

    AED = "AED"
    AUD = "AUD"
    BRL = "BRL"
    CAD = "CAD"
    CHF = "CHF"
    CLP = "CLP"
    CNY = "CNY"
    COP = "COP"
    CZK = "CZK"
    DKK = "DKK"
    EUR = "EUR"
    GBP = "GBP"
    HKD = "HKD"
    HUF = "HUF"
    IDR = "IDR"
    ILS = "ILS"
    INR = "INR"
    JPY = "JPY"
    KRW = "KRW"
    MXN = "MXN"
    MYR = "MYR"
    NOK = "NOK"
    NZD = "NZD"
    PHP = "PHP"
    PLN = "PLN"
    RON = "RON"
    SAR = "SAR"
    SEK = "SEK"
    SGD = "SGD"
    THB = "THB"
    TRY = "TRY"
    TWD = "TWD"
    USD = "USD"
    VND = "VND"
    ZAR = "ZAR"


class CapacityType(StrEnum):
    """How a node's capacity was bought."""

    ANY = "Any"
    ON_DEMAND = "OnDemand"
    SPOT = "Spot"
    RESERVED = "Reserved"


class BudgetPeriod(StrEnum):
    """After what a budget begins anew, at midnight of its time zone."""

    DAY = "Day"
    WEEK = "Week"
    """Begins on Monday."""
    MONTH = "Month"


def _check_above_zero(text: str) -> str:
    if not Decimal(text):
        raise ValueError('write an amount above 0, in quotes and with a point, for example "2.50"')
    return text


def _check_time_zone(name: str) -> str:
    if not is_time_zone(name):
        raise ValueError(f"{name!r} is no time zone: write a name of the IANA database, for example Europe/Berlin")
    return name


def is_time_zone(name: str) -> bool:
    """Whether the IANA database has a time zone of this name."""
    try:
        ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        return False
    return True


def _matches(pattern: str) -> str:
    return "self.matches('" + pattern.replace("\\", "\\\\") + "')"


def _amount_rules(field: str, example: str, *, zero: bool = False) -> JsonDict:
    rule = _matches(AMOUNT_PATTERN)
    least = "" if zero else " above 0"
    return cel_rules(
        (
            rule if zero else f"{rule} && self.matches('[1-9]')",
            f"cost: {field} is an amount{least} in quotes, with a point, at most nine digits before it and six behind: "
            f'write "{example}"',
        )
    )


Amount = Annotated[str, StringConstraints(pattern=AMOUNT_PATTERN, max_length=16)]
PositiveAmount = Annotated[
    str, StringConstraints(pattern=AMOUNT_PATTERN, max_length=16), AfterValidator(_check_above_zero)
]
GpuModel = Annotated[str, StringConstraints(min_length=1, max_length=96)]
TIME_ZONE_PATTERN = r"^[A-Za-z0-9_+-]+(/[A-Za-z0-9_+-]+){0,2}$"
TimeZone = Annotated[
    str,
    StringConstraints(pattern=TIME_ZONE_PATTERN, max_length=64),
    AfterValidator(_check_time_zone),
]


class GpuPrice(Wire):
    """The price of one GPU model."""

    gpu_model: GpuModel = Field(
        description="Product name as NVML says it, without regard to case, or a shell pattern of it: *A100*."
    )
    capacity_type: CapacityType = Field(
        default=CapacityType.ANY, description="Any, OnDemand, Spot or Reserved, by the labels of the node."
    )
    per_gpu_hour: PositiveAmount = Field(
        description='Price of one whole GPU for one hour, as a decimal string such as "2.50".',
        json_schema_extra=_amount_rules("perGpuHour", "2.50"),
    )


class OnPremises(Wire):
    """What GPUs cost that were bought: purchase over life, and rated power at the price of energy.

    per GPU-hour = purchaseCost / (lifeYears x 8766) + powerWatts / 1000 x pue x energyPricePerKwh
    """

    gpu_model: GpuModel = Field(default=ANY, description="Product name as NVML says it, or a shell pattern of it.")
    purchase_cost: PositiveAmount = Field(
        description="What one GPU cost with its part of the server, network and rack.",
        json_schema_extra=_amount_rules("onPremises.purchaseCost", "32000"),
    )
    life_years: PositiveAmount = Field(
        default="4",
        description="Years over which it is written off.",
        json_schema_extra=_amount_rules("onPremises.lifeYears", "4"),
    )
    power_watts: Amount | None = Field(
        default=None,
        description="Rated power of one GPU with its part of the server. Without it the energy that NVML measures is "
        "charged, with it only this.",
        json_schema_extra=_amount_rules("onPremises.powerWatts", "700", zero=True),
    )


class Budget(Wire):
    """How much may be spent in a period."""

    amount: PositiveAmount = Field(
        description="How much may be spent in each period, in the currency of cost.",
        json_schema_extra=_amount_rules("budget.amount", "5000"),
    )
    period: BudgetPeriod = Field(default=BudgetPeriod.MONTH, description="Day, Week (from Monday) or Month.")
    thresholds: tuple[Annotated[int, Field(ge=1, le=1000)], ...] = Field(
        default=(50, 80, 100),
        min_length=1,
        max_length=8,
        description="Percentages of the amount from which the status says that they are reached.",
    )


_KEYS: JsonDict = {"x-kubernetes-list-type": "map", "x-kubernetes-list-map-keys": ["gpuModel", "capacityType"]}
_PREMISES_KEYS: JsonDict = {"x-kubernetes-list-type": "map", "x-kubernetes-list-map-keys": ["gpuModel"]}
_PRICED = "has(self.pricePerGpuHour) || (has(self.prices) && size(self.prices) > 0) || "
_PRICED += "(has(self.onPremises) && size(self.onPremises) > 0)"
_COST_RULES = cel_rules(
    (
        f"!({_PRICED} || has(self.energyPricePerKwh) || has(self.budget)) || has(self.currency)",
        "cost: a price or a budget needs a currency, which holds for all of cost: write for example currency: EUR",
    ),
    (
        "!has(self.onPremises) || self.onPremises.all(o, !has(o.powerWatts)) || has(self.energyPricePerKwh)",
        'cost: onPremises.powerWatts needs a price of energy: write for example energyPricePerKwh: "0.30"',
    ),
)


class CostSpec(Wire):
    """What the GPUs cost, and the budget.

    Every amount is in `currency`; there is no field for another one, so currencies cannot be mixed.
    """

    model_config = {"json_schema_extra": _COST_RULES}

    currency: Currency | None = Field(default=None, description="ISO 4217 code of the currency of all amounts.")
    price_per_gpu_hour: PositiveAmount | None = Field(
        default=None,
        description="Price of one whole GPU for one hour where prices names none. Without any price the operator's "
        "price table and the nodes' labels are asked, in this order.",
        json_schema_extra=_amount_rules("pricePerGpuHour", "2.50"),
    )
    prices: tuple[GpuPrice, ...] = Field(
        default=(), max_length=32, description="Prices by GPU model and capacity type.", json_schema_extra=_KEYS
    )
    on_premises: tuple[OnPremises, ...] = Field(
        default=(),
        max_length=16,
        description="GPUs that were bought: asked after prices and before pricePerGpuHour.",
        json_schema_extra=_PREMISES_KEYS,
    )
    energy_price_per_kwh: Amount | None = Field(
        default=None,
        description="Price of a kilowatt-hour; measured energy is charged in addition. Leave it out where the price of "
        "a GPU-hour includes energy, as in a cloud.",
        json_schema_extra=_amount_rules("energyPricePerKwh", "0.30", zero=True),
    )
    pue: Annotated[str, StringConstraints(pattern=FACTOR_PATTERN, max_length=5)] = Field(
        default="1",
        description="Power usage effectiveness of the site: what is metered at the building, for each watt of a GPU.",
        json_schema_extra=cel_rules(
            (_matches(FACTOR_PATTERN), 'cost: pue is a factor from 1 to below 10, in quotes: write for example "1.4"')
        ),
    )
    time_zone: TimeZone = Field(
        default="UTC",
        description="IANA time zone in which days, weeks and months begin, for example Europe/Berlin.",
        json_schema_extra=cel_rules(
            (
                f"self.matches('{TIME_ZONE_PATTERN}') && self != 'Local' && "
                "timestamp('2026-01-01T00:00:00Z').getHours(self) >= 0",
                "cost: timeZone is a name of the IANA database: write for example Europe/Berlin",
            )
        ),
    )
    budget: Budget | None = Field(default=None, description="How much may be spent.")

    @model_validator(mode="after")
    def _check_currency(self) -> "CostSpec":
        priced = self.price_per_gpu_hour or self.prices or self.on_premises or self.energy_price_per_kwh
        if (priced or self.budget) and self.currency is None:
            raise ValueError("a price or a budget needs a currency: write for example currency: EUR")
        if self.energy_price_per_kwh is None and any(one.power_watts for one in self.on_premises):
            raise ValueError("onPremises.powerWatts needs a price of energy")
        return self
