"""Servers on loopback that answer as a test says: a Triton of recorded pages, and raw bytes."""

import asyncio
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path

from aiohttp import web

FIXTURES = Path(__file__).parents[2] / "fixtures" / "triton"
Conversation = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


def answer(body: bytes, *, status: str = "200 OK", kind: str = "text/plain", more: str = "") -> bytes:
    """An HTTP answer as bytes."""
    head = (
        f"HTTP/1.1 {status}\r\nContent-Type: {kind}\r\nContent-Length: {len(body)}\r\nConnection: close\r\n{more}\r\n"
    )
    return head.encode() + body


@asynccontextmanager
async def raw_server(
    conversation: Conversation, tls: ssl.SSLContext | None = None, *, host: str = "127.0.0.1"
) -> AsyncIterator[int]:
    """A server that says what `conversation` says; gives its port."""
    open_writers: set[asyncio.StreamWriter] = set()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        open_writers.add(writer)
        try:
            await reader.readuntil(b"\r\n\r\n")
            await conversation(reader, writer)
            await writer.drain()
        except (ConnectionError, asyncio.IncompleteReadError):
            pass
        finally:
            open_writers.discard(writer)
            writer.close()

    server = await asyncio.start_server(serve, host, 0, ssl=tls)
    try:
        yield server.sockets[0].getsockname()[1]
    finally:
        server.close()
        for writer in open_writers:
            writer.transport.abort()
        await asyncio.sleep(0)


def says(*pieces: bytes) -> Conversation:
    """A conversation that is one answer."""

    async def conversation(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        for piece in pieces:
            writer.write(piece)
            await writer.drain()

    return conversation


@asynccontextmanager
async def recorded_triton(folder: str = "default", state: str = "served", *, ready: int = 200) -> AsyncIterator[int]:
    """A server of one recorded state on one port, HTTP API and metrics page both."""

    def recorded(name: str, kind: str) -> Callable[[web.Request], Awaitable[web.Response]]:
        body = (FIXTURES / folder / f"{state}.{name}").read_bytes()

        async def handler(_request: web.Request) -> web.Response:
            return web.Response(body=body, content_type=kind)

        return handler

    async def metadata(_request: web.Request) -> web.Response:
        return web.json_response({"name": "triton", "version": "2.51.0", "extensions": []})

    async def readiness(_request: web.Request) -> web.Response:
        return web.Response(status=ready)

    application = web.Application()
    application.router.add_get("/v2", metadata)
    application.router.add_get("/v2/health/ready", readiness)
    application.router.add_get("/v2/models/stats", recorded("stats.json", "application/json"))
    application.router.add_post("/v2/repository/index", recorded("index.json", "application/json"))
    application.router.add_get("/metrics", recorded("metrics.txt", "text/plain"))
    async with served(application) as port:
        yield port


@asynccontextmanager
async def served(application: web.Application) -> AsyncIterator[int]:
    """An application on a free port of loopback."""
    runner = web.AppRunner(application, access_log=None, shutdown_timeout=0.1)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    try:
        yield runner.addresses[0][1]
    finally:
        await runner.cleanup()
