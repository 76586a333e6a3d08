"""What a Prometheus answered to a dashboard's queries, kept as JSON so that it can be drawn again without one."""

from __future__ import annotations

import json
import math
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

from modelmonitor_testbed.preview.queries import PanelQuery
from modelmonitor_testbed.prometheus.api import Series

POINTS = 240


class Asked(Protocol):
    """The part of a Prometheus that a dashboard needs."""

    def query(self, expression: str, at_seconds: float | None = None) -> list[Series]:
        """Evaluate an expression at one time, in Unix seconds."""

    def query_range(self, expression: str, start: float, end: float, step_seconds: float) -> list[Series]:
        """Evaluate an expression at every step between two times, in Unix seconds."""


@dataclass(frozen=True)
class Recording:
    """Answers to queries, at one time and over the span before it; times are Unix seconds."""

    at: float
    span_seconds: float
    now: dict[str, list[Series]] = field(default_factory=dict)
    over_time: dict[str, list[Series]] = field(default_factory=dict)

    def answer(self, query: PanelQuery) -> list[Series]:
        """The answer to one query; nothing where it was not asked."""
        return (self.over_time if query.over_time else self.now).get(query.expression, [])


def record(prometheus: Asked, queries: Iterable[PanelQuery], at: float, span_seconds: float) -> Recording:
    """Ask every query once. Raises PrometheusError where Prometheus refuses one."""
    recording = Recording(at, span_seconds)
    step = max(span_seconds / POINTS, 1.0)
    for query in queries:
        if query.over_time and query.expression not in recording.over_time:
            found = prometheus.query_range(query.expression, at - span_seconds, at, step)
            recording.over_time[query.expression] = found
        elif not query.over_time and query.expression not in recording.now:
            recording.now[query.expression] = prometheus.query(query.expression, at)
    return recording


def save(recording: Recording, path: Path) -> None:
    """Write a recording; NaN and infinities as text, as Prometheus does."""
    answers = {"now": recording.now, "over_time": recording.over_time}
    document = {"at": recording.at, "span_seconds": recording.span_seconds} | {
        name: {expression: [_dump(series) for series in found] for expression, found in kept.items()}
        for name, kept in answers.items()
    }
    path.write_text(json.dumps(document, sort_keys=True) + "\n")


def load(path: Path) -> Recording:
    """Read a recording."""
    document = json.loads(path.read_text())
    now, over_time = (
        {expression: [_parse(each) for each in found] for expression, found in document[name].items()}
        for name in ("now", "over_time")
    )
    return Recording(document["at"], document["span_seconds"], now, over_time)


def _dump(series: Series) -> dict[str, Any]:
    points = [[time, value if math.isfinite(value) else str(value)] for time, value in series.points]
    return {"labels": dict(series.labels), "points": points}


def _parse(series: dict[str, Any]) -> Series:
    return Series(series["labels"], tuple((float(time), float(value)) for time, value in series["points"]))
