"""Listens at every address of a private network, writes down who is connected to, and serves one NodePlan.

Run within the network: `python -m modelmonitor_testbed.netns_sinks SCENE LOG`. It says `ready` and serves until it is
ended.
"""

import asyncio
import json
import socket
import sys
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from aiohttp import web

_NOT_FOUND = "404 Not Found\r\n"


@dataclass(frozen=True)
class Scene:
    """What is served.

    Attributes:
        spec: of the NodePlan, as the API server gives it.
        answers: by address, the status line and headers of a server that redirects.
    """

    ports: tuple[int, ...]
    plan_port: int
    plan_path: str
    node: str
    spec: dict[str, Any]
    answers: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Connection:
    """One connection that came: where it was meant to go."""

    address: str
    port: int


def read_connections(log: Path) -> list[Connection]:
    """All connections so far; a line that is half written waits."""
    whole = log.read_text().rpartition("\n")[0] if log.exists() else ""
    return [Connection(**json.loads(line)) for line in whole.splitlines()]


def _listen(port: int) -> socket.socket:
    return socket.create_server(("::", port), family=socket.AF_INET6, dualstack_ipv6=True)


class Sinks:
    """Servers on some ports of every address."""

    def __init__(self, scene: Scene, note: Callable[[Connection], None]) -> None:
        self._scene, self._note = scene, note

    async def start(self) -> list[asyncio.Server]:
        """Listen at all ports."""
        return [await asyncio.start_server(self._serve, sock=_listen(port)) for port in self._scene.ports]

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        address, port = writer.get_extra_info("sockname")[:2]
        plain = address.removeprefix("::ffff:")
        self._note(Connection(address, port))
        try:
            await reader.readuntil(b"\r\n\r\n")
            head = self._scene.answers.get(plain, _NOT_FOUND)
            writer.write(f"HTTP/1.1 {head}Content-Length: 0\r\nConnection: close\r\n\r\n".encode())
            await writer.drain()
        except (ConnectionError, asyncio.IncompleteReadError, asyncio.LimitOverrunError):
            pass
        finally:
            writer.close()


async def _serve_plan(scene: Scene, note: Callable[[Connection], None]) -> web.AppRunner:
    async def plans(request: web.Request) -> web.StreamResponse:
        if "watch" in request.query:
            response = web.StreamResponse()
            await response.prepare(request)
            await asyncio.Event().wait()
        metadata = {"name": scene.node, "generation": 1, "resourceVersion": "1"}
        return web.json_response(
            {"metadata": {"resourceVersion": "1"}, "items": [{"metadata": metadata, "spec": scene.spec}]}
        )

    async def elsewhere(request: web.Request) -> web.Response:
        address = request.transport.get_extra_info("sockname")[0] if request.transport else ""
        note(Connection(address, scene.plan_port))
        return web.Response(status=404)

    application = web.Application()
    application.router.add_get(scene.plan_path, plans)
    application.router.add_route("*", "/{rest:.*}", elsewhere)
    runner = web.AppRunner(application, access_log=None)
    await runner.setup()
    await web.SockSite(runner, _listen(scene.plan_port)).start()
    return runner


async def _run(scene: Scene, log: Path) -> None:
    with log.open("a", buffering=1) as output:

        def note(connection: Connection) -> None:
            output.write(json.dumps(vars(connection)) + "\n")

        servers = await Sinks(scene, note).start()
        runner = await _serve_plan(scene, note)
        print("ready", flush=True)
        try:
            await asyncio.Event().wait()
        finally:
            for server in servers:
                server.close()
            await runner.cleanup()


if __name__ == "__main__":
    given = json.loads(Path(sys.argv[1]).read_text())
    asyncio.run(_run(Scene(**given), Path(sys.argv[2])))
