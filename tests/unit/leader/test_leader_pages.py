"""When the leader shows a page, when it refuses, and what it remembers of those who scrape."""

import gzip
from dataclasses import replace

import pytest

from modelmonitor_api.names import MonitorRef
from modelmonitor_api.status import ModelMonitorStatus
from modelmonitor_api.summary import ScrapeResult
from modelmonitor_operator import leader_pages
from modelmonitor_operator.leader_metrics import Judgement
from modelmonitor_operator.leader_pages import (
    MAX_CACHED_BYTES,
    STALE_SECONDS,
    LeaderPages,
    PageRefusedError,
)
from tests.unit.leader.verdicts import REF, finding, judgement, status
from tests.unit.operator.worlds import FakeClock, monitor, pod

BIG = {"prometheus": {"podLabels": ["app"]}}


class Scene:
    """A process that knows one monitor; a test says what happens to it."""

    def __init__(self, cycle_seconds: float = 10.0) -> None:
        self.clock = FakeClock()
        self.monitors: set[MonitorRef] = {REF}
        self.pages = LeaderPages(self.clock, self.monitors, cycle_seconds)

    def body(self, ref: MonitorRef = REF) -> bytes:
        return self.pages.render(ref, accepts_gzip=False).body

    def refusal(self, ref: MonitorRef = REF) -> PageRefusedError:
        with pytest.raises(PageRefusedError) as caught:
            self.pages.render(ref, accepts_gzip=False)
        return caught.value

    def scraped(self) -> int:
        report = self.pages.page(REF)
        return sum(one.count for one in report.scrapers) if report else 0


def big() -> Judgement:
    """A verdict whose page is large."""
    return judgement(spec=BIG, pods=tuple(pod(f"pod-{number:04d}") for number in range(1000)))


def test_a_standby_has_no_page_and_says_that_the_leader_has_it() -> None:
    scene = Scene()
    scene.pages.judged(judgement())
    refusal = scene.refusal()
    assert (refusal.result, refusal.exists) == ("standby", True)
    assert "leader" in str(refusal)


def test_a_leader_whose_lease_has_run_out_unnoticed_has_no_page() -> None:
    scene = Scene()
    with scene.pages.leading():
        scene.pages.judged(judgement())
        assert scene.body()
        scene.pages.holds_lease = lambda: False
        assert scene.refusal().result == "standby"


def test_the_leader_shows_the_newest_verdict() -> None:
    scene = Scene()
    with scene.pages.leading():
        scene.pages.judged(judgement())
        assert b'state="Healthy"} 1.0' in scene.body()
        scene.pages.judged(judgement(status(finding())))
        assert b'state="Healthy"} 0.0' in scene.body()


def test_a_process_that_leads_no_longer_has_no_page_not_even_when_it_leads_again() -> None:
    scene = Scene()
    with scene.pages.leading():
        scene.pages.judged(judgement())
        scene.pages.note_scrape(REF, "10.0.0.1 Prometheus/3", scene.clock.now, ScrapeResult.COMPLETE)
        assert scene.scraped() == 1
    assert scene.refusal().result == "standby"
    assert scene.pages.page(REF) is None
    with scene.pages.leading():
        assert scene.refusal().result == "not_judged"
        scene.pages.judged(judgement())
        assert scene.scraped() == 0


def test_an_exception_ends_the_pages_too() -> None:
    scene = Scene()

    def lose() -> None:
        with scene.pages.leading():
            scene.pages.judged(judgement())
            raise RuntimeError("leadership is lost")

    with pytest.raises(RuntimeError):
        lose()
    assert scene.refusal().result == "standby"


def test_a_monitor_that_has_not_been_judged_yet_is_told_from_one_that_does_not_exist() -> None:
    scene = Scene()
    with scene.pages.leading():
        assert (scene.refusal().result, scene.refusal().exists) == ("not_judged", True)
        other = scene.refusal(MonitorRef("team-a", "other"))
        assert (other.result, other.exists) == ("not_found", False)
        assert "team-a/other" in str(other)


def test_a_deleted_monitor_has_no_page_at_once_and_is_forgotten_by_the_next_sweep() -> None:
    scene = Scene()
    with scene.pages.leading():
        scene.pages.judged(judgement())
        scene.body()
        scene.monitors.clear()
        assert scene.refusal().result == "not_found"
        scene.pages.sweep()
        assert scene.pages.page(REF) is None
        scene.monitors.add(REF)
        assert scene.refusal().result == "not_judged"


@pytest.mark.parametrize(("cycle_seconds", "limit"), [(10.0, STALE_SECONDS), (40.0, 120.0)])
def test_a_verdict_that_nobody_renews_is_refused_instead_of_shown_as_new(cycle_seconds: float, limit: float) -> None:
    scene = Scene(cycle_seconds)
    with scene.pages.leading():
        scene.pages.judged(judgement())
        scene.clock.now += limit
        assert scene.body()
        scene.clock.now += 1
        assert (scene.refusal().result, scene.refusal().exists) == ("stale", True)
        scene.pages.judged(judgement())
        assert scene.body()


def test_a_page_is_made_once_for_each_verdict_however_often_it_is_scraped(monkeypatch: pytest.MonkeyPatch) -> None:
    made: list[ModelMonitorStatus] = []

    def render(what: Judgement) -> bytes:
        made.append(what.status)
        return b"page\n"

    monkeypatch.setattr(leader_pages, "render_leader_page", render)
    scene, first, second = Scene(), judgement(), judgement()
    with scene.pages.leading():
        for verdict in (first, first, second):
            scene.pages.judged(verdict)
            assert [scene.body(), scene.body()] == [b"page\n"] * 2
    assert len(made) == 2
    assert made[0] is first.status
    assert made[1] is second.status


def test_a_page_is_compressed_for_those_who_ask_and_says_the_same() -> None:
    scene = Scene()
    with scene.pages.leading():
        scene.pages.judged(big())
        plain = scene.pages.render(REF, accepts_gzip=False)
        packed = scene.pages.render(REF, accepts_gzip=True)
    assert (plain.compressed, packed.compressed) == (False, True)
    assert gzip.decompress(packed.body) == plain.body
    assert len(packed.body) < len(plain.body) / 5


def test_the_bytes_of_all_pages_together_are_bounded_and_every_page_can_still_be_had(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(leader_pages, "render_leader_page", lambda _: b"x" * (MAX_CACHED_BYTES // 4))
    scene = Scene()
    refs = [MonitorRef("team-a", f"monitor-{number}") for number in range(12)]
    scene.monitors.update(refs)
    with scene.pages.leading():
        for ref in refs:
            scene.pages.judged(replace(judgement(), monitor=monitor(ref.name)))
        for ref in (*refs, *refs):
            assert len(scene.body(ref)) == MAX_CACHED_BYTES // 4
            assert scene.pages.cached_bytes <= MAX_CACHED_BYTES
        scene.monitors.clear()
        scene.pages.sweep()
        assert scene.pages.cached_bytes == 0


def test_who_scraped_when_and_with_what_end_is_told_for_the_next_verdict() -> None:
    scene = Scene()
    with scene.pages.leading():
        scene.pages.judged(judgement())
        for _ in range(2):
            scene.clock.now += 15
            scene.pages.note_scrape(REF, "10.0.0.1 Prometheus/3", scene.clock.now, ScrapeResult.CUT_OFF)
        scene.clock.now += 2
        report = scene.pages.page(REF)
    assert report is not None
    assert (report.node, report.served_seconds) == (None, 32)
    (scraper,) = report.scrapers
    assert (scraper.count, scraper.interval_seconds, scraper.age_seconds) == (2, 15, 2)
    assert scraper.result is ScrapeResult.CUT_OFF


def test_a_request_for_a_page_that_is_not_there_is_told() -> None:
    scene = Scene()
    with scene.pages.leading():
        scene.pages.note_miss("/monitors/team-a/fraud", "10.0.0.1 Prometheus/3")
        assert [one.path for one in scene.pages.misses()] == ["/monitors/team-a/fraud"]
    assert scene.pages.misses() == ()
