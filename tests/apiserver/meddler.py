"""A proxy before the API server that answers in its place, or speaks into its watches, where a test says so."""

import asyncio
import re
import ssl
import threading
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

import aiohttp
from aiohttp import web

from modelmonitor_testbed.controlplane import ControlPlane, free_ports
from modelmonitor_testbed.kubeconfig import write_kubeconfig

LOOPBACK = "127.0.0.1"
_OURS = frozenset({"transfer-encoding", "content-length", "connection", "content-encoding"})


@dataclass
class Fault:
    """What is answered instead, so many times.

    Attributes:
        method, path: of the requests that it concerns; `path` is a regular expression for a part of path and query.
        seen: how often it was answered.
    """

    method: str
    path: str
    status: int
    body: str = "{}"
    headers: Mapping[str, str] = field(default_factory=dict)
    times: int = 1
    seen: int = 0

    def concerns(self, request: web.Request) -> bool:
        """Whether this request gets this answer."""
        return self.seen < self.times and request.method == self.method and bool(re.search(self.path, request.path_qs))


class Meddler:
    """Passes everything on as a cluster's administrator, but for its faults."""

    def __init__(self, control_plane: ControlPlane, folder: Path) -> None:
        authority = control_plane.plan.authority
        pair = authority.issue("meddler", "/O=system:masters/CN=meddler")
        self._trust = ssl.create_default_context(cafile=str(authority.pair.certificate))
        self._trust.load_cert_chain(pair.certificate, pair.key)
        self._server = control_plane.plan.server
        (self.port,) = free_ports(1)
        self.kubeconfig = write_kubeconfig(
            folder / "meddler.kubeconfig", f"http://{LOOPBACK}:{self.port}", authority, pair
        )
        self.faults: list[Fault] = []
        self._watches: dict[web.StreamResponse, str] = {}
        self._loop = asyncio.new_event_loop()
        self._stop = asyncio.Event()
        self._up = threading.Event()
        self._thread = threading.Thread(target=self._loop.run_until_complete, args=(self._run(),), daemon=True)
        self._thread.start()
        assert self._up.wait(10)

    def answer(self, fault: Fault) -> Fault:
        """Answer so from now on; gives the fault back, whose `seen` rises."""
        self.faults.append(fault)
        return fault

    def speak(self, path: str, line: str) -> int:
        """Say one line in every open watch whose path and query hold this; how many there were."""
        return asyncio.run_coroutine_threadsafe(self._speak(path, line), self._loop).result(10)

    def hang_up(self, path: str) -> None:
        """End these watches, so that their clients open others."""
        asyncio.run_coroutine_threadsafe(self._hang_up(path), self._loop).result(10)

    def close(self) -> None:
        """End everything."""
        self._loop.call_soon_threadsafe(self._stop.set)
        self._thread.join(10)
        self._loop.close()

    def _found(self, path: str) -> list[web.StreamResponse]:
        return [watch for watch, of in self._watches.items() if path in of]

    async def _speak(self, path: str, line: str) -> int:
        heard = 0
        for watch in self._found(path):
            with suppress(ConnectionError):
                await watch.write(line.encode() + b"\n")
                heard += 1
        return heard

    async def _hang_up(self, path: str) -> None:
        for watch in self._found(path):
            del self._watches[watch]
            await watch.write_eof()

    async def _run(self) -> None:
        app = web.Application(client_max_size=16 * 1024 * 1024)
        connector = aiohttp.TCPConnector(ssl=self._trust, limit=0)
        async with aiohttp.ClientSession(connector=connector, timeout=aiohttp.ClientTimeout(total=None)) as session:

            async def handle(request: web.Request) -> web.StreamResponse:
                return await self._handle(session, request)

            app.router.add_route("*", "/{path:.*}", handle)
            runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1, handler_cancellation=True)
            await runner.setup()
            await web.TCPSite(runner, LOOPBACK, self.port).start()
            self._up.set()
            await self._stop.wait()
            await runner.cleanup()

    async def _handle(self, session: aiohttp.ClientSession, request: web.Request) -> web.StreamResponse:
        body = await request.read()
        for fault in self.faults:
            if fault.concerns(request):
                fault.seen += 1
                kind = "application/json"
                return web.Response(status=fault.status, text=fault.body, headers=fault.headers, content_type=kind)
        wanted = {name: request.headers[name] for name in ("Accept", "Content-Type") if name in request.headers}
        async with session.request(
            request.method, f"{self._server}{request.path_qs}", data=body or None, headers=wanted
        ) as found:
            return await self._pass_on(request, found)

    async def _pass_on(self, request: web.Request, found: aiohttp.ClientResponse) -> web.StreamResponse:
        headers = {name: value for name, value in found.headers.items() if name.lower() not in _OURS}
        response = web.StreamResponse(status=found.status, headers=headers)
        await response.prepare(request)
        if "watch=" in request.query_string:
            self._watches[response] = request.path_qs
        try:
            async for chunk in found.content.iter_any():
                await response.write(chunk)
            await response.write_eof()
        except (ConnectionError, RuntimeError):  # the client is gone, or a test has ended the watch
            pass
        finally:
            self._watches.pop(response, None)
        return response
