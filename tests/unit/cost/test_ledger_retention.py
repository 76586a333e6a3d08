"""Ledgers of ModelMonitors that are gone are kept for their time, and no others are touched."""

from typing import Any

import pytest

from modelmonitor_api.names import MonitorRef
from modelmonitor_operator.cost.ledger_writes import begin, stamped
from modelmonitor_operator.desired.ledger_config_map import build_ledger_config_map, ledger_ref
from modelmonitor_operator.errors import UnavailableError
from modelmonitor_operator.ledger_retention import LedgerRetention
from modelmonitor_operator.objects import CONFIG_MAP, ObjectRef
from tests.unit.cost.accounts import NOW
from tests.unit.cost.ledger_house import Clock, Leader, Shelf

DAY = 86400.0


async def left(uid: str = "gone", namespace: str = "team-a", days: float = 500) -> tuple[Leader, Shelf]:
    """A ledger that was last written so many days ago, of a monitor that is gone."""
    shelf, clock = Shelf(), Clock()
    clock.passed = days * DAY
    leader = Leader(shelf, clock, cost={"ledgerRetentionDays": 400})
    ledger = stamped(begin(uid, NOW, had_one=False), NOW)
    manifest = build_ledger_config_map(leader.settings, MonitorRef(namespace, "fraud"), ledger)
    await shelf.create(ledger_ref(leader.settings, uid), manifest)
    return leader, shelf


async def sweep(leader: Leader, *watched: str) -> bool:
    """Whether the ledger is still there afterwards."""
    retention = LedgerRetention(leader.settings, leader.world, leader.shelf, leader.clock, lambda: watched)
    await retention.sweep()
    return bool(leader.shelf.objects)


@pytest.mark.parametrize(("days", "kept"), [(399, True), (401, False)], ids=["in its time", "after its time"])
async def test_the_ledger_of_a_monitor_that_is_gone_is_kept_for_its_time(*, days: float, kept: bool) -> None:
    leader, _ = await left(days=days)
    assert await sweep(leader) is kept


async def test_the_ledger_of_a_monitor_that_is_there_is_kept_however_long_nothing_ran() -> None:
    leader, _ = await left(uid="m1")
    leader.told()
    assert await sweep(leader)


@pytest.mark.parametrize(("watched", "kept"), [("team-a", False), ("team-b", True)], ids=["watched", "another's"])
async def test_only_ledgers_of_namespaces_that_are_watched_are_removed(*, watched: str, kept: bool) -> None:
    leader, _ = await left()
    assert await sweep(leader, watched) is kept


async def test_nothing_is_removed_before_the_monitors_are_listed() -> None:
    leader, _ = await left()
    leader.world.monitors_listed = False
    assert await sweep(leader)


async def test_other_config_maps_and_ledgers_without_their_annotations_are_left_alone() -> None:
    leader, shelf = await left()
    ref = ledger_ref(leader.settings, "gone")
    metadata = shelf.objects[ref]["metadata"]
    plain = ObjectRef(CONFIG_MAP, "system", "other")
    shelf.objects[plain] = {"metadata": {**metadata, "name": "other", "labels": {}}}
    shelf.objects[ref] = {"metadata": {**metadata, "annotations": {}}}
    await sweep(leader)
    assert set(shelf.objects) == {plain, ref}


async def test_a_ledger_that_is_written_at_that_moment_is_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    leader, shelf = await left()
    old = {ref: raw["metadata"] for ref, raw in shelf.objects.items()}
    shelf.edit('"schemaVersion":1', '"schemaVersion": 1', uid="gone")

    async def stale(*_: object) -> list[dict[str, Any]]:
        return [{"metadata": metadata} for metadata in old.values()]

    monkeypatch.setattr(shelf, "list_metadata", stale)
    assert await sweep(leader)


async def test_a_server_that_does_not_answer_is_asked_again_later(monkeypatch: pytest.MonkeyPatch) -> None:
    leader, shelf = await left()
    shelf.fail_before = UnavailableError("no answer")
    retention = LedgerRetention(leader.settings, leader.world, shelf, leader.clock, tuple)

    class DoneError(Exception):
        pass

    slept: list[float] = []

    async def sleep(seconds: float) -> None:
        slept.append(seconds)
        if len(slept) == 3:
            raise DoneError

    monkeypatch.setattr(leader.clock, "sleep", sleep)
    with pytest.raises(DoneError):
        await retention.run()
    assert slept == [3600.0] * 3
    assert not shelf.objects
