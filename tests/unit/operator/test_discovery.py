"""Kinds of other operators: which are served, as the API server says it, again and again."""

import asyncio

import pytest

from modelmonitor_operator.adapters.discovery import Discovery
from modelmonitor_operator.children import OPTIONAL_KINDS
from modelmonitor_operator.errors import UnavailableError
from modelmonitor_operator.objects import PROMETHEUS, PROMETHEUS_RULE, SERVICE_MONITOR, ResourceKind
from tests.unit.operator.worlds import FakeClock

Answer = dict[str, frozenset[str]] | UnavailableError
MONITORING = "monitoring.coreos.com"


class FakeGroups:
    """Answers from a script, one entry a round."""

    def __init__(self, *rounds: Answer) -> None:
        self.rounds = rounds
        self.round = 0

    async def served_plurals(self, group: str, version: str) -> frozenset[str]:
        assert version.startswith("v1")
        answer = self.rounds[min(self.round, len(self.rounds) - 1)]
        if isinstance(answer, UnavailableError):
            raise answer
        return answer.get(group, frozenset())


class Rounds(FakeClock):
    """A clock that counts the rounds by their pauses, and ends after the last."""

    def __init__(self, groups: FakeGroups) -> None:
        super().__init__()
        self.groups = groups

    async def sleep(self, seconds: float) -> None:
        await super().sleep(seconds)
        self.groups.round += 1
        if self.groups.round >= len(self.groups.rounds):
            raise asyncio.CancelledError


async def discover(*rounds: Answer) -> list[frozenset[ResourceKind]]:
    groups = FakeGroups(*rounds)
    heard: list[frozenset[ResourceKind]] = []
    with pytest.raises(asyncio.CancelledError):
        await Discovery(groups, Rounds(groups), OPTIONAL_KINDS).run(heard.append)
    return heard


async def test_kinds_are_told_as_they_come_and_go() -> None:
    both = {MONITORING: frozenset({"servicemonitors", "prometheusrules", "podmonitors"})}
    one = {MONITORING: frozenset({"prometheuses"})}
    heard = await discover({}, both, one)
    assert heard == [frozenset(), {SERVICE_MONITOR, PROMETHEUS_RULE}, {PROMETHEUS}]


async def test_an_api_server_that_does_not_answer_changes_nothing() -> None:
    served = {MONITORING: frozenset({"servicemonitors"})}
    heard = await discover(UnavailableError("down"), served, UnavailableError("down"))
    assert heard == [{SERVICE_MONITOR}, {SERVICE_MONITOR}]
