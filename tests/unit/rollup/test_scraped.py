"""ScrapeVerified: who scrapes the pages and, with a Prometheus to ask, what arrived there."""

from dataclasses import replace
from typing import Any

import pytest

from modelmonitor_api.summary import ScrapeResult
from modelmonitor_operator.arrival import ChildFact, ChildState, RuleAnswer, TargetAnswer
from modelmonitor_operator.objects import PROMETHEUS_RULE, SERVICE_MONITOR
from modelmonitor_operator.observed import PollState
from modelmonitor_operator.rollup import RollupInput
from tests.unit.rollup.arrivals import (
    answer,
    applied,
    arrival,
    asked,
    children,
    judged,
    leader,
    miss,
    page,
    paged,
    scraper,
    situation,
)
from tests.unit.rollup.situations import NOW, Story, condition, monitor, pod

ALONE: dict[str, Any] = {"leader_page": None}
NO_MONITOR = children({SERVICE_MONITOR: ChildFact(ChildState.KIND_MISSING)})
UNWANTED = children({SERVICE_MONITOR: ChildFact(ChildState.DISABLED)})
TWO = (pod(), pod("fraud-1", "n2"))
CURL = scraper("10.1.1.1 curl/8", interval_seconds=None, count=1)
SIDECAR = "10.0.0.1:9402"


def pages(*ours: Any, **fields: Any) -> RollupInput:
    return situation(paged(*ours), what=arrival(**{**ALONE, **fields}))


def said(**fields: Any) -> RollupInput:
    return situation(what=arrival(**asked(**fields)))


def down(error: str) -> RollupInput:
    return said(targets=(TargetAnswer("sidecar", SIDECAR, up=False, error=error),))


CASES: dict[str, tuple[RollupInput, str, str, tuple[str, ...]]] = {
    "every page is scraped": (
        situation(),
        "True",
        "Scraped",
        ("2 of 2 pages scraped by 10.0.0.9 Prometheus/3.15.0 every 15s",),
    ),
    "nobody has ever come": (
        pages(page()),
        "False",
        "NeverScraped",
        (
            "1 of 1 page not scraped",
            "nobody scrapes the page on node n1",
            "serviceMonitor/team-a/modelmonitor-fraud",
            "9402",
        ),
    ),
    "a single look is no scraper": (
        pages(page(CURL.model_copy(update={"age_seconds": 300.0}))),
        "False",
        "NeverScraped",
        (),
    ),
    "nobody comes and nobody selects us": (
        pages(page(), children=children({SERVICE_MONITOR: applied(other="label")})),
        "False",
        "NeverScraped",
        ("see MonitoringSelected",),
    ),
    "nobody comes without a ServiceMonitor": (
        pages(page(), children=NO_MONITOR),
        "False",
        "NeverScraped",
        ("scrape /monitors/team-a/fraud/metrics of the Service modelmonitor-fraud",),
    ),
    "scrapes without any ServiceMonitor are scrapes": (
        pages(page(scraper()), children=NO_MONITOR),
        "True",
        "Scraped",
        (),
    ),
    "nobody comes and nobody is wanted": (pages(page(), children=UNWANTED), "Unknown", "Disabled", ()),
    "somebody comes though no ServiceMonitor is wanted": (
        pages(page(scraper()), children=UNWANTED),
        "True",
        "Scraped",
        (),
    ),
    "a new page waits": (pages(page(served_seconds=100.0)), "Unknown", "WaitingForScrape", ("1 page waiting",)),
    "a page has waited long enough": (pages(page(served_seconds=136.0)), "False", "NeverScraped", ()),
    "a first scrape is waited for to come again": (pages(page(CURL)), "Unknown", "WaitingForScrape", ()),
    "scrapes are too far apart": (
        pages(page(scraper(interval_seconds=300.0))),
        "False",
        "ScrapedTooSeldom",
        ("every 5m", "need every 2m", "shorter scrape interval"),
    ),
    "two minutes are not too far apart": (pages(page(scraper(interval_seconds=120.4))), "True", "Scraped", ()),
    "two long intervals are tolerated": (
        situation(
            paged(page(scraper(interval_seconds=590.0))),
            what=arrival(**ALONE),
            monitor=monitor(prometheus={"interval": "5m"}),
        ),
        "True",
        "Scraped",
        (),
    ),
    "scrapes have stopped": (
        pages(page(scraper(age_seconds=700.0))),
        "False",
        "ScrapesStopped",
        ("last scraped more than 10m ago, by 10.0.0.9 Prometheus/3.15.0",),
    ),
    "scrapes are cut off": (
        pages(page(scraper(result=ScrapeResult.CUT_OFF))),
        "False",
        "CutOff",
        ("10.0.0.9 Prometheus/3.15.0 ends its scrapes", "spec.prometheus.scrapeTimeout"),
    ),
    "of two Prometheus servers one is enough": (
        pages(page(scraper(result=ScrapeResult.CUT_OFF), scraper("10.0.0.8 Prometheus/3.15.0"))),
        "True",
        "Scraped",
        ("10.0.0.8",),
    ),
    "the wrong path is asked for": (
        situation(paged(page(), misses=(miss("/monitors/team-a/fraud"),)), what=arrival(**ALONE)),
        "False",
        "WrongPath",
        (
            "10.0.0.9 Prometheus/3.15.0 asks for /monitors/team-a/fraud,",
            "the path is /monitors/team-a/fraud/metrics",
        ),
    ),
    "the namespace is missing in the path": (
        pages(page(), misses=(miss("/monitors/fraud/metrics?x=1"),)),
        "False",
        "WrongPath",
        (),
    ),
    "a wrong path of another team's monitor is not ours": (
        pages(page(), misses=(miss("/monitors/team-b/fraud/"),)),
        "False",
        "NeverScraped",
        (),
    ),
    "a person's slip is no wrong path": (
        pages(page(), misses=(miss("/monitors/team-a/fraud", count=1),)),
        "False",
        "NeverScraped",
        (),
    ),
    "a wrong path does not matter where the right one is scraped": (
        pages(page(scraper()), misses=(miss("/monitors/team-a/fraud"),)),
        "True",
        "Scraped",
        (),
    ),
    "one of two sidecars is not scraped": (
        situation(paged(page(scraper())), paged(page(), name="n2"), what=arrival(**ALONE), pods=TWO),
        "False",
        "NeverScraped",
        ("1 of 2 pages not scraped", "the page on node n2"),
    ),
    "one of two sidecars has just come": (
        situation(paged(page(scraper())), paged(page(served_seconds=5.0), name="n2"), what=arrival(**ALONE), pods=TWO),
        "True",
        "Scraped",
        ("1 of 2 pages scraped", "1 waiting"),
    ),
    "the worst page is told first": (
        situation(
            paged(page(scraper(interval_seconds=300.0))),
            what=arrival(leader_page=leader(scraper(result=ScrapeResult.CUT_OFF))),
        ),
        "False",
        "CutOff",
        ("2 of 2 pages", "the leader's page"),
    ),
    "no page is known": (situation(paged(), what=arrival(**ALONE)), "Unknown", "NoPages", ()),
    "Prometheus has everything": (
        situation(what=arrival(**asked())),
        "True",
        "Scraped",
        ("Prometheus has the samples and the rules",),
    ),
    "Prometheus has not been asked yet": (
        situation(what=arrival(**asked(asked_at=None))),
        "True",
        "Scraped",
        ("every 15s",),
    ),
    "Prometheus cannot be asked": (
        said(error="no answer within 5 s"),
        "True",
        "PrometheusUnreachable",
        ("rests on scrapes alone", "no answer within 5 s"),
    ),
    "Prometheus cannot be asked and nobody comes": (
        pages(page(), **asked(error="no answer within 5 s")),
        "False",
        "NeverScraped",
        ("rests on scrapes alone",),
    ),
    "a sample limit is hit": (
        down("sample limit exceeded"),
        "False",
        "LimitHit",
        (f"the sidecar page at {SIDECAR}: sample limit exceeded", "spec.prometheus.sampleLimit"),
    ),
    "a body limit is hit": (down("body size limit exceeded"), "False", "LimitHit", ("enforcedBodySizeLimit",)),
    "a label limit is hit": (
        down("label_limit exceeded (metric: up, number of labels: 9, limit: 5)"),
        "False",
        "LimitHit",
        ("label limits",),
    ),
    "labels are overridden": (
        said(renamed=("exported_namespace", "exported_node")),
        "False",
        "LabelsOverridden",
        ("exported_namespace, exported_node", "honorLabels: true"),
    ),
    "a rule fails": (
        said(rules=(RuleAnswer("ModelMonitorModelFailing", "g", "err", "found duplicate series"),)),
        "False",
        "RuleError",
        ("ModelMonitorModelFailing: found duplicate series",),
    ),
}


@pytest.mark.parametrize(("what", "status", "reason", "words"), CASES.values(), ids=CASES.keys())
def test_the_condition_tells_causes_apart(what: RollupInput, status: str, reason: str, words: tuple[str, ...]) -> None:
    found = judged(what, "ScrapeVerified")
    assert (found.status, found.reason) == (status, reason), found.message
    assert all(word in found.message for word in words), found.message


LASTING: dict[str, tuple[dict[str, Any], str, tuple[str, ...]]] = {
    "samples are dropped by relabelling": (
        {"series": {"modelmonitor_health_state": 4}},
        "DroppedByRelabelling",
        ("modelmonitor_page_series", "spec.prometheus.metricRelabelings"),
    ),
    "another Prometheus scrapes": ({"series": {}, "targets": ()}, "SamplesMissing", ("check the URL",)),
    "a rule is missing": ({"rules": ()}, "RuleMissing", ("1 rule of 1 not loaded", "ModelMonitorModelFailing")),
    "a target is down": (
        {"targets": (TargetAnswer("sidecar", SIDECAR, up=False, error="connection refused"),)},
        "TargetDown",
        ("connection refused",),
    ),
    "Prometheus asks for a wrong path": (
        {"targets": (TargetAnswer("leader", SIDECAR, up=False, error="server returned HTTP status 404 Not Found"),)},
        "WrongPath",
        ("HTTP status 404",),
    ),
}


@pytest.mark.parametrize(("what", "reason", "words"), LASTING.values(), ids=LASTING.keys())
def test_what_may_pass_by_itself_is_told_once_it_has_lasted(
    what: dict[str, Any], reason: str, words: tuple[str, ...]
) -> None:
    story = Story()
    first = condition(story.cycle(said(**what)), "ScrapeVerified")
    assert first.status == "True"
    assert "Prometheus has the samples" not in first.message
    later = condition(story.cycle(said(**what, asked_at=NOW + 180), seconds=180), "ScrapeVerified")
    assert (later.status, later.reason) == ("False", reason)
    assert all(word in later.message for word in words), later.message


def test_an_old_answer_proves_nothing_more() -> None:
    story = Story()
    story.cycle(said(rules=()))
    assert condition(story.cycle(said(rules=()), seconds=600), "ScrapeVerified").status == "True"


def test_a_doubt_that_passed_begins_anew() -> None:
    story = Story()
    story.cycle(said(rules=()))
    story.cycle(said(asked_at=NOW + 60), seconds=60)
    story.cycle(said(rules=(), asked_at=NOW + 120), seconds=60)
    assert condition(story.cycle(said(rules=(), asked_at=NOW + 240), seconds=120), "ScrapeVerified").status == "True"


def test_a_restart_of_the_operator_does_not_clear_what_was_told() -> None:
    story = Story()
    story.cycle(said(rules=()))
    told = condition(story.cycle(said(rules=(), asked_at=NOW + 180), seconds=180), "ScrapeVerified")
    story.state = replace(story.state, doubts={})
    again = condition(story.cycle(said(rules=(), asked_at=NOW + 190)), "ScrapeVerified")
    assert (again.status, again.reason) == (told.status, told.reason) == ("False", "RuleMissing")


def test_rules_that_are_not_wanted_are_not_missed() -> None:
    what = arrival(**asked(rules=()), children=children({PROMETHEUS_RULE: ChildFact(ChildState.DISABLED)}))
    story = Story()
    story.cycle(situation(what=what))
    later = replace(what, answer=answer(rules=(), asked_at=NOW + 600))
    assert condition(story.cycle(situation(what=later), seconds=600), "ScrapeVerified").reason == "Scraped"


def test_a_server_that_does_not_say_its_rules_has_none_missing() -> None:
    story = Story()
    story.cycle(said(rules=None))
    assert condition(story.cycle(said(rules=None, asked_at=NOW + 600), seconds=600), "ScrapeVerified").status == "True"


def test_a_sidecar_that_starts_anew_changes_nothing() -> None:
    story = Story()
    before = condition(story.cycle(pages(page(scraper()))), "ScrapeVerified")
    after = condition(story.cycle(pages(page(served_seconds=1.0))), "ScrapeVerified")
    assert (before.status, before.reason) == (after.status, after.reason) == ("True", "Scraped")
    lost = condition(story.cycle(pages(page(served_seconds=140.0)), seconds=140), "ScrapeVerified")
    assert lost.reason == "NeverScraped"


def test_a_silent_sidecar_says_nothing_about_now() -> None:
    silent = paged(page(), now=NOW - 900, state=PollState.TIMEOUT)
    found = judged(situation(silent), "ScrapeVerified")
    assert (found.status, found.reason) == ("True", "Scraped")
    assert "1 of 1 page scraped" in found.message
    assert "nothing is known of 1 more" in found.message


@pytest.mark.parametrize("long_ago", [0.0, 660.0])
def test_a_message_does_not_change_with_the_jitter_of_scrapes(long_ago: float) -> None:
    first, second = (
        judged(pages(page(scraper(age_seconds=age + long_ago, interval_seconds=interval))), "ScrapeVerified")
        for age, interval in ((2.0, 14.96), (13.0, 15.04))
    )
    assert first.message == second.message


@pytest.mark.parametrize("value", [float("nan"), float("inf"), -1.0, 1e300])
def test_ages_that_are_none_do_no_harm(value: float) -> None:
    hostile = page(scraper(age_seconds=value), scraper("x", interval_seconds=value), served_seconds=value)
    found = judged(pages(hostile, misses=(miss("/monitors/team-a/fraud", age_seconds=value),)), "ScrapeVerified")
    assert found.status == "False"


def test_of_two_scrapers_always_the_same_is_named() -> None:
    other = "10.0.0.8 Prometheus/3.15.0"
    first, second = (
        judged(pages(page(scraper(age_seconds=one), scraper(other, age_seconds=two))), "ScrapeVerified")
        for one, two in ((2.0, 9.0), (9.0, 2.0))
    )
    assert first.message == second.message


def test_of_two_that_ask_for_a_wrong_path_always_the_same_is_named() -> None:
    other = "10.0.0.8 Prometheus/3.15.0"
    first, second = (
        judged(
            pages(
                page(),
                misses=(
                    miss("/monitors/team-a/fraud", age_seconds=one),
                    miss("/monitors/team-a/fraud", age_seconds=two, scraper=other),
                ),
            ),
            "ScrapeVerified",
        )
        for one, two in ((2.0, 9.0), (9.0, 2.0))
    )
    assert first.reason == second.reason == "WrongPath"
    assert first.message == second.message


def test_a_cut_off_is_told_as_one_although_prometheus_calls_its_target_down() -> None:
    late = TargetAnswer("sidecar", SIDECAR, up=False, error="context deadline exceeded")
    cut = paged(page(scraper(result=ScrapeResult.CUT_OFF)))
    story = Story()
    for seconds in (0, 120):
        what = situation(cut, what=arrival(**asked(targets=(late,), asked_at=NOW + seconds)))
        told = condition(story.cycle(what, seconds=seconds), "ScrapeVerified")
    assert (told.status, told.reason) == ("False", "CutOff")
    assert "scrapeTimeout" in told.message
