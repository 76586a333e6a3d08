"""A dashboard and the answers to its queries as one picture."""

from __future__ import annotations

import math
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from modelmonitor_testbed.preview.answers import Recording
from modelmonitor_testbed.preview.formats import format_legend
from modelmonitor_testbed.preview.graph import Line, draw_graph, line_colors
from modelmonitor_testbed.preview.queries import panel_queries, variables_of
from modelmonitor_testbed.preview.shapes import (
    draw_bars,
    draw_heading,
    draw_nothing,
    draw_numbers,
    draw_table,
    draw_text,
)
from modelmonitor_testbed.preview.surface import FAINT, FOOT, MARGIN, TEXT, Box, Surface
from modelmonitor_testbed.preview.tables import build_grid
from modelmonitor_testbed.prometheus.api import Series

Json = dict[str, Any]
CAPTION = "A picture of the queries' answers, not of Grafana"


def draw_dashboard(dashboard: Json, recording: Recording, path: Path, chosen: Mapping[str, str] | None = None) -> None:
    """Draw every panel at its place and write the picture as PNG."""
    lines = max(panel["gridPos"]["y"] + panel["gridPos"]["h"] for panel in dashboard["panels"])
    surface = Surface(lines)
    surface.text(MARGIN + 4, 30, dashboard["title"], 22, TEXT, weight="bold")
    _draw_foot(surface, recording)
    values = {**variables_of(dashboard), **(chosen or {})}
    for panel in dashboard["panels"]:
        box = surface.place(panel["gridPos"])
        if panel["type"] == "row":
            draw_heading(surface, box, panel["title"])
        else:
            _draw_panel(surface, surface.panel(box, panel["title"]), panel, recording, values)
    surface.save(path)


def _draw_foot(surface: Surface, recording: Recording) -> None:
    when = f"{datetime.fromtimestamp(recording.at, UTC):%Y-%m-%d %H:%M} UTC"
    y = surface.height - FOOT / 2
    surface.text(surface.width / 2, y, f"{CAPTION}  ·  Prometheus at {when}", 13, FAINT, ha="center", style="italic")


def _draw_panel(surface: Surface, box: Box, panel: Json, recording: Recording, values: Mapping[str, str]) -> None:
    if panel["type"] == "text":
        draw_text(surface, box, panel["options"]["content"])
        return
    answers = [(query, recording.answer(query)) for query in panel_queries(panel, values)]
    if not any(math.isfinite(value) for _, found in answers for each in found for _, value in each.points):
        draw_nothing(surface, box, panel)
    elif panel["type"] == "table":
        draw_table(surface, box, build_grid(panel, [(query.name, found) for query, found in answers]))
    else:
        named = [(format_legend(query.legend, each.labels), each) for query, found in answers for each in found]
        _draw_lines(surface, box, panel, named, recording)


def _draw_lines(surface: Surface, box: Box, panel: Json, named: list[tuple[str, Series]], recording: Recording) -> None:
    fixed = _fixed_colors(panel)
    colors = line_colors([name for name, _ in named], fixed)
    lines = [Line(name, each.points, color) for (name, each), color in zip(named, colors, strict=True)]
    if panel["type"] == "stat":
        draw_numbers(surface, box, panel, lines, fixed)
    elif panel["type"] == "bargauge":
        draw_bars(surface, box, panel, lines)
    else:
        draw_graph(surface, box, panel, lines, (recording.at - recording.span_seconds, recording.at))


def _fixed_colors(panel: Json) -> dict[str, str]:
    return {
        override["matcher"]["options"]: each["value"]["fixedColor"]
        for override in panel["fieldConfig"]["overrides"]
        for each in override["properties"]
        if each["id"] == "color"
    }
