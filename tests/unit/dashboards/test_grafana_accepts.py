"""What Grafana's own models, its limits and its grid ask of a dashboard."""

import json
import re
from collections.abc import Iterator
from itertools import combinations
from pathlib import Path
from typing import Any

import pytest

from generate.dashboards.panel import Unit
from generate.dashboards.sdk import decode, encode
from modelmonitor_operator.desired.dashboard import MAX_UID
from modelmonitor_testbed.preview.queries import panels_of
from tests.unit.dashboards.pages import FILES, Json, read

PAGES = [pytest.param(read(path), id=path.stem) for path in FILES]


@pytest.mark.parametrize("page", PAGES)
def test_grafanas_own_models_read_a_dashboard_and_write_it_again_unchanged(page: Json) -> None:
    assert encode(decode(page)) == page


def test_a_dashboard_that_grafanas_models_do_not_know_would_be_noticed() -> None:
    page = read(FILES[0])
    assert encode(decode({**page, "titel": "x"})) != {**page, "titel": "x"}


@pytest.mark.parametrize("page", PAGES)
def test_a_uid_is_short_and_panels_have_ids_of_their_own(page: Json) -> None:
    assert 8 <= len(page["uid"]) <= MAX_UID
    ids = [panel["id"] for panel in page["panels"]]
    assert len(ids) == len(set(ids))


def test_uids_and_titles_differ() -> None:
    pages = [read(path) for path in FILES]
    assert len({page["uid"] for page in pages}) == len({page["title"] for page in pages}) == len(FILES) == 5


@pytest.mark.parametrize("page", PAGES)
def test_the_data_source_is_the_readers_choice_everywhere(page: Json) -> None:
    sources = list(values_of(page, "datasource"))
    assert len(sources) > len(list(panels_of(page)))
    assert {(each["type"], each["uid"]) for each in sources} == {("prometheus", "${datasource}")}
    (chooser,) = [each for each in page["templating"]["list"] if each["type"] == "datasource"]
    assert (chooser["name"], chooser["query"]) == ("datasource", "prometheus")


def values_of(node: Any, name: str) -> Iterator[Any]:
    if isinstance(node, dict):
        for key, value in node.items():
            if key == name:
                yield value
            yield from values_of(value, name)
    elif isinstance(node, list):
        for each in node:
            yield from values_of(each, name)


@pytest.mark.parametrize("page", PAGES)
def test_panels_lie_within_the_grid_and_on_nobody_else(page: Json) -> None:
    places = [panel["gridPos"] for panel in page["panels"]]
    assert all(place["x"] >= 0 and place["x"] + place["w"] <= 24 for place in places)
    for one, other in combinations(places, 2):
        apart_x = one["x"] + one["w"] <= other["x"] or other["x"] + other["w"] <= one["x"]
        apart_y = one["y"] + one["h"] <= other["y"] or other["y"] + other["h"] <= one["y"]
        assert apart_x or apart_y


@pytest.mark.parametrize("page", PAGES)
def test_every_panel_says_what_it_shows(page: Json) -> None:
    for panel in panels_of(page):
        assert panel["title"]
        if panel["type"] == "text":
            assert panel["options"]["content"]
            continue
        assert panel["description"].endswith((".", "/"))
        assert panel["fieldConfig"]["defaults"]["unit"] in {unit.value for unit in Unit}
        assert panel["targets"]


@pytest.mark.parametrize("page", PAGES)
def test_a_reader_is_told_what_to_look_at_first(page: Json) -> None:
    first = page["panels"][0]
    assert (first["type"], first["title"], first["gridPos"]["y"]) == ("text", "What to look at first", 0)


@pytest.mark.parametrize("page", PAGES)
def test_lines_of_a_graph_can_be_told_apart_by_labels_that_the_query_keeps(page: Json) -> None:
    for panel in panels_of(page):
        for target in panel.get("targets", ()):
            kept = set(re.findall(r"\w+", " ".join(re.findall(r"(?:by|on) \(([^)]*)\)", target["expr"]))))
            named = set(re.findall(r"{{(\w+)}}", target["legendFormat"])) - {"quantity", "instance"}
            assert named <= kept, (panel["title"], named, kept)


@pytest.mark.parametrize("page", PAGES)
def test_the_columns_of_a_table_are_what_its_queries_keep(page: Json) -> None:
    for panel in panels_of(page):
        if panel["type"] == "table":
            kept = {"Value", *(f"Value #{target['refId']}" for target in panel["targets"])}
            for target in panel["targets"]:
                kept |= set(re.findall(r"\w+", " ".join(re.findall(r"by \(([^)]*)\)", target["expr"]))))
            assert {each["matcher"]["options"] for each in panel["fieldConfig"]["overrides"]} <= kept


def test_links_lead_to_dashboards_that_exist() -> None:
    uids = {read(path)["uid"] for path in FILES}
    for path in FILES:
        text = json.dumps(read(path))
        for uid in re.findall(r"/d/([\w-]+)", text):
            assert uid in uids
        assert f"/d/{read(path)['uid']}?" not in text


def test_every_dashboard_is_linked_from_another() -> None:
    for path in FILES:
        uid, tags = read(path)["uid"], set(read(path)["tags"])
        others = [read(other) for other in FILES if other != path]
        links = [link for page in others for link in page["links"]]
        assert any(f"/d/{uid}" in link.get("url", "") or tags & set(link["tags"]) for link in links)


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_a_committed_dashboard_is_sorted_so_that_changes_are_small(path: Path) -> None:
    assert path.read_text() == json.dumps(read(path), indent=2, sort_keys=True, ensure_ascii=False) + "\n"
