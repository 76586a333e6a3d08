"""Events about what arrives: news, and nothing but news."""

import pytest

from modelmonitor_api.status import Condition, ConditionStatus, ConditionType, ModelMonitorStatus
from modelmonitor_operator.desired.event import Announcement, EventType
from modelmonitor_operator.reconcile.monitor import announce

TRUE, FALSE, UNKNOWN = ConditionStatus.TRUE, ConditionStatus.FALSE, ConditionStatus.UNKNOWN
SCRAPED = ConditionType.SCRAPE_VERIFIED


def saying(
    status: ConditionStatus, reason: str, message: str = "so", kind: ConditionType = SCRAPED
) -> ModelMonitorStatus:
    one = Condition(
        type=kind, status=status, reason=reason, message=message, last_transition_time="2026-01-01T00:00:00Z"
    )
    return ModelMonitorStatus(conditions=(one,))


GOOD = Announcement(EventType.NORMAL, "ScrapeVerified", "ScrapeVerified: so")
BAD = Announcement(EventType.WARNING, "LimitHit", "ScrapeVerified: so")

NEWS = {
    "it arrives for the first time": (None, saying(TRUE, "Scraped"), (GOOD,)),
    "it arrives after a wait": (saying(UNKNOWN, "WaitingForScrape"), saying(TRUE, "Scraped"), (GOOD,)),
    "it no longer arrives": (saying(TRUE, "Scraped"), saying(FALSE, "LimitHit"), (BAD,)),
    "another cause stands in the way": (saying(FALSE, "NeverScraped"), saying(FALSE, "LimitHit"), (BAD,)),
    "it arrives again": (saying(FALSE, "LimitHit"), saying(TRUE, "Scraped"), (GOOD,)),
    "the same cause with other words": (saying(FALSE, "LimitHit", "a"), saying(FALSE, "LimitHit", "b"), ()),
    "it arrives on another ground": (saying(TRUE, "Scraped"), saying(TRUE, "PrometheusUnreachable"), ()),
    "nothing is known": (saying(TRUE, "Scraped"), saying(UNKNOWN, "NoPages"), ()),
}


@pytest.mark.parametrize(("before", "after", "expected"), NEWS.values(), ids=NEWS.keys())
def test_a_condition_about_arrival_is_announced_when_it_is_news(
    before: ModelMonitorStatus | None, after: ModelMonitorStatus, expected: tuple[Announcement, ...]
) -> None:
    assert announce(before, after) == expected


@pytest.mark.parametrize("kind", [ConditionType.MONITORING_SELECTED, ConditionType.WITHIN_OBJECTIVES])
def test_selection_and_objectives_are_announced_too(kind: ConditionType) -> None:
    told = announce(None, saying(FALSE, "BudgetOverspent", "by 40 %", kind))
    assert told == (Announcement(EventType.WARNING, "BudgetOverspent", f"{kind}: by 40 %"),)


def test_dashboards_are_no_event() -> None:
    assert announce(None, saying(FALSE, "ApplyFailed", kind=ConditionType.DASHBOARDS_SYNCED)) == ()
