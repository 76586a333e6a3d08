"""The other panels: big numbers, bars, tables and text."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

from modelmonitor_testbed.preview.formats import COLORS, format_value, mapped, plain_text, threshold_color
from modelmonitor_testbed.preview.graph import Line
from modelmonitor_testbed.preview.surface import BORDER, FAINT, LINK, PAGE, TEXT, Box, Surface, shorten, text_width
from modelmonitor_testbed.preview.tables import Cell, Grid

Json = dict[str, Any]
_ROW = 25.0
_WHITE = "#ffffff"


def draw_nothing(surface: Surface, box: Box, panel: Json) -> None:
    """What a panel says without data."""
    words = panel["fieldConfig"]["defaults"].get("noValue", "No data")
    middle = box.y + box.height / 2 - 6
    surface.text(box.x + box.width / 2, middle, words, 13, FAINT, ha="center", room=box.width)


def draw_numbers(surface: Surface, box: Box, panel: Json, lines: Sequence[Line], fixed: Mapping[str, str]) -> None:
    """The newest value of each series, side by side; `fixed` names the colours of some."""
    defaults = panel["fieldConfig"]["defaults"]
    width = box.width / len(lines)
    for position, line in enumerate(lines):
        place = Box(box.x + position * width, box.y, width, box.height)
        text, color = _number(line, defaults, fixed)
        if defaults.get("mappings"):
            surface.rectangle(place.inside(-2, -2, -2, 0), color)
            color = _WHITE
        _draw_number(surface, place, text, color, line.name if len(lines) > 1 else "")


def _number(line: Line, defaults: Json, fixed: Mapping[str, str]) -> tuple[str, str]:
    value = line.points[-1][1]
    if found := mapped(value, defaults.get("mappings")):
        return found
    text = format_value(value, defaults["unit"], defaults.get("decimals"))
    if defaults["color"]["mode"] == "thresholds":
        return text, threshold_color(value, defaults.get("thresholds"))
    return text, COLORS[fixed.get(line.name, defaults["color"]["fixedColor"])]


def _draw_number(surface: Surface, box: Box, text: str, color: str, name: str) -> None:
    size = min(box.height * (0.42 if name else 0.5), box.width / (max(len(text), 3) * 0.72), 44)
    middle = box.x + box.width / 2
    surface.text(middle, box.y + box.height * (0.66 if name else 0.48), text, size, color, ha="center", weight="bold")
    if name:
        surface.text(middle, box.y + box.height * 0.2, name, 12, TEXT, ha="center", room=box.width)


def draw_bars(surface: Surface, box: Box, panel: Json, lines: Sequence[Line]) -> None:
    """A bar a series, the longest first as Prometheus gives them."""
    defaults = panel["fieldConfig"]["defaults"]
    values = [line.points[-1][1] for line in lines if math.isfinite(line.points[-1][1])]
    longest = defaults.get("max") or max([*values, 0.0]) or 1.0
    height = min(box.height / len(lines), 40.0)
    for position, line in enumerate(lines):
        value = line.points[-1][1]
        y = box.y + position * height
        color = threshold_color(value, defaults.get("thresholds"))
        text = format_value(value, defaults["unit"], defaults.get("decimals"))
        surface.text(box.x, y + height * 0.25, line.name, 12, TEXT, room=box.width * 0.75)
        surface.text(box.x + box.width, y + height * 0.25, text, 12, color, ha="right", weight="bold")
        surface.rectangle(Box(box.x, y + height * 0.52, box.width, height * 0.26), BORDER)
        share = min(max(value / longest, 0.0), 1.0) if math.isfinite(value) else 0.0
        surface.rectangle(Box(box.x, y + height * 0.52, box.width * share, height * 0.26), color, 0.85)


def draw_table(surface: Surface, box: Box, grid: Grid) -> None:
    """Titles, then as many rows as there is room for."""
    room = int(box.height / _ROW) - 1
    rows = grid.rows if len(grid.rows) <= room else grid.rows[: room - 1]
    left = [box.x + box.width * sum(grid.widths[:i]) for i in range(len(grid.widths))]
    columns = [Box(x, box.y, box.width * share, _ROW) for x, share in zip(left, grid.widths, strict=True)]
    for column, title in zip(columns, grid.titles, strict=True):
        surface.text(column.x + 6, box.y + _ROW / 2, title, 12, LINK, weight="bold", room=column.width - 8)
    for number, row in enumerate(rows, start=1):
        y = box.y + number * _ROW
        surface.line(box.x, y, box.width)
        for column, cell in zip(columns, row, strict=True):
            _draw_cell(surface, Box(column.x, y, column.width, _ROW), cell)
    if len(rows) < len(grid.rows):
        y = box.y + (len(rows) + 1.5) * _ROW
        surface.text(box.x + 6, y, f"and {len(grid.rows) - len(rows)} more", 12, FAINT)


def _draw_cell(surface: Surface, box: Box, cell: Cell) -> None:
    if cell.color:
        surface.rectangle(box.inside(1, 2, 3, 1), cell.color, 0.9)
    color = PAGE if cell.color and cell.color != COLORS["text"] else LINK if cell.linked else TEXT
    surface.text(box.x + 6, box.y + box.height / 2, cell.text, 12, color, room=box.width - 10)


def draw_text(surface: Surface, box: Box, content: str) -> None:
    """A text panel; what is bold at its beginning stays bold."""
    text = plain_text(content)
    surface.paragraph(box, text, 13)


def draw_heading(surface: Surface, box: Box, title: str) -> None:
    """A row of the dashboard."""
    surface.text(box.x + 4, box.y + box.height / 2, f"▾  {shorten(title, box.width, 15)}", 15, TEXT, weight="bold")
    start = box.x + 40 + text_width(title, 16)
    surface.line(start, box.y + box.height / 2, box.x + box.width - start)
