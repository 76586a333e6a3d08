"""The pod-resources API over a real unix socket and real gRPC."""

import asyncio
import errno
import socket
import tempfile
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from modelmonitor_api.summary import SourceState
from modelmonitor_sidecar.presence import Presence, PresentReader
from modelmonitor_sidecar.snapshot import SnapshotStore
from modelmonitor_sidecar.sources.bounded_http import BoundedHttp
from modelmonitor_sidecar.sources.pod_resources import KubeletSocket, PodName, PodResourcesSource
from modelmonitor_sidecar.sources.podresources_pb2 import ContainerDevices, ContainerResources, PodResources
from modelmonitor_sidecar.sources.triton import TritonReader
from modelmonitor_sidecar.targets import plan_targets
from modelmonitor_testbed.pod_resources_server import serve_pod_resources
from tests.edge.sidecar.test_refused_addresses import Sink, sink
from tests.unit.sidecar.readings import FakeClock, monitor, pod

PATIENCE_SECONDS = 10.0


@pytest.fixture
def socket_path() -> Iterator[Path]:
    """A short path: a unix socket's may not be longer than 107 characters."""
    with tempfile.TemporaryDirectory() as folder:
        yield Path(folder) / "kubelet.sock"


@asynccontextmanager
async def kubelet(path: Path, device: str, *, allocatable: bool = True) -> AsyncIterator[list[PodResources]]:
    """A kubelet that lists a pod with a device; a test changes the list that it gives."""
    devices = [ContainerDevices(resource_name="nvidia.com/gpu", device_ids=[device])]
    container = ContainerResources(name="triton", devices=devices)
    pods = [PodResources(name="fraud-0", namespace="team-a", containers=[container])]

    server = await serve_pod_resources(path, lambda: pods, lambda: devices if allocatable else None)
    try:
        yield pods
    finally:
        await server.stop(None)


@asynccontextmanager
async def source(path: Path) -> AsyncIterator[PodResourcesSource]:
    connection = KubeletSocket(path)
    try:
        yield PodResourcesSource(connection, SnapshotStore(), FakeClock(), lambda: 15.0)
    finally:
        await connection.close()


async def test_holders_and_allocatable_devices_are_read(socket_path: Path) -> None:
    async with kubelet(socket_path, "GPU-1"), source(socket_path) as reading:
        seen = await reading.read_once()
    assert (seen.state, seen.allocatable) == (SourceState.OK, ("GPU-1",))
    assert [(h.namespace, h.pod, h.container, h.device_ids) for h in seen.holders] == [
        ("team-a", "fraud-0", "triton", ("GPU-1",))
    ]


async def test_without_a_socket_the_source_is_absent_and_comes_when_the_kubelet_does(socket_path: Path) -> None:
    async with source(socket_path) as reading:
        seen = await reading.read_once()
        assert seen.state is SourceState.ABSENT
        assert "not mounted" in seen.message
        async with kubelet(socket_path, "GPU-1"):
            assert (await reading.read_once()).state is SourceState.OK


async def test_a_socket_that_was_made_anew_is_connected_to_anew(socket_path: Path) -> None:
    async with source(socket_path) as reading:
        async with kubelet(socket_path, "GPU-1"):
            assert (await reading.read_once()).allocatable == ("GPU-1",)
        await asyncio.to_thread(socket_path.unlink, missing_ok=True)
        assert (await reading.read_once()).state is SourceState.ABSENT
        async with kubelet(socket_path, "GPU-2"):
            assert (await reading.read_once()).allocatable == ("GPU-2",)


async def test_a_folder_that_may_not_be_entered_is_a_failure_with_the_reason(monkeypatch: pytest.MonkeyPatch) -> None:
    def refused(_path: Path) -> bool:
        raise PermissionError(errno.EACCES, "Permission denied")

    monkeypatch.setattr(Path, "exists", refused)
    async with source(Path("/var/lib/kubelet/pod-resources/kubelet.sock")) as reading:
        seen = await reading.read_once()
    assert seen.state is SourceState.FAILED
    assert "Permission denied; the kubelet's folder asks for uid 0" in seen.message


async def test_a_socket_that_nobody_serves_is_a_failure_with_the_reason(socket_path: Path) -> None:
    with socket.socket(socket.AF_UNIX) as left_behind:
        left_behind.bind(str(socket_path))
    async with source(socket_path) as reading:
        seen = await reading.read_once()
    assert seen.state is SourceState.FAILED
    assert "UNAVAILABLE" in seen.message


async def test_a_kubelet_that_refuses_one_call_is_a_failure_in_its_own_words(socket_path: Path) -> None:
    async with kubelet(socket_path, "GPU-1", allocatable=False), source(socket_path) as reading:
        seen = await reading.read_once()
    assert (seen.state, seen.holders) == (SourceState.FAILED, ())
    assert "UNIMPLEMENTED: switched off" in seen.message


class Watching:
    """A pod that is read as the sidecar reads it, after each list of the kubelet; what answers there counts."""

    def __init__(self, source: PodResourcesSource, http: BoundedHttp, heard: Sink) -> None:
        self._source, self._heard = source, heard
        self._pod = pod(http=heard.port, metrics=heard.port)
        presence = Presence(PodName("mm", "sidecar-x"), source.ask_now)
        presence.follow(plan_targets((monitor(self._pod),), lambda _: ""))
        source.on_list = presence.note
        self._reader = PresentReader(TritonReader(http), presence)

    async def asked(self) -> bool:
        """Whether another list and another reading lead to a connection."""
        before = self._heard.connections
        await self._source.read_once()
        await self._reader.read(self._pod)
        return self._heard.connections > before


@pytest.fixture
async def http() -> AsyncIterator[BoundedHttp]:
    made = BoundedHttp(1.0)
    yield made
    await made.close()


OURS = PodResources(name="sidecar-x", namespace="mm")
NEXT = PodResources(name="stranger-0", namespace="team-b")


async def test_an_address_that_is_another_pods_by_now_is_asked_no_more(socket_path: Path, http: BoundedHttp) -> None:
    async with kubelet(socket_path, "GPU-1") as pods, source(socket_path) as reading, sink() as heard:
        fraud = pods.pop()
        watching = Watching(reading, http, heard)
        pods[:] = [OURS, fraud]
        assert await watching.asked(), "the sink hears nothing, so this test shows nothing"
        pods[:] = [OURS, NEXT]
        assert await watching.asked(), "one list may be of a kubelet that has just started"
        assert not await watching.asked()
        assert not await watching.asked()
        pods[:] = [OURS, NEXT, fraud]
        assert await watching.asked()


async def test_a_pod_of_a_forged_status_that_no_kubelet_runs_is_never_asked(
    socket_path: Path, http: BoundedHttp
) -> None:
    async with kubelet(socket_path, "GPU-1") as pods, source(socket_path) as reading, sink() as heard:
        pods[:] = [OURS, NEXT]
        watching = Watching(reading, http, heard)
        assert not await watching.asked()
        assert heard.connections == 0


async def test_without_a_kubelet_the_plan_alone_says_who_is_asked(socket_path: Path, http: BoundedHttp) -> None:
    async with source(socket_path) as reading, sink() as heard:
        watching = Watching(reading, http, heard)
        assert await watching.asked()
        async with kubelet(socket_path, "GPU-1", allocatable=False) as pods:
            pods[:] = [OURS, NEXT]
            assert await watching.asked(), "a kubelet that does not answer whole"
            assert await watching.asked()


async def test_who_waits_for_a_list_does_not_wait_for_the_interval(socket_path: Path) -> None:
    lists: asyncio.Queue[frozenset[PodName] | None] = asyncio.Queue()
    async with kubelet(socket_path, "GPU-1"), source(socket_path) as reading:
        reading.on_list = lists.put_nowait
        running = asyncio.create_task(reading.run())
        async with asyncio.timeout(PATIENCE_SECONDS):
            for _ in range(3):
                assert await lists.get() == {PodName("team-a", "fraud-0")}
                reading.ask_now()
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)
