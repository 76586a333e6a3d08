"""The server of `helm test`, read by the sidecar's own reader as any Triton is."""

from modelmonitor_api.summary import EndpointState
from modelmonitor_operator.adapters.stand_in_triton import build_stand_in
from modelmonitor_sidecar.sources.bounded_http import BoundedHttp
from modelmonitor_sidecar.sources.triton import TritonReader
from tests.edge.sidecar.loopback import served
from tests.unit.sidecar.readings import pod


async def test_a_sidecar_reads_it_completely_and_finds_a_ready_server_without_models() -> None:
    http = BoundedHttp(2.0)
    async with served(build_stand_in()) as port:
        said, page = await TritonReader(http).read(pod(http=port, metrics=port))
    await http.close()
    assert (said.endpoint.state, page.endpoint.state) == (EndpointState.OK, EndpointState.OK)
    assert said.server_ready is True
    assert said.statistics == said.index == {}
    assert len(page.page.series) <= 1
