"""Metric families as lines of Prometheus' exposition format 0.0.4, and pages made of them.

Rendering is ours because Triton's counters do not end in `_total`: prometheus_client would rename them, and sorts and
escapes every label of every sample anew. A page is put together of chunks, each rendered when what it shows changes.
"""

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache

from modelmonitor_api.metrics import METRICS
from modelmonitor_sidecar.exposition import escape_label

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"


@dataclass(frozen=True, slots=True)
class Chunk:
    """A part of a page, rendered.

    Attributes:
        texts: lines of each family, by the metric's name in the catalogue.
    """

    series: int
    texts: Mapping[str, bytes]


def label_text(pairs: Iterable[tuple[str, str]]) -> str:
    """Labels as the exposition format writes them, without braces; empty values are left out."""
    return ",".join(f'{name}="{escape_label(value)}"' for name, value in pairs if value)


def number_text(value: float) -> str:
    """A value as the exposition format writes it."""
    if value.is_integer() and -1e15 < value < 1e15:
        return str(int(value))
    if math.isnan(value):
        return "NaN"
    if math.isinf(value):
        return "+Inf" if value > 0 else "-Inf"
    return repr(value)


class FamilyBuilder:
    """Gathers lines by metric of the catalogue, in the order of first use."""

    def __init__(self) -> None:
        self._lines: dict[str, list[str]] = {}

    def add(self, name: str, value: float | None, labels: str = "") -> None:
        """One sample of a metric of the catalogue; an absent value adds nothing."""
        if value is not None:
            braces = f"{{{labels}}}" if labels else ""
            self.lines(name).append(f"{name}{braces} {number_text(float(value))}")

    def add_states(self, name: str, labels: str, state: str, states: Iterable[str]) -> None:
        """One sample a state: 1 for the one that holds, 0 for the others."""
        for one in states:
            self.add(name, 1.0 if one == state else 0.0, f'{labels},state="{one}"')

    def lines(self, name: str) -> list[str]:
        """The lines of one metric, for those who write many; each is a sample without its line end."""
        known = self._lines.get(name)
        if known is None:
            known = self._lines[name] = []
        return known

    @property
    def series(self) -> int:
        """How many lines there are."""
        return sum(len(lines) for lines in self._lines.values())

    @property
    def families(self) -> Mapping[str, Sequence[str]]:
        """All lines, by metric."""
        return self._lines

    def merge(self, other: "FamilyBuilder") -> None:
        """Take all lines of another builder."""
        for name, lines in other.families.items():
            self.lines(name).extend(lines)

    def chunk(self) -> Chunk:
        """Everything gathered, as bytes."""
        texts = {name: ("\n".join(lines) + "\n").encode() for name, lines in self._lines.items() if lines}
        return Chunk(self.series, texts)


@cache
def _header(name: str) -> bytes:
    metric = METRICS[name]
    return f"# HELP {name} {metric.help}\n# TYPE {name} {metric.type.value}\n".encode()


def page_parts(chunks: Sequence[Chunk]) -> tuple[bytes, ...]:
    """The page, in pieces that need only be joined: each family once, with the lines of all chunks."""
    names = dict.fromkeys(name for chunk in chunks for name in chunk.texts)
    parts: list[bytes] = []
    for name in names:
        parts.append(_header(name))
        parts.extend(chunk.texts[name] for chunk in chunks if name in chunk.texts)
    return tuple(parts)
