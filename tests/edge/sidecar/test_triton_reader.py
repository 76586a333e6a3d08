"""What the reader asks a Triton at each reading, what it remembers between them, and what it leaves behind."""

import asyncio
import time
from collections import Counter
from collections.abc import AsyncIterator

import pytest
from aiohttp import web

from modelmonitor_api.summary import EndpointState
from modelmonitor_sidecar.exposition import KNOWN_LINES_BYTES
from modelmonitor_sidecar.sources.bounded_http import BoundedHttp
from modelmonitor_sidecar.sources.ensembles import TRIES
from modelmonitor_sidecar.sources.triton import READINGS_A_VERSION, TritonReader
from tests.edge.sidecar.loopback import served
from tests.unit.sidecar.readings import pod


class CountingTriton:
    """A Triton without models that notes what it is asked."""

    def __init__(self) -> None:
        self.version, self.works = "2.51.0", True
        self.asked: Counter[str] = Counter()
        self.models: list[str] = []
        self.connections: list[str | None] = []

    async def answer(self, request: web.Request) -> web.Response:
        self.asked[request.path] += 1
        self.connections.append(request.headers.get("Connection"))
        listed = [{"name": name, "version": "1", "inference_count": 7} for name in self.models]
        answers = {"/v2": {"version": self.version}, "/v2/models/stats": {"model_stats": listed}}
        if request.path == "/metrics":
            return web.Response(text=f'nv_inference_count{{model="a",version="1"}} {self.asked["/metrics"]}\n')
        if request.path == "/v2/models/stats" and not self.works:
            return web.Response(status=500)
        if request.path.endswith("/config"):
            return await self.configuration(request.path.split("/")[3])
        return web.json_response(answers.get(request.path, []))

    async def configuration(self, name: str) -> web.Response:
        if name == "slow":
            await asyncio.sleep(60)
        if name == "hidden":
            return web.Response(status=404)
        return web.json_response({"name": name, "platform": "ensemble" if name == "both" else ""})


@pytest.fixture
async def reader() -> AsyncIterator[TritonReader]:
    http = BoundedHttp(2.0)
    yield TritonReader(http)
    await http.close()


@pytest.fixture
def triton() -> CountingTriton:
    return CountingTriton()


@pytest.fixture
async def port(triton: CountingTriton) -> AsyncIterator[int]:
    application = web.Application()
    application.router.add_route("*", "/{path:.*}", triton.answer)
    async with served(application) as number:
        yield number


async def test_a_version_that_is_known_is_asked_for_again_now_and_then(
    reader: TritonReader, triton: CountingTriton, port: int
) -> None:
    versions = set()
    for _ in range(2 * READINGS_A_VERSION):
        seen = await reader.read_http(pod(http=port))
        versions.add((seen.endpoint.state, seen.server_version))
    assert versions == {(EndpointState.OK, "2.51.0")}
    assert (triton.asked["/v2"], triton.asked["/v2/health/ready"]) == (2, 2 * READINGS_A_VERSION)


async def test_a_server_that_had_a_problem_is_asked_for_its_version_at_the_next_reading(
    reader: TritonReader, triton: CountingTriton, port: int
) -> None:
    await reader.read_http(pod(http=port))
    triton.works = False
    assert (await reader.read_http(pod(http=port))).endpoint.state is EndpointState.HTTP_ERROR
    triton.works, triton.version = True, "2.60.0"
    assert (await reader.read_http(pod(http=port))).server_version == "2.60.0"


async def test_a_pod_with_another_uid_at_the_same_address_is_asked_anew(
    reader: TritonReader, triton: CountingTriton, port: int
) -> None:
    await reader.read_http(pod("a", http=port))
    triton.version = "2.60.0"
    assert (await reader.read_http(pod("b", http=port))).server_version == "2.60.0"


async def test_values_are_those_of_each_reading(reader: TritonReader, port: int) -> None:
    readings = [await reader.read_page(pod(metrics=port)) for _ in range(3)]
    assert [reading.page.series[0].value for reading in readings] == [1, 2, 3]


async def test_a_pod_that_the_plan_no_longer_names_leaves_nothing_behind(reader: TritonReader, port: int) -> None:
    for name in ("a", "b"):
        await reader.read(pod(name, http=port, metrics=port))
    assert len(reader) == 2
    reader.keep_only({"uid-b"})
    assert len(reader) == 1


async def test_pods_share_what_may_be_remembered_of_their_pages(reader: TritonReader, port: int) -> None:
    for name in ("a", "b", "c", "a"):
        await reader.read_page(pod(name, metrics=port))
    assert reader._memories["uid-a"].lines.most_bytes == KNOWN_LINES_BYTES // 3


async def test_no_connection_is_kept_so_that_none_delays_the_end_of_a_triton(
    reader: TritonReader, triton: CountingTriton, port: int
) -> None:
    await reader.read(pod(http=port, metrics=port))
    assert triton.connections == ["close"] * 5


async def test_the_configuration_of_each_model_says_once_whether_it_is_an_ensemble(
    reader: TritonReader, triton: CountingTriton, port: int
) -> None:
    triton.models = ["fraud", "both"]
    readings = [(await reader.read_http(pod(http=port))).ensembles for _ in range(3)]
    assert readings == [{("both", "1")}] * 3
    assert triton.asked["/v2/models/both/versions/1/config"] == triton.asked["/v2/models/fraud/versions/1/config"] == 1


async def test_a_configuration_that_is_refused_makes_no_problem_of_the_reading(
    reader: TritonReader, triton: CountingTriton, port: int
) -> None:
    triton.models = ["hidden"]
    readings = [await reader.read_http(pod(http=port)) for _ in range(TRIES + 1)]
    assert {reading.endpoint.state for reading in readings} == {EndpointState.OK}
    assert [bool(reading.ensembles) for reading in readings] == [True, True, False, False]


async def test_configurations_that_do_not_come_end_with_the_reading(triton: CountingTriton, port: int) -> None:
    http = BoundedHttp(0.5)
    triton.models = ["slow", *(f"slow/{number}" for number in range(9)), "fraud"]
    began = time.monotonic()
    reading = await TritonReader(http).read_http(pod(http=port))
    await http.close()
    assert time.monotonic() - began < 1.5
    assert reading.statistics is not None
    assert reading.ensembles >= {("slow", "1"), ("slow/3", "1")}
