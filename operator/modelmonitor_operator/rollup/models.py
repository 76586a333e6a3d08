"""What each model version did, over all the pods that serve it.

Ensembles count in their own series and again in the models that they call, so models are never added up.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field

from modelmonitor_api.quantities import model_selected
from modelmonitor_api.spec import ModelMonitorSpec
from modelmonitor_api.status import LatencyKind
from modelmonitor_api.summary import ModelReading, ModelWindow
from modelmonitor_operator.rollup.candidates import Source
from modelmonitor_operator.rollup.coverage import PodView

UNLOADED = "unloaded"
"""Triton's reason for a version that someone unloaded: it is not expected to serve."""

MOST_REQUESTS = 10**15
"""The largest count or sum that is believed: a hostile server must not make a status that cannot be written."""


@dataclass(frozen=True, slots=True)
class Part:
    """One model version in one pod."""

    view: PodView
    model: ModelReading
    window: ModelWindow | None


@dataclass(slots=True)
class ModelTotals:
    """Sums over the pods. Filled by `total_models` alone, read by everything else."""

    name: str
    version: str
    parts: list[Part] = field(default_factory=list)
    ready_pods: int = 0
    successes: int = 0
    failures: int = 0
    success_seconds: float = 0.0
    queue_seconds: float = 0.0
    requests_per_second: float = 0.0
    covered_seconds: float = 0.0
    """The longest part of the window that any pod's readings cover."""
    fully_covered: bool = True
    p99_seconds: float | None = None
    pending: float = 0.0
    pending_before: float | None = None

    @property
    def label(self) -> str:
        """Name and version as people read them: `fast:1`."""
        return f"{self.name}:{self.version}" if self.version else self.name

    @property
    def requests(self) -> int:
        """Requests in the window, good and bad."""
        return self.successes + self.failures

    @property
    def failure_ratio(self) -> float | None:
        """Share of failed requests; None without requests."""
        return self.failures / self.requests if self.requests else None

    @property
    def latency_kind(self) -> LatencyKind | None:
        """Which latency is known."""
        if not self.successes:
            return None
        return LatencyKind.MEAN if self.p99_seconds is None else LatencyKind.P99

    @property
    def latency_seconds(self) -> float | None:
        """The largest 99th percentile of any pod where Triton publishes it, else the mean; None without requests."""
        if not self.successes:
            return None
        return self.success_seconds / self.successes if self.p99_seconds is None else self.p99_seconds

    @property
    def queue_share(self) -> float | None:
        """Share of the requests' time that was waiting in the queue; None without requests."""
        return min(1.0, self.queue_seconds / self.success_seconds) if self.success_seconds > 0 else None

    @property
    def sources(self) -> tuple[Source, ...]:
        """The pods whose readings these sums are made of."""
        return tuple(part.view.source for part in self.parts)


def is_judged(spec: ModelMonitorSpec, total: ModelTotals) -> bool:
    """Whether there were requests enough to judge ratios and latencies."""
    return total.requests >= spec.health.minimum_requests


def _count(value: int) -> int:
    """A count of a server that may say anything, kept within what can be calculated and shown."""
    return min(max(value, 0), MOST_REQUESTS)


def _figure(value: float | None) -> float:
    return value if value is not None and 0 <= value <= MOST_REQUESTS else 0.0


def _window(model: ModelReading, seconds: int) -> ModelWindow | None:
    for window in model.windows:
        if window.window_seconds == seconds:
            return window
    return None


def _add(total: ModelTotals, part: Part, window_seconds: int) -> None:
    model, window = part.model, part.window
    total.parts.append(part)
    total.ready_pods += model.ready is True
    total.pending += _figure(model.pending_requests)
    if model.latency_p99_seconds is not None:
        total.p99_seconds = max(total.p99_seconds or 0.0, _figure(model.latency_p99_seconds))
    if window is None:
        total.fully_covered = False
        return
    successes, failures = _count(window.successes), _count(window.failures)
    total.successes += successes
    total.failures += failures
    total.success_seconds += _figure(window.success_seconds)
    total.queue_seconds += _figure(window.queue_seconds)
    total.covered_seconds = max(total.covered_seconds, window.covered_seconds)
    total.fully_covered = total.fully_covered and window.covered_seconds >= 0.9 * window_seconds
    if window.covered_seconds > 0:
        total.requests_per_second += (successes + failures) / max(window.covered_seconds, 1.0)
    if window.pending_before is not None:
        total.pending_before = (total.pending_before or 0.0) + _figure(window.pending_before)


def _is_expected(model: ModelReading) -> bool:
    """Whether a listed version is meant to serve: not one that was unloaded."""
    return model.ready is not False or model.state_reason.strip().lower() != UNLOADED


def total_models(pods: Iterable[PodView], spec: ModelMonitorSpec) -> tuple[ModelTotals, ...]:
    """Every selected model version that a freshly read pod lists, by name and version."""
    include, exclude = spec.triton.models.include, spec.triton.models.exclude
    every, seconds = include == ("*",) and not exclude, spec.health.window_seconds
    totals: dict[tuple[str, str], ModelTotals] = {}
    for view in pods:
        target = view.models_target
        for model in target.models if target else ():
            if not (every or model_selected(include, exclude, model.name)) or not _is_expected(model):
                continue
            key = (model.name, model.version)
            total = totals.get(key)
            if total is None:
                total = totals[key] = ModelTotals(model.name, model.version)
            _add(total, Part(view, model, _window(model, seconds)), seconds)
    return tuple(totals[key] for key in sorted(totals))
