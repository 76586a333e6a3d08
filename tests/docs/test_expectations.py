"""docs/expectations.md has every row, and what it points at is there."""

import re

import pytest

from tests.docs.pages import ROOT

ROWS = re.findall(
    r"^\| (\d+) \| ([123]) \| (.+?) \| (.+?) \| (.*?) \| (.*?) \|$",
    (ROOT / "docs" / "expectations.md").read_text(),
    re.MULTILINE,
)


def test_the_rows_are_numbered_without_a_gap() -> None:
    assert [int(row[0]) for row in ROWS] == list(range(1, 74))


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row[0])
def test_a_row_is_shown_by_what_is_there_or_says_what_is_open(row: tuple[str, ...]) -> None:
    paths = re.findall(r"`(.+?)`", row[4])
    assert paths or row[5]
    assert [path for path in paths if not (ROOT / path).is_file()] == []


OPEN_SECONDS = {"42"}
"""Rows of priority 2 that are open; docs/expectations.md says why."""


def test_nothing_of_the_first_release_is_open_and_little_of_what_comes_soon_after() -> None:
    still_open = {row[0] for row in ROWS if row[1] in {"1", "2"} and row[5]}
    assert still_open == OPEN_SECONDS
    assert {row[1] for row in ROWS if row[0] in OPEN_SECONDS} == {"2"}


def test_a_row_of_the_first_two_priorities_is_shown_by_something_that_is_run_or_measured() -> None:
    soon = [row for row in ROWS if row[1] in {"1", "2"} and row[2] != "docs"]
    assert len(soon) > 50
    assert [row[0] for row in soon if not re.search(r"`(tests|benchmarks)/", row[4])] == []
