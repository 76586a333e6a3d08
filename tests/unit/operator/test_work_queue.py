"""The work queue: one key at a time, once, with back-off."""

import asyncio

from hypothesis import given
from hypothesis import strategies as st

from modelmonitor_operator.controller import Controller
from modelmonitor_operator.keys import Key, PlanKey
from modelmonitor_operator.telemetry import Telemetry
from modelmonitor_operator.work_queue import LARGEST_BACKOFF_SECONDS, WorkQueue
from tests.unit.operator.worlds import FakeClock


def test_a_key_that_waits_is_not_queued_twice() -> None:
    queue: WorkQueue[str] = WorkQueue()
    queue.add("a", 0.0)
    queue.add("a", 0.0)
    assert queue.take(0.0) == "a"
    assert queue.take(0.0) is None


def test_a_key_is_never_worked_on_by_two() -> None:
    queue: WorkQueue[str] = WorkQueue()
    queue.add("a", 0.0)
    queue.take(0.0)
    queue.add("a", 0.0)
    assert queue.take(1.0) is None
    queue.succeeded("a", 1.0)
    assert queue.take(1.0) == "a"


def test_a_delayed_key_waits_and_an_earlier_request_brings_it_forward() -> None:
    queue: WorkQueue[str] = WorkQueue()
    queue.add("a", 0.0, delay_seconds=10.0)
    assert queue.take(5.0) is None
    assert queue.next_due() == 10.0
    queue.add("a", 5.0)
    assert queue.take(5.0) == "a"
    queue.succeeded("a", 5.0)
    assert queue.take(20.0) is None


def test_a_later_request_does_not_push_an_earlier_one_back() -> None:
    queue: WorkQueue[str] = WorkQueue()
    queue.add("a", 0.0, delay_seconds=1.0)
    queue.add("a", 0.0, delay_seconds=9.0)
    assert queue.take(1.0) == "a"


def test_failures_double_the_wait_up_to_a_bound_and_success_forgets_them() -> None:
    queue: WorkQueue[str] = WorkQueue()
    queue.add("a", 0.0)
    now, waits = 0.0, []
    for _ in range(10):
        assert queue.take(now) == "a"
        wait = queue.failed("a", now, jitter=1.0)
        assert queue.take(now + wait - 0.001) is None
        waits.append(wait)
        now += wait
    assert waits[:4] == [0.5, 1.0, 2.0, 4.0]
    assert waits[-1] == LARGEST_BACKOFF_SECONDS
    assert queue.take(now) == "a"
    queue.succeeded("a", now)
    queue.add("a", now)
    queue.take(now)
    assert queue.failed("a", now, jitter=1.0) == 0.5


def test_what_the_server_asked_for_is_honoured_even_when_new_work_comes() -> None:
    queue: WorkQueue[str] = WorkQueue()
    queue.add("a", 0.0)
    queue.take(0.0)
    assert queue.failed("a", 0.0, jitter=0.0, at_least_seconds=30.0) == 30.0
    queue.add("a", 1.0)
    assert queue.take(29.0) is None
    assert queue.take(30.0) == "a"


def test_a_failed_key_without_such_a_request_runs_when_something_changes() -> None:
    queue: WorkQueue[str] = WorkQueue()
    queue.add("a", 0.0)
    queue.take(0.0)
    queue.failed("a", 0.0, jitter=1.0)
    queue.add("a", 0.1)
    assert queue.take(0.1) == "a"


@given(st.lists(st.tuples(st.sampled_from("abc"), st.sampled_from(["add", "take", "succeed", "fail"])), max_size=60))
def test_every_key_that_was_asked_for_is_worked_on_in_the_end(steps: list[tuple[str, str]]) -> None:
    queue: WorkQueue[str] = WorkQueue()
    active: set[str] = set()
    wanted: set[str] = set()
    now = 0.0
    for key, step in steps:
        now += 0.01
        if step == "add":
            queue.add(key, now)
            wanted.add(key)
        elif step == "take":
            taken = queue.take(now)
            assert taken not in active
            if taken is not None:
                active.add(taken)
                wanted.discard(taken)
        elif key in active:
            active.discard(key)
            if step == "fail":
                queue.failed(key, now, jitter=0.5)
                wanted.add(key)
            else:
                queue.succeeded(key, now)
    for key in active:
        queue.succeeded(key, now)
    left = set()
    while (taken := queue.take(now + 1000.0)) is not None:
        left.add(taken)
    assert wanted <= left


async def test_no_more_keys_are_worked_on_at_a_time_than_there_are_workers_and_all_get_their_turn() -> None:
    controller = Controller(FakeClock(), Telemetry("test"), workers=2)
    running: set[Key] = set()
    most, done = 0, set[Key]()
    finished = asyncio.Event()

    async def reconcile(key: Key) -> None:
        nonlocal most
        assert key not in running
        running.add(key)
        most = max(most, len(running))
        for _ in range(3):
            await asyncio.sleep(0)
        running.discard(key)
        done.add(key)
        if len(done) == 7:
            finished.set()

    def seed() -> None:
        for number in range(7):
            controller.enqueue(PlanKey(f"n{number}"))

    task = asyncio.create_task(controller.run(reconcile, seed))
    async with asyncio.timeout(5):
        await finished.wait()
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    assert most == 2


async def test_a_key_that_is_asked_for_while_all_workers_rest_is_worked_on_at_once() -> None:
    controller = Controller(FakeClock(), Telemetry("test"), workers=2)
    asked: asyncio.Queue[Key] = asyncio.Queue()
    task = asyncio.create_task(controller.run(asked.put, lambda: controller.enqueue(PlanKey("late"), 3600.0)))
    await asyncio.sleep(0)
    async with asyncio.timeout(5):
        for number in range(5):
            controller.enqueue(PlanKey(f"n{number}"))
            assert await asked.get() == PlanKey(f"n{number}")
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)


def test_a_patient_key_is_taken_only_while_no_other_is_due() -> None:
    queue: WorkQueue[str] = WorkQueue(lambda key: key.startswith("patient"))
    queue.add("patient", 0.0)
    queue.add("urgent", 1.0)
    queue.add("later", 0.0, 9.0)
    assert [queue.take(2.0), queue.take(2.0), queue.take(2.0)] == ["urgent", "patient", None]
    queue.add("patient again", 2.0, 1.0)
    assert queue.next_due() == 3.0
    assert queue.take(3.0) == "patient again"
