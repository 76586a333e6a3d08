"""A bound on the open connections of a server: who comes when all are taken is let in, and the one that waited longest
makes room.

Both servers use it. Connections between two requests go first, so that whoever only connects, or sends half a request,
never keeps a scraper out; then those whose answer has taken longest.
"""

import asyncio
import logging
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from itertools import chain
from typing import cast

LOG_SECONDS = 60.0
_LOG = logging.getLogger(__name__)
_Factory = Callable[[], asyncio.Protocol]


class BoundedConnections:
    """The open connections of one server, the longest waiting first.

    Args:
        limit: more than the scrapers keep open, one for each page and Prometheus, or they connect anew at each scrape.

    Attributes:
        ended: connections that made room since the start.
    """

    def __init__(self, limit: int, monotonic: Callable[[], float] = time.monotonic) -> None:
        self.ended = 0
        self._limit, self._monotonic = limit, monotonic
        self._between: dict[asyncio.BaseTransport, None] = {}
        self._answering: dict[asyncio.BaseTransport, None] = {}
        self._log_next = 0.0
        self._server: asyncio.Server | None = None

    def __len__(self) -> int:
        return len(self._between) + len(self._answering)

    async def listen(self, factory: _Factory, host: str | None, port: int) -> None:
        """Serve what `factory` makes, one a connection, until `close`. Without a host: on every address."""
        loop = asyncio.get_running_loop()
        self._server = await loop.create_server(lambda: _Counted(factory(), self), host, port)

    def close(self) -> None:
        """Take no more connections; those that are open stay."""
        if self._server is not None:
            self._server.close()

    @contextmanager
    def answering(self, transport: asyncio.BaseTransport | None) -> Iterator[None]:
        """While a request is answered: its connection makes room only after all that have none."""
        if transport in self._between:
            del self._between[transport]
            self._answering[transport] = None
        try:
            yield
        finally:
            if transport in self._answering:
                del self._answering[transport]
                self._between[transport] = None

    def opened(self, transport: asyncio.BaseTransport) -> None:
        """A connection came; where it is one too many, another ends."""
        if len(self) >= self._limit:
            self._make_room()
        self._between[transport] = None

    def closed(self, transport: asyncio.BaseTransport) -> None:
        """A connection has ended."""
        self._between.pop(transport, None)
        self._answering.pop(transport, None)

    def _make_room(self) -> None:
        longest = next(chain(self._between, self._answering))
        self.closed(longest)
        self.ended += 1
        self._log(longest)
        # uvloop's transports are no subclasses of asyncio's, so their kind must not be asked.
        cast("asyncio.WriteTransport", longest).abort()

    def _log(self, longest: asyncio.BaseTransport) -> None:
        now = self._monotonic()
        if now < self._log_next:
            return
        self._log_next = now + LOG_SECONDS
        _LOG.warning(
            "more than %d connections were open: the one from %s, which waited longest, made room (%d did so far)",
            self._limit,
            longest.get_extra_info("peername"),
            self.ended,
        )


class _Counted(asyncio.Protocol):
    """A protocol that tells when its connection comes and goes, and passes everything on."""

    def __init__(self, inner: asyncio.Protocol, connections: BoundedConnections) -> None:
        self._inner, self._connections = inner, connections
        self._transport: asyncio.BaseTransport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = transport
        self._connections.opened(transport)
        self._inner.connection_made(transport)

    def connection_lost(self, exc: Exception | None) -> None:
        if self._transport is not None:
            self._connections.closed(self._transport)
        self._inner.connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        self._inner.data_received(data)

    def eof_received(self) -> bool | None:
        return self._inner.eof_received()

    def pause_writing(self) -> None:
        self._inner.pause_writing()

    def resume_writing(self) -> None:
        self._inner.resume_writing()
