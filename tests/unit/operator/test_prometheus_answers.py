"""What is remembered of a Prometheus' answers, and how often it is asked."""

import asyncio
from dataclasses import dataclass, field

import pytest

from modelmonitor_api.names import MonitorRef
from modelmonitor_operator.arrival import PrometheusAnswer
from modelmonitor_operator.prometheus_answers import (
    FORGET_POLLS,
    MOST_SILENT,
    NOT_ASKED,
    PrometheusAnswers,
    PrometheusError,
    PrometheusUnreachableError,
)
from modelmonitor_operator.settings import PrometheusSettings
from tests.unit.operator.worlds import FakeClock

SETTINGS = PrometheusSettings(url="http://prometheus:9090")
FRAUD, SPAM = MonitorRef("team-a", "fraud"), MonitorRef("team-a", "spam")
SAMPLES = PrometheusAnswer(series={"modelmonitor_page_series": 1})


class YieldingClock(FakeClock):
    """A clock on which the others have their turn while somebody sleeps."""

    async def sleep(self, seconds: float) -> None:
        for _ in range(5):
            await asyncio.sleep(0)
        await super().sleep(seconds)


@dataclass
class FakePrometheus:
    """Answers, or fails; remembers who was asked about and when."""

    clock: FakeClock
    error: PrometheusError | None = None
    asked: list[tuple[MonitorRef, float]] = field(default_factory=list)

    async def ask(self, monitor: MonitorRef) -> PrometheusAnswer:
        self.asked.append((monitor, self.clock.now))
        await asyncio.sleep(0)
        if self.error is not None:
            raise self.error
        return SAMPLES


@dataclass
class House:
    """A Prometheus that is asked, with its memory."""

    clock: FakeClock = field(default_factory=YieldingClock)

    def __post_init__(self) -> None:
        self.prometheus = FakePrometheus(self.clock)
        self.answers = PrometheusAnswers(SETTINGS, self.clock, self.prometheus)

    async def turns(self, count: int, *monitors: MonitorRef, error: PrometheusError | None = None) -> None:
        self.prometheus.error = error
        for _ in range(count):
            await self.answers.turn(monitors or (FRAUD,), self.prometheus)


async def test_nothing_is_said_before_the_first_question() -> None:
    assert House().answers.answer(FRAUD) == NOT_ASKED


async def test_an_answer_carries_its_time() -> None:
    house = House()
    await house.turns(1)
    found = house.answers.answer(FRAUD)
    assert (found.asked_at, found.series, found.error) == (1000.0, SAMPLES.series, "")


async def test_monitors_are_spread_over_the_poll_and_asked_once_each() -> None:
    house = House()
    many = tuple(MonitorRef("team-a", f"m{n}") for n in range(6))
    await house.turns(2, *many)
    assert [ref for ref, _ in house.prometheus.asked] == [*many, *many]
    assert [at for _, at in house.prometheus.asked][:6] == [1000.0 + 10 * n for n in range(6)]
    assert house.clock.now == 1000.0 + 2 * SETTINGS.poll_seconds


async def test_one_failure_changes_nothing() -> None:
    house = House()
    await house.turns(1)
    await house.turns(1, error=PrometheusError("HTTP 503"))
    assert house.answers.answer(FRAUD).error == ""


async def test_lasting_failure_is_told_beside_the_last_answer() -> None:
    house = House()
    await house.turns(1)
    await house.turns(2, error=PrometheusError("HTTP 503"))
    found = house.answers.answer(FRAUD)
    assert (found.error, found.series) == ("HTTP 503", SAMPLES.series)


async def test_a_first_failure_is_told_where_nothing_was_ever_said() -> None:
    house = House()
    await house.turns(1, error=PrometheusError("HTTP 401"))
    assert house.answers.answer(FRAUD) == PrometheusAnswer(error="HTTP 401")


async def test_old_answers_are_forgotten() -> None:
    house = House()
    await house.turns(1)
    await house.turns(FORGET_POLLS, error=PrometheusError("HTTP 503"))
    found = house.answers.answer(FRAUD)
    assert (found.series, found.asked_at) == ({}, None)
    assert found.error == f"HTTP 503; it has not answered {FORGET_POLLS} times in a row"


async def test_an_answer_ends_the_failure() -> None:
    house = House()
    await house.turns(FORGET_POLLS, error=PrometheusError("HTTP 503"))
    await house.turns(1)
    assert house.answers.answer(FRAUD).error == ""


async def test_a_silent_prometheus_is_not_asked_about_everybody() -> None:
    house = House()
    many = tuple(MonitorRef("team-a", f"m{n}") for n in range(20))
    await house.turns(1, *many, error=PrometheusUnreachableError("no answer within 5 s"))
    assert len(house.prometheus.asked) < 2 * MOST_SILENT + 2
    assert all(house.answers.answer(ref).error == "no answer within 5 s" for ref in many)
    await house.turns(1, *many)
    assert all(not house.answers.answer(ref).error for ref in many)


async def test_a_refused_question_about_one_monitor_does_not_spare_the_others() -> None:
    house = House()
    many = tuple(MonitorRef("team-a", f"m{n}") for n in range(20))
    await house.turns(1, *many, error=PrometheusError("an answer is longer than 8388608 bytes"))
    assert len(house.prometheus.asked) == 20


async def test_a_monitor_that_is_gone_is_forgotten() -> None:
    house = House()
    await house.turns(1, FRAUD, SPAM)
    await house.turns(1, SPAM)
    assert house.answers.answer(FRAUD) == NOT_ASKED
    assert house.answers.answer(SPAM).series == SAMPLES.series


async def test_a_new_leadership_begins_with_nothing() -> None:
    house = House()
    await house.turns(1)
    task = asyncio.create_task(house.answers.run(tuple))
    await asyncio.sleep(0)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert house.answers.answer(FRAUD) == NOT_ASKED


async def test_without_a_url_nobody_is_asked() -> None:
    clock = YieldingClock()
    prometheus = FakePrometheus(clock)
    answers = PrometheusAnswers(PrometheusSettings(), clock, prometheus)
    task = asyncio.create_task(answers.run(lambda: (FRAUD,)))
    for _ in range(10):
        await asyncio.sleep(0)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert (answers.enabled, prometheus.asked, clock.now) == (False, [], 1000.0)


async def test_an_outage_is_one_line_in_the_log_whatever_the_number_of_monitors(
    caplog: pytest.LogCaptureFixture,
) -> None:
    house = House()
    many = tuple(MonitorRef("team-a", f"m{n}") for n in range(50))
    with caplog.at_level("INFO"):
        await house.turns(3, *many, error=PrometheusUnreachableError("connection refused"))
        await house.turns(1, *many)
    assert [record.levelname for record in caplog.records] == ["WARNING", "INFO"]
