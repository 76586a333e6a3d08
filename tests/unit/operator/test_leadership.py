"""Who leads: the pure decisions, and the loop against a fake cluster."""

import asyncio
import time
from typing import Any

import pytest

from modelmonitor_operator.adapters.clock import SystemClock
from modelmonitor_operator.adapters.lease import Leadership
from modelmonitor_operator.errors import ConflictError, NotFoundError, UnavailableError
from modelmonitor_operator.objects import LEASE, ObjectRef, StoredObject, parse_stored
from modelmonitor_operator.reconcile.lease import LeaseRecord, LeaseView, may_acquire, must_stop, observe_lease
from modelmonitor_operator.settings import LeaseSettings
from tests.unit.operator.worlds import FakeClock

OTHER = LeaseRecord(holder="other", version="7", duration_seconds=15.0)


@pytest.mark.parametrize(
    ("view", "now", "may"),
    [
        pytest.param(None, 0.0, True, id="no lease: anybody"),
        pytest.param(LeaseView(LeaseRecord("", "1", 15.0), 0.0), 1.0, True, id="released: anybody"),
        pytest.param(LeaseView(LeaseRecord("me", "1", 15.0), 0.0), 1.0, True, id="our own from before a restart"),
        pytest.param(LeaseView(OTHER, 100.0), 114.9, False, id="held by another who may still live"),
        pytest.param(LeaseView(OTHER, 100.0), 115.1, True, id="held by another who has gone silent"),
    ],
)
def test_who_may_take_the_lease(view: LeaseView | None, now: float, may: bool) -> None:  # noqa: FBT001
    assert may_acquire(view, "me", now) is may


def test_only_a_new_version_restarts_the_holders_time() -> None:
    first = observe_lease(None, OTHER, 10.0)
    assert observe_lease(first, OTHER, 20.0).changed_at == 10.0
    assert observe_lease(first, LeaseRecord("other", "8", 15.0), 20.0).changed_at == 20.0


def test_a_leader_stops_before_another_may_start() -> None:
    assert not must_stop(0.0, 15.0, 4.0, 10.9)
    assert must_stop(0.0, 15.0, 4.0, 11.0)


@pytest.mark.parametrize(
    "given", [{"duration_seconds": 8.0}, {"renew_seconds": 11.0}, {"timeout_seconds": 10.0}], ids=str
)
def test_a_lease_that_one_slow_call_would_lose_is_refused(given: dict[str, float]) -> None:
    with pytest.raises(ValueError, match="durationSeconds must be more than renewSeconds and timeoutSeconds together"):
        LeaseSettings(**given)


class FakeLeases:
    """One Lease in memory."""

    def __init__(self) -> None:
        self.stored: StoredObject | None = None
        self.fail: Exception | None = None
        self.version = 0

    async def get(self, _ref: ObjectRef) -> StoredObject:
        self._check()
        if self.stored is None:
            raise NotFoundError("none", 404)
        return self.stored

    async def create(self, _ref: ObjectRef, manifest: dict[str, Any]) -> StoredObject:
        return self._put(manifest)

    async def replace(self, over: StoredObject, manifest: dict[str, Any]) -> StoredObject:
        if self.stored is not None and over.resource_version != self.stored.resource_version:
            raise ConflictError("changed", 409)
        return self._put(manifest)

    def _put(self, manifest: dict[str, Any]) -> StoredObject:
        self._check()
        self.version += 1
        metadata = {**manifest["metadata"], "uid": "lease", "resourceVersion": str(self.version)}
        self.stored = parse_stored(LEASE, {**manifest, "metadata": metadata})
        return self.stored

    def _check(self) -> None:
        if self.fail is not None:
            raise self.fail

    @property
    def holder(self) -> str:
        return "" if self.stored is None else str(self.stored.manifest["spec"]["holderIdentity"])


class SlowClock(FakeClock):
    """Sleeping lets the others run."""

    async def sleep(self, seconds: float) -> None:
        self.now += seconds
        for _ in range(5):
            await asyncio.sleep(0)


def leadership(leases: FakeLeases, clock: FakeClock) -> Leadership:
    return Leadership.of(leases, clock, "system", LeaseSettings(), "me")  # type: ignore[arg-type]


async def until(task: "asyncio.Task[None]", probe: Any) -> None:
    for _ in range(2000):
        if probe():
            return
        await asyncio.sleep(0)
    task.cancel()
    raise AssertionError("it did not come true")


async def test_the_lease_is_released_on_exit() -> None:
    leases = FakeLeases()
    led = asyncio.Event()

    async def work() -> None:
        led.set()
        await asyncio.Event().wait()

    task = asyncio.create_task(leadership(leases, SlowClock()).run(work))
    await until(task, led.is_set)
    assert leases.holder == "me"
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    assert leases.holder == ""


async def test_an_exception_in_the_work_ends_leadership_and_the_next_term_begins() -> None:
    leases, terms = FakeLeases(), []

    async def work() -> None:
        terms.append(leases.holder)
        raise RuntimeError("a defect")

    task = asyncio.create_task(leadership(leases, SlowClock()).run(work))
    await until(task, lambda: len(terms) >= 3)
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    assert set(terms) == {"me"}


async def test_a_leader_that_cannot_renew_stops_its_work_in_time() -> None:
    leases, clock = FakeLeases(), SlowClock()
    stopped_at: list[float] = []

    async def work() -> None:
        leases.fail = UnavailableError("refused")
        started = clock.now
        try:
            await asyncio.Event().wait()
        finally:
            stopped_at.append(clock.now - started)

    task = asyncio.create_task(leadership(leases, clock).run(work))
    await until(task, lambda: stopped_at)
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    assert stopped_at[0] < LeaseSettings().duration_seconds


async def test_no_renewal_begins_that_could_end_after_others_may_lead() -> None:
    leases, clock, limits = FakeLeases(), SlowClock(), LeaseSettings()
    begun: list[float] = []

    def fail() -> None:
        begun.append(clock.now - started)
        raise UnavailableError("refused")

    async def work() -> None:
        leases._check = fail  # type: ignore[method-assign]
        await asyncio.Event().wait()

    started = clock.now
    task = asyncio.create_task(leadership(leases, clock).run(work))
    await until(task, lambda: begun and begun[-1] > limits.duration_seconds)
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    renewals = [at for at in begun if at < limits.duration_seconds][:-1]  # the last one is the release
    assert renewals
    assert max(renewals) <= limits.duration_seconds - limits.timeout_seconds


async def test_a_leader_whose_lease_another_took_stops_at_once() -> None:
    leases, ended = FakeLeases(), asyncio.Event()

    async def work() -> None:
        assert leases.stored is not None
        spec = {**leases.stored.manifest["spec"], "holderIdentity": "other"}
        leases._put({**leases.stored.manifest, "spec": spec})
        try:
            await asyncio.Event().wait()
        finally:
            ended.set()

    task = asyncio.create_task(leadership(leases, SlowClock()).run(work))
    await until(task, ended.is_set)
    assert leases.holder == "other"
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)


async def test_a_leader_that_was_frozen_longer_than_its_lease_holds_it_no_more_before_it_has_looked() -> None:
    leases, clock, led = FakeLeases(), SlowClock(), asyncio.Event()
    mine = leadership(leases, clock)

    async def work() -> None:
        led.set()
        await asyncio.Event().wait()

    assert not mine.holds()
    task = asyncio.create_task(mine.run(work))
    await until(task, led.is_set)
    assert mine.holds()
    clock.now += LeaseSettings().duration_seconds
    assert not mine.holds()
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    assert not mine.holds()


async def test_the_lease_is_held_from_when_a_renewal_was_sent_and_not_from_its_answer() -> None:
    class StoppedClock(FakeClock):
        async def sleep(self, seconds: float) -> None:  # noqa: ARG002
            await asyncio.Event().wait()

    leases, clock, led, limits = FakeLeases(), StoppedClock(), asyncio.Event(), LeaseSettings()
    mine, put = leadership(leases, clock), leases._put

    def answer_late(manifest: dict[str, Any]) -> StoredObject:
        clock.now += limits.timeout_seconds
        return put(manifest)

    async def work() -> None:
        led.set()
        await asyncio.Event().wait()

    leases._put = answer_late  # type: ignore[method-assign]
    task = asyncio.create_task(mine.run(work))
    await until(task, led.is_set)
    clock.now += limits.duration_seconds - limits.timeout_seconds - 0.1
    assert mine.holds()
    clock.now += 0.1
    assert not mine.holds()
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)


async def test_an_api_server_that_never_answers_about_the_lease_is_given_up(caplog: pytest.LogCaptureFixture) -> None:
    given_up = asyncio.Event()

    class SilentLeases(FakeLeases):
        async def get(self, _ref: ObjectRef) -> StoredObject:
            try:
                await asyncio.Event().wait()
            finally:
                given_up.set()
            raise AssertionError

    async def work() -> None:
        raise AssertionError

    impatient = LeaseSettings().model_copy(update={"timeout_seconds": 0.001})
    mine = Leadership.of(SilentLeases(), SlowClock(), "system", impatient, "me")  # type: ignore[arg-type]
    task = asyncio.create_task(mine.run(work))
    async with asyncio.timeout(5):
        await given_up.wait()
    await until(task, lambda: caplog.records)
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    assert "did not answer" in str(caplog.records[0].__dict__["error"])


def test_a_lease_runs_out_also_while_the_machine_sleeps(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(time, "clock_gettime", {time.CLOCK_BOOTTIME: 900.0, time.CLOCK_MONOTONIC: 2.0}.__getitem__)
    assert SystemClock().monotonic() == 900.0
