"""A time series panel: lines, thresholds as dashed lines, a legend below."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from matplotlib.axes import Axes
from matplotlib.ticker import FixedLocator, FuncFormatter, MaxNLocator

from modelmonitor_testbed.preview.formats import COLORS, PALETTE, format_value
from modelmonitor_testbed.preview.surface import BORDER, FAINT, PAGE, TEXT, Box, Surface, shorten, text_width

Json = dict[str, Any]
_SIZE = 11.0
_LEGEND_LINE = 17
_MOST_LEGEND_LINES = 3
_FAR = 4
_TICKS = (60, 120, 300, 600, 900, 1800, 3600, 7200, 21600, 86400)


@dataclass(frozen=True)
class Line:
    """One series by its legend; points are Unix seconds and values."""

    name: str
    points: Sequence[tuple[float, float]]
    color: str


def line_colors(names: Sequence[str], fixed: Mapping[str, str]) -> list[str]:
    """A colour for each name: its own, else that of its place in the palette."""
    return [
        COLORS[fixed[name]] if name in fixed else PALETTE[position % len(PALETTE)]
        for position, name in enumerate(names)
    ]


def draw_graph(surface: Surface, box: Box, panel: Json, lines: Sequence[Line], span: tuple[float, float]) -> None:
    """Draw the panel's content for a span of Unix seconds."""
    legend = _legend_lines(box.width, [line.name for line in lines])
    area = box.inside(left=52, top=2, right=4, bottom=20 + _LEGEND_LINE * len(legend))
    axes = surface.axes(area)
    defaults = panel["fieldConfig"]["defaults"]
    if defaults.get("custom", {}).get("stacking", {}).get("mode") == "normal":
        _draw_stack(axes, lines)
    else:
        _draw_lines(axes, lines)
    _draw_thresholds(axes, defaults, lines)
    _dress(axes, defaults, lines, span)
    _draw_legend(surface, box, legend, {line.name: line.color for line in lines})


def _draw_lines(axes: Axes, lines: Sequence[Line]) -> None:
    for line in lines:
        times, values = [time for time, _ in line.points], [value for _, value in line.points]
        axes.plot(times, values, color=line.color, lw=1.4, solid_joinstyle="round")
        if len(lines) <= 4:
            axes.fill_between(times, values, color=line.color, alpha=0.07, lw=0)


def _draw_stack(axes: Axes, lines: Sequence[Line]) -> None:
    times = sorted({time for line in lines for time, _ in line.points})
    below = [0.0] * len(times)
    for line in lines:
        values = dict(line.points)
        top = [low + values.get(time, 0.0) for time, low in zip(times, below, strict=True)]
        axes.fill_between(times, below, top, color=line.color, alpha=0.45, lw=0)
        edge = [high if values.get(time, 0.0) > 0 else math.nan for time, high in zip(times, top, strict=True)]
        axes.plot(times, edge, color=line.color, lw=1.2)
        below = top


def _draw_thresholds(axes: Axes, defaults: Json, lines: Sequence[Line]) -> None:
    """A line far above all values is left out: like Grafana, the axis follows the values."""
    highest = max((value for line in lines for _, value in line.points if math.isfinite(value)), default=0.0)
    if defaults["custom"]["thresholdsStyle"]["mode"] == "off":
        return
    for step in defaults["thresholds"]["steps"]:
        value = step["value"]
        if value is not None and (highest == 0 or value <= _FAR * highest):
            axes.axhline(value, color=COLORS[step["color"]], lw=1.2, ls=(0, (6, 4)), alpha=0.9)


def _dress(axes: Axes, defaults: Json, lines: Sequence[Line], span: tuple[float, float]) -> None:
    axes.set_xlim(*span)
    low, high = axes.get_ylim()
    least, most = defaults.get("min"), defaults.get("max")
    values = [value for line in lines for _, value in line.points if math.isfinite(value)]
    if not any(values):
        low, high = 0.0, 1.0
    top = most if most is not None else high
    axes.set_ylim(least if least is not None else min(low, 0) if low > 0 else low, top * 1.03 if top > 0 else top)
    axes.yaxis.set_major_locator(MaxNLocator(4, integer=defaults.get("decimals") == 0))
    axes.yaxis.set_major_formatter(
        FuncFormatter(lambda value, _: format_value(value, defaults["unit"], defaults.get("decimals")))
    )
    axes.xaxis.set_major_locator(FixedLocator(time_ticks(*span)))
    axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{datetime.fromtimestamp(value, UTC):%H:%M}"))
    axes.tick_params(colors=FAINT, labelsize=_SIZE * 0.72, length=0, pad=4)
    axes.grid(color=BORDER, lw=0.7)
    axes.set_axisbelow(True)
    for side in axes.spines.values():
        side.set_visible(False)
    axes.patch.set_edgecolor(PAGE)


def time_ticks(start: float, end: float) -> list[float]:
    """Round times, at most six of them and none at the very edges; Unix seconds."""
    step = next((each for each in _TICKS if (end - start) / each <= 6), _TICKS[-1])
    first = int(start // step + 1) * step
    edge = 0.03 * (end - start)
    return [float(time) for time in range(first, int(end) + 1, step) if start + edge < time < end - edge]


def _legend_lines(width: float, names: Sequence[str]) -> list[list[str]]:
    lines: list[list[str]] = [[]]
    used = 0.0
    for name in dict.fromkeys(names):
        need = min(text_width(name, _SIZE) + 30, width)
        if lines[-1] and used + need > width:
            lines.append([])
            used = 0.0
        lines[-1].append(name)
        used += need
    if len(lines) > _MOST_LEGEND_LINES:
        hidden = sum(map(len, lines[_MOST_LEGEND_LINES:]))
        lines = [*lines[: _MOST_LEGEND_LINES - 1], [*lines[_MOST_LEGEND_LINES - 1][:-1], f"and {hidden + 1} more"]]
    return lines


def _draw_legend(surface: Surface, box: Box, legend: list[list[str]], colors: Mapping[str, str]) -> None:
    y = box.y + box.height - _LEGEND_LINE * len(legend) + 8
    for names in legend:
        x = box.x + 4
        for name in names:
            if name in colors:
                surface.rectangle(Box(x, y - 1.5, 12, 3), colors[name])
            surface.text(x + 17, y, shorten(name, box.width - 24, _SIZE), _SIZE, TEXT)
            x += text_width(name, _SIZE) + 30
        y += _LEGEND_LINE
