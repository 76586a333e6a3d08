"""The NodePlan over HTTP, from an API server that is well, away, or says nonsense."""

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from aiohttp import web

from modelmonitor_sidecar.sources.plan_server import (
    MAX_ANSWER_BYTES,
    Account,
    HttpPlanServer,
    Json,
    WatchError,
    WatchExpiredError,
)
from tests.edge.sidecar.loopback import raw_server, says, served

PATH = "/apis/modelmonitor.dev/v1alpha1/namespaces/mm/nodeplans"


@asynccontextmanager
async def plan_server(url: str, folder: Path) -> AsyncIterator[HttpPlanServer]:
    (folder / "token").write_text("secret-1\n")
    server = HttpPlanServer(url, "mm", "node-a", Account(folder / "token", folder / "ca.crt"))
    try:
        yield server
    finally:
        await server.close()


@asynccontextmanager
async def answering(
    handler: Callable[[web.Request], Awaitable[web.StreamResponse]], folder: Path
) -> AsyncIterator[HttpPlanServer]:
    application = web.Application()
    application.router.add_get(PATH, handler)
    async with served(application) as port, plan_server(f"http://127.0.0.1:{port}", folder) as server:
        yield server


def streams(*lines: bytes) -> Callable[[web.Request], Awaitable[web.StreamResponse]]:
    async def handler(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse()
        await response.prepare(request)
        for line in lines:
            await response.write(line)
        return response

    return handler


async def events(server: HttpPlanServer) -> list[Json]:
    return [event async for event in server.watch_plan("5")]


async def test_the_list_asks_for_one_name_with_the_token_of_the_file(tmp_path: Path) -> None:
    seen: list[tuple[str, str]] = []

    async def handler(request: web.Request) -> web.Response:
        seen.append((request.query["fieldSelector"], request.headers["Authorization"]))
        return web.json_response({"metadata": {"resourceVersion": "42"}, "items": [{"spec": {}}]})

    async with answering(handler, tmp_path) as server:
        assert await server.list_plan() == ({"spec": {}}, "42")
        (tmp_path / "token").write_text("secret-2\n")
        await server.list_plan()
    assert seen == [("metadata.name=node-a", "Bearer secret-1"), ("metadata.name=node-a", "Bearer secret-2")]


async def test_no_plan_is_none(tmp_path: Path) -> None:
    async with answering(streams(b'{"metadata": {"resourceVersion": "1"}, "items": null}'), tmp_path) as server:
        assert await server.list_plan() == (None, "1")


async def test_events_are_read_whatever_pieces_they_come_in(tmp_path: Path) -> None:
    lines = (b'{"type": "MODI', b'FIED", "object": {"a": 1}}\n{"type"', b': "BOOKMARK", "object": {}}\n', b"\n")
    async with answering(streams(*lines), tmp_path) as server:
        assert [event["type"] for event in await events(server)] == ["MODIFIED", "BOOKMARK"]


@pytest.mark.parametrize(
    ("line", "error", "words"),
    [
        pytest.param({"type": "ERROR", "object": {"code": 410}}, WatchExpiredError, "too old", id="410 as an event"),
        pytest.param({"type": "ERROR", "object": {"code": 500, "message": "etcd"}}, WatchError, "500: etcd", id="500"),
        pytest.param({"type": "ERROR", "object": None}, WatchError, "answered 0", id="an error without a status"),
        pytest.param({"type": "ERROR", "object": ["x"]}, WatchError, "answered 0", id="an error with a list as status"),
        pytest.param(
            {"type": "ERROR", "object": {"code": {}}}, WatchError, "answered 0", id="a code that is no number"
        ),
        pytest.param("no event", WatchError, "no JSON object", id="a word"),
    ],
)
async def test_an_event_that_is_an_error_ends_the_watch(
    tmp_path: Path, line: object, error: type[WatchError], words: str
) -> None:
    async with answering(streams(json.dumps(line).encode() + b"\n"), tmp_path) as server:
        with pytest.raises(error, match=words):
            await events(server)


@pytest.mark.parametrize(
    ("status", "words"),
    [
        pytest.param(403, "may not list and watch nodeplans", id="no right"),
        pytest.param(401, "ServiceAccount", id="a token that is not believed"),
        pytest.param(404, "CustomResourceDefinition", id="no CRD"),
        pytest.param(503, "503", id="overloaded"),
    ],
)
async def test_a_refusal_says_what_to_do(tmp_path: Path, status: int, words: str) -> None:
    async def handler(_request: web.Request) -> web.Response:
        return web.Response(status=status, text="x" * 100_000)

    async with answering(handler, tmp_path) as server:
        with pytest.raises(WatchError, match=words):
            await server.list_plan()
        with pytest.raises(WatchError, match=words):
            await events(server)


async def test_410_when_the_watch_opens_is_too_old(tmp_path: Path) -> None:
    async def handler(_request: web.Request) -> web.Response:
        return web.Response(status=410)

    async with answering(handler, tmp_path) as server:
        with pytest.raises(WatchExpiredError):
            await events(server)


@pytest.mark.parametrize(
    "body",
    [
        pytest.param(b"<html>", id="HTML"),
        pytest.param(b"[]", id="a list"),
        pytest.param(b'{"a":' * 200_000, id="nested without end"),
        pytest.param(b"\xff\xfe", id="no UTF-8"),
        pytest.param(b"x" * (MAX_ANSWER_BYTES + 1), id="too much"),
    ],
)
async def test_garbage_is_an_error_and_no_crash(tmp_path: Path, body: bytes) -> None:
    async with answering(streams(body), tmp_path) as server:
        with pytest.raises(WatchError, match="listing the NodePlan failed"):
            await server.list_plan()
    async with answering(streams(body + b"\n"), tmp_path) as server:
        with pytest.raises(WatchError, match="watching the NodePlan failed"):
            await events(server)


@pytest.mark.parametrize(
    "answer",
    [
        pytest.param({"items": {"0": {}}}, id="items are an object"),
        pytest.param({"items": "plans"}, id="items are a word"),
        pytest.param({"items": ["a plan"]}, id="an item is a word"),
        pytest.param({"items": [], "metadata": [1]}, id="metadata are a list"),
    ],
)
async def test_a_list_of_another_shape_is_an_error_and_no_crash(tmp_path: Path, answer: object) -> None:
    async with answering(streams(json.dumps(answer).encode()), tmp_path) as server:
        with pytest.raises(WatchError, match="no list of objects"):
            await server.list_plan()


async def test_a_line_without_end_is_cut(tmp_path: Path) -> None:
    async def handler(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse()
        await response.prepare(request)
        for _ in range(MAX_ANSWER_BYTES // 65536 + 2):
            await response.write(b"x" * 65536)
        await asyncio.sleep(5)
        return response

    async with answering(handler, tmp_path) as server, asyncio.timeout(5):
        with pytest.raises(WatchError, match="longer than"):
            await events(server)


async def test_a_connection_closed_in_the_middle_is_an_error(tmp_path: Path) -> None:
    head = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\n{"
    async with raw_server(says(head)) as port, plan_server(f"http://127.0.0.1:{port}", tmp_path) as server:
        with pytest.raises(WatchError):
            await events(server)


async def test_an_api_server_that_is_away_is_an_error(tmp_path: Path) -> None:
    async with raw_server(says()) as port:
        pass
    async with plan_server(f"http://127.0.0.1:{port}", tmp_path) as server:
        with pytest.raises(WatchError, match="listing the NodePlan failed"):
            await server.list_plan()
