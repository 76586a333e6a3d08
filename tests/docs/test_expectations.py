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


def test_of_the_first_release_only_cost_is_open() -> None:
    open_rows = [row for row in ROWS if row[1] == "1" and row[5]]
    assert {row[2] for row in open_rows} <= {"cost"}
