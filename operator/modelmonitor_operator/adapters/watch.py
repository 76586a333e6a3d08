"""List and watch of one kind, for ever: bookmarks, resumption, 410, back-off, and objects that were gone meanwhile.

A watch that breaks goes on from its last resource version. Where the server has forgotten that version, where it breaks
twice in a row, and every `relist_seconds` anyway, everything is listed again and compared by UID, so that an
object deleted while nobody looked is found.
"""

import asyncio
import logging
import random
from collections.abc import AsyncIterator, Callable, Mapping
from dataclasses import dataclass, field
from typing import Protocol

import aiohttp

from modelmonitor_operator.adapters.answers import parse_body, translate_failure, translate_status
from modelmonitor_operator.adapters.connection import METADATA_LIST, METADATA_OBJECT, Connection
from modelmonitor_operator.clock import Clock
from modelmonitor_operator.errors import ClusterError, GoneError, UnavailableError
from modelmonitor_operator.objects import ResourceKind
from modelmonitor_operator.settings import Json
from modelmonitor_operator.telemetry import Telemetry

_LOG = logging.getLogger(__name__)
_PAGE = "500"
_SILENCE_SECONDS = 120.0
"""The API server sends a bookmark about once a minute; a stream that is silent for twice as long is dead."""
_SHORTEST_SECONDS = 1.0
"""A server or proxy that ends every watch at once is asked no more often than this."""
_LINE_BYTES = 8 * 1024 * 1024
_FIRST_RELIST_SECONDS = 10.0
"""When a kind is listed again whose CRD may be new; each time later by half, up to `relist_seconds`."""
_FIRST_BACKOFF_SECONDS = 0.5
_LARGEST_BACKOFF_SECONDS = 30.0


class Sink(Protocol):
    """Who wants to know. Every method returns at once."""

    def put(self, raw: Json) -> None:
        """An object is there, new or changed."""

    def drop(self, raw: Json) -> None:
        """An object is gone; `raw` is the last that was seen of it."""

    def listed(self) -> None:
        """All that the server has has been put."""

    def failed(self, error: ClusterError) -> None:
        """Listing or watching failed; it is tried again by itself."""


@dataclass(frozen=True, slots=True)
class Scope:
    """What is watched: a kind in a namespace or (None) in all, narrowed by selectors, whole or by its metadata.

    Attributes:
        may_be_new: its CRD may have been installed moments ago. Until the API server has settled, a watch of such a
            kind can stay open, send bookmarks and tell of no object (seen on 1.37), so it is listed again soon.
    """

    kind: ResourceKind
    namespace: str | None
    label_selector: str = ""
    field_selector: str = ""
    metadata_only: bool = False
    may_be_new: bool = False

    def accept(self, *, items: bool) -> str:
        """What an answer shall be: `items` of a list, or one object an event."""
        if not self.metadata_only:
            return "application/json"
        return METADATA_LIST if items else METADATA_OBJECT

    def query(self) -> dict[str, str]:
        """The selectors as query parameters."""
        given = {"labelSelector": self.label_selector, "fieldSelector": self.field_selector}
        return {name: value for name, value in given.items() if value}


@dataclass
class Watch:
    """One list and watch. `run` ends only when it is cancelled."""

    connection: Connection
    scope: Scope
    sink: Sink
    clock: Clock
    telemetry: Telemetry
    relist_seconds: float = 300.0
    jitter: Callable[[], float] = random.random
    _known: dict[str, Json] = field(default_factory=dict)
    _version: str = ""
    _listed_at: float = 0.0
    _failures: int = 0
    _relist_after: float = 0.0

    def __post_init__(self) -> None:
        soon = min(_FIRST_RELIST_SECONDS, self.relist_seconds)
        self._relist_after = soon if self.scope.may_be_new else self.relist_seconds

    async def run(self) -> None:
        """Keep the sink true."""
        while True:
            try:
                await self._round()
            except GoneError as exc:
                self._version = ""
                if self._failures:
                    await self._pause(exc)
                self._failures += 1
            except ClusterError as exc:
                if self._failures:
                    self._version = ""
                await self._pause(exc)

    async def _round(self) -> None:
        if not self._version:
            await self._list()
        elif self.clock.monotonic() - self._listed_at >= self._relist_after:
            await self._list()
            self._relist_after = min(self.relist_seconds, 1.5 * self._relist_after)
        opened_at = self.clock.monotonic()
        await self._stream()
        self._failures = 0
        await self.clock.sleep(max(0.0, _SHORTEST_SECONDS - (self.clock.monotonic() - opened_at)))

    async def _pause(self, exc: ClusterError) -> None:
        self.telemetry.watch_restarts.labels(kind=self.scope.kind.kind).inc()
        self.sink.failed(exc)
        backoff = min(_LARGEST_BACKOFF_SECONDS, _FIRST_BACKOFF_SECONDS * 2 ** min(self._failures, 8))
        if self._failures in (0, 8):
            where = {"kind": self.scope.kind.kind, "namespace": self.scope.namespace, "error": str(exc)}
            _LOG.warning("watch broke", extra=where)
        self._failures += 1
        await self.clock.sleep(backoff * (0.5 + self.jitter() / 2))

    async def _list(self) -> None:
        seen: dict[str, Json] = {}
        token = ""
        while True:
            page = await self._get({**self.scope.query(), "limit": _PAGE, **({"continue": token} if token else {})})
            for raw in page.get("items") or []:
                self._note(raw, seen)
            token = page["metadata"].get("continue", "")
            if not token:
                break
        for uid in self._known.keys() - seen.keys():
            self.sink.drop(self._known[uid])
        self._known = seen
        self._version = page["metadata"]["resourceVersion"]
        self._listed_at = self.clock.monotonic()
        self.sink.listed()

    def _note(self, raw: Json, seen: dict[str, Json]) -> None:
        trimmed = _trim(raw)
        uid = trimmed["metadata"]["uid"]
        seen[uid] = trimmed
        if self._known.get(uid) != trimmed:
            self.sink.put(raw)

    async def _get(self, query: Mapping[str, str]) -> Json:
        path = self.scope.kind.path(self.scope.namespace)
        accept = self.scope.accept(items=True)
        try:
            async with self.connection.open("GET", path, query=query, accept=accept) as answer:
                content = await answer.read()
        except (aiohttp.ClientError, OSError, TimeoutError) as exc:
            raise translate_failure(exc) from exc
        if answer.status >= 300:
            raise translate_status(answer.status, content, answer.headers.get("Retry-After"))
        return parse_body(content)

    async def _stream(self) -> None:
        remaining = max(1.0, self._relist_after - (self.clock.monotonic() - self._listed_at))
        query = {
            **self.scope.query(),
            "watch": "true",
            "allowWatchBookmarks": "true",
            "resourceVersion": self._version,
            "timeoutSeconds": str(int(remaining * (0.75 + self.jitter() / 4)) + 1),
        }
        async for event in self._events(query):
            try:
                self._take(event)
            except (KeyError, TypeError, ValueError, AttributeError) as exc:
                raise UnavailableError(f"the watch said something that makes no sense: {exc!r}") from exc

    async def _events(self, query: Mapping[str, str]) -> AsyncIterator[Json]:
        path = self.scope.kind.path(self.scope.namespace)
        patience = aiohttp.ClientTimeout(total=None, sock_connect=10, sock_read=_SILENCE_SECONDS)
        accept = self.scope.accept(items=False)
        try:
            async with self.connection.open("GET", path, query=query, accept=accept, patience=patience) as answer:
                if answer.status >= 300:
                    raise translate_status(answer.status, await answer.read(), answer.headers.get("Retry-After"))
                async for line in _lines(answer.content):
                    yield parse_body(line)
        except (aiohttp.ClientError, OSError, TimeoutError, ValueError) as exc:
            raise translate_failure(exc) from exc

    def _take(self, event: Json) -> None:
        raw = event.get("object") or {}
        if event.get("type") == "ERROR":
            raise translate_status(int(raw.get("code", 500)), repr(raw.get("message", "")).encode())
        self._version = raw["metadata"]["resourceVersion"]
        if event["type"] == "BOOKMARK":
            return
        uid = raw["metadata"]["uid"]
        if event["type"] == "DELETED":
            self._known.pop(uid, None)
            self.sink.drop(raw)
        else:
            self._known[uid] = _trim(raw)
            self.sink.put(raw)


def _trim(raw: Json) -> Json:
    """What is kept of an object to name it when it has gone."""
    metadata = raw["metadata"]
    return {"metadata": {name: metadata.get(name, "") for name in ("uid", "name", "namespace", "resourceVersion")}}


async def _lines(content: aiohttp.StreamReader) -> AsyncIterator[bytes]:
    """Lines of any length up to a bound; the reader's own bound is too small for a large object."""
    buffer = bytearray()
    async for chunk in content.iter_any():
        start = 0
        while (end := chunk.find(b"\n", start)) >= 0:
            buffer += chunk[start:end]
            start = end + 1
            if buffer.strip():
                yield bytes(buffer)
            buffer.clear()
            await asyncio.sleep(0)
        buffer += chunk[start:]
        if len(buffer) > _LINE_BYTES:
            raise ValueError("a line of the watch is too long")
