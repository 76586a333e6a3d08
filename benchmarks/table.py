"""One row a figure: measured, goal, baseline of the same run, ratio, verdict. Every goal is a largest allowed value."""

from collections.abc import Sequence
from dataclasses import dataclass

_HEADINGS = ("what", "measured", "goal", "baseline", "ratio", "")


@dataclass(frozen=True, slots=True)
class Row:
    """One figure.

    Attributes:
        goal: the largest value that is well; None where the figure is shown for comparison alone.
        baseline: the same work done in the barest way, measured in the same run; `baseline_of` says what that is.
    """

    what: str
    measured: float
    unit: str
    goal: float | None
    baseline: float
    baseline_of: str

    @property
    def is_missed(self) -> bool:
        """Whether the figure is above its goal."""
        return self.goal is not None and self.measured > self.goal


def render_number(value: float) -> str:
    """Three significant digits, without an exponent."""
    if abs(value) >= 100:
        return f"{value:.0f}"
    return f"{value:.3g}" if abs(value) >= 0.001 or value == 0 else f"{value:.5f}"


def _cells(row: Row) -> tuple[str, ...]:
    verdict = "–" if row.goal is None else "MISSED" if row.is_missed else "met"
    goal = "" if row.goal is None else f"≤ {render_number(row.goal)} {row.unit}"
    ratio = f"{render_number(row.measured / row.baseline)} x" if row.baseline else ""
    baseline = f"{render_number(row.baseline)} {row.unit} ({row.baseline_of})"
    return row.what, f"{render_number(row.measured)} {row.unit}", goal, baseline, ratio, verdict


def render_table(rows: Sequence[Row]) -> str:
    """The rows as a table of text, a line each."""
    lines = [_HEADINGS, *(_cells(row) for row in rows)]
    widths = [max(len(line[column]) for line in lines) for column in range(len(_HEADINGS))]
    return "\n".join(
        "  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip() for line in lines
    )
