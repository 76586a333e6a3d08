"""One pod's slowness is its own."""

import asyncio
from collections.abc import Callable

from modelmonitor_api.plan import PlannedPod
from modelmonitor_api.summary import EndpointReading, EndpointState
from modelmonitor_sidecar.budget import NodeBudget
from modelmonitor_sidecar.exposition import parse_page
from modelmonitor_sidecar.scrape import ScrapeScheduler, TargetWatch
from modelmonitor_sidecar.snapshot import SnapshotStore, Target
from modelmonitor_sidecar.sources.triton import HttpReading, PageReading
from modelmonitor_sidecar.sources.triton_answers import IndexEntry
from modelmonitor_sidecar.windows import StatisticsCounters
from tests.unit.sidecar.readings import FakeClock, page_text, pod

OK = EndpointReading(state=EndpointState.OK)
REFUSED = EndpointReading(state=EndpointState.REFUSED, message="nothing listens")
FAST = ("fast", "1")


def http(successes: int = 10, *, ready: bool = True) -> HttpReading:
    statistics = {FAST: StatisticsCounters(successes=successes)}
    return HttpReading(OK, ready, "2.51.0", statistics, {FAST: IndexEntry(ready, "" if ready else "broken")})


class ScriptedReader:
    """Gives the readings of its script; a pod whose name begins with `hang` never answers."""

    def __init__(self, *readings: tuple[HttpReading, PageReading]) -> None:
        self.readings = list(readings)
        self.asked: list[str] = []

    async def read(self, wanted: PlannedPod) -> tuple[HttpReading, PageReading]:
        self.asked.append(wanted.name)
        if wanted.name.startswith("hang"):
            await asyncio.Event().wait()
        return self.readings.pop(0) if self.readings else (http(), PageReading(OK))


async def until(wanted: Callable[[], bool]) -> None:
    """Let the loop come round until something is so; no time passes."""
    for _ in range(1000):
        if wanted():
            return
        await asyncio.sleep(0)
    raise AssertionError("it never came")


def target(name: str = "fraud-0", interval: int = 5) -> Target:
    return Target("team-a", pod(name), interval, (60,))


async def test_a_reading_joins_index_statistics_and_page() -> None:
    page = PageReading(OK, parse_page(page_text("default", "served")))
    watch = TargetWatch(target(), ScriptedReader((http(), page)), SnapshotStore(), FakeClock(), NodeBudget())
    seen = await watch.read_once()
    fast = next(m for m in seen.models if m.name == "fast")
    assert (fast.ready, fast.success_total, fast.failure_total, fast.pending_requests) == (True, 10, 0, 0)
    assert {m.name for m in seen.models} == {"ensemble", "failing", "fast", "queue", "slow"}
    assert (seen.reading, seen.server_ready, seen.server_version) == (1, True, "2.51.0")


async def test_a_reading_tells_the_buckets_of_a_histogram_and_keeps_the_counters_of_the_statistics() -> None:
    page = PageReading(OK, parse_page(page_text("documented", "histogram")))
    watch = TargetWatch(target(), ScriptedReader((http(), page)), SnapshotStore(), FakeClock(), NodeBudget())
    seen = await watch.read_once()
    buckets = {model.name: model.latency_buckets_seconds for model in seen.models}
    assert buckets == {"chat": (0.1, 0.5, 2.0, 5.0), "fast": ()}
    assert seen.statistics[FAST].successes == 10


async def test_whoever_wants_to_know_is_told_of_each_reading() -> None:
    store, told = SnapshotStore(), []
    store.on_target = told.append
    watch = TargetWatch(target(), ScriptedReader(), store, FakeClock(), NodeBudget())
    assert [await watch.read_once()] == told


async def test_a_pod_that_stops_answering_shows_no_old_models_and_keeps_the_age_of_its_last_answer() -> None:
    clock, store = FakeClock(), SnapshotStore()
    reader = ScriptedReader((http(), PageReading(OK)), (HttpReading(REFUSED), PageReading(REFUSED)))
    watch = TargetWatch(target(), reader, store, clock, NodeBudget())
    first = await watch.read_once()
    clock.at += 5
    seen = await watch.read_once()
    assert (seen.models, seen.series, seen.http, seen.reading) == ((), (), REFUSED, 2)
    assert seen.read == first.read
    assert store.newest.targets["uid-fraud-0"] is seen


async def test_requests_during_an_outage_are_counted_when_the_pod_answers_again() -> None:
    clock = FakeClock()
    down = (HttpReading(REFUSED), PageReading(REFUSED))
    reader = ScriptedReader((http(10), PageReading(OK)), down, (http(25), PageReading(OK)))
    watch = TargetWatch(target(), reader, SnapshotStore(), clock, NodeBudget())
    for _ in range(3):
        seen = await watch.read_once()
        clock.at += 5
    window = seen.models[0].windows[0]
    assert (window.successes, window.covered_seconds) == (15, 10)


async def test_a_pod_that_hangs_delays_no_other_pod() -> None:
    store, reader = SnapshotStore(), ScriptedReader()
    scheduler = ScrapeScheduler(reader, store, FakeClock(), phase=lambda _: 0.0)
    scheduler.follow({name: target(name) for name in ("hang-0", "hang-1", "good-0")})
    await until(lambda: "uid-good-0" in store.newest.targets)
    assert store.newest.targets.keys() == {"uid-good-0"}
    await scheduler.close()


async def test_a_pod_that_the_plan_no_longer_names_is_forgotten_at_once() -> None:
    store = SnapshotStore()
    scheduler = ScrapeScheduler(ScriptedReader(), store, FakeClock(), phase=lambda _: 0.0)
    scheduler.follow({"uid-a": target("a")})
    await until(lambda: bool(store.newest.targets))
    scheduler.follow({})
    assert store.newest.targets == {}
    await scheduler.close()


async def test_a_changed_interval_keeps_what_is_known_of_the_pod() -> None:
    store, clock = SnapshotStore(), FakeClock()
    scheduler = ScrapeScheduler(ScriptedReader(), store, clock, phase=lambda _: 0.0)
    scheduler.follow({"uid-a": target("a", 30)})
    await until(lambda: bool(store.newest.targets))
    scheduler.follow({"uid-a": target("a", 5)})
    await until(lambda: store.newest.targets["uid-a"].reading == 2)
    assert store.newest.targets["uid-a"].target.interval_seconds == 5
    await scheduler.close()


async def test_a_fault_of_ours_in_one_reading_is_told_and_does_not_end_the_readings() -> None:
    class Faulty(ScriptedReader):
        async def read(self, wanted: PlannedPod) -> tuple[HttpReading, PageReading]:
            if len(self.asked) == 1:
                self.asked.append(wanted.name)
                raise RuntimeError("a fault of ours")
            return await super().read(wanted)

    store, clock, states = SnapshotStore(), FakeClock(), {}
    scheduler = ScrapeScheduler(Faulty(), store, clock, phase=lambda _: 0.0)
    scheduler.follow({"uid-a": target("a")})
    for _ in range(100):
        clock.at += 5
        await asyncio.sleep(0)
        states.update({t.reading: (t.http.state, len(t.models)) for t in store.newest.targets.values()})
    assert [states[n] for n in (1, 2, 3)] == [
        (EndpointState.OK, 1),
        (EndpointState.MALFORMED, 0),
        (EndpointState.OK, 1),
    ]
    await scheduler.close()


async def test_what_a_pod_counted_outlives_readings_that_fail_with_the_time_at_which_it_was_read() -> None:
    clock = FakeClock()
    down, page = (HttpReading(REFUSED), PageReading(REFUSED)), PageReading(OK)
    reader = ScriptedReader((http(10), page), down, (HttpReading(REFUSED), page), (http(25), page))
    watch = TargetWatch(target(), reader, SnapshotStore(), clock, NodeBudget())
    counted = []
    for _ in range(4):
        sample = (await watch.read_once()).counted
        assert sample is not None
        counted.append((sample.read_at_us, sample.models[FAST].succeeded))
        clock.at += 5
    assert counted == [(1_000_000_000, 10)] * 3 + [(1_015_000_000, 25)]


async def test_a_pod_that_was_never_read_has_counted_nothing() -> None:
    reader = ScriptedReader((HttpReading(REFUSED), PageReading(REFUSED)))
    watch = TargetWatch(target(), reader, SnapshotStore(), FakeClock(), NodeBudget())
    assert (await watch.read_once()).counted is None
