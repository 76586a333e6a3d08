"""Metric families, and their text in Prometheus' exposition format 0.0.4.

Rendering is ours because Triton's counters do not end in `_total`: prometheus_client would rename them, and sorts and
escapes every label of every sample anew.
"""

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from modelmonitor_api.metrics import METRICS, Metric
from modelmonitor_sidecar.exposition import escape_label

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"


class Sample(NamedTuple):
    """One line of a page: its name, its labels as text without braces, its value. A page makes thousands."""

    name: str
    labels: str
    value: float


@dataclass(frozen=True, slots=True)
class Family:
    """One metric of the catalogue and its samples."""

    metric: Metric
    samples: tuple[Sample, ...]


def label_text(pairs: Iterable[tuple[str, str]]) -> str:
    """Labels as the exposition format writes them, without braces; empty values are left out."""
    return ",".join(f'{name}="{escape_label(value)}"' for name, value in pairs if value)


class FamilyBuilder:
    """Gathers the samples of one page, by metric of the catalogue, in the catalogue's order of first use."""

    def __init__(self) -> None:
        self._samples: dict[str, list[Sample]] = {}

    def add(self, name: str, value: float | None, labels: str = "") -> None:
        """One sample of a metric of the catalogue; an absent value adds nothing."""
        if value is not None:
            self._samples.setdefault(name, []).append(Sample(name, labels, float(value)))

    def add_states(self, name: str, labels: str, state: str, states: Iterable[str]) -> None:
        """One sample a state: 1 for the one that holds, 0 for the others."""
        for one in states:
            self.add(name, 1.0 if one == state else 0.0, f'{labels},state="{one}"')

    def families(self) -> tuple[Family, ...]:
        """Everything gathered."""
        return tuple(Family(METRICS[name], tuple(samples)) for name, samples in self._samples.items())


def _number(value: float) -> str:
    if value.is_integer() and abs(value) < 1e15:
        return str(int(value))
    if math.isnan(value):
        return "NaN"
    if math.isinf(value):
        return "+Inf" if value > 0 else "-Inf"
    return repr(value)


def render(families: Sequence[Family]) -> bytes:
    """The page."""
    lines: list[str] = []
    for family in families:
        metric = family.metric
        lines.append(f"# HELP {metric.name} {metric.help}")
        lines.append(f"# TYPE {metric.name} {metric.type.value}")
        for sample in family.samples:
            labels = f"{{{sample.labels}}}" if sample.labels else ""
            lines.append(f"{sample.name}{labels} {_number(sample.value)}")
    lines.append("")
    return "\n".join(lines).encode()
