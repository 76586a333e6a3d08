"""Monitors that come, go and come again while lists are on their way: no pod is forgotten, no monitor comes back."""

import asyncio
from collections.abc import Mapping
from typing import Any

from modelmonitor_operator.adapters.watch import Scope, Sink
from modelmonitor_operator.objects import POD, ResourceKind
from modelmonitor_operator.resync import Resync
from modelmonitor_operator.telemetry import Telemetry
from modelmonitor_operator.watches import Watches
from tests.unit.operator.house import House, raw_monitor


class Started(Watches):
    """Watches that never hear of anything, and tell which pods were asked for."""

    namespaces: list[str | None] = []

    async def _watch(self, scope: Scope, _sink: Sink) -> None:
        if scope.kind == POD and not scope.label_selector:
            self.namespaces.append(scope.namespace)
        await asyncio.Event().wait()


async def test_the_pods_of_a_namespace_are_listed_anew_for_the_monitor_that_replaces_the_last() -> None:
    house = House()
    connection: Any = None
    watches = Started(house.settings, connection, house.intake, house.clock, Telemetry("test"))
    watches.namespaces = []
    task = asyncio.create_task(watches.run(house.world))
    await asyncio.sleep(0)
    house.intake.monitor_event("ADDED", raw_monitor(uid="first", version="1"))
    await asyncio.sleep(0)
    house.intake.monitor_event("DELETED", raw_monitor(uid="first", version="2"))
    house.intake.monitor_event("ADDED", raw_monitor(uid="second", version="3"))
    await asyncio.sleep(0)
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    assert watches.namespaces == ["team-a", "team-a"]


class SlowLists:
    """An API server whose lists take as long as the test wants."""

    def __init__(self) -> None:
        self.answers: list[asyncio.Future[list[dict[str, Any]]]] = []

    async def may_watch(self, _kind: ResourceKind, _namespace: str | None) -> bool:
        return True

    async def list_objects(
        self, _kind: ResourceKind, _namespace: str | None, _query: Mapping[str, str]
    ) -> list[dict[str, Any]]:
        self.answers.append(asyncio.get_running_loop().create_future())
        return await self.answers[-1]


async def until_asked(cluster: SlowLists, count: int) -> None:
    async with asyncio.timeout(5):
        while len(cluster.answers) < count:  # noqa: ASYNC110 - filled by a task of this loop
            await asyncio.sleep(0)


async def test_a_monitor_deleted_while_two_lists_are_asked_for_does_not_come_back() -> None:
    house, cluster = House(), SlowLists()
    house.intake.monitor_event("ADDED", raw_monitor())
    resync = Resync(house.settings, cluster, house.intake, house.clock)  # type: ignore[arg-type]
    first = asyncio.create_task(resync.once())
    await until_asked(cluster, 1)
    house.intake.monitor_event("DELETED", raw_monitor())
    second = asyncio.create_task(resync.once())
    for _ in range(5):
        await asyncio.sleep(0)
    cluster.answers[0].set_result([raw_monitor()])
    await until_asked(cluster, 2)
    cluster.answers[1].set_result([])
    await asyncio.gather(first, second)
    assert house.world.monitors == {}
