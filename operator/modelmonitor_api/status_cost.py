"""What the status says about cost. Amounts are decimal strings in `currency`, and lists are bounded."""

from enum import StrEnum

from pydantic import Field
from pydantic.config import JsonDict

from modelmonitor_api.cost_summary import Confidence
from modelmonitor_api.wire import Wire

MAX_COST_MODELS = 12
MAX_PRICES = 8
MAX_COST_BYTES = 6 * 1024

_MONEY = 24
_TIME: JsonDict = {"format": "date-time"}


class CostView(Wire):
    """Money and time on both bases: allocation is what was held, usage what of it was used."""

    allocation: str | None = Field(default=None, max_length=_MONEY, description="For what was held; absent unpriced.")
    usage: str | None = Field(default=None, max_length=_MONEY, description="For busy time alone; absent unpriced.")
    idle: str | None = Field(default=None, max_length=_MONEY, description="Of allocation: held and not busy.")
    other: str | None = Field(
        default=None, max_length=_MONEY, description="Of allocation: busy with nothing that Triton counts."
    )
    gap: str | None = Field(default=None, max_length=_MONEY, description="Of allocation: nobody knows what it did.")
    energy: str | None = Field(
        default=None, max_length=_MONEY, description="For energy, beside allocation; absent where it is not charged."
    )
    gpu_hours: str = Field(default="0.00", max_length=_MONEY, description="Hours of whole GPUs that were held.")
    idle_gpu_hours: str = Field(default="0.00", max_length=_MONEY, description="Of these, not busy.")
    energy_kwh: str | None = Field(
        default=None, max_length=_MONEY, description="Energy, in kilowatt-hours; absent where the devices tell none."
    )


class ModelCost(CostView):
    """One model version, since the ledger began."""

    name: str = Field(max_length=256, description="Name of the model; empty: no model, or all those not listed.")
    version: str = Field(default="", max_length=64, description="Version of the model.")
    per_thousand_allocation: str | None = Field(
        default=None, max_length=_MONEY, description="Allocation and energy for 1000 inferences; absent unpriced."
    )
    per_thousand_usage: str | None = Field(
        default=None, max_length=_MONEY, description="Usage for 1000 inferences; absent unpriced."
    )
    per_thousand_watt_hours: str | None = Field(
        default=None, max_length=_MONEY, description="Watt-hours for 1000 inferences."
    )
    cached_requests: int | None = Field(default=None, description="Requests that the response cache answered.")


class CostObstacle(StrEnum):
    """What stands in the way of the money."""

    NONE = ""
    PRICE_SOURCE_UNUSABLE = "PriceSourceUnusable"
    """The price table, or a node's price, cannot be read."""
    MIXED_CURRENCIES = "MixedCurrencies"
    """A source of prices is passed over because it speaks of another currency."""
    NO_PRICE = "NoPrice"
    """Something that is held has no price."""
    PARTLY_UNPRICED = "PartlyUnpriced"
    """Something was held while it had no price in this currency."""


class PriceStatus(Wire):
    """A price in force."""

    gpu_model: str = Field(max_length=96, description="Product name of the GPU.")
    per_gpu_hour: str | None = Field(default=None, max_length=_MONEY, description="Price; absent where there is none.")
    source: str = Field(default="", max_length=16, description="ModelMonitor, PriceTable or Node.")
    where: str = Field(default="", max_length=128, description="The field, table or node that says it.")
    age_days: int | None = Field(default=None, description="Days since it was looked up, where that is known.")
    warning: str = Field(default="", max_length=256, description="What is odd about it.")


class GapStatus(Wire):
    """What nobody can know."""

    reason: str = Field(max_length=32, description="UseUnknown, PodVanished or NodeSilent.")
    gpu_hours: str = Field(max_length=_MONEY, description="How much, at most.")
    money: str | None = Field(default=None, max_length=_MONEY, description="What that costs, at most.")
    last: str = Field(description="When the newest ended.", json_schema_extra=_TIME)


class BudgetStatus(Wire):
    """The budget in its present period."""

    period_start: str = Field(description="When the period began.", json_schema_extra=_TIME)
    period_end: str = Field(description="When it ends.", json_schema_extra=_TIME)
    amount: str = Field(max_length=_MONEY, description="The budget.")
    spent: str = Field(max_length=_MONEY, description="Spent so far.")
    left: str = Field(max_length=_MONEY, description="What is left; negative once overspent.")
    reached_percent: int | None = Field(default=None, description="The highest threshold that is reached.")
    exhausted_at: str | None = Field(
        default=None, description="When the money is gone; absent where it lasts.", json_schema_extra=_TIME
    )


class ForecastStatus(Wire):
    """What the period will have cost at its end."""

    projected: str = Field(max_length=_MONEY, description="At the end of the period.")
    low: str = Field(max_length=_MONEY, description="Where nine of ten past errors end, below.")
    high: str = Field(max_length=_MONEY, description="Where nine of ten past errors end, above.")
    proven: bool = Field(description="Whether the range is that of past errors, and not a guess.")


class CostStatus(Wire):
    """What the models have cost and will cost. Everything is as of the last write of the ledger."""

    currency: str | None = Field(default=None, max_length=3, description="ISO 4217 code.")
    since: str = Field(description="Nothing before this is counted.", json_schema_extra=_TIME)
    beginning: str = Field(
        default="New", max_length=16, description="New, or LedgerLost where there was one before that is gone."
    )
    confidence: Confidence = Field(
        default=Confidence.MEASURED, description="Of most of the time held: Measured, Modelled or Assumed."
    )
    spent: str = Field(default="", max_length=64, description="For kubectl get: spent in the present period.")
    projected: str = Field(
        default="", max_length=64, description="For kubectl get: what the period will have cost at its end."
    )
    total: CostView = Field(default=CostView(), description="All models together, since the ledger began.")
    period: CostView = Field(default=CostView(), description="All models together, in the present period.")
    budget: BudgetStatus | None = Field(default=None, description="Present where spec.cost.budget is.")
    forecast: ForecastStatus | None = Field(default=None, description="Absent without a price.")
    models: tuple[ModelCost, ...] = Field(
        default=(), max_length=MAX_COST_MODELS, description="Model versions, the dearest first."
    )
    models_total: int = Field(default=0, description="How many there are in all.")
    prices: tuple[PriceStatus, ...] = Field(default=(), max_length=MAX_PRICES, description="Prices in force.")
    gaps: tuple[GapStatus, ...] = Field(default=(), max_length=3, description="What nobody can know.")
    reason: CostObstacle = Field(
        default=CostObstacle.NONE,
        description="What stands in the way of the money, in one word: PriceSourceUnusable, MixedCurrencies, NoPrice, "
        "PartlyUnpriced; empty where nothing does.",
    )
    message: str = Field(default="", max_length=512, description="What stands in the way, with the next step.")
