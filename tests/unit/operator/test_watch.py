"""List and watch against a loopback API server that breaks in every way that was seen."""

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

from aiohttp import web
from kubernetes.aio.client import Configuration

from modelmonitor_operator.adapters.connection import Connection
from modelmonitor_operator.adapters.watch import Scope, Watch
from modelmonitor_operator.errors import ClusterError, ForbiddenError
from modelmonitor_operator.objects import POD
from modelmonitor_operator.telemetry import Telemetry
from tests.unit.operator.worlds import FakeClock

Script = list[list[bytes | int]]


def item(name: str, version: str = "1") -> dict[str, Any]:
    return {"metadata": {"name": name, "namespace": "team-a", "uid": f"uid-{name}", "resourceVersion": version}}


def event(kind: str, raw: dict[str, Any]) -> bytes:
    return json.dumps({"type": kind, "object": raw}).encode() + b"\n"


class Seen:
    """A sink that remembers."""

    def __init__(self) -> None:
        self.present: set[str] = set()
        self.errors: list[ClusterError] = []
        self.lists = 0
        self.changed = asyncio.Event()

    def put(self, raw: dict[str, Any]) -> None:
        self.present.add(raw["metadata"]["name"])
        self.changed.set()

    def drop(self, raw: dict[str, Any]) -> None:
        self.present.discard(raw["metadata"]["name"])
        self.changed.set()

    def listed(self) -> None:
        self.lists += 1
        self.changed.set()

    def failed(self, error: ClusterError) -> None:
        self.errors.append(error)
        self.changed.set()


class FakeApi:
    """Lists what `items` holds and plays one script of lines for each watch; the last watch stays open."""

    def __init__(self, *scripts: list[bytes | int]) -> None:
        self.items: list[dict[str, Any]] = []
        self.scripts = list(scripts)
        self.watched_from: list[str] = []
        self.accepted: list[str] = []
        self.list_status = 200

    async def handle(self, request: web.Request) -> web.StreamResponse:
        self.accepted.append(request.headers["Accept"])
        if "watch" not in request.query:
            body = {"metadata": {"resourceVersion": "10"}, "items": self.items}
            return web.json_response(body, status=self.list_status)
        self.watched_from.append(request.query["resourceVersion"])
        script = self.scripts.pop(0) if self.scripts else None
        if script and isinstance(script[0], int):
            return web.json_response({"message": "scripted"}, status=script[0])
        response = web.StreamResponse()
        await response.prepare(request)
        for line in script or ():
            await response.write(line if isinstance(line, bytes) else b"")
        if script is None:
            await asyncio.Event().wait()
        return response


@asynccontextmanager
async def watching(api: FakeApi, clock: FakeClock | None = None, **scope: Any) -> AsyncIterator[Seen]:
    app = web.Application()
    app.router.add_get("/api/v1/namespaces/team-a/pods", api.handle)
    runner = web.AppRunner(app, shutdown_timeout=0.1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    configuration = Configuration()
    configuration.host = f"http://127.0.0.1:{runner.addresses[0][1]}"
    connection = Connection(configuration, 5.0)
    seen = Seen()
    watch = Watch(connection, Scope(POD, "team-a", **scope), seen, clock or FakeClock(), Telemetry("test"))
    task = asyncio.create_task(watch.run())
    try:
        yield seen
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        await connection.close()
        await runner.cleanup()


async def until(seen: Seen, probe: Callable[[], bool]) -> None:
    async with asyncio.timeout(5):
        while not probe():
            seen.changed.clear()
            await seen.changed.wait()


async def test_objects_come_and_go() -> None:
    api = FakeApi([event("ADDED", item("b", "11")), event("DELETED", item("a", "12"))])
    api.items = [item("a")]
    async with watching(api) as seen:
        await until(seen, lambda: seen.present == {"b"})
    assert seen.lists == 1


async def test_a_watch_that_ends_goes_on_from_its_last_bookmark() -> None:
    api = FakeApi([event("BOOKMARK", {"metadata": {"resourceVersion": "99"}})], [event("ADDED", item("z", "100"))])
    async with watching(api) as seen:
        await until(seen, lambda: "z" in seen.present)
    assert api.watched_from[:2] == ["10", "99"]
    assert seen.lists == 1


async def lists_within(seconds: float, **scope: bool) -> list[float]:
    """When a kind was listed in so many seconds, by a server that ends each watch at once."""
    api, clock, times = FakeApi(*([[]] * int(2 * seconds))), FakeClock(), []
    began = clock.now
    async with watching(api, clock, **scope) as seen:
        seen.listed = lambda: times.append(clock.now - began)  # type: ignore[method-assign]
        async with asyncio.timeout(20):
            while clock.now - began < seconds:  # noqa: ASYNC110 - the watch moves this clock
                await asyncio.sleep(0)
    return times


async def test_a_kind_that_may_be_new_is_listed_again_soon_and_then_less_and_less() -> None:
    first, second, third, *_ = await lists_within(120, may_be_new=True)
    assert first < 1
    assert 9 < second - first < 13
    assert 13 < third - second < 18
    assert len(await lists_within(120)) == 1


async def test_a_server_that_ends_every_watch_at_once_is_not_asked_without_a_pause() -> None:
    api, clock = FakeApi(*([[]] * 10)), FakeClock()
    started = clock.now
    async with watching(api, clock), asyncio.timeout(5):
        while len(api.watched_from) < 11:  # noqa: ASYNC110 - filled by the server of this loop
            await asyncio.sleep(0)
    assert clock.now - started >= 10.0


async def test_after_410_everything_is_listed_and_what_is_gone_is_dropped() -> None:
    status = {"kind": "Status", "code": 410, "message": "too old resource version"}
    api = FakeApi([event("ADDED", item("b", "11")), event("ERROR", status)])
    api.items = [item("a")]
    async with watching(api) as seen:
        await until(seen, lambda: "b" in seen.present)
        await until(seen, lambda: seen.lists == 2 and seen.present == {"a"})


async def test_a_410_when_the_watch_opens_lists_again() -> None:
    async with watching(FakeApi([410])) as seen:
        await until(seen, lambda: seen.lists == 2)


async def test_errors_and_nonsense_on_the_stream_are_survived() -> None:
    internal = {"kind": "Status", "code": 500, "message": "internal"}
    api = FakeApi(
        [event("ERROR", internal)], [b"<html>\n"], [b'{"type":"ADDED"}\n'], [500], [event("ADDED", item("z", "20"))]
    )
    async with watching(api) as seen:
        await until(seen, lambda: "z" in seen.present)
    assert len(seen.errors) == 4


async def test_a_line_that_comes_in_pieces_and_is_large_is_read() -> None:
    large = item("large", "11")
    large["metadata"]["annotations"] = {"x": "y" * 600_000}
    line = event("ADDED", large)
    async with watching(FakeApi([line[:100], line[100:]])) as seen:
        await until(seen, lambda: "large" in seen.present)


async def test_a_missing_right_is_told_and_tried_again() -> None:
    api = FakeApi()
    api.list_status = 403
    api.items = [item("a")]
    async with watching(api) as seen:
        await until(seen, lambda: bool(seen.errors))
        assert isinstance(seen.errors[0], ForbiddenError)
        api.list_status = 200
        await until(seen, lambda: seen.present == {"a"})


async def test_of_large_objects_only_metadata_is_asked_for() -> None:
    api = FakeApi()
    async with watching(api, metadata_only=True), asyncio.timeout(5):
        while len(api.accepted) < 2:  # noqa: ASYNC110 - filled by the server of this loop
            await asyncio.sleep(0)
    kinds = [accepted.split(";")[1] for accepted in api.accepted]
    assert kinds == ["as=PartialObjectMetadataList", "as=PartialObjectMetadata"]
