"""The pod-resources API over a real unix socket and real gRPC."""

import asyncio
import errno
import socket
import tempfile
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path

import grpc.aio
import pytest

from modelmonitor_api.summary import SourceState
from modelmonitor_sidecar.snapshot import SnapshotStore
from modelmonitor_sidecar.sources.pod_resources import KubeletSocket, PodResourcesSource
from modelmonitor_sidecar.sources.podresources_pb2 import (
    AllocatableResourcesRequest,
    AllocatableResourcesResponse,
    ContainerDevices,
    ContainerResources,
    ListPodResourcesRequest,
    ListPodResourcesResponse,
    PodResources,
)
from tests.unit.sidecar.readings import FakeClock


@pytest.fixture
def socket_path() -> Iterator[Path]:
    """A short path: a unix socket's may not be longer than 107 characters."""
    with tempfile.TemporaryDirectory() as folder:
        yield Path(folder) / "kubelet.sock"


@asynccontextmanager
async def kubelet(path: Path, device: str, *, allocatable: bool = True) -> AsyncIterator[None]:
    devices = [ContainerDevices(resource_name="nvidia.com/gpu", device_ids=[device])]
    container = ContainerResources(name="triton", devices=devices)
    pods = [PodResources(name="fraud-0", namespace="team-a", containers=[container])]

    async def listed(_request: object, _context: object) -> ListPodResourcesResponse:
        return ListPodResourcesResponse(pod_resources=pods)

    async def allocated(_request: object, context: grpc.aio.ServicerContext) -> AllocatableResourcesResponse:
        if not allocatable:
            await context.abort(grpc.StatusCode.UNIMPLEMENTED, "switched off")
        return AllocatableResourcesResponse(devices=devices)

    handlers = {
        "List": grpc.unary_unary_rpc_method_handler(
            listed, ListPodResourcesRequest.FromString, ListPodResourcesResponse.SerializeToString
        ),
        "GetAllocatableResources": grpc.unary_unary_rpc_method_handler(
            allocated, AllocatableResourcesRequest.FromString, AllocatableResourcesResponse.SerializeToString
        ),
    }
    server = grpc.aio.server()
    server.add_generic_rpc_handlers((grpc.method_handlers_generic_handler("v1.PodResourcesLister", handlers),))
    server.add_insecure_port(f"unix:{path}")
    await server.start()
    try:
        yield
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
