"""The bench's own hands at the API server: raw JSON, many calls at once, list and watch."""

import asyncio
import json
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Mapping
from contextlib import suppress
from types import TracebackType
from typing import Self, TypeVar

import aiohttp

from benchmarks.manifests import Json
from modelmonitor_testbed.controlplane import ControlPlane

_MERGE = "application/merge-patch+json"
_LINE_BYTES = 8 << 20
_RETRIES = 40
T = TypeVar("T")


class ApiError(RuntimeError):
    """The API server refused; the message is its own."""


def _trust(control_plane: ControlPlane) -> ssl.SSLContext:
    authority = control_plane.plan.authority
    pair = authority.issue("bench", "/O=system:masters/CN=bench")
    context = ssl.create_default_context(cafile=str(authority.pair.certificate))
    context.load_cert_chain(pair.certificate, pair.key)
    return context


class Api:
    """A cluster administrator."""

    def __init__(self, control_plane: ControlPlane) -> None:
        self._server = control_plane.plan.server
        self._session = aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(limit=0, ssl=_trust(control_plane)),
            trust_env=False,
            read_bufsize=_LINE_BYTES,
            timeout=aiohttp.ClientTimeout(total=30),
        )

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._session.close()

    async def call(
        self, method: str, path: str, body: Json | None = None, content_type: str = "application/json"
    ) -> Json:
        """One call; ApiError for any status but 2xx."""
        headers = {"Content-Type": content_type} if body is not None else {}
        content = None if body is None else json.dumps(body)
        async with self._session.request(method, self._server + path, data=content, headers=headers) as answer:
            text = await answer.text()
        if answer.status >= 300:
            raise ApiError(f"{method} {path}: {answer.status} {text[:300]}")
        found: Json = json.loads(text)
        return found

    async def create(self, path: str, manifest: Json) -> Json:
        """POST, tried again while the namespace's service account is not there yet."""
        for _ in range(_RETRIES):
            with suppress(ApiError):
                return await self.call("POST", path, manifest)
            await asyncio.sleep(0.1)
        return await self.call("POST", path, manifest)

    async def wait_until_served(self, path: str) -> None:
        """Wait until a collection of a new kind is there."""
        for _ in range(_RETRIES):
            with suppress(ApiError):
                await self.call("GET", path)
                return
            await asyncio.sleep(0.25)
        raise ApiError(f"{path} is not served")

    async def patch(self, path: str, patch: Json) -> Json:
        """Merge patch."""
        return await self.call("PATCH", path, patch, _MERGE)

    async def delete(self, path: str) -> None:
        """Delete at once."""
        await self.call("DELETE", path, {"gracePeriodSeconds": 0})

    async def follow(self, path: str, query: Mapping[str, str], see: Callable[[str, Json], Awaitable[None]]) -> None:
        """List and watch until cancelled; `see` hears the event's type and the object."""
        while True:
            listed = await self.call("GET", f"{path}?{_encode(query)}")
            for item in listed["items"]:
                await see("ADDED", item)
            version = listed["metadata"]["resourceVersion"]
            with suppress(TimeoutError, aiohttp.ClientError):
                async for event in self._watch(path, {**query, "resourceVersion": version}):
                    if event["type"] == "ERROR":
                        break
                    await see(event["type"], event["object"])

    async def _watch(self, path: str, query: Mapping[str, str]) -> AsyncIterator[Json]:
        limits = aiohttp.ClientTimeout(total=None, sock_connect=10)
        url = f"{self._server}{path}?{_encode({**query, 'watch': '1'})}"
        async with self._session.get(url, timeout=limits) as answer:
            async for line in answer.content:
                yield json.loads(line)


def _encode(query: Mapping[str, str]) -> str:
    return "&".join(f"{name}={value}" for name, value in query.items())


async def for_each(items: Iterable[T], act: Callable[[T], Awaitable[object]], at_once: int = 24) -> None:
    """Do something with every item, `at_once` at a time."""
    todo = iter(items)

    async def work() -> None:
        for item in todo:
            await act(item)

    async with asyncio.TaskGroup() as group:
        for _ in range(at_once):
            group.create_task(work())
