"""kopf ends, and starts again; what was ours in the loop goes on."""

import asyncio
import getpass
import signal
from collections.abc import Sequence

import kopf
import pytest

from modelmonitor_operator.handlers import register
from modelmonitor_operator.handlers.supervise import Supervisor, Tasks, kopf_spawner
from modelmonitor_operator.telemetry import Telemetry
from tests.unit.operator.worlds import FakeClock, settings


async def everywhere() -> Sequence[str] | None:
    return ()


async def until_started(started: list[Sequence[str]], count: int) -> None:
    async with asyncio.timeout(5):
        while len(started) < count:  # noqa: ASYNC110 - the list is filled by a task of this loop
            await asyncio.sleep(0)


async def test_kopf_starts_again_whatever_ended_it_and_our_own_tasks_live_on() -> None:
    started: list[Sequence[str]] = []
    survivors: list[asyncio.Task[bool]] = []
    telemetry = Telemetry("test")

    async def end() -> None:
        if len(started) % 2:
            raise RuntimeError("a watch broke")

    async def wait_for_ever() -> None:
        await asyncio.Event().wait()

    async def spawn(namespaces: Sequence[str], _stop: asyncio.Event) -> Tasks:
        started.append(namespaces)
        survivors.append(asyncio.create_task(asyncio.Event().wait()))
        return [asyncio.create_task(end()), asyncio.create_task(wait_for_ever())]

    task = asyncio.create_task(Supervisor(spawn, FakeClock(), telemetry).run(everywhere))
    await until_started(started, 4)
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    assert not any(survivor.done() for survivor in survivors)
    for survivor in survivors:
        survivor.cancel()
    restarts = telemetry.registry.get_sample_value(
        "modelmonitor_operator_watch_restarts_total", {"kind": "ModelMonitor"}
    )
    assert restarts is not None
    assert restarts >= 3


async def test_kopf_waits_until_something_may_be_watched() -> None:
    asked, started = 0, []

    async def prepare() -> Sequence[str] | None:
        nonlocal asked
        asked += 1
        await asyncio.sleep(0)
        return None if asked < 4 else ("team-a",)

    async def spawn(namespaces: Sequence[str], stop: asyncio.Event) -> Tasks:
        async def run() -> None:
            await stop.wait()

        started.append(namespaces)
        return [asyncio.create_task(run())]

    supervisor = Supervisor(spawn, FakeClock(), Telemetry("test"))
    task = asyncio.create_task(supervisor.run(prepare))
    await until_started(started, 1)
    assert asked == 4
    supervisor.restart()
    await until_started(started, 2)
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    assert started == [("team-a",), ("team-a",)]


async def test_kopf_starts_where_the_users_uid_has_no_name_and_leaves_our_signals_alone(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def nameless() -> str:
        raise KeyError("getpwuid(): uid not found")

    monkeypatch.setattr(getpass, "getuser", nameless)
    ours: list[str] = []
    registry = register(settings(), lambda _type, _raw: None)
    tasks = await kopf_spawner(registry, lambda: ours.append("kept"))(("team-a",), asyncio.Event())
    for task in tasks:
        task.cancel()
    await asyncio.wait(tasks)
    for name in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().remove_signal_handler(name)
    assert ours == ["kept"]
    assert isinstance(registry, kopf.OperatorRegistry)
