"""Thresholds and windows of the alerts on cost, with their reasons; `docs/alerts.md` tells them."""

from enum import StrEnum

BURN_FACTOR = 3
"""How many times too fast is fast: a budget of a month lasts ten days then. Below it the forecast decides, which knows
of weekends and nights; a Deployment that follows its load seldom costs three times its mean."""
BURN_WINDOWS = ("1h", "15m")
"""Both must burn: the long one for certainty, the short one so that the alert ends soon. The ledger is written about
every five minutes, so a window holds three writes at least."""
LEAST_COVERED_SECONDS = 900
"""What the ledger must have charged of the long window: a rate of the first minutes is none."""
IDLE_RATIO = "0.8"
IDLE_WINDOWS = ("6h", "1h")
"""Long enough that a pause is no waste; the short one, so that the alert ends soon after work begins."""
IDLE_GPU_HOURS = 2
"""Less idle time than this in the long window is not worth a message: a whole GPU idles for six hours in it."""
FIRST_DAY_SECONDS = 86_400
"""A ledger's first day says nothing sure: what runs an hour need not run a month."""
LEDGER_OLD_SECONDS = 1800
"""Six times the time between two writes."""


class CostSeries(StrEnum):
    """Series that Prometheus records, so that counters outlive the leader that showed them."""

    GPU_SECONDS = "modelmonitor:cost_gpu_seconds:max"
    SPEND = "modelmonitor:cost_spend:max"
    WRITTEN = "modelmonitor:cost_ledger_written:max"
    RATE_LONG = "modelmonitor:cost_spend:rate1h"
    """Money a second, over the time that the ledger has charged in the window."""
    RATE_SHORT = "modelmonitor:cost_spend:rate15m"
    EVEN_RATE = "modelmonitor:cost_budget:even_rate"
    """Money a second that spends the budget in exactly its period."""
    LEFT_RATE = "modelmonitor:cost_budget:left_rate"
    """Money a second that spends what is left in exactly what is left of the period."""
