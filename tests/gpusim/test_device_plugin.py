"""The device plugin over real gRPC, with a test in the place of the kubelet."""

import asyncio
from pathlib import Path

import grpc
import grpc.aio
import pytest

from modelmonitor_testbed.gpu import device_plugin
from modelmonitor_testbed.gpu import deviceplugin_pb2 as api
from modelmonitor_testbed.gpu.hardware import Node, build_state
from modelmonitor_testbed.gpu.offers import Sharing
from modelmonitor_testbed.gpu.state import edited_state, write_state

NODE = Node("node-a", 2, {})


class Kubelet:
    """Takes registrations on a socket, as the kubelet does."""

    def __init__(self, socket: Path) -> None:
        self.registered: asyncio.Queue[api.RegisterRequest] = asyncio.Queue()
        self._server = grpc.aio.server()
        register = grpc.unary_unary_rpc_method_handler(
            self._register, api.RegisterRequest.FromString, api.Empty.SerializeToString
        )
        handler = grpc.method_handlers_generic_handler("v1beta1.Registration", {"Register": register})
        self._server.add_generic_rpc_handlers((handler,))
        self._server.add_insecure_port(f"unix://{socket}")

    async def __aenter__(self) -> "Kubelet":
        await self._server.start()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._server.stop(grace=None)

    async def _register(self, request: api.RegisterRequest, _context: object) -> api.Empty:
        await self.registered.put(request)
        return api.Empty()

    async def next_registration(self) -> api.RegisterRequest:
        async with asyncio.timeout(10):
            return await self.registered.get()


@pytest.fixture
def settings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> device_plugin.Settings:
    """Give a folder of plugins and a state, and let the plugin look often."""
    monkeypatch.setattr(device_plugin, "POLL_SECONDS", 0.01)
    write_state(tmp_path / "state", build_state(NODE, 0))
    return device_plugin.Settings(tmp_path, tmp_path / "state", Sharing())


async def test_it_registers_lists_and_allocates_and_tells_of_changes(settings: device_plugin.Settings) -> None:
    async with Kubelet(settings.kubelet) as kubelet:
        serving = asyncio.create_task(device_plugin.serve(settings))
        request = await kubelet.next_registration()
        assert (request.version, request.resource_name) == ("v1beta1", "nvidia.com/gpu")
        async with grpc.aio.insecure_channel(f"unix://{settings.plugins / request.endpoint}") as channel:
            watch = channel.unary_stream(
                "/v1beta1.DevicePlugin/ListAndWatch", api.Empty.SerializeToString, api.ListAndWatchResponse.FromString
            )(api.Empty())
            first = await watch.read()
            assert [device.ID for device in first.devices] == [NODE.gpu_uuid(0), NODE.gpu_uuid(1)]
            with edited_state(settings.state) as state:
                state["gpu.1.device_health"] = "Unhealthy"
            second = await watch.read()
            assert [device.health for device in second.devices] == ["Healthy", "Unhealthy"]
            allocate = channel.unary_unary(
                "/v1beta1.DevicePlugin/Allocate", api.AllocateRequest.SerializeToString, api.AllocateResponse.FromString
            )
            wanted = api.ContainerAllocateRequest(devices_ids=["GPU-1::0", "GPU-2"])
            answer = await allocate(api.AllocateRequest(container_requests=[wanted]))
            assert dict(answer.container_responses[0].envs) == {"NVIDIA_VISIBLE_DEVICES": "GPU-1::0,GPU-2"}
            watch.cancel()
        serving.cancel()
        await asyncio.gather(serving, return_exceptions=True)


async def test_it_registers_again_with_a_kubelet_that_starts_anew_and_with_other_resources(
    settings: device_plugin.Settings,
) -> None:
    serving = asyncio.create_task(device_plugin.serve(settings))
    async with Kubelet(settings.kubelet) as kubelet:
        assert (await kubelet.next_registration()).resource_name == "nvidia.com/gpu"
    settings.kubelet.unlink(missing_ok=True)
    async with Kubelet(settings.kubelet) as kubelet:
        assert (await kubelet.next_registration()).resource_name == "nvidia.com/gpu"
        write_state(settings.state, build_state(Node("node-a", 1, {0: ("1g.10gb",)}), 0))
        assert (await kubelet.next_registration()).resource_name == "nvidia.com/mig-1g.10gb"
    serving.cancel()
    await asyncio.gather(serving, return_exceptions=True)
