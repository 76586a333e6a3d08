"""Sinks on loopback, and plans that would lead to them: nothing ever connects.

That the sinks would notice is part of each test: the same forms do reach them where nobody refuses.
"""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from modelmonitor_api.addresses import refuse_address
from modelmonitor_api.plan import PlannedPod
from modelmonitor_sidecar.scrape import ScrapeScheduler
from modelmonitor_sidecar.settings import read_settings
from modelmonitor_sidecar.snapshot import SnapshotStore
from modelmonitor_sidecar.sources.bounded_http import BoundedHttp
from modelmonitor_sidecar.sources.endpoint_errors import EndpointError
from modelmonitor_sidecar.sources.triton import TritonReader
from modelmonitor_sidecar.targets import plan_targets
from tests.edge.sidecar.loopback import answer, raw_server, says
from tests.unit.sidecar.readings import FakeClock, monitor, pod

FORMS = {
    "loopback": "127.0.0.1",
    "unspecified": "0.0.0.0",  # noqa: S104
    "within IPv6": "::ffff:127.0.0.1",
    "decimal": "2130706433",
    "hexadecimal": "0x7f000001",
    "short": "127.1",
    "a name": "localhost",
}
POD = {"NODE_NAME": "node-a", "POD_UID": "u", "POD_NAMESPACE": "mm", "KUBERNETES_SERVICE_HOST": "10.96.0.1"}


class Sink:
    """Counts who connects."""

    def __init__(self) -> None:
        self.connections = 0
        self.port = 0

    async def serve(self, _reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        writer.close()


@asynccontextmanager
async def sink() -> AsyncIterator[Sink]:
    made = Sink()
    server = await asyncio.start_server(made.serve, "127.0.0.1", 0)
    made.port = server.sockets[0].getsockname()[1]
    try:
        yield made
    finally:
        server.close()


async def read_all(pod: PlannedPod, **environment: str) -> SnapshotStore:
    """What a sidecar does with a plan of this pod."""
    http, store = BoundedHttp(1.0), SnapshotStore()
    scheduler = ScrapeScheduler(TritonReader(http), store, FakeClock(), phase=lambda _: 0.0)
    scheduler.follow(plan_targets((monitor(pod),), read_settings({**POD, **environment}).refuse_address))
    await asyncio.sleep(0.1)
    await scheduler.close()
    await http.close()
    return store


@pytest.mark.parametrize("address", FORMS.values(), ids=FORMS.keys())
async def test_a_planned_pod_with_an_address_of_this_machine_is_never_asked(address: str) -> None:
    async with sink() as heard:
        store = await read_all(pod(ip=address, http=heard.port, metrics=heard.port))
        assert heard.connections == 0
        assert store.newest.targets == {}
        host = f"[{address}]" if ":" in address else address
        http = BoundedHttp(1.0)
        with pytest.raises(EndpointError):
            await http.ask("GET", f"http://{host}:{heard.port}/")
        await http.close()
        assert heard.connections > 0, "the sink hears nothing, so this test shows nothing"


async def test_the_same_plan_leads_to_the_sink_where_loopback_is_asked() -> None:
    async with sink() as heard:
        asked = pod(http=heard.port, metrics=heard.port)
        store = await read_all(asked, MODELMONITOR_BIND_ADDRESS="127.0.0.1")
        assert heard.connections > 0
        assert list(store.newest.targets) == [asked.uid]


async def test_a_pod_that_redirects_is_not_followed() -> None:
    async with sink() as heard:
        target = f"http://127.0.0.1:{heard.port}/"
        for status in ("301 Moved", "302 Found", "303 See Other", "307 Temporary", "308 Permanent"):
            redirect = says(answer(b"", status=status, more=f"Location: {target}\r\nRefresh: 0; url={target}\r\n"))
            async with raw_server(redirect) as port:
                http = BoundedHttp(1.0)
                reading, page = await TritonReader(http).read(pod(http=port, metrics=port))
                await http.close()
            assert (reading.server_ready, page.page.series) == (None, ())
        assert heard.connections == 0


def test_the_api_server_and_the_node_are_no_pods() -> None:
    settings = read_settings({**POD, "HOST_IPS": "10.0.0.6,fd00::7"})
    assert "API server" in settings.refuse_address("10.96.0.1")
    assert "node" in settings.refuse_address("10.0.0.6")
    assert "node" in settings.refuse_address("fd00:0::0:7")
    assert settings.refuse_address("10.0.0.7") == ""


def test_only_a_sidecar_that_serves_on_loopback_itself_asks_there() -> None:
    local = read_settings({**POD, "MODELMONITOR_BIND_ADDRESS": "127.0.0.1"})
    assert local.refuse_address("127.0.0.1") == ""
    assert local.refuse_address("169.254.169.254")
    for address in ("", "10.0.0.9", "0.0.0.0"):  # noqa: S104
        given = {**POD, **({"MODELMONITOR_BIND_ADDRESS": address} if address else {})}
        assert read_settings(given).refuse_address("127.0.0.1") == refuse_address("127.0.0.1") != ""
