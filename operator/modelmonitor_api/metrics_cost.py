"""On the leader's page of one monitor: what the committed ledger says of cost.

Counters are totals of the ledger, so that `increase()` charges nothing twice: a change of leader, a crash or a lost
answer never makes one of them go back. They rise in steps, one for each write of the ledger, about every five minutes;
a rate needs a window of at least three of them. Models that the ledger adds up for want of room have no series of their
own, since what moved there would be charged again where it came from: the monitor's totals have them.
"""

from enum import StrEnum

from modelmonitor_api.metric import MONITOR_LABELS, Metric, MetricPage, MetricType
from modelmonitor_api.names import LABEL_MODEL, LABEL_VERSION

LABEL_CURRENCY = "currency"
LEDGER = "the committed ledger"


class CostPart(StrEnum):
    """What was held, by what became of it; the parts add up to what a budget counts."""

    USED = "used"
    """Busy with a model, in its own share of the device; what it used beyond that is in the usage alone."""
    IDLE = "idle"
    OTHER = "other"
    """Busy with something that Triton does not count."""
    GAP = "gap"
    """Nobody knows what it did."""
    ENERGY = "energy"
    """Money alone: energy that has a price of its own."""


class ProjectionBound(StrEnum):
    """Which end of a forecast's range."""

    LOW = "low"
    EXPECTED = "expected"
    HIGH = "high"


_COUNTER, _GAUGE = MetricType.COUNTER, MetricType.GAUGE
_MONEY, _PART, _MONEY_PART = (LABEL_CURRENCY,), ("part",), (LABEL_CURRENCY, "part")
_MODEL = (LABEL_MODEL, LABEL_VERSION)
_PARTS = "part is used, idle, other or gap"


def _cost(kind: MetricType, name: str, text: str, labels: tuple[str, ...] = (), unit: str = "") -> Metric:
    own = (*MONITOR_LABELS, *labels)
    return Metric(f"modelmonitor_cost_{name}", kind, text, own, MetricPage.LEADER, LEDGER, unit)


def _total(name: str, text: str, labels: tuple[str, ...] = (), unit: str = "") -> Metric:
    return _cost(_COUNTER, f"{name}_total", text, labels, unit)


def _now(name: str, text: str, labels: tuple[str, ...] = (), unit: str = "") -> Metric:
    return _cost(_GAUGE, name, text, labels, unit)


COST_METRICS = (
    _total("spend", f"Money for what was held, and energy; {_PARTS}, or energy.", _MONEY_PART, "currency"),
    _total("usage_spend", "Money for busy time alone, what was borrowed included.", _MONEY, "currency"),
    _total("gpu_seconds", f"Time that GPUs were held; {_PARTS}.", _PART, "seconds"),
    _total("unpriced_gpu_seconds", "Of these, time that is in no money of this currency.", _MONEY, "seconds"),
    _total("gap_gpu_seconds", "Of these, time that nobody knows the use of, by why.", ("reason",), "seconds"),
    _total("energy_joules", "Energy of the GPUs, by its part of them.", (), "joules"),
    _total("inferences", "Inferences, without responses from the cache."),
    _total("model_spend", f"Money by model; {_PARTS}, or energy.", (*_MODEL, *_MONEY_PART), "currency"),
    _total("model_usage_spend", "Money by model, for busy time alone.", (*_MODEL, *_MONEY), "currency"),
    _total("model_gpu_seconds", f"Time that GPUs were held, by model; {_PARTS}.", (*_MODEL, *_PART), "seconds"),
    _total("model_energy_joules", "Energy by model.", _MODEL, "joules"),
    _total("model_inferences", "Inferences by model, without responses from the cache.", _MODEL),
    _now("budget", "spec.cost.budget.amount.", _MONEY, "currency"),
    _now("budget_spent", "Spent in the present period.", _MONEY, "currency"),
    _now("budget_period_start_timestamp_seconds", "When the budget's period began.", (), "seconds"),
    _now("budget_period_end_timestamp_seconds", "When the budget's period ends.", (), "seconds"),
    _now(
        "projected",
        "What the period will have cost at its end; nine of ten past errors lie between low and high.",
        (*_MONEY, "bound"),
        "currency",
    ),
    _now("projection_proven", "1 where the range is that of past errors, 0 where it is half of what is to come."),
    _now(
        "price_per_gpu_hour",
        "Price in force of a whole GPU; where is the field, table or node that says so.",
        (*_MONEY, "gpu_model", "source", "where"),
        "currency",
    ),
    _now(
        "price_age_seconds",
        "Time since the price was looked up; absent where that is not known.",
        ("gpu_model", "source", "where"),
        "seconds",
    ),
    _now("charged_pods", "Pods that are charged and had not ended at the last write."),
    _now("ledger_state", "1 for how it stands with the ledger, 0 for the others.", ("state",)),
    _now("ledger_start_timestamp_seconds", "Nothing before this is counted.", (), "seconds"),
    _now("ledger_written_timestamp_seconds", "When the ledger was last written.", (), "seconds"),
)
