"""Reads every Triton pod of the plan at its own pace: no pod waits for another.

Each pod has a task of its own with a random phase; what a pod does only ever ends its own reading. A pod that the plan
no longer names is forgotten at once.
"""

import asyncio
import logging
import random
from collections.abc import Callable, Collection, Mapping
from dataclasses import replace
from typing import Protocol, TypeVar

from modelmonitor_api.plan import PlannedPod
from modelmonitor_api.summary import EndpointReading, EndpointState, ModelReading
from modelmonitor_sidecar.budget import NodeBudget, cost_models
from modelmonitor_sidecar.change_log import log_change
from modelmonitor_sidecar.cost.moment import PodSample
from modelmonitor_sidecar.cost.triton_counters import build_counters
from modelmonitor_sidecar.snapshot import Clock, Instant, SnapshotStore, Target, TargetSnapshot
from modelmonitor_sidecar.sources.triton import HttpReading, PageReading
from modelmonitor_sidecar.sources.triton_answers import PageFigures, gather_figures
from modelmonitor_sidecar.windows import ModelKey, ModelSample, TargetHistory

_LOG = logging.getLogger(__name__)
LONGEST_FIRST_WAIT_SECONDS = 2.0
READINGS_AT_ONCE = 64
_T = TypeVar("_T")


class Reader(Protocol):
    """Reads one pod once; never raises for what the pod does."""

    async def read(self, pod: PlannedPod) -> tuple[HttpReading, PageReading]:
        """Both endpoints."""


def _samples(http: HttpReading, figures: Mapping[ModelKey, PageFigures]) -> dict[ModelKey, ModelSample]:
    statistics = http.statistics or {}
    none = PageFigures()
    found: dict[ModelKey, ModelSample] = {}
    for key in statistics.keys() | figures.keys():
        figure = figures.get(key, none)
        found[key] = ModelSample(statistics.get(key), figure.counters, figure.pending)
    return found


def _model(key: ModelKey, http: HttpReading, figures: PageFigures, history: TargetHistory) -> ModelReading:
    entry = (http.index or {}).get(key)
    statistics = (http.statistics or {}).get(key)
    page = figures.counters
    page_failures = None if page is None else sum(count for _, count in page.failures)
    return ModelReading(
        name=key[0],
        version=key[1],
        ready=None if entry is None else entry.ready,
        state_reason="" if entry is None else entry.reason,
        pending_requests=figures.pending,
        latency_p99_seconds=figures.latency_p99_seconds,
        latency_buckets_seconds=figures.latency_buckets_seconds,
        publishes_quantiles=figures.publishes_quantiles,
        success_total=statistics.successes if statistics else page.successes if page else None,
        failure_total=statistics.failures if statistics else page_failures,
        windows=history.windows(key),
    )


def _models(
    http: HttpReading, figures: Mapping[ModelKey, PageFigures], history: TargetHistory
) -> tuple[ModelReading, ...]:
    keys = figures.keys() | (http.statistics or {}).keys() | (http.index or {}).keys()
    none = PageFigures()
    return tuple(_model(key, http, figures.get(key, none), history) for key in sorted(keys))


def _only(found: Mapping[ModelKey, _T] | None, kept: Collection[ModelKey]) -> Mapping[ModelKey, _T] | None:
    return None if found is None else {key: value for key, value in found.items() if key in kept}


def _trim(http: HttpReading, page: PageReading, kept: Collection[ModelKey]) -> tuple[HttpReading, PageReading]:
    """A reading without the models that are not kept; their series count as dropped."""
    read = page.page
    series = tuple(one for one in read.series if (one.labels.model, one.labels.version) in kept)
    parsed = replace(read, series=series, dropped_series=read.dropped_series + len(read.series) - len(series))
    trimmed = replace(http, statistics=_only(http.statistics, kept), index=_only(http.index, kept))
    return trimmed, replace(page, page=parsed)


class TargetWatch:
    """One pod: its readings, one after the other, and what happened in its windows."""

    def __init__(self, target: Target, reader: Reader, store: SnapshotStore, clock: Clock, budget: NodeBudget) -> None:
        self.target = target
        self._reader, self._store, self._clock, self._budget = reader, store, clock, budget
        self._history = TargetHistory()
        self._snapshot = TargetSnapshot(target)

    async def read_once(self) -> TargetSnapshot:
        """Read the pod and publish what it said."""
        target = self.target
        http, page = await self._reader.read(target.pod)
        self._publish(self._observe(target, http, page, self._clock()))
        return self._snapshot

    def _publish(self, snapshot: TargetSnapshot) -> None:
        before, self._snapshot = self._snapshot, snapshot
        self._store.publish_target(snapshot)
        self._log_changes(before)

    def _faulty(self, error: Exception) -> TargetSnapshot:
        """A reading that our own code failed at: as one without answers, so that the last one is not shown for ever."""
        message = f"the sidecar cannot read what this pod answers ({type(error).__name__}); its log says where"
        reading = EndpointReading(state=EndpointState.MALFORMED, message=message)
        before = self._snapshot
        counted = before.counted
        return TargetSnapshot(
            self.target, before.reading + 1, before.read, http=reading, metrics=reading, counted=counted
        )

    def _observe(self, target: Target, http: HttpReading, page: PageReading, now: Instant) -> TargetSnapshot:
        """What a reading says, as far as the node's budget has room for it."""
        counted = self._count(target, http, now)
        listed = {*(http.statistics or ()), *(http.index or ())}
        costs = cost_models(page.page.series, listed | set(self._history.models), len(target.windows))
        kept = self._budget.keep(target.pod.uid, costs)
        if len(kept) < len(costs):
            http, page = _trim(http, page, kept)
        figures = gather_figures(page.page.series)
        self._remember(target, http, page, figures, now)
        if len(kept) < len(costs):
            self._history.keep(kept)
        answered = EndpointState.OK in {http.endpoint.state, page.endpoint.state}
        return TargetSnapshot(
            target=target,
            reading=self._snapshot.reading + 1,
            read=now if answered else self._snapshot.read,
            http=http.endpoint,
            metrics=page.endpoint,
            server_ready=http.server_ready,
            server_version=http.server_version,
            bad_lines=page.page.bad_lines,
            dropped_series=page.page.dropped_series,
            dropped_models=sum(1 for key in costs if key[0] and key not in kept),
            models=_models(http, figures, self._history),
            statistics=http.statistics or {},
            counted=counted,
            series=page.page.series,
        )

    def _count(self, target: Target, http: HttpReading, now: Instant) -> PodSample | None:
        """What the meters of cost take of a reading; what they took before, where there were no statistics."""
        if http.statistics is None:
            return self._snapshot.counted
        metered = self._budget.meter(target.pod.uid, http.statistics)
        models = {key: build_counters(http.statistics[key]) for key in metered}
        return PodSample(target.pod.uid, now.at_us, models, http.ensembles & models.keys())

    def _remember(
        self,
        target: Target,
        http: HttpReading,
        page: PageReading,
        figures: Mapping[ModelKey, PageFigures],
        now: Instant,
    ) -> None:
        self._history.ask_for(target.windows)
        if http.statistics is not None or figures:
            complete = http.statistics is not None and page.endpoint.state is EndpointState.OK
            self._history.add(now.at, _samples(http, figures), complete=complete)

    def _log_changes(self, before: TargetSnapshot) -> None:
        for name, old, new in (
            ("HTTP", before.http, self._snapshot.http),
            ("metrics", before.metrics, self._snapshot.metrics),
        ):
            if old.state is not new.state:
                where = f"{self.target.namespace}/{self.target.pod.name}"
                log_change(_LOG, f"{name} endpoint of {where}", new.state, new.message)

    async def run(self, places: asyncio.Semaphore, phase: Callable[[float], float]) -> None:
        """Read at the target's interval until cancelled."""
        interval = self.target.interval_seconds
        due = self._clock().at + phase(min(interval, LONGEST_FIRST_WAIT_SECONDS))
        while True:
            await asyncio.sleep(max(0.0, due - self._clock().at))
            async with places:
                try:
                    await self.read_once()
                except Exception as error:
                    _LOG.exception("reading %s/%s failed", self.target.namespace, self.target.pod.name)
                    self._publish(self._faulty(error))
            due = max(due + self.target.interval_seconds, self._clock().at)


def _random_phase(longest: float) -> float:
    return random.uniform(0, longest)


class ScrapeScheduler:
    """Keeps one watch for each pod of the plan."""

    def __init__(
        self, reader: Reader, store: SnapshotStore, clock: Clock, phase: Callable[[float], float] = _random_phase
    ) -> None:
        self._reader, self._store, self._clock, self._phase = reader, store, clock, phase
        self._places = asyncio.Semaphore(READINGS_AT_ONCE)
        self._budget = NodeBudget()
        self._running: dict[str, tuple[TargetWatch, asyncio.Task[None]]] = {}

    def follow(self, targets: Mapping[str, Target]) -> None:
        """Start, change and stop watches so that they are those of `targets`, by pod UID."""
        for uid in self._running.keys() - targets.keys():
            self._running.pop(uid)[1].cancel()
            self._budget.forget(uid)
            self._store.forget_target(uid)
        for uid, target in targets.items():
            known = self._running.get(uid)
            if known is None:
                self._start(uid, target)
            elif known[0].target != target:
                self._change(uid, known[0], known[1], target)

    def _start(self, uid: str, target: Target) -> None:
        watch = TargetWatch(target, self._reader, self._store, self._clock, self._budget)
        self._running[uid] = watch, asyncio.create_task(watch.run(self._places, self._phase), name=f"scrape {uid}")

    def _change(self, uid: str, watch: TargetWatch, task: asyncio.Task[None], target: Target) -> None:
        """Keep what is known of the pod; only the task that paces it is started again."""
        task.cancel()
        watch.target = target
        self._running[uid] = watch, asyncio.create_task(watch.run(self._places, self._phase), name=f"scrape {uid}")

    async def close(self) -> None:
        """Stop all watches."""
        tasks = [task for _, task in self._running.values()]
        self._running.clear()
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
