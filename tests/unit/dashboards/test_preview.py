"""The pictures of dashboards: what is drawn, and from what."""

from pathlib import Path

import pytest
from PIL import Image

from modelmonitor_testbed.preview.__main__ import read_dashboards
from modelmonitor_testbed.preview.answers import Asked, Recording, load, record, save
from modelmonitor_testbed.preview.draw import draw_dashboard
from modelmonitor_testbed.preview.formats import format_legend, format_value, mapped, plain_text, threshold_color
from modelmonitor_testbed.preview.graph import time_ticks
from modelmonitor_testbed.preview.queries import queries_of
from modelmonitor_testbed.preview.surface import COLUMN, FOOT, HEAD, LINE, MARGIN
from modelmonitor_testbed.preview.tables import build_grid, merge
from modelmonitor_testbed.prometheus.api import Series
from tests.unit.dashboards.made_up import MadeUp
from tests.unit.dashboards.pages import ROOT, Json

PAGES = read_dashboards(ROOT, ROOT / "examples" / "demo" / "fraud.yaml")
AT = 1_780_000_000.0


def answers(page: Json, source: Asked | None = None) -> Recording:
    return record(source or MadeUp(), queries_of(page), AT, 600)


@pytest.mark.parametrize("name", PAGES)
def test_a_picture_has_the_size_of_the_grid(name: str, tmp_path: Path) -> None:
    page = PAGES[name]
    draw_dashboard(page, answers(page), tmp_path / "page.png")
    lines = max(panel["gridPos"]["y"] + panel["gridPos"]["h"] for panel in page["panels"])
    with Image.open(tmp_path / "page.png") as picture:
        assert picture.size == (24 * COLUMN + 2 * MARGIN, HEAD + lines * LINE + FOOT)
        assert len(picture.convert("RGB").getcolors(1 << 24) or ()) > 500


def test_without_answers_panels_say_so_and_the_picture_differs(tmp_path: Path) -> None:
    page = PAGES["fleet"]
    draw_dashboard(page, answers(page, MadeUp(silent=True)), tmp_path / "empty.png")
    draw_dashboard(page, answers(page), tmp_path / "full.png")
    assert (tmp_path / "empty.png").stat().st_size * 1.5 < (tmp_path / "full.png").stat().st_size


def test_the_same_answers_give_the_same_picture_byte_for_byte(tmp_path: Path) -> None:
    page = {**PAGES["model"], "panels": PAGES["model"]["panels"][:13]}
    kept = answers(page)
    save(kept, tmp_path / "kept.json")
    draw_dashboard(page, kept, tmp_path / "one.png")
    draw_dashboard(page, load(tmp_path / "kept.json"), tmp_path / "two.png")
    assert (tmp_path / "one.png").read_bytes() == (tmp_path / "two.png").read_bytes()


def test_a_recording_keeps_what_is_no_number(tmp_path: Path) -> None:
    odd = Recording(AT, 60, {"a": [Series({}, ((AT, float("inf")), (AT, float("-inf"))))]}, {})
    save(odd, tmp_path / "odd.json")
    assert load(tmp_path / "odd.json") == odd


def test_every_query_is_asked_once_of_its_kind() -> None:
    source = MadeUp(silent=True)
    page = PAGES["model"]
    answers(page, source)
    assert sorted(source.asked) == sorted(e for e, _ in {(q.expression, q.over_time) for q in queries_of(page)})


@pytest.mark.parametrize(
    ("value", "unit", "decimals", "text"),
    [
        (0.0123, "percentunit", None, "1.23 %"),
        (-2.98, "percentunit", 1, "-298.0 %"),
        (0.0123, "s", None, "12.3 ms"),
        (754.0, "s", 0, "13 min"),
        (0.0, "s", None, "0 s"),
        (128 * 1024**2, "bytes", None, "128 MiB"),
        (12345.0, "short", None, "12.3 K"),
        (26.0, "reqps", None, "26 req/s"),
        (163.4, "watt", None, "163 W"),
        (0.0, "celsius", None, "0 °C"),
        (5.0, "none", None, "5"),
        (float("nan"), "s", None, "NaN"),
    ],
)
def test_numbers_are_written_with_their_units(value: float, unit: str, decimals: int | None, text: str) -> None:
    assert format_value(value, unit, decimals) == text


def test_a_legend_is_filled_with_labels() -> None:
    assert format_legend("{{model}}:{{version}} {{none}}", {"model": "a", "version": "1"}) == "a:1"


def test_colours_follow_thresholds_and_words() -> None:
    thresholds = {
        "steps": [{"color": "red", "value": None}, {"color": "orange", "value": 0}, {"color": "green", "value": 1}]
    }
    colors = [threshold_color(value, thresholds) for value in (-1.0, 0.0, 5.0)]
    assert len(set(colors)) == 3
    words = [{"type": "value", "options": {"3": {"text": "Unhealthy", "color": "red"}}}]
    assert mapped(3.0, words) == ("Unhealthy", colors[0])
    assert mapped(2.0, words) is None


def test_markdown_is_read_as_text() -> None:
    assert plain_text("- **a**: `b` *c* &#36;&#123;x&#125;") == "• a: b c ${x}"


def test_times_at_the_axis_are_round_and_not_at_its_edges() -> None:
    assert time_ticks(0.0, 600.0) == [120.0, 240.0, 360.0, 480.0]


def test_answers_of_several_queries_become_one_line_where_their_labels_agree() -> None:
    state = [{"gpu": "0", "state": "Ok", "Value #A": 1.0}, {"gpu": "1", "state": "Lost", "Value #A": 1.0}]
    info = [{"gpu": "0", "name": "A100", "Value #B": 1.0}]
    assert merge([state, info]) == [
        {"gpu": "0", "state": "Ok", "Value #A": 1.0, "name": "A100", "Value #B": 1.0},
        {"gpu": "1", "state": "Lost", "Value #A": 1.0},
    ]


def test_a_table_is_sorted_and_its_words_are_coloured() -> None:
    (panel,) = [each for each in PAGES["fleet"]["panels"] if each["title"] == "ModelMonitors"]
    verdicts = [
        Series({"namespace": "a", "modelmonitor": "x"}, ((AT, 0.0),)),
        Series({"namespace": "a", "modelmonitor": "y"}, ((AT, 3.0),)),
    ]
    grid = build_grid(panel, [("A", verdicts), ("B", []), ("C", []), ("D", []), ("E", []), ("F", [])])
    assert grid.titles == ("Verdict", "Namespace", "ModelMonitor")
    assert [[cell.text for cell in row] for row in grid.rows] == [["Unhealthy", "a", "y"], ["Healthy", "a", "x"]]
    assert grid.rows[0][0].color != grid.rows[1][0].color
    assert sum(grid.widths) == pytest.approx(1)
