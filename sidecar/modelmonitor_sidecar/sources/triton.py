"""One reading of one Triton pod: readiness, metadata, index, statistics and the metrics page, all within one deadline.

They disagree in known ways (counters that are frozen, a model that is ready and fails every request), so all are read
and all are reported.
"""

import asyncio
from collections.abc import Awaitable, Callable, Container, Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from typing import TypeVar

from modelmonitor_api.plan import PlannedPod
from modelmonitor_api.summary import EndpointReading, EndpointState
from modelmonitor_sidecar.exposition import KNOWN_LINES_BYTES, LineMemory, ParsedPage, parse_in_steps
from modelmonitor_sidecar.sources.bounded_http import BoundedHttp
from modelmonitor_sidecar.sources.endpoint_errors import EndpointError, empty_error, malformed_error, status_error
from modelmonitor_sidecar.sources.ensembles import KNOWN_MODELS, Ensembles
from modelmonitor_sidecar.sources.triton_answers import IndexEntry, is_ensemble, parse_index, parse_statistics
from modelmonitor_sidecar.sources.triton_client import BoundedTritonClient
from modelmonitor_sidecar.windows import ModelKey, StatisticsCounters

READINGS_A_VERSION = 20
"""A server that answers everything is asked for its version so seldom; one seen to be away is asked at once."""
CONFIGURATIONS_AT_ONCE = 4
_UNREAD = EndpointReading()
_OK = EndpointReading(state=EndpointState.OK)
_T = TypeVar("_T")


@dataclass(frozen=True, slots=True)
class HttpReading:
    """What the HTTP endpoint said. What it did not say is None; `endpoint` then names the first reason.

    Attributes:
        ensembles: models of the statistics that only call others, and those of which it is not known yet.
    """

    endpoint: EndpointReading = _UNREAD
    server_ready: bool | None = None
    server_version: str | None = None
    statistics: Mapping[ModelKey, StatisticsCounters] | None = None
    index: Mapping[ModelKey, IndexEntry] | None = None
    ensembles: frozenset[ModelKey] = frozenset()


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


@dataclass(slots=True)
class _PodMemory:
    """What spares work at the next reading of the same pod, and is never shown in place of an answer that failed."""

    lines: LineMemory = field(default_factory=LineMemory)
    ensembles: Ensembles = field(default_factory=Ensembles)
    version: str | None = None
    version_readings: int = 0

    def note_version(self, version: str | None, *, answered: bool) -> None:
        """Know the version for the next readings; after a reading with a problem it is asked for again."""
        self.version_readings = self.version_readings + 1 if version == self.version else 1
        known = answered and self.version_readings < READINGS_A_VERSION
        self.version, self.version_readings = (version, self.version_readings) if known else (None, 0)


class TritonReader:
    """Reads pods. Remembers of each what does not change between readings, by pod UID."""

    def __init__(self, http: BoundedHttp) -> None:
        self._http = http
        self._memories: dict[str, _PodMemory] = {}

    def __len__(self) -> int:
        return len(self._memories)

    def keep_only(self, pod_uids: Container[str]) -> None:
        """Forget the pods that the plan no longer names."""
        self._memories = {uid: memory for uid, memory in self._memories.items() if uid in pod_uids}

    def _memory(self, pod: PlannedPod) -> _PodMemory:
        memory = self._memories.setdefault(pod.uid, _PodMemory())
        memory.lines.most_bytes = KNOWN_LINES_BYTES // len(self._memories)
        memory.ensembles.most_models = KNOWN_MODELS // len(self._memories)
        return memory

    async def read(self, pod: PlannedPod) -> tuple[HttpReading, PageReading]:
        """Both endpoints at once; never raises for what a pod does."""
        return await asyncio.gather(self.read_http(pod), self.read_page(pod))

    async def read_http(self, pod: PlannedPod) -> HttpReading:
        """Readiness, index and statistics; the version where it is not known of late, and what models are."""
        memory = self._memory(pod)
        ends = asyncio.get_running_loop().time() + self._http.deadline_seconds
        base = _base_url(pod, pod.http_port)
        client = BoundedTritonClient(base, self._http)
        problems: list[EndpointError] = []
        ready, statistics, index, version = await asyncio.gather(
            _attempt(client.ready(), problems),
            _attempt(_parsed(client.statistics, parse_statistics, f"{base}/v2/models/stats"), problems),
            _attempt(_parsed(client.index, parse_index, f"{base}/v2/repository/index"), problems),
            _attempt(client.version(), problems) if memory.version is None else _known(memory.version),
        )
        memory.note_version(version, answered=not problems)
        ensembles: frozenset[ModelKey] = frozenset()
        if statistics is not None:
            asked = memory.ensembles.follow(statistics)
            memory.ensembles.learn(asked, await _read_kinds(client, asked, ends) if asked else {})
            ensembles = memory.ensembles.among(statistics)
        return HttpReading(problems[0].reading if problems else _OK, ready, version, statistics, index, ensembles)

    async def read_page(self, pod: PlannedPod) -> PageReading:
        """The metrics page."""
        url = f"{_base_url(pod, pod.metrics_port)}/metrics"
        problems: list[EndpointError] = []
        page = await _attempt(self._page(url, self._memory(pod).lines), problems)
        return PageReading(_OK, page) if page is not None else PageReading(problems[0].reading)

    async def _page(self, url: str, lines: LineMemory) -> ParsedPage:
        answer = await self._http.ask("GET", url)
        if answer.status != 200:
            raise status_error(answer.status, url, answer.text)
        if not answer.body.strip():
            raise empty_error(url)
        page = await _parse_with_pauses(answer.body, lines)
        if not page.is_triton:
            raise malformed_error(
                url, f"none of its lines is a series of Triton's (nv_…), {page.bad_lines} are no series"
            )
        return page


async def _read_kinds(client: BoundedTritonClient, models: Iterable[ModelKey], ends: float) -> dict[ModelKey, bool]:
    """Which of the models are ensembles, as far as the server says it before `ends`, of the event loop's clock."""
    found: dict[ModelKey, bool] = {}
    left = iter(models)

    async def ask() -> None:
        for model in left:
            try:
                found[model] = is_ensemble(await client.configuration(model))
            except (EndpointError, ValueError):
                continue

    with suppress(TimeoutError):
        async with asyncio.timeout_at(ends), asyncio.TaskGroup() as group:
            for _ in range(CONFIGURATIONS_AT_ONCE):
                group.create_task(ask())
    return found


async def _parsed(call: Callable[[], Awaitable[object]], parse: Callable[[object], _T], url: str) -> _T:
    answer = await call()
    try:
        return parse(answer)
    except ValueError as error:
        raise malformed_error(url, str(error)) from error


async def _known(version: str) -> str:
    return version


async def _parse_with_pauses(body: bytes, lines: LineMemory) -> ParsedPage:
    """Parse, and let the event loop serve others between steps."""
    for page in parse_in_steps(body, lines):
        if page is not None:
            return page
        await asyncio.sleep(0)
    raise AssertionError("a page ends with its result")
