"""One reading of one Triton pod: readiness, metadata, index, statistics and the metrics page, all within one deadline.

They disagree in known ways (counters that are frozen, a model that is ready and fails every request), so all are read
and all are reported.
"""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import TypeVar

from modelmonitor_api.plan import PlannedPod
from modelmonitor_api.summary import EndpointReading, EndpointState
from modelmonitor_sidecar.exposition import ParsedPage, parse_in_steps
from modelmonitor_sidecar.sources.bounded_http import BoundedHttp
from modelmonitor_sidecar.sources.endpoint_errors import EndpointError, empty_error, malformed_error, status_error
from modelmonitor_sidecar.sources.triton_answers import IndexEntry, parse_index, parse_statistics
from modelmonitor_sidecar.sources.triton_client import BoundedTritonClient
from modelmonitor_sidecar.windows import ModelKey, StatisticsCounters

_UNREAD = EndpointReading()
_OK = EndpointReading(state=EndpointState.OK)
_T = TypeVar("_T")


@dataclass(frozen=True, slots=True)
class HttpReading:
    """What the HTTP endpoint said. What it did not say is None; `endpoint` then names the first reason."""

    endpoint: EndpointReading = _UNREAD
    server_ready: bool | None = None
    server_version: str | None = None
    statistics: Mapping[ModelKey, StatisticsCounters] | None = None
    index: Mapping[ModelKey, IndexEntry] | None = None


@dataclass(frozen=True, slots=True)
class PageReading:
    """What the metrics endpoint said."""

    endpoint: EndpointReading = _UNREAD
    page: ParsedPage = field(default_factory=ParsedPage)


def _base_url(pod: PlannedPod, port: int) -> str:
    host = f"[{pod.ip}]" if ":" in pod.ip else pod.ip
    return f"http://{host}:{port}"


async def _attempt(call: Awaitable[_T], problems: list[EndpointError]) -> _T | None:
    try:
        return await call
    except EndpointError as error:
        problems.append(error)
        return None


class TritonReader:
    """Reads pods. Remembers nothing between readings."""

    def __init__(self, http: BoundedHttp) -> None:
        self._http = http

    async def read(self, pod: PlannedPod) -> tuple[HttpReading, PageReading]:
        """Both endpoints at once; never raises for what a pod does."""
        return await asyncio.gather(self.read_http(pod), self.read_page(pod))

    async def read_http(self, pod: PlannedPod) -> HttpReading:
        """Readiness, metadata, index and statistics."""
        base = _base_url(pod, pod.http_port)
        client = BoundedTritonClient(base, self._http)
        problems: list[EndpointError] = []
        ready, statistics, index, version = await asyncio.gather(
            _attempt(client.ready(), problems),
            _attempt(_parsed(client.statistics, parse_statistics, f"{base}/v2/models/stats"), problems),
            _attempt(_parsed(client.index, parse_index, f"{base}/v2/repository/index"), problems),
            _attempt(client.version(), problems),
        )
        return HttpReading(problems[0].reading if problems else _OK, ready, version, statistics, index)

    async def read_page(self, pod: PlannedPod) -> PageReading:
        """The metrics page."""
        url = f"{_base_url(pod, pod.metrics_port)}/metrics"
        problems: list[EndpointError] = []
        page = await _attempt(self._page(url), problems)
        return PageReading(_OK, page) if page is not None else PageReading(problems[0].reading)

    async def _page(self, url: str) -> ParsedPage:
        answer = await self._http.ask("GET", url)
        if answer.status != 200:
            raise status_error(answer.status, url, answer.text)
        if not answer.body.strip():
            raise empty_error(url)
        page = await _parse_with_pauses(answer.body)
        if not page.is_triton:
            raise malformed_error(
                url, f"none of its lines is a series of Triton's (nv_…), {page.bad_lines} are no series"
            )
        return page


async def _parsed(call: Callable[[], Awaitable[object]], parse: Callable[[object], _T], url: str) -> _T:
    answer = await call()
    try:
        return parse(answer)
    except ValueError as error:
        raise malformed_error(url, str(error)) from error


async def _parse_with_pauses(body: bytes) -> ParsedPage:
    """Parse, and let the event loop serve others between steps."""
    for page in parse_in_steps(body):
        if page is not None:
            return page
        await asyncio.sleep(0)
    raise AssertionError("a page ends with its result")
