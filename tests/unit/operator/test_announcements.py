"""How often a monitor may speak in Events, and how long that is remembered."""

from modelmonitor_operator.announcer import BURST, REPEAT_SECONDS, Announcer
from modelmonitor_operator.desired.event import Announcement, EventType
from tests.unit.operator.worlds import monitor


def words(count: int) -> list[Announcement]:
    return [Announcement(EventType.WARNING, "GpuHot", f"message {number}") for number in range(count)]


def test_a_monitor_says_a_few_things_at_once_and_the_rest_is_counted() -> None:
    dropped: list[int] = []
    announcer = Announcer(lambda: dropped.append(1))
    assert len(announcer.admit(monitor(), words(13), 1000.0)) == BURST
    assert len(dropped) == 3


def test_the_same_words_are_not_said_again_for_ten_minutes() -> None:
    announcer = Announcer()
    assert len(announcer.admit(monitor(), words(1), 1000.0)) == 1
    assert announcer.admit(monitor(), words(1), 1000.0 + REPEAT_SECONDS - 1) == ()
    assert len(announcer.admit(monitor(), words(1), 1000.0 + REPEAT_SECONDS)) == 1


def test_monitors_that_are_gone_are_forgotten() -> None:
    announcer = Announcer()
    for number in range(100):
        announcer.admit(monitor(uid=f"m{number}"), words(1), 1000.0)
    announcer.admit(monitor(uid="late"), words(1), 1000.0 + REPEAT_SECONDS)
    assert set(announcer._tokens) == set(announcer._said) == {"late"}
