"""A table panel as rows of cells: Grafana's transformations `merge` and `organize`, and its columns."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from modelmonitor_testbed.preview.formats import COLORS, format_value, mapped, threshold_color
from modelmonitor_testbed.prometheus.api import Series

Json = dict[str, Any]
Row = dict[str, float | str]


@dataclass(frozen=True)
class Cell:
    """What a cell says; `color` is its background, or empty."""

    text: str
    color: str = ""
    linked: bool = False


@dataclass(frozen=True)
class Grid:
    """A finished table; `widths` are shares of the whole."""

    titles: tuple[str, ...]
    widths: tuple[float, ...]
    rows: tuple[tuple[Cell, ...], ...]


_FREE_COLUMN = 210.0
"""Width in pixels of a column that names none, next to those that do."""


def build_grid(panel: Json, answers: Sequence[tuple[str, list[Series]]]) -> Grid:
    """The table of a panel; `answers` are the series of each query by its `refId`."""
    rows = merge(frame for frame in _frames(answers))
    columns = [(o["matcher"]["options"], _properties(o)) for o in panel["fieldConfig"]["overrides"]]
    present = [(name, shown) for name, shown in columns if any(name in row for row in rows)] or columns
    ordered = _sorted(rows, panel["options"].get("sortBy"), dict(columns))
    widths = [float(shown.get("custom.width", _FREE_COLUMN)) for _, shown in present]
    return Grid(
        tuple(shown["displayName"] for _, shown in present),
        tuple(width / sum(widths) for width in widths),
        tuple(tuple(_cell(row.get(name), shown) for name, shown in present) for row in ordered),
    )


def _frames(answers: Sequence[tuple[str, list[Series]]]) -> list[list[Row]]:
    single = len(answers) == 1
    return [
        [{**each.labels, ("Value" if single else f"Value #{name}"): each.value} for each in found]
        for name, found in answers
    ]


def merge(frames: Any) -> list[Row]:
    """Rows of all frames; two become one where all labels that both have are equal."""
    merged: list[Row] = []
    for frame in frames:
        before = list(merged)
        for row in frame:
            partners = [other for other in before if _agree(row, other)]
            for partner in partners:
                partner.update(row)
            if not partners:
                merged.append(dict(row))
    return merged


def _agree(one: Row, other: Row) -> bool:
    shared = {name for name in one if name in other and not name.startswith("Value")}
    return bool(shared) and all(one[name] == other[name] for name in shared)


def _properties(override: Json) -> Json:
    return {each["id"]: each["value"] for each in override["properties"]}


def _sorted(rows: list[Row], sort: list[Json] | None, columns: Mapping[str, Json]) -> list[Row]:
    if not sort:
        return rows
    by = next(name for name, shown in columns.items() if shown["displayName"] == sort[0]["displayName"])
    ordered = sorted(rows, key=lambda row: (by in row, row.get(by, "")))
    return ordered[::-1] if sort[0].get("desc") else ordered


def _cell(value: float | str | None, shown: Json) -> Cell:
    if value is None:
        return Cell("")
    if found := mapped(value, shown.get("mappings")):
        return Cell(*found)
    linked = "links" in shown
    if isinstance(value, str):
        return Cell(value, linked=linked)
    color = threshold_color(value, shown["thresholds"]) if "thresholds" in shown else ""
    text = format_value(value, shown.get("unit", "short"), shown.get("decimals"))
    return Cell(text, "" if color == COLORS["green"] else color, linked)
