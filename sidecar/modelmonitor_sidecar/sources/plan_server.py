"""One NodePlan behind the Kubernetes API, with the pod's own token and nothing but aiohttp."""

import asyncio
import json
import ssl
from collections.abc import AsyncIterator, Mapping
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import aiohttp

from modelmonitor_api.names import GROUP, PLAN_PLURAL, VERSION
from modelmonitor_api.plan import MAX_PLAN_BYTES

WATCH_SECONDS = 120
SILENCE_SECONDS = 150.0
ANSWER_SECONDS = 10.0
MAX_ANSWER_BYTES = 4 * MAX_PLAN_BYTES
"""A plan with its managed fields is larger than the plan; nothing of the API is read beyond this."""

Json = Mapping[str, Any]


class WatchError(Exception):
    """The plan cannot be listed or watched at the moment; the message says why."""


class WatchExpiredError(WatchError):
    """The server no longer has the version to watch from (410): list again."""


@dataclass(frozen=True, slots=True)
class Account:
    """Where the pod's own credentials lie. The token is read at each request: the kubelet renews it."""

    token_file: Path
    ca_file: Path

    def headers(self) -> dict[str, str]:
        """The Authorization header; empty where no token is mounted."""
        try:
            return {"Authorization": f"Bearer {self.token_file.read_text().strip()}"}
        except OSError:
            return {}

    def tls(self) -> ssl.SSLContext:
        """Trust for the API server alone."""
        return ssl.create_default_context(cafile=str(self.ca_file) if self.ca_file.exists() else None)


class HttpPlanServer:
    """Lists and watches the plan of one node."""

    def __init__(self, base_url: str, namespace: str, node: str, account: Account) -> None:
        self._url = f"{base_url}/apis/{GROUP}/{VERSION}/namespaces/{namespace}/{PLAN_PLURAL}"
        self._selector = {"fieldSelector": f"metadata.name={node}"}
        self._account = account
        self._tls: ssl.SSLContext | bool = account.tls() if base_url.startswith("https:") else True
        self._session = aiohttp.ClientSession(trust_env=False)

    async def close(self) -> None:
        """Close all connections."""
        await self._session.close()

    async def list_plan(self) -> tuple[Json | None, str]:
        """The plan, or None, and the version to watch from.

        Raises:
            WatchError: the server does not answer, or answers with an error.
        """
        limits = aiohttp.ClientTimeout(total=ANSWER_SECONDS)
        try:
            async with self._get(self._selector, limits) as response:
                await _refuse_errors(response)
                return _listed(_object(await _bounded(response)))
        except (aiohttp.ClientError, TimeoutError, OSError, ValueError) as error:
            raise WatchError(f"listing the NodePlan failed: {_words(error)}") from error

    async def watch_plan(self, version: str) -> AsyncIterator[Json]:
        """Events from that version on; ends when the server ends the watch.

        Raises:
            WatchExpiredError: the version is too old.
            WatchError: the connection broke, or a line is no event.
        """
        query = {
            **self._selector,
            "watch": "1",
            "resourceVersion": version,
            "allowWatchBookmarks": "true",
            "timeoutSeconds": str(WATCH_SECONDS),
        }
        limits = aiohttp.ClientTimeout(total=None, sock_connect=ANSWER_SECONDS, sock_read=SILENCE_SECONDS)
        try:
            async with self._get(query, limits) as response:
                await _refuse_errors(response)
                async for line in _lines(response):
                    yield _event(line)
        except (aiohttp.ClientError, TimeoutError, OSError, ValueError) as error:
            raise WatchError(f"watching the NodePlan failed: {_words(error)}") from error

    def _get(
        self, query: dict[str, str], limits: aiohttp.ClientTimeout
    ) -> AbstractAsyncContextManager[aiohttp.ClientResponse]:
        url = f"{self._url}?{urlencode(query)}"
        headers = self._account.headers()
        return self._session.get(url, headers=headers, ssl=self._tls, timeout=limits, allow_redirects=False)


async def _bounded(response: aiohttp.ClientResponse) -> bytes:
    body = bytearray()
    async for chunk in response.content.iter_any():
        body += chunk
        if len(body) > MAX_ANSWER_BYTES:
            raise ValueError(f"the answer is longer than {MAX_ANSWER_BYTES} bytes")
    return bytes(body)


async def _lines(response: aiohttp.ClientResponse) -> AsyncIterator[bytes]:
    rest = bytearray()
    async for chunk in response.content.iter_any():
        rest += chunk
        *complete, last = rest.split(b"\n")
        for line in complete:
            if line:
                yield bytes(line)
        rest = bytearray(last)
        if len(rest) > MAX_ANSWER_BYTES:
            raise ValueError(f"an event is longer than {MAX_ANSWER_BYTES} bytes")


def _object(text: bytes) -> Json:
    try:
        value = json.loads(text)
    except RecursionError as error:
        raise ValueError("the answer is nested too deeply") from error
    if not isinstance(value, dict):
        raise ValueError("the answer is no JSON object")  # noqa: TRY004
    return value


def _listed(answer: Json) -> tuple[Json | None, str]:
    """The first item and the version of a list.

    Raises:
        ValueError: the answer is no list of objects.
    """
    items, metadata = answer.get("items") or [], answer.get("metadata") or {}
    if not isinstance(items, list) or not isinstance(metadata, dict) or not all(isinstance(i, dict) for i in items):
        raise ValueError("the answer is no list of objects")
    return (items[0] if items else None), str(metadata.get("resourceVersion", ""))


def _event(line: bytes) -> Json:
    event = _object(line)
    if event.get("type") == "ERROR":
        given = event.get("object")
        status = given if isinstance(given, dict) else {}
        code = status.get("code")
        raise _status_error(code if isinstance(code, int) else 0, str(status.get("message", "")))
    return event


async def _refuse_errors(response: aiohttp.ClientResponse) -> None:
    if response.status != 200:
        text = (await response.content.read(2000)).decode("utf-8", "replace")
        raise _status_error(response.status, text)


def _status_error(code: int, message: str) -> WatchError:
    if code == 410:
        return WatchExpiredError("the version to watch from is too old")
    advice = "; the sidecar's ServiceAccount may not list and watch nodeplans" if code in {401, 403} else ""
    advice = "; the CustomResourceDefinition of NodePlan is not installed" if code == 404 else advice
    return WatchError(f"the API server answered {code}: {message[:200]}{advice}")


def _words(error: Exception) -> str:
    if isinstance(error, TimeoutError | asyncio.TimeoutError):
        return "no answer in time"
    return str(error)[:300] or type(error).__name__
