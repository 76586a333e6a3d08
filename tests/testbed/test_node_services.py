"""What runs on a node is what its services folder says."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from modelmonitor_testbed.node.addresses import Addresses
from modelmonitor_testbed.node.configuration import NodePlace
from modelmonitor_testbed.node.init import RESTART_SECONDS, Services
from modelmonitor_testbed.node.setup import pause_service, resume_service, start_services

WAITS_FOREVER = [sys.executable, "-c", "import signal; signal.pause()"]


class Clock:
    """A clock that stands still until a test moves it."""

    seconds = 0.0

    def __call__(self) -> float:
        return self.seconds


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def place(tmp_path: Path) -> NodePlace:
    """A node whose services folder is empty."""
    (tmp_path / "services").mkdir()
    return NodePlace("demo", 1, tmp_path, Addresses(150))


@pytest.fixture
def services(place: NodePlace, clock: Clock) -> Iterator[Services]:
    """The keeper of that node's services; what still runs at the end is killed."""
    keeper = Services(place.services, clock)
    yield keeper
    for child in keeper.running.values():
        child.kill()
        child.wait()


def wait_all(children: dict[str, subprocess.Popen[bytes]]) -> None:
    for child in children.values():
        child.wait(timeout=10)


def test_a_program_that_is_named_starts_once(place: NodePlace, services: Services) -> None:
    start_services(place, {"kubelet": WAITS_FOREVER})
    services.settle()
    first = services.running["kubelet"].pid
    services.settle()
    assert services.running["kubelet"].pid == first


def test_a_paused_program_ends_and_a_resumed_one_starts_again(
    place: NodePlace, services: Services, clock: Clock
) -> None:
    start_services(place, {"kubelet": WAITS_FOREVER})
    services.settle()
    pause_service(place, "kubelet")
    services.settle()
    wait_all(services.running)
    services.settle()
    assert services.running == {}
    resume_service(place, "kubelet")
    clock.seconds += RESTART_SECONDS
    services.settle()
    assert list(services.running) == ["kubelet"]


def test_a_program_that_ends_starts_again_but_not_at_once(place: NodePlace, services: Services, clock: Clock) -> None:
    start_services(place, {"kubelet": [sys.executable, "-c", "pass"]})
    services.settle()
    wait_all(services.running)
    services.settle()
    assert services.running == {}
    clock.seconds += RESTART_SECONDS
    services.settle()
    assert list(services.running) == ["kubelet"]


def test_a_half_written_service_is_not_started(place: NodePlace, services: Services) -> None:
    (place.services / "kubelet.part").write_text(json.dumps({"command": WAITS_FOREVER}))
    services.settle()
    assert services.running == {}


def test_what_a_program_prints_is_in_its_log(place: NodePlace, services: Services) -> None:
    start_services(place, {"kubelet": [sys.executable, "-c", "print('hello from the node')"]})
    services.settle()
    wait_all(services.running)
    assert (place.folder / "kubelet.log").read_text() == "hello from the node\n"
