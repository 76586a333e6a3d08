"""Error budgets as data: windows, burn rates, and the names of the series, which are those that Sloth publishes.

Windows and factors are those of Google's SRE workbook for a period of 30 days. Whoever has Sloth's dashboards, or reads
its series elsewhere, finds ours under the same names and labels.
Sources: https://sre.google/workbook/alerting-on-slos/#recommended_parameters_for_an_slo_based_a and
https://github.com/slok/sloth/tree/main/internal/plugin/slo/core
"""

from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum

from modelmonitor_api.names import MonitorRef
from modelmonitor_api.spec_objectives import PERIOD_DAYS

PERIOD = f"{PERIOD_DAYS}d"
SHORTEST_WINDOW = "5m"
NEAR_WINDOWS = ("30m", "1h", "2h", "6h")
FAR_WINDOWS = ("1d", "3d", PERIOD)
"""Windows that are evaluated less often: what they say changes slowly, and they read the most samples."""

NEAR_INTERVAL_SECONDS = 60
"""How often near windows are evaluated; also the length of one time slice."""
FAR_INTERVAL_SECONDS = 120
"""How often far windows are evaluated: well within the five minutes after which Prometheus forgets a sample."""


@dataclass(frozen=True, slots=True)
class BurnPair:
    """Two windows that must both burn: the long one says that it matters, the short one that it still goes on.

    Attributes:
        factor: how many times faster than evenly the budget is spent.
        budget_percent: share of the budget that is gone when the long window is full.
    """

    long: str
    short: str
    factor: Decimal
    budget_percent: int


FAST_PAIRS = (BurnPair("1h", "5m", Decimal("14.4"), 2), BurnPair("6h", "30m", Decimal(6), 5))
"""Worth waking somebody."""
SLOW_PAIRS = (BurnPair("1d", "2h", Decimal(3), 10), BurnPair("3d", "6h", Decimal(1), 10))
"""Worth a ticket."""


class SloSeries(StrEnum):
    """Series about an objective, besides its error ratios."""

    OBJECTIVE = "slo:objective:ratio"
    ERROR_BUDGET = "slo:error_budget:ratio"
    PERIOD_DAYS = "slo:time_period:days"
    CURRENT_BURN_RATE = "slo:current_burn_rate:ratio"
    PERIOD_BURN_RATE = "slo:period_burn_rate:ratio"
    BUDGET_REMAINING = "slo:period_error_budget_remaining:ratio"
    INFO = "sloth_slo_info"


class SliSeries(StrEnum):
    """Series of ours that the error ratios are made from; each has the labels of its objective."""

    REQUESTS = "modelmonitor:slo_requests:rate5m"
    """Requests a second."""
    BAD_REQUESTS = "modelmonitor:slo_bad_requests:rate5m"
    """Requests a second that broke the promise."""
    SLICES = "modelmonitor:slo_slices:count1m"
    """Models in pods that had traffic in this minute and a latency."""
    BAD_SLICES = "modelmonitor:slo_bad_slices:count1m"
    """Of these, slower than the threshold."""


LABEL_SLOTH_WINDOW = "sloth_window"
LABEL_SLOTH_SEVERITY = "sloth_severity"


def sli_error(window: str) -> str:
    """Name of the series with the share that broke the promise in a window, such as `1h`."""
    return f"slo:sli_error:ratio_rate{window}"


def slo_labels(monitor: MonitorRef, objective: str) -> dict[str, str]:
    """Sloth's labels of an objective, unique in the cluster: a namespace and an objective's name have no point."""
    service = f"{monitor.namespace}.{monitor.name}"
    return {"sloth_id": f"{service}.{objective}", "sloth_service": service, "sloth_slo": objective}


def error_budget(target_percent: str) -> Decimal:
    """The share that may break the promise, exactly: 0.001 for a target of `99.9`."""
    return 1 - Decimal(target_percent) / 100


def burn_threshold(pair: BurnPair, target_percent: str) -> Decimal:
    """The error ratio above which a pair burns.

    A factor times the budget of a low target is more than 1, and no ratio is ever above it: at a target of 90 % not
    even a complete failure would fire. So it is at most what leaves a tenth of the promise standing.
    """
    budget = error_budget(target_percent)
    return min(pair.factor * budget, 1 - (1 - budget) / 10)
