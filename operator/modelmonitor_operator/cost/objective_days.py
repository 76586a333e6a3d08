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
    first, yesterday, last = str(today - timedelta(days=PERIOD_DAYS - 1)), str(today - timedelta(days=1)), str(today)
    good = total = recent_good = recent_total = 0
    for day, (kept, asked) in counts.items():
        if first <= day <= last:
            good, total = good + kept, total + asked
            if day >= yesterday:
                recent_good, recent_total = recent_good + kept, recent_total + asked
    allowed = 1 - target_ratio
    return ObjectiveDays(
        good,
        total,
        1 - (1 - good / total) / allowed if total else None,
        (1 - recent_good / recent_total) / allowed if recent_total else None,
    )
