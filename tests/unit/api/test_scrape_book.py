"""Scrapes and misses are counted by whoever serves the page, and what is remembered is bounded."""

import pytest

from modelmonitor_api.names import MonitorRef
from modelmonitor_api.scrape_book import KEPT_SECONDS, MAX_MISSES, MAX_SCRAPERS, ScrapeBook, is_scraper, scraper_name
from modelmonitor_api.summary import PageScraper, ScrapeResult

FRAUD, CHAT = MonitorRef("team-a", "fraud"), MonitorRef("team-b", "chat")
PROMETHEUS = scraper_name("10.0.0.7", "Prometheus/3.5.0")
DONE, CUT = ScrapeResult.COMPLETE, ScrapeResult.CUT_OFF


def book(*monitors: MonitorRef) -> ScrapeBook:
    made = ScrapeBook()
    made.serve(monitors or (FRAUD,), 0.0)
    return made


def scrapers(made: ScrapeBook, now: float) -> tuple[PageScraper, ...]:
    page = made.page(FRAUD, now)
    assert page is not None
    return page.scrapers


def test_a_page_that_nobody_scrapes_says_for_how_long_it_has_been_there() -> None:
    made = book(CHAT, FRAUD)
    assert [(p.namespace, p.name, p.served_seconds, p.scrapers) for p in made.pages(30.0)] == [
        ("team-a", "fraud", 30.0, ()),
        ("team-b", "chat", 30.0, ()),
    ]


def test_a_page_that_is_served_again_has_been_there_since_the_first_time() -> None:
    made = book()
    made.serve((FRAUD, CHAT), 20.0)
    assert [p.served_seconds for p in made.pages(30.0)] == [30.0, 10.0]


def test_the_scrapes_of_one_program_are_counted_with_the_time_between_the_last_two_and_the_last_result() -> None:
    made = book()
    for at, result in ((10.0, DONE), (25.0, DONE), (41.0, CUT)):
        made.note_scrape(FRAUD, PROMETHEUS, at, result)
    assert scrapers(made, 45.0) == (
        PageScraper(scraper=PROMETHEUS, age_seconds=4.0, count=3, interval_seconds=16.0, result=CUT),
    )
    assert made.results == {DONE: 2, CUT: 1}


def test_a_first_scrape_has_no_interval() -> None:
    made = book()
    made.note_scrape(FRAUD, PROMETHEUS, 10.0, DONE)
    assert scrapers(made, 10.0)[0].interval_seconds is None


def test_a_scrape_that_is_noted_late_is_counted_and_does_not_replace_a_newer_one() -> None:
    made = book()
    made.note_scrape(FRAUD, PROMETHEUS, 20.0, DONE)
    made.note_scrape(FRAUD, PROMETHEUS, 19.0, CUT)
    (one,) = scrapers(made, 20.0)
    assert (one.count, one.age_seconds, one.result) == (2, 0.0, DONE)


def test_no_more_than_the_newest_scrapers_are_remembered_the_newest_first() -> None:
    made = book()
    for number in range(MAX_SCRAPERS + 3):
        made.note_scrape(FRAUD, scraper_name(f"10.0.0.{number}", "curl/8"), float(number), DONE)
    assert [s.scraper for s in scrapers(made, 10.0)] == [f"10.0.0.{n} curl/8" for n in (6, 5, 4, 3)]


def test_a_scraper_that_went_away_an_hour_ago_is_not_told() -> None:
    made = book()
    made.note_scrape(FRAUD, PROMETHEUS, 10.0, DONE)
    assert len(scrapers(made, 10.0 + KEPT_SECONDS)) == 1
    assert scrapers(made, 10.1 + KEPT_SECONDS) == ()


def test_a_forgotten_page_begins_anew_and_a_late_note_does_not_bring_it_back() -> None:
    made = book(FRAUD, CHAT)
    made.note_scrape(FRAUD, PROMETHEUS, 10.0, DONE)
    made.forget(made.monitors - {CHAT})
    made.note_scrape(FRAUD, PROMETHEUS, 11.0, DONE)
    assert made.page(FRAUD, 12.0) is None
    made.serve((FRAUD,), 50.0)
    assert (made.pages(60.0)[0].served_seconds, made.pages(60.0)[0].scrapers) == (10.0, ())


def test_misses_are_counted_by_path_and_scraper_the_newest_first_and_bounded() -> None:
    made = book()
    for number in range(MAX_MISSES + 4):
        made.note_miss(f"/monitors/{number}", PROMETHEUS, float(number))
    made.note_miss("/monitors/10", PROMETHEUS, 50.0)
    found = made.misses(60.0)
    assert (len(found), made.missed) == (MAX_MISSES, MAX_MISSES + 5)
    assert (found[0].path, found[0].count, found[0].age_seconds) == ("/monitors/10", 2, 10.0)
    assert made.misses(51.0 + KEPT_SECONDS) == ()


def test_a_miss_of_more_than_an_hour_ago_is_not_added_to_a_new_one() -> None:
    made = book()
    made.note_miss("/monitors/a", PROMETHEUS, 0.0)
    made.note_miss("/monitors/a", PROMETHEUS, KEPT_SECONDS + 1)
    assert made.misses(KEPT_SECONDS + 1)[0].count == 1


def test_what_a_client_sends_is_cut_and_printable() -> None:
    made = book()
    name = scraper_name("10.0.0.1", "x\x1b[31m\n" * 100)
    made.note_miss("/monitors/\x00\u202e" + "y" * 999, name, 0.0)
    (miss,) = made.misses(0.0)
    assert (len(miss.path), len(miss.scraper)) == (200, 128)
    assert (miss.path + miss.scraper).isprintable()


@pytest.mark.parametrize(
    ("agent", "known"),
    [
        ("Prometheus/3.5.0", True),
        ("vm_promscrape", True),
        ("Alloy/v1.9.0 (linux; helm)", True),
        ("opentelemetry-collector-contrib/0.120", True),
        ("curl/8.5.0", False),
        ("Mozilla/5.0", False),
        ("", False),
    ],
)
def test_programs_that_scrape_at_an_interval_are_known_by_their_user_agent(agent: str, known: bool) -> None:  # noqa: FBT001
    assert is_scraper(agent) is known
