"""Where panels are painted: a picture with Grafana's grid, measured in pixels from the upper left corner."""

from __future__ import annotations

import textwrap
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import matplotlib as mpl

mpl.use("Agg")

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import FancyBboxPatch, Rectangle

PAGE, PANEL, BORDER = "#111217", "#181b1f", "#2c3235"
TEXT, FAINT, LINK = "#d8d9da", "#8e9099", "#6e9fff"
COLUMN, LINE, GAP, MARGIN = 64, 37, 8, 14
HEAD, FOOT = 58, 34
_DPI = 100
_POINT = 72 / _DPI
_CHARACTER = 0.6
"""Width of a character of the font, of its size."""


@dataclass(frozen=True)
class Box:
    """A rectangle in pixels."""

    x: float
    y: float
    width: float
    height: float

    def inside(self, left: float = 0, top: float = 0, right: float = 0, bottom: float = 0) -> Box:
        """The rectangle without its edges."""
        return Box(self.x + left, self.y + top, self.width - left - right, self.height - top - bottom)


class Surface:
    """A picture of a given number of lines of the grid."""

    def __init__(self, lines: int) -> None:
        self.width = 24 * COLUMN + 2 * MARGIN
        self.height = HEAD + lines * LINE + FOOT
        self._figure = Figure(figsize=(self.width / _DPI, self.height / _DPI), dpi=_DPI, facecolor=PAGE)
        self._ground = self._figure.add_axes((0, 0, 1, 1))
        self._ground.set_xlim(0, self.width)
        self._ground.set_ylim(self.height, 0)
        self._ground.axis("off")

    def place(self, position: dict[str, int]) -> Box:
        """The rectangle of a place in the grid."""
        x, y = MARGIN + position["x"] * COLUMN, HEAD + position["y"] * LINE
        return Box(x + GAP / 2, y + GAP / 2, position["w"] * COLUMN - GAP, position["h"] * LINE - GAP)

    def panel(self, box: Box, title: str) -> Box:
        """Paint a panel's frame and title; returns what is left for its content."""
        corners = FancyBboxPatch(
            (box.x, box.y), box.width, box.height, "round,pad=0,rounding_size=3", fc=PANEL, ec=BORDER, lw=1
        )
        self._ground.add_patch(corners)
        self.text(box.x + 10, box.y + 17, title, 12.5, weight="bold", room=box.width - 20)
        return box.inside(10, 34, 10, 8)

    def rectangle(self, box: Box, color: str, alpha: float = 1.0) -> None:
        """Paint a rectangle."""
        self._ground.add_patch(Rectangle((box.x, box.y), box.width, box.height, fc=color, ec="none", alpha=alpha))

    def line(self, x: float, y: float, length: float, color: str = BORDER) -> None:
        """Paint a horizontal line."""
        self._ground.plot([x, x + length], [y, y], color=color, lw=1, solid_capstyle="butt")

    def text(self, x: float, y: float, text: str, size: float, color: str = TEXT, **style: Any) -> None:
        """Write one line, centred on `y`; `size` in pixels; `room` in pixels cuts what is longer."""
        room = style.pop("room", None)
        if room is not None:
            text = shorten(text, room, size)
        self._ground.text(
            x, y, _literal(text), fontsize=size * _POINT, color=color, va=style.pop("va", "center"), **style
        )

    def paragraph(self, box: Box, text: str, size: float) -> None:
        """Write text in as many lines as it needs."""
        characters = max(int(box.width / (size * _CHARACTER)), 8)
        lines = [line for part in text.splitlines() for line in textwrap.wrap(part, characters) or [""]]
        for number, line in enumerate(lines[: max(int(box.height / (size * 1.5)), 1)]):
            self.text(box.x, box.y + size * (0.8 + 1.5 * number), line, size)

    def axes(self, box: Box) -> Axes:
        """A coordinate system of its own."""
        place = (box.x / self.width, 1 - (box.y + box.height) / self.height)
        axes = self._figure.add_axes((*place, box.width / self.width, box.height / self.height))
        axes.set_facecolor("none")
        return axes

    def save(self, path: Path) -> None:
        """Write the picture as PNG, without anything that differs from day to day."""
        self._figure.savefig(path, metadata={"Software": None})


def shorten(text: str, room: float, size: float) -> str:
    """The text, cut to a width in pixels."""
    characters = max(int(room / (size * _CHARACTER)), 1)
    return text if len(text) <= characters else f"{text[: characters - 1]}…"


def text_width(text: str, size: float) -> float:
    """About how wide a text is, in pixels."""
    return len(text) * size * _CHARACTER


def _literal(text: str) -> str:
    """Matplotlib reads what stands between dollar signs as mathematics."""
    return text.replace("$", r"\$")
