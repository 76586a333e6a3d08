"""The Prometheus of the settings, asked over HTTP: bounded in time and size, never redirected, its answers checked."""

import asyncio
import json
import ssl
from collections.abc import Callable
from pathlib import Path
from typing import Any

import aiohttp

from modelmonitor_api.names import MonitorRef
from modelmonitor_operator.adapters.prometheus_questions import (
    budget_query,
    parse_rules,
    parse_samples,
    parse_targets,
    presence_query,
    read_budgets,
    read_presence,
    rules_matcher,
    scrape_pools,
    text_of,
)
from modelmonitor_operator.arrival import PrometheusAnswer, RuleAnswer, TargetAnswer
from modelmonitor_operator.prometheus_answers import PrometheusError, PrometheusUnreachableError
from modelmonitor_operator.settings import PrometheusSettings

MAX_ANSWER_BYTES = 8 * 1024 * 1024
_EXCERPT = 120
Params = tuple[tuple[str, str], ...]


def _ignore(result: str) -> None:
    """Count nothing."""


class PrometheusApi:
    """A client of one Prometheus. `count` is told how each question ended, for the operator's own metrics."""

    def __init__(self, settings: PrometheusSettings, count: Callable[[str], None] = _ignore) -> None:
        self._settings = settings
        self._count = count
        self._session: aiohttp.ClientSession | None = None

    async def close(self) -> None:
        """End every connection."""
        if self._session is not None:
            await self._session.close()

    async def ask(self, monitor: MonitorRef) -> PrometheusAnswer:
        """Everything about one monitor, `asked_at` left out.

        Raises:
            PrometheusError: it could not be asked, or answers as no Prometheus does; the message says what to look at.
        """
        samples = parse_samples(await self._query(presence_query(monitor)))
        series, renamed, targets = read_presence(samples)
        if not all(target.up for target in targets):
            targets = await self._targets(monitor) or targets
        return PrometheusAnswer(
            targets=targets,
            series=series,
            renamed=renamed,
            rules=await self._rules(monitor),
            budgets=read_budgets(parse_samples(await self._query(budget_query(monitor)))),
        )

    async def _query(self, expression: str) -> Any:
        return await self._ask("query", (("query", expression),))

    async def _targets(self, monitor: MonitorRef) -> tuple[TargetAnswer, ...]:
        """The targets with the errors of their scrapes, which `up` does not tell."""
        found: list[TargetAnswer] = []
        for pool in scrape_pools(monitor):
            found += parse_targets(await self._ask("targets", (("state", "active"), ("scrapePool", pool))))
        return tuple(found)

    async def _rules(self, monitor: MonitorRef) -> tuple[RuleAnswer, ...] | None:
        """The monitor's rules; None where the server has no such page, as VictoriaMetrics without its vmalert."""
        params = (("match[]", rules_matcher(monitor)), ("exclude_alerts", "true"))
        try:
            return parse_rules(await self._ask("rules", params), monitor)
        except _NoSuchPageError:
            return None

    async def _ask(self, page: str, params: Params) -> Any:
        """The data of one answer."""
        try:
            async with asyncio.timeout(self._settings.timeout_seconds):
                data = await self._fetch(page, params)
        except PrometheusError as exc:
            self._count(type(exc).__name__.removeprefix("_").removesuffix("Error"))
            raise
        except TimeoutError as exc:
            self._count("Timeout")
            told = f"no answer within {self._settings.timeout_seconds:g} s"
            raise PrometheusUnreachableError(told) from exc
        except (aiohttp.ClientError, OSError, ValueError) as exc:
            self._count("Unreachable")
            raise PrometheusUnreachableError(text_of(str(exc)) or type(exc).__name__) from exc
        self._count("Ok")
        return data

    async def _fetch(self, page: str, params: Params) -> Any:
        url = f"{self._settings.url.rstrip('/')}/api/v1/{page}"
        headers = {"Accept": "application/json", "Accept-Encoding": "identity", **await self._authorization()}
        session = self._open_session()
        async with session.get(url, params=params, headers=headers, allow_redirects=False) as response:
            body = await _read(response)
            return _data(response.status, body)

    async def _authorization(self) -> dict[str, str]:
        """The bearer token, read anew each time: Kubernetes renews the tokens that it mounts."""
        if not self._settings.token_file:
            return {}
        token = await asyncio.to_thread(Path(self._settings.token_file).read_text)
        return {"Authorization": f"Bearer {token.strip()}"}

    def _open_session(self) -> aiohttp.ClientSession:
        if self._session is None:
            context = ssl.create_default_context(cafile=self._settings.ca_file or None)
            self._session = aiohttp.ClientSession(
                connector=aiohttp.TCPConnector(limit=8, ssl=context),
                cookie_jar=aiohttp.DummyCookieJar(),
                trust_env=False,
            )
        return self._session


class _NoSuchPageError(PrometheusError):
    """The server has no such page."""


class RefusedError(PrometheusError):
    """Prometheus, or a proxy before it, refuses the question."""


class MalformedError(PrometheusError):
    """The answer is none of Prometheus' API."""


async def _read(response: aiohttp.ClientResponse) -> bytes:
    body = bytearray()
    async for chunk in response.content.iter_any():
        body += chunk
        if len(body) > MAX_ANSWER_BYTES:
            raise MalformedError(f"an answer is longer than {MAX_ANSWER_BYTES} bytes")
    return bytes(body)


def _data(status: int, body: bytes) -> Any:
    """The data of an answer of Prometheus' API."""
    if status in (401, 403):
        raise RefusedError(f"HTTP {status}: check prometheus.tokenFile of the chart, and what its token may do")
    if 300 <= status < 400:
        raise MalformedError(f"HTTP {status}: it redirects, which is not followed; set prometheus.url to the target")
    answer = _parse(body)
    if status == 404 and answer is None:
        raise _NoSuchPageError("HTTP 404: there is no Prometheus API at this URL")
    if answer is None:
        raise MalformedError(f"HTTP {status}, and no JSON of Prometheus' API: {_excerpt(body)}")
    if answer.get("status") != "success":
        raise RefusedError(f"HTTP {status}: {text_of(answer.get('error'))[:_EXCERPT] or _excerpt(body)}")
    return answer.get("data")


def _parse(body: bytes) -> dict[str, Any] | None:
    try:
        value = json.loads(body)
    except (ValueError, RecursionError):
        return None
    return value if isinstance(value, dict) else None


def _excerpt(body: bytes) -> str:
    return text_of(body[:_EXCERPT].decode(errors="replace")).strip()
