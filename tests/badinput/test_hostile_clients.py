"""Whoever reaches the ports of the sidecar and of the operator: silent, half said, too long, too many.

Each server listens as it does in its pod, on a port of loopback, on asyncio's loop (the sidecar's) and on uvloop's (the
operator's): their transports have nothing in common but their methods.
"""

import asyncio
import contextlib
import socket
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack
from pathlib import Path

import aiohttp
import pytest
from aiohttp import web

from modelmonitor_operator.adapters import http_server
from modelmonitor_sidecar import site
from modelmonitor_sidecar.server import build_application
from tests.edge.leader.test_leader_server import Leader
from tests.edge.sidecar.test_server import Served

MANY = 100
"""So many more than are let in."""
PATIENCE_SECONDS = 10.0
Start = Callable[[Path, int], Awaitable[web.AppRunner]]


async def start_sidecar(folder: Path, port: int) -> web.AppRunner:
    return await site.serve(build_application(Served(folder).pages), "127.0.0.1", port)


async def start_operator(_folder: Path, port: int) -> web.AppRunner:
    return await http_server.serve(Leader().build_app(), port)


SERVERS = {
    "the sidecar": (start_sidecar, site.MAX_CONNECTIONS),
    "the operator": (start_operator, http_server.MAX_CONNECTIONS),
}


class Target:
    """A server that listens, and what this test has opened to it."""

    def __init__(self, port: int, runner: web.AppRunner, limit: int, stack: AsyncExitStack) -> None:
        self.port, self.limit = port, limit
        self._runner, self._stack = runner, stack

    def open_now(self) -> int:
        return len(self._runner.server.connections) if self._runner.server else 0

    async def connect(self, said: bytes = b"") -> socket.socket:
        """A connection that has said something, as far as the other end takes it."""
        one = self._stack.enter_context(socket.socket())
        one.setblocking(False)  # noqa: FBT003
        loop = asyncio.get_running_loop()
        await loop.sock_connect(one, ("127.0.0.1", self.port))
        with contextlib.suppress(ConnectionError):
            await loop.sock_sendall(one, said)
        return one

    async def metrics(self) -> str:
        deadline = aiohttp.ClientTimeout(total=PATIENCE_SECONDS)
        async with (
            aiohttp.ClientSession(timeout=deadline) as session,
            session.get(f"http://127.0.0.1:{self.port}/metrics") as response,
        ):
            return await response.text()


def free_port() -> int:
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return int(one.getsockname()[1])


@pytest.fixture(params=list(SERVERS.values()), ids=list(SERVERS))
async def target(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Target]:
    start, limit = request.param
    port = free_port()
    runner = await start(tmp_path, port)
    async with AsyncExitStack() as stack:
        stack.push_async_callback(runner.cleanup)
        yield Target(port, runner, limit, stack)


async def read(one: socket.socket) -> bytes:
    """The first that comes."""
    async with asyncio.timeout(PATIENCE_SECONDS):
        return await asyncio.get_running_loop().sock_recv(one, 65536)


async def until(holds: Callable[[], bool]) -> None:
    for _ in range(round(PATIENCE_SECONDS / 0.01)):
        if holds():
            return
        await asyncio.sleep(0.01)
    raise TimeoutError


@pytest.mark.parametrize(
    "said",
    [
        pytest.param(b"", id="that say nothing"),
        pytest.param(b"GET /metr", id="that say half a request line"),
        pytest.param(b"GET /metrics HTTP/1.1\r\nHost: x\r\nX-Slow: a", id="that say half a header"),
        pytest.param(b"GET /metrics HTTP/1.1\r\nHost: x\r\n\r\n", id="that ask, read nothing and stay"),
    ],
)
async def test_hundreds_of_connections_leave_the_metrics_page_answering(target: Target, said: bytes) -> None:
    for _ in range(target.limit + MANY):
        await target.connect(said)
    assert "modelmonitor_" in await target.metrics()
    await until(lambda: target.open_now() <= target.limit)
    assert target.open_now() >= target.limit - 1, "they did not fill the server, so this test shows nothing"


async def test_a_scraper_that_keeps_its_connection_keeps_it_beside_others_that_come_and_go(target: Target) -> None:
    scraper = await target.connect()
    for _ in range(3):
        await asyncio.get_running_loop().sock_sendall(scraper, b"GET /nothing HTTP/1.1\r\nHost: x\r\n\r\n")
        assert (await read(scraper)).startswith(b"HTTP/1.1 404")
        for _ in range(target.limit // 2):
            await target.connect()


@pytest.mark.parametrize(
    "said",
    [
        pytest.param(b"GET /" + b"a" * 100_000 + b" HTTP/1.1\r\nHost: x\r\n\r\n", id="a request line of 100 kB"),
        pytest.param(b"GET /metrics HTTP/1.1\r\nX: " + b"a" * 100_000 + b"\r\n\r\n", id="a header of 100 kB"),
        pytest.param(
            b"GET /metrics HTTP/1.1\r\n" + b"".join(b"X-%d: a\r\n" % n for n in range(20_000)) + b"\r\n",
            id="twenty thousand headers",
        ),
        pytest.param(b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + b"\x00" * 500, id="a TLS handshake"),
        pytest.param(b"GET http://169.254.169.254/ HTTP/1.1\r\nHost: 169.254.169.254\r\n\r\n", id="a proxy's request"),
        pytest.param(b"CONNECT 169.254.169.254:80 HTTP/1.1\r\nHost: 169.254.169.254\r\n\r\n", id="a tunnel"),
        pytest.param(
            b"POST /metrics HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
            id="a smuggled request",
        ),
    ],
)
async def test_what_is_no_request_for_a_page_is_refused_and_the_next_is_answered(target: Target, said: bytes) -> None:
    first = await read(await target.connect(said))
    assert first[:12] in {b"HTTP/1.1 400", b"HTTP/1.0 400", b"HTTP/1.1 404", b"HTTP/1.1 405"}
    assert "modelmonitor_" in await target.metrics()
