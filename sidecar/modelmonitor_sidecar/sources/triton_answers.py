"""Triton's JSON answers and metrics series as values of ours. Pure, and unmoved by what a hostile server sends."""

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from itertools import islice

from modelmonitor_sidecar.exposition import LARGEST_COUNT, MAX_MODELS, Series
from modelmonitor_sidecar.sources.endpoint_errors import printable
from modelmonitor_sidecar.windows import MAX_REASONS, ModelKey, PageCounters, StatisticsCounters

MAX_NAME_CHARACTERS = 256
MAX_BATCH_SIZES = 1024
"""Entries of `batch_stats` that are read; Triton has one for each batch size that was executed."""
MAX_BUCKETS = 32
_NANOSECONDS, _MICROSECONDS, _MILLISECONDS = 1e9, 1e-6, 1e3
_PENDING = "nv_inference_pending_request_count"
_SUCCESS = "nv_inference_request_success"
_FAILURE = "nv_inference_request_failure"
_DURATIONS = {
    "nv_inference_request_duration_us": "success",
    "nv_inference_queue_duration_us": "queue",
    "nv_inference_compute_input_duration_us": "compute",
    "nv_inference_compute_infer_duration_us": "compute",
    "nv_inference_compute_output_duration_us": "compute",
}
_P99 = ("nv_inference_request_summary_us", "0.99")
_BUCKET = "nv_inference_first_response_histogram_ms_bucket"


@dataclass(frozen=True, slots=True)
class IndexEntry:
    """What the repository index says of one model version."""

    ready: bool
    reason: str


@dataclass(frozen=True, slots=True)
class PageFigures:
    """What the metrics page says of one model version. A figure whose series is not there is None, or empty."""

    counters: PageCounters | None = None
    pending: float | None = None
    latency_p99_seconds: float | None = None
    latency_buckets_seconds: tuple[float, ...] = ()
    publishes_quantiles: bool = False


def _items(answer: object, field: str | None = None, having: str = "name") -> tuple[Mapping[str, object], ...]:
    """The objects of a list that have a name, and something else where it is wanted, at most MAX_MODELS.

    Raises:
        ValueError: the answer has no such list.
    """
    listed = answer.get(field) if field is not None and isinstance(answer, dict) else answer
    if not isinstance(listed, list):
        raise ValueError(f"it has no list {field or ''}".rstrip())  # noqa: TRY004
    named = (item for item in listed if isinstance(item, dict) and isinstance(item.get("name"), str))
    return tuple(islice((item for item in named if item.get(having)), MAX_MODELS))


def _key(item: Mapping[str, object]) -> ModelKey:
    return str(item["name"])[:MAX_NAME_CHARACTERS], str(item.get("version", ""))[:64]


def _number(item: object, *path: str) -> int:
    """A count at a path of an object; 0 where there is none."""
    for name in path:
        item = item.get(name) if isinstance(item, dict) else None
    return item if isinstance(item, int) and not isinstance(item, bool) and 0 <= item <= LARGEST_COUNT else 0


def parse_statistics(answer: object) -> dict[ModelKey, StatisticsCounters]:
    """Figures by model version of an answer of the statistics API.

    Raises:
        ValueError: the answer has not the form of Triton's.
    """
    found: dict[ModelKey, StatisticsCounters] = {}
    for item in _items(answer, "model_stats"):
        stats = item.get("inference_stats")
        compute = sum(_number(stats, f"compute_{stage}", "ns") for stage in ("input", "infer", "output"))
        found[_key(item)] = StatisticsCounters(
            successes=_number(stats, "success", "count"),
            failures=_number(stats, "fail", "count"),
            success_seconds=_number(stats, "success", "ns") / _NANOSECONDS,
            queue_seconds=_number(stats, "queue", "ns") / _NANOSECONDS,
            compute_seconds=compute / _NANOSECONDS,
            executions=_number(item, "execution_count"),
            inferences=_number(item, "inference_count"),
            execution_ns=_execution_ns(item.get("batch_stats")),
            cache_hits=_number(stats, "cache_hit", "count"),
            cache_misses=_number(stats, "cache_miss", "count"),
        )
    return found


def _execution_ns(batches: object) -> int | None:
    """Time in the backend, once for each execution whatever its batch held; None before the first execution."""
    if not isinstance(batches, list) or not batches:
        return None
    return sum(_number(batch, "compute_infer", "ns") for batch in batches[:MAX_BATCH_SIZES])


def parse_index(answer: object) -> dict[ModelKey, IndexEntry]:
    """Readiness by model version of an answer of the repository index.

    An entry without a state is a model in the repository that nobody asked to load: left out.

    Raises:
        ValueError: the answer has not the form of Triton's.
    """
    return {
        _key(item): IndexEntry(item["state"] == "READY", printable(str(item.get("reason", "")), 512))
        for item in _items(answer, having="state")
    }


def is_ensemble(configuration: object) -> bool:
    """Whether a model's configuration says that it only calls others.

    Source: https://github.com/triton-inference-server/server/blob/main/docs/user_guide/ensemble_models.md

    Raises:
        ValueError: the answer has not the form of Triton's.
    """
    if not isinstance(configuration, dict) or not isinstance(configuration.get("name"), str):
        raise ValueError("it is no model configuration")  # noqa: TRY004
    return configuration.get("platform") == "ensemble" or bool(configuration.get("ensemble_scheduling"))


class _Figures:
    """The page's figures of one model while they are gathered."""

    def __init__(self) -> None:
        self.successes: int | None = None
        self.seconds = {"success": 0.0, "queue": 0.0, "compute": 0.0}
        self.failures: dict[str, int] = {}
        self.pending: float | None = None
        self.p99: float | None = None
        self.quantiles = False
        self.buckets: set[float] = set()

    def add(self, series: Series) -> None:
        """Take one series."""
        if series.name == _SUCCESS:
            self.successes = (self.successes or 0) + int(series.value)
        elif series.name == _FAILURE:
            reason = series.labels.get("reason")[:64]
            if reason in self.failures or len(self.failures) < MAX_REASONS:
                self.failures[reason] = self.failures.get(reason, 0) + int(series.value)
        elif series.name in _DURATIONS:
            self.seconds[_DURATIONS[series.name]] += series.value * _MICROSECONDS
        elif series.name == _PENDING and math.isfinite(series.value):
            self.pending = (self.pending or 0.0) + series.value
        elif series.name == _P99[0] and series.labels.get("quantile") == _P99[1]:
            self._add_p99(series.value)
        elif series.name == _BUCKET and len(self.buckets) < MAX_BUCKETS:
            self._add_bucket(series.labels.get("le"))

    def _add_p99(self, microseconds: float) -> None:
        """Take the quantile; it is NaN once no request came for a minute."""
        self.quantiles = True
        if math.isfinite(microseconds):
            self.p99 = max(self.p99 or 0.0, microseconds * _MICROSECONDS)

    def _add_bucket(self, bound: str) -> None:
        """Take the upper bound of a histogram's bucket; the last one has none."""
        try:
            milliseconds = float(bound)
        except ValueError:
            return
        if math.isfinite(milliseconds) and milliseconds > 0:
            self.buckets.add(milliseconds / _MILLISECONDS)

    def freeze(self) -> PageFigures:
        """The figures as a value."""
        counters = None
        if self.successes is not None:
            counters = PageCounters(
                self.successes,
                self.seconds["success"],
                self.seconds["queue"],
                self.seconds["compute"],
                tuple(sorted((r, n) for r, n in self.failures.items() if n)),
            )
        return PageFigures(counters, self.pending, self.p99, tuple(sorted(self.buckets)), self.quantiles)


def gather_figures(series: Iterable[Series]) -> dict[ModelKey, PageFigures]:
    """Figures by model version of the series of a page, metric tags and other labels added up."""
    found: dict[ModelKey, _Figures] = {}
    for one in series:
        if one.labels.model:
            key = (one.labels.model, one.labels.version)
            if key not in found:
                found[key] = _Figures()
            found[key].add(one)
    return {key: figures.freeze() for key, figures in found.items()}
