"""What the Prometheus of the settings says about each monitor: asked in turn, remembered, and forgotten when old."""

import asyncio
import logging
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from typing import Protocol

from modelmonitor_api.names import MonitorRef
from modelmonitor_operator.arrival import PrometheusAnswer
from modelmonitor_operator.clock import Clock
from modelmonitor_operator.settings import PrometheusSettings

_LOG = logging.getLogger(__name__)
CONCURRENCY = 4
"""Monitors that are asked about at the same time."""
TOLERATED_FAILURES = 2
"""Failures in a row after which an answer is no longer shown as if nothing had happened."""
FORGET_POLLS = 10
"""Polls without an answer after which what was said before is forgotten."""
MOST_SILENT = 3
"""Questions in a row without any answer after which a Prometheus is not asked about the other monitors of this turn."""
_IDLE_SECONDS = 1.0

NOT_ASKED = PrometheusAnswer()


class PrometheusError(Exception):
    """Prometheus did not answer, or not as Prometheus does; the message says how, and what to look at."""


class PrometheusUnreachableError(PrometheusError):
    """Nobody answered, whatever the question was."""


class Questions(Protocol):
    """The client of Prometheus' HTTP API."""

    async def ask(self, monitor: MonitorRef) -> PrometheusAnswer:
        """Everything about one monitor, `asked_at` left out.

        Raises:
            PrometheusError: it could not be asked.
        """


@dataclass(frozen=True, slots=True)
class _Known:
    """What is remembered of one monitor.

    Attributes:
        failures: how many questions in a row have failed.
        error: of the last question, empty where it was answered.
    """

    answer: PrometheusAnswer = NOT_ASKED
    failures: int = 0
    error: str = ""


class PrometheusAnswers:
    """The newest answer about each monitor. Only the leader runs it; without a URL it asks nothing.

    Each monitor is asked about every `poll_seconds`, the monitors spread over that time.
    """

    def __init__(self, settings: PrometheusSettings, clock: Clock, questions: Questions | None = None) -> None:
        self._settings = settings
        self._clock = clock
        self._questions = questions
        self._known: dict[MonitorRef, _Known] = {}
        self._silent = 0
        self._silence = ""
        self._failing = False

    @property
    def enabled(self) -> bool:
        """Whether there is a Prometheus to ask."""
        return bool(self._settings.url) and self._questions is not None

    def answer(self, ref: MonitorRef) -> PrometheusAnswer:
        """What is known about a monitor now: of the last time, with the error where it can no longer be asked."""
        known = self._known.get(ref)
        if known is None:
            return NOT_ASKED
        if known.failures < TOLERATED_FAILURES and known.answer.asked_at is not None:
            return known.answer
        if known.failures >= FORGET_POLLS:
            return PrometheusAnswer(error=f"{known.error}; it has not answered {FORGET_POLLS} times in a row")
        return replace(known.answer, error=known.error)

    async def run(self, monitors: Callable[[], Iterable[MonitorRef]]) -> None:
        """Ask until cancelled; what was said under an earlier leadership is forgotten first."""
        self._known.clear()
        if self._questions is None or not self.enabled:
            await asyncio.Event().wait()
            return
        while True:
            await self.turn(tuple(monitors()), self._questions)

    async def turn(self, monitors: tuple[MonitorRef, ...], questions: Questions) -> None:
        """Ask once about every monitor, spread over `poll_seconds`."""
        for gone in self._known.keys() - set(monitors):
            del self._known[gone]
        if not monitors:
            await self._clock.sleep(_IDLE_SECONDS)
            return
        self._silent = 0
        started, share = self._clock.monotonic(), self._settings.poll_seconds / len(monitors)
        limit = asyncio.Semaphore(CONCURRENCY)
        async with asyncio.TaskGroup() as group:
            for number, ref in enumerate(monitors):
                await self._wait_until(started + number * share)
                await limit.acquire()
                task = group.create_task(self._ask(ref, questions))
                task.add_done_callback(lambda _: limit.release())
        await self._wait_until(started + self._settings.poll_seconds)

    async def _wait_until(self, moment: float) -> None:
        await self._clock.sleep(max(0.0, moment - self._clock.monotonic()))

    async def _ask(self, ref: MonitorRef, questions: Questions) -> None:
        """Ask about one monitor; of a Prometheus that is silent the others are not asked in this turn."""
        if self._silent >= MOST_SILENT:
            self._note_failure(ref, self._silence)
            return
        try:
            answer = replace(await questions.ask(ref), asked_at=self._clock.time(), error="")
        except PrometheusUnreachableError as exc:
            self._silent, self._silence = self._silent + 1, str(exc)
            self._note_failure(ref, str(exc))
        except PrometheusError as exc:
            self._silent = 0
            self._note_failure(ref, str(exc))
        else:
            self._silent = 0
            self._known[ref] = _Known(answer)
            self._log("")

    def _note_failure(self, ref: MonitorRef, error: str) -> None:
        before = self._known.get(ref, _Known())
        self._known[ref] = replace(before, failures=before.failures + 1, error=error)
        self._log(error)

    def _log(self, error: str) -> None:
        """One line a change, however many monitors there are."""
        if error and not self._failing:
            _LOG.warning("the Prometheus of the settings cannot be asked: %s", error)
        if self._failing and not error:
            _LOG.info("the Prometheus of the settings answers again")
        self._failing = bool(error)
