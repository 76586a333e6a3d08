"""Numbers, words and colours as Grafana writes them."""

from __future__ import annotations

import html
import math
import re
from collections.abc import Mapping
from typing import Any

COLORS = {
    "green": "#73BF69",
    "orange": "#FF9830",
    "red": "#F2495C",
    "blue": "#5794F2",
    "text": "#9fa7b3",
    "yellow": "#FADE2A",
}
PALETTE = (
    *("#73BF69", "#F2CC0C", "#8AB8FF", "#FF780A", "#F2495C", "#5794F2", "#B877D9", "#705DA0", "#37872D", "#FADE2A"),
    *("#447EBC", "#C15C17", "#890F02", "#0A437C", "#6D1F62", "#584477", "#B7DBAB", "#F4D598", "#70DBED", "#F9BA8F"),
)
"""Grafana's classic colours for series, in its order."""
_BINARY = ("B", "KiB", "MiB", "GiB", "TiB")
_DECIMAL = ("", "K", "M", "G")
_SUFFIX = {"reqps": " req/s", "ops": " /s", "watt": " W", "watth": " Wh", "celsius": " °C", "hertz": " Hz"}
_DURATIONS = ((86400.0, "d"), (3600.0, "h"), (60.0, "min"), (1.0, "s"), (1e-3, "ms"), (1e-6, "µs"))
Json = dict[str, Any]


def format_value(value: float, unit: str, decimals: int | None = None) -> str:
    """A number with its unit, about three digits where no decimals are asked for."""
    if math.isnan(value):
        return "NaN"
    if unit == "percentunit":
        return f"{_digits(value * 100, decimals)} %"
    if unit == "s":
        return _duration(value, decimals)
    if unit == "bytes":
        return _scaled(value, 1024, _BINARY, decimals)
    if unit == "none":
        return _digits(value, decimals)
    return _scaled(value, 1000, _DECIMAL, decimals).rstrip() + _SUFFIX.get(unit, "")


def _digits(value: float, decimals: int | None) -> str:
    if decimals is not None:
        return f"{value:.{decimals}f}"
    text = f"{value:.3g}" if abs(value) < 1000 else f"{value:.0f}"
    return f"{float(text):g}" if "e" in text else text


def _scaled(value: float, base: int, names: tuple[str, ...], decimals: int | None) -> str:
    power = 0
    while abs(value) >= base and power < len(names) - 1:
        value, power = value / base, power + 1
    return f"{_digits(value, decimals)} {names[power]}".rstrip()


def _duration(seconds: float, decimals: int | None) -> str:
    for size, name in _DURATIONS:
        if abs(seconds) >= size:
            return f"{_digits(seconds / size, decimals if size >= 1 else None)} {name}"
    return "0 s"


def format_legend(legend: str, labels: Mapping[str, str]) -> str:
    """The legend with every `{{label}}` filled in."""
    return re.sub(r"{{\s*(\w+)\s*}}", lambda match: labels.get(match[1], ""), legend).strip()


def threshold_color(value: float, thresholds: Json | None) -> str:
    """The colour of the last threshold that the value reaches."""
    steps = (thresholds or {}).get("steps", [])
    reached = [step["color"] for step in steps if step["value"] is None or value >= step["value"]]
    return COLORS.get(reached[-1] if reached else "green", COLORS["green"])


def mapped(value: float | str, mappings: list[Json] | None) -> tuple[str, str] | None:
    """Word and colour of a value; None where nothing is said about it."""
    key = f"{value:g}" if isinstance(value, float) else value
    for mapping in mappings or ():
        if found := mapping["options"].get(key):
            return found["text"], COLORS[found["color"]]
    return None


def plain_text(markdown: str) -> str:
    """Markdown as plain text: marks away, list items with a bullet, references read."""
    text = re.sub(r"\*\*|(?<!\w)\*|\*(?!\w)|`", "", markdown)
    return html.unescape(re.sub(r"^- ", "• ", text, flags=re.MULTILINE))
