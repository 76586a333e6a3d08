"""How it stands with an objective, from the requests that the ledger has counted: it needs no Prometheus."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, timedelta

from modelmonitor_api.spec_objectives import PERIOD_DAYS

Counts = Mapping[str, tuple[int, int]]
"""Good and all requests by day."""


@dataclass(frozen=True, slots=True)
class ObjectiveDays:
    """An objective over its sliding period.

    Attributes:
        budget_remaining: share of the error budget that is left; negative once overspent, None without requests.
        burn_rate: how many times too fast the budget is spent, by today's and yesterday's requests.
    """

    good: int
    total: int
    budget_remaining: float | None
    burn_rate: float | None


def view_objective(counts: Counts, target_ratio: float, today: date) -> ObjectiveDays:
    """How it stands with an objective on a local day; `target_ratio` is above 0 and below 1."""
    good, total = _sum(counts, today, PERIOD_DAYS)
    allowed = 1 - target_ratio
    recent_good, recent_total = _sum(counts, today, 2)
    return ObjectiveDays(
        good,
        total,
        1 - (1 - good / total) / allowed if total else None,
        (1 - recent_good / recent_total) / allowed if recent_total else None,
    )


def _sum(counts: Counts, today: date, days: int) -> tuple[int, int]:
    first, last = str(today - timedelta(days=days - 1)), str(today)
    found = [pair for day, pair in counts.items() if first <= day <= last]
    return sum(good for good, _ in found), sum(total for _, total in found)
