"""From the NodePlan of the API server to the pods that are read."""

import asyncio
from collections.abc import AsyncIterator

import pytest

from modelmonitor_api.summary import SourceState
from modelmonitor_sidecar.snapshot import PlanSnapshot, SnapshotStore
from modelmonitor_sidecar.sources.plan import PlanFollower, accept_plan
from modelmonitor_sidecar.sources.plan_server import Json, WatchError, WatchExpiredError
from modelmonitor_sidecar.targets import plan_targets, smallest_interval
from tests.unit.sidecar.readings import monitor, plan, pod


def stored(
    generation: float = 1, *, version: str = "5", node: str = "node-a", name: str = "fraud"
) -> dict[str, object]:
    return {
        "metadata": {"name": node, "generation": generation, "resourceVersion": version},
        "spec": plan(monitor(pod(), name=name), node=node).to_wire(),
    }


def test_a_plan_comes_into_force_with_its_generation() -> None:
    seen = accept_plan(PlanSnapshot(), stored(7), "node-a")
    assert (seen.state, seen.generation, seen.listed) == (SourceState.OK, 7, True)
    assert seen.monitors[0].pods[0].name == "fraud-0"


def test_no_plan_is_no_error() -> None:
    seen = accept_plan(accept_plan(PlanSnapshot(), stored(), "node-a"), None, "node-a")
    assert (seen.state, seen.listed, seen.monitors, seen.generation) == (SourceState.OK, True, (), None)


@pytest.mark.parametrize(
    ("given", "words"),
    [
        pytest.param({"metadata": {"generation": 2}, "spec": {"nodeName": 5}}, "cannot be read", id="wrong types"),
        pytest.param({"spec": plan().to_wire()}, "cannot be read", id="no metadata"),
        pytest.param({"metadata": {"generation": 2}}, "cannot be read", id="no spec"),
        pytest.param(stored(float("inf")), "cannot be read", id="a generation without end"),
        pytest.param(stored(2, node="node-b"), "made for node node-b", id="another node's plan"),
    ],
)
def test_what_is_no_plan_of_ours_leaves_the_last_one_in_force(given: Json, words: str) -> None:
    known = accept_plan(PlanSnapshot(), stored(1), "node-a")
    seen = accept_plan(known, given, "node-a")
    assert (seen.state, seen.generation, seen.spec) == (SourceState.FAILED, 1, known.spec)
    assert words in seen.message


class ScriptedServer:
    """Answers in the order of its script: a plan or None for a list, events or an error for a watch."""

    def __init__(self, lists: list[object], watches: list[list[object]]) -> None:
        self.lists, self.watches = lists, watches
        self.watched_from: list[str] = []

    async def list_plan(self) -> tuple[Json | None, str]:
        answer = self.lists.pop(0)
        if isinstance(answer, Exception):
            raise answer
        return answer, "100"

    async def watch_plan(self, version: str) -> AsyncIterator[Json]:
        self.watched_from.append(version)
        if not self.watches:
            raise asyncio.CancelledError
        for event in self.watches.pop(0):
            if isinstance(event, Exception):
                raise event
            yield event


async def follow(server: ScriptedServer) -> tuple[SnapshotStore, list[int | None], list[float]]:
    store, changes, pauses = SnapshotStore(), [], []

    async def sleep(seconds: float) -> None:
        pauses.append(seconds)

    follower = PlanFollower(server, store, "node-a", lambda p: changes.append(p.generation), sleep)
    with pytest.raises((asyncio.CancelledError, IndexError)):
        await follower.run()
    return store, changes, pauses


async def test_a_watch_goes_on_from_the_newest_version_that_it_saw() -> None:
    events = [
        {"type": "MODIFIED", "object": stored(2, version="107", name="other")},
        {"type": "BOOKMARK", "object": {"metadata": {"resourceVersion": "120"}}},
    ]
    server = ScriptedServer([stored(1)], [events, []])
    store, changes, _ = await follow(server)
    assert changes == [1, 2]
    assert store.newest.plan.generation == 2
    assert server.watched_from == ["100", "120", "120"]


async def test_a_plan_that_cannot_be_read_stays_a_failure_when_a_bookmark_follows() -> None:
    events = [
        {"type": "MODIFIED", "object": {"metadata": {"generation": 2, "resourceVersion": "107"}, "spec": {}}},
        {"type": "BOOKMARK", "object": {"metadata": {"resourceVersion": "120"}}},
    ]
    store, changes, _ = await follow(ScriptedServer([stored(1)], [events]))
    assert (store.newest.plan.state, store.newest.plan.generation, changes) == (SourceState.FAILED, 1, [1])
    assert "cannot be read" in store.newest.plan.message


async def test_a_version_that_is_too_old_is_listed_again_without_an_error() -> None:
    server = ScriptedServer([stored(1), stored(2, name="other")], [[WatchExpiredError("410")]])
    store, changes, _ = await follow(server)
    assert changes == [1, 2]
    assert (store.newest.plan.state, store.newest.plan.errors) == (SourceState.OK, 0)


async def test_with_the_server_away_the_last_plan_stays_and_the_pauses_grow() -> None:
    away = WatchError("refused")
    server = ScriptedServer([stored(1), away, away, away, away, away, away, away, away], [[away]])
    store, changes, pauses = await follow(server)
    assert changes == [1]
    assert store.newest.plan.generation == 1
    assert (store.newest.plan.state, store.newest.plan.errors) == (SourceState.FAILED, 9)
    assert max(pauses) <= 30
    assert pauses[6] > 10


async def test_a_deleted_plan_empties_the_sidecar() -> None:
    server = ScriptedServer([stored(1)], [[{"type": "DELETED", "object": stored(1, version="9")}]])
    store, changes, _ = await follow(server)
    assert changes == [1, None]
    assert store.newest.plan.monitors == ()


async def test_an_event_without_an_object_is_an_error_and_no_crash() -> None:
    server = ScriptedServer([stored(1)], [[{"type": "MODIFIED"}]])
    store, _, _ = await follow(server)
    assert store.newest.plan.state is SourceState.FAILED


def test_a_pod_of_two_monitors_is_read_once_at_the_smaller_interval_with_both_windows() -> None:
    shared = pod(ip="10.0.0.7")
    found = plan_targets((monitor(shared, interval=30, window=600), monitor(shared, name="b", interval=5, window=60)))
    assert list(found) == [shared.uid]
    assert (found[shared.uid].interval_seconds, found[shared.uid].windows) == (5, (60, 600))


def test_the_nodes_sources_are_read_at_the_smallest_interval_or_the_default() -> None:
    assert smallest_interval((monitor(interval=30), monitor(interval=10)), 15) == 10
    assert smallest_interval((), 15) == 15
