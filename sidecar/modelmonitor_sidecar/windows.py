"""What happened in the last minutes, from counters that only ever say how much happened in all.

Counters of one source rise together and are reset together (a model is loaded anew, a server restarts), so a fall of
any of them means that all of that source began at zero. Readings are thinned out to a fixed number of points a window,
so that memory does not grow with the interval.
"""

from collections import deque
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass

from modelmonitor_api.summary import ModelWindow
from modelmonitor_sidecar.exposition import MAX_MODELS

POINTS_A_WINDOW = 64
MAX_WINDOWS = 8
MAX_REASONS = 8

ModelKey = tuple[str, str]
"""Name and version of a model."""


@dataclass(frozen=True, slots=True)
class StatisticsCounters:
    """Cumulative figures of a model from the statistics API, in requests and seconds.

    Attributes:
        execution_ns: nanoseconds, each batch once; None before the first execution, when there are no `batch_stats`.
        cache_hits: requests that the response cache answered; they are successes and no executions.
    """

    successes: int = 0
    failures: int = 0
    success_seconds: float = 0.0
    queue_seconds: float = 0.0
    compute_seconds: float = 0.0
    executions: int = 0
    inferences: int = 0
    execution_ns: int | None = None
    cache_hits: int = 0
    cache_misses: int = 0

    @property
    def execution_seconds(self) -> float | None:
        """`execution_ns` in seconds."""
        return None if self.execution_ns is None else self.execution_ns / 1e9


@dataclass(frozen=True, slots=True)
class PageCounters:
    """Cumulative figures of a model from the metrics page, in requests and seconds.

    Attributes:
        failures: by Triton's `reason`; they survive a reload of the model, the others do not.
    """

    successes: int = 0
    success_seconds: float = 0.0
    queue_seconds: float = 0.0
    compute_seconds: float = 0.0
    failures: tuple[tuple[str, int], ...] = ()


@dataclass(frozen=True, slots=True)
class ModelSample:
    """One reading of a model. A source that was not read, or lacks the model, is None."""

    statistics: StatisticsCounters | None = None
    page: PageCounters | None = None
    pending: float | None = None


@dataclass(frozen=True, slots=True)
class _Totals:
    """Everything counted since the model was first seen; never falls."""

    statistics: tuple[float, ...] = (0.0,) * 5
    page: tuple[float, ...] = (0.0,) * 4
    reasons: tuple[tuple[str, int], ...] = ()
    has_statistics: bool = False
    has_page: bool = False


@dataclass(frozen=True, slots=True)
class _Point:
    at: float
    totals: _Totals
    pending: float | None


_ORIGIN = ModelSample(StatisticsCounters(), PageCounters())


def _numbers(counters: StatisticsCounters | PageCounters) -> tuple[float, ...]:
    middle = (counters.failures,) if isinstance(counters, StatisticsCounters) else ()
    return (counters.successes, *middle, counters.success_seconds, counters.queue_seconds, counters.compute_seconds)


def _increase(before: tuple[float, ...], after: tuple[float, ...]) -> tuple[float, ...]:
    """How much a group of counters rose; where one fell, all began at zero."""
    if any(new < old for old, new in zip(before, after, strict=True)):
        return after
    return tuple(new - old for old, new in zip(before, after, strict=True))


def _reason_increase(
    before: tuple[tuple[str, int], ...], after: tuple[tuple[str, int], ...]
) -> Iterable[tuple[str, int]]:
    known = dict(before)
    for reason, new in after:
        old = known.get(reason, 0)
        yield reason, new if new < old else new - old


def _add(left: tuple[float, ...], right: tuple[float, ...]) -> tuple[float, ...]:
    return tuple(a + b for a, b in zip(left, right, strict=True))


def _add_reasons(totals: tuple[tuple[str, int], ...], more: Iterable[tuple[str, int]]) -> tuple[tuple[str, int], ...]:
    added = dict(totals)
    for reason, count in more:
        if count and (reason in added or len(added) < MAX_REASONS):
            added[reason] = added.get(reason, 0) + count
    return tuple(sorted(added.items()))


def _advance(totals: _Totals, before: ModelSample, after: ModelSample) -> _Totals:
    """The totals after one more reading, the same object where nothing moved; a source that is missing adds nothing."""
    statistics, page, reasons = totals.statistics, totals.page, totals.reasons
    if before.statistics and after.statistics:
        statistics = _add(statistics, _increase(_numbers(before.statistics), _numbers(after.statistics)))
    if before.page and after.page:
        page = _add(page, _increase(_numbers(before.page), _numbers(after.page)))
        reasons = _add_reasons(reasons, _reason_increase(before.page.failures, after.page.failures))
    advanced = _Totals(statistics, page, reasons, after.statistics is not None, after.page is not None)
    return totals if advanced == totals else advanced


class _ModelHistory:
    """One model's points for each window asked for."""

    def __init__(self, at: float, sample: ModelSample, windows: Iterable[int], born_at: float | None) -> None:
        self._last = sample
        self._rings: dict[int, deque[_Point]] = {}
        if born_at is None:
            self._head = _Point(at, _advance(_Totals(), ModelSample(), sample), sample.pending)
            self.ask_for(windows)
        else:
            self._head = _Point(born_at, _Totals(has_statistics=True, has_page=True), None)
            self._last = _ORIGIN
            self.ask_for(windows)
            self.add(at, sample)

    @property
    def newest(self) -> float:
        """When the model was last read."""
        return self._head.at

    def ask_for(self, windows: Iterable[int]) -> None:
        """Keep points for these windows and no others."""
        self._rings = {w: self._rings.get(w) or deque([self._head]) for w in windows}

    def add(self, at: float, sample: ModelSample) -> None:
        """Take one more reading."""
        totals = _advance(self._head.totals, self._last, sample)
        merged = ModelSample(sample.statistics or self._last.statistics, sample.page or self._last.page, sample.pending)
        self._last, self._head = merged, _Point(at, totals, sample.pending)
        for window, ring in self._rings.items():
            if at - ring[-1].at >= window / POINTS_A_WINDOW:
                ring.append(self._head)
            while len(ring) > 1 and ring[1].at <= at - window:
                ring.popleft()

    def window(self, seconds: int) -> ModelWindow:
        """What happened between the point nearest before the window's start and the newest reading."""
        ring, head = self._rings[seconds], self._head
        base = ring[0]
        halfway = [point for point in ring if point.at <= head.at - seconds / 2]
        return _difference(seconds, base, head, halfway[-1].pending if halfway else None)


def _difference(seconds: int, base: _Point, head: _Point, pending_before: float | None) -> ModelWindow:
    old, new = base.totals, head.totals
    statistics = tuple(b - a for a, b in zip(old.statistics, new.statistics, strict=True))
    page = tuple(b - a for a, b in zip(old.page, new.page, strict=True))
    earlier = dict(old.reasons)
    reasons = {r: n - earlier.get(r, 0) for r, n in new.reasons if n > earlier.get(r, 0)}
    page_failures = sum(reasons.values())
    best = statistics if new.has_statistics else (page[0], page_failures, *page[1:])
    return ModelWindow(
        window_seconds=seconds,
        covered_seconds=round(head.at - base.at, 3),
        successes=int(best[0]),
        failures=int(best[1]),
        success_seconds=best[2],
        queue_seconds=best[3],
        compute_seconds=best[4],
        metrics_requests=int(page[0]) + page_failures if new.has_page else None,
        failure_reasons=reasons,
        pending_before=pending_before,
    )


class TargetHistory:
    """The windows of all models of one pod. Not thread-safe; one reader writes it."""

    def __init__(self) -> None:
        self._models: dict[ModelKey, _ModelHistory] = {}
        self._windows: tuple[int, ...] = ()
        self._complete_at: float | None = None

    def ask_for(self, windows: Iterable[int]) -> None:
        """Keep these windows, in seconds; a window that is new starts at the newest reading."""
        wanted = tuple(sorted(set(windows)))[:MAX_WINDOWS]
        if wanted != self._windows:
            self._windows = wanted
            for history in self._models.values():
                history.ask_for(wanted)

    def add(self, at: float, samples: Mapping[ModelKey, ModelSample], *, complete: bool) -> None:
        """Take a reading of the pod at `at` seconds of a monotonic clock.

        A model that is new in a pod which was read before has begun at zero since then. A model that a complete
        reading lacks is forgotten; an incomplete one (an endpoint did not answer) forgets only what was silent for
        longer than every window. Models beyond the cap have no windows.
        """
        for gone in self._gone(at, samples, complete=complete):
            del self._models[gone]
        for key, sample in samples.items():
            known = self._models.get(key)
            if known is not None:
                known.add(at, sample)
            elif len(self._models) < MAX_MODELS:
                self._models[key] = _ModelHistory(at, sample, self._windows, self._complete_at)
        if complete:
            self._complete_at = at if samples.keys() <= self._models.keys() else None

    @property
    def models(self) -> Iterable[ModelKey]:
        """The models that have windows."""
        return self._models.keys()

    def keep(self, models: Collection[ModelKey]) -> None:
        """Forget all other models; one that comes back has not begun at zero."""
        self._models = {key: history for key, history in self._models.items() if key in models}
        self._complete_at = None

    def _gone(self, at: float, samples: Mapping[ModelKey, ModelSample], *, complete: bool) -> list[ModelKey]:
        absent = self._models.keys() - samples.keys()
        if complete:
            return list(absent)
        silent = [key for key in absent if at - self._models[key].newest > max(self._windows, default=0)]
        if silent:
            self._complete_at = None  # They may come back with counts of before.
        return silent

    def windows(self, key: ModelKey) -> tuple[ModelWindow, ...]:
        """What one model did in each window; empty for a model that was never read."""
        known = self._models.get(key)
        return () if known is None else tuple(known.window(seconds) for seconds in self._windows)
