"""Which connection makes room: judged on transports that only remember whether they were ended."""

import asyncio
import logging

import pytest

from modelmonitor_api.connections import LOG_SECONDS, BoundedConnections


class FakeTransport(asyncio.Transport):
    """A connection."""

    def __init__(self, name: str) -> None:
        super().__init__({"peername": (name, 1)})
        self.name, self.ended = name, False

    def abort(self) -> None:
        self.ended = True


class Scene:
    """A server for three connections, with a clock that a test sets."""

    def __init__(self) -> None:
        self.now = 0.0
        self.connections = BoundedConnections(3, lambda: self.now)
        self.all: list[FakeTransport] = []

    def open(self, *names: str) -> list[FakeTransport]:
        made = [FakeTransport(name) for name in names]
        for one in made:
            self.connections.opened(one)
        self.all += made
        return made

    @property
    def ended(self) -> list[str]:
        return [one.name for one in self.all if one.ended]


def test_as_many_as_the_limit_stay() -> None:
    scene = Scene()
    scene.open("a", "b", "c")
    assert (scene.ended, len(scene.connections)) == ([], 3)


def test_one_more_is_let_in_and_the_one_that_waited_longest_makes_room() -> None:
    scene = Scene()
    scene.open("a", "b", "c", "d", "e")
    assert scene.ended == ["a", "b"]
    assert (len(scene.connections), scene.connections.ended) == (3, 2)


def test_a_connection_that_is_being_answered_stays_before_all_that_wait() -> None:
    scene = Scene()
    first, *_ = scene.open("a", "b", "c")
    with scene.connections.answering(first):
        scene.open("d", "e")
        assert scene.ended == ["b", "c"]


def test_a_connection_that_was_answered_has_waited_since_then() -> None:
    scene = Scene()
    first, *_ = scene.open("a", "b", "c")
    with scene.connections.answering(first):
        pass
    scene.open("d", "e")
    assert scene.ended == ["b", "c"]


def test_where_all_are_being_answered_the_one_that_takes_longest_makes_room() -> None:
    scene = Scene()
    a, b, c = scene.open("a", "b", "c")
    answering = scene.connections.answering
    with answering(b), answering(a), answering(c):
        scene.open("d")
        assert scene.ended == ["b"]
    assert len(scene.connections) == 3


def test_connections_that_closed_leave_their_place() -> None:
    scene = Scene()
    first, *_ = scene.open("a", "b", "c")
    scene.connections.closed(first)
    scene.connections.closed(first)
    scene.open("d")
    assert (scene.ended, len(scene.connections)) == ([], 3)


def test_it_is_said_once_a_minute_with_the_address_and_how_many(caplog: pytest.LogCaptureFixture) -> None:
    scene = Scene()
    with caplog.at_level(logging.WARNING):
        scene.open("a", "b", "c", "d", "e")
        scene.now = LOG_SECONDS
        scene.open("f")
    first, second = [record.message for record in caplog.records]
    assert "more than 3 connections" in first
    assert "('a', 1)" in first
    assert "('c', 1)" in second
    assert "3 did so far" in second
