"""The wire from an operator to its API server, or from there to etcd: a test cuts, clogs or slows it."""

import asyncio
import threading
from collections.abc import Coroutine
from contextlib import suppress
from typing import Any

from modelmonitor_testbed.controlplane import free_ports

LOOPBACK = "127.0.0.1"
_CHUNK = 64 * 1024
_LATE_SECONDS = 0.2
"""What was held is delivered piece by piece, so that the last piece may be the end of the connection."""

_Piece = tuple[float, bytes]


class Wire:
    """A TCP relay on loopback. What is said of it counts for open connections too, at once.

    Attributes:
        port: where clients connect.
        delay_seconds: how much later everything that a client sends arrives.
    """

    def __init__(self, target_port: int) -> None:
        (self.port,) = free_ports(1)
        self.delay_seconds = 0.0
        self._target_port = target_port
        self._loop = asyncio.new_event_loop()
        self._requests = asyncio.Event()
        self._answers = asyncio.Event()
        self._writers: set[asyncio.StreamWriter] = set()
        self._talks: set[asyncio.Task[None]] = set()
        self._server: asyncio.Server | None = None
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)
        self._thread.start()
        self.mend()

    def mend(self) -> None:
        """Everything passes, what was held first."""
        self._do(self._mend())

    def refuse(self) -> None:
        """Open connections end, new ones are refused."""
        self._do(self._cut())

    def hold_requests(self) -> None:
        """What clients send is kept; what the other side says passes."""
        self._loop.call_soon_threadsafe(self._requests.clear)

    def hang(self) -> None:
        """Connections stay open, new ones are accepted, and nothing is heard on any."""
        self._loop.call_soon_threadsafe(self._requests.clear)
        self._loop.call_soon_threadsafe(self._answers.clear)

    def close(self) -> None:
        """End everything."""
        self._do(self._close())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    def _do(self, work: Coroutine[Any, Any, None]) -> None:
        asyncio.run_coroutine_threadsafe(work, self._loop).result(10)

    async def _mend(self) -> None:
        self._requests.set()
        self._answers.set()
        if self._server is None:
            self._server = await asyncio.start_server(self._talk, LOOPBACK, self.port)

    async def _cut(self) -> None:
        if self._server is not None:
            self._server.close()
            self._server = None
        for writer in self._writers:
            writer.transport.abort()

    async def _close(self) -> None:
        await self._cut()
        talks = tuple(self._talks)
        for talk in talks:
            talk.cancel()
        await asyncio.gather(*talks, return_exceptions=True)

    async def _talk(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._talks.add(task)
        self._writers.add(writer)
        try:
            with suppress(OSError, asyncio.CancelledError):
                await self._answers.wait()
                await self._relay(reader, writer)
        finally:
            self._writers.discard(writer)
            self._talks.discard(task)
            writer.transport.abort()

    async def _relay(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        far_reader, far_writer = await asyncio.open_connection(LOOPBACK, self._target_port)
        self._writers.add(far_writer)
        try:
            async with asyncio.TaskGroup() as group:
                group.create_task(self._pass_on(reader, far_writer, self._requests, delayed=True))
                group.create_task(self._pass_on(far_reader, writer, self._answers, delayed=False))
        except* OSError:
            pass
        finally:
            self._writers.discard(far_writer)
            far_writer.transport.abort()

    async def _pass_on(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, gate: asyncio.Event, *, delayed: bool
    ) -> None:
        queue: asyncio.Queue[_Piece] = asyncio.Queue(1000)
        deliver = asyncio.create_task(self._deliver(queue, writer, gate))
        try:
            while not deliver.done():
                piece = await _read(reader)
                await queue.put((self._loop.time() + (self.delay_seconds if delayed else 0.0), piece))
                if not piece:
                    break
            await deliver
        finally:
            deliver.cancel()

    async def _deliver(self, queue: "asyncio.Queue[_Piece]", writer: asyncio.StreamWriter, gate: asyncio.Event) -> None:
        """Until the end of what comes, which is passed on too."""
        was_held = False
        while True:
            due, piece = await queue.get()
            await asyncio.sleep(max(0.0, due - self._loop.time()))
            was_held = was_held or not gate.is_set()
            await gate.wait()
            if was_held:
                await asyncio.sleep(_LATE_SECONDS)
            if not piece:
                raise ConnectionResetError("the other side has hung up")
            writer.write(piece)
            await writer.drain()


async def _read(reader: asyncio.StreamReader) -> bytes:
    try:
        return await reader.read(_CHUNK)
    except ConnectionError:
        return b""
