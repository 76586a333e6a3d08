"""A device plugin that offers the simulated GPUs to a real kubelet, one gRPC server for each resource."""

import argparse
import asyncio
import contextlib
import logging
import os
import signal
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from pathlib import Path

import grpc
import grpc.aio

from modelmonitor_testbed.gpu import deviceplugin_pb2 as api
from modelmonitor_testbed.gpu.offers import Offers, Sharing, build_offers
from modelmonitor_testbed.gpu.state import read_state

API_VERSION = "v1beta1"
POLL_SECONDS = 1.0
REGISTER_SECONDS = 5.0
log = logging.getLogger("device-plugin")


@dataclass(frozen=True)
class Settings:
    """Where the kubelet's sockets and the GPUs' state are."""

    plugins: Path
    state: Path
    sharing: Sharing

    @property
    def kubelet(self) -> Path:
        """Return the kubelet's registration socket, made anew at each of its starts."""
        return self.plugins / "kubelet.sock"

    def offers(self) -> Offers:
        """Return what is on offer now."""
        return build_offers(read_state(self.state), self.sharing)


class ResourceServer:
    """Serves the devices of one resource."""

    def __init__(self, settings: Settings, resource: str) -> None:
        self._settings = settings
        self._resource = resource
        self.socket = settings.plugins / f"modelmonitor-{resource.partition('/')[2]}.sock"
        self._server = grpc.aio.server()
        self._server.add_generic_rpc_handlers(
            (
                grpc.method_handlers_generic_handler(
                    "v1beta1.DevicePlugin",
                    {
                        "GetDevicePluginOptions": grpc.unary_unary_rpc_method_handler(
                            self.options, api.Empty.FromString, api.DevicePluginOptions.SerializeToString
                        ),
                        "ListAndWatch": grpc.unary_stream_rpc_method_handler(
                            self.list_and_watch, api.Empty.FromString, api.ListAndWatchResponse.SerializeToString
                        ),
                        "Allocate": grpc.unary_unary_rpc_method_handler(
                            self.allocate, api.AllocateRequest.FromString, api.AllocateResponse.SerializeToString
                        ),
                    },
                ),
            )
        )

    async def start(self) -> None:
        """Listen, then register with the kubelet; grpc.aio.AioRpcError where it does not answer."""
        self.socket.unlink(missing_ok=True)
        self._server.add_insecure_port(f"unix://{self.socket}")
        await self._server.start()
        request = api.RegisterRequest(
            version=API_VERSION,
            endpoint=self.socket.name,
            resource_name=self._resource,
            options=api.DevicePluginOptions(),
        )
        async with grpc.aio.insecure_channel(f"unix://{self._settings.kubelet}") as channel:
            register = channel.unary_unary(
                "/v1beta1.Registration/Register", api.RegisterRequest.SerializeToString, api.Empty.FromString
            )
            await register(request, timeout=REGISTER_SECONDS)
        log.info("registered %s", self._resource)

    async def stop(self) -> None:
        """Stop listening."""
        await self._server.stop(grace=None)
        self.socket.unlink(missing_ok=True)

    async def options(self, _request: api.Empty, _context: object) -> api.DevicePluginOptions:
        """Ask the kubelet for no extra calls."""
        return api.DevicePluginOptions()

    async def list_and_watch(self, _request: api.Empty, _context: object) -> AsyncIterator[api.ListAndWatchResponse]:
        """Send the devices, and again whenever they change."""
        sent = None
        while True:
            devices = self._settings.offers().get(self._resource, ())
            if devices != sent:
                sent = devices
                words = {True: "Healthy", False: "Unhealthy"}
                yield api.ListAndWatchResponse(
                    devices=[api.Device(ID=device.id, health=words[device.healthy]) for device in devices]
                )
            await asyncio.sleep(POLL_SECONDS)

    async def allocate(self, request: api.AllocateRequest, _context: object) -> api.AllocateResponse:
        """Give a container its devices, by the environment that NVIDIA's runtime would read."""
        return api.AllocateResponse(
            container_responses=[
                api.ContainerAllocateResponse(envs={"NVIDIA_VISIBLE_DEVICES": ",".join(container.devices_ids)})
                for container in request.container_requests
            ]
        )


def kubelet_start(settings: Settings) -> int | None:
    """Return what tells one start of the kubelet from the next, None while it is down."""
    try:
        return settings.kubelet.stat().st_ctime_ns
    except FileNotFoundError:
        return None


async def serve_one_kubelet(settings: Settings) -> None:
    """Register every resource and serve until the kubelet starts anew or other resources are on offer."""
    begun, offered = kubelet_start(settings), settings.offers().keys()
    servers = [ResourceServer(settings, resource) for resource in offered]
    try:
        for server in servers:
            await server.start()
        await until_changed(lambda: (kubelet_start(settings), settings.offers().keys()), (begun, offered))
    finally:
        for server in servers:
            await server.stop()


async def until_changed(look: Callable[[], object], seen: object) -> None:
    """Return once a look shows something else."""
    changed = False
    while not changed:
        await asyncio.sleep(POLL_SECONDS)
        changed = look() != seen


async def serve(settings: Settings) -> None:
    """Serve one kubelet after the other, for ever."""
    while True:
        if kubelet_start(settings) is not None and settings.state.exists():
            with contextlib.suppress(grpc.aio.AioRpcError):
                await serve_one_kubelet(settings)
        await asyncio.sleep(POLL_SECONDS)


async def run(settings: Settings) -> None:
    """Serve until SIGTERM."""
    task = asyncio.create_task(serve(settings))
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, task.cancel)
    with contextlib.suppress(asyncio.CancelledError):
        await task


def main() -> None:
    """Read the command line and serve."""
    parser = argparse.ArgumentParser(prog="gpu-device-plugin", description=__doc__)
    parser.add_argument("--plugins", type=Path, default=Path("/var/lib/kubelet/device-plugins"))
    parser.add_argument(
        "--state", type=Path, default=Path(os.environ.get("NVML_SIM_STATE", "/run/modelmonitor/nvml/state"))
    )
    parser.add_argument("--replicas", type=int, default=int(os.environ.get("GPU_REPLICAS", "1")))
    parser.add_argument("--rename", action="store_true", default=os.environ.get("GPU_RENAME") == "true")
    options = parser.parse_args()
    logging.basicConfig(level=logging.INFO, format="%(message)s")
    asyncio.run(run(Settings(options.plugins, options.state, Sharing(options.replicas, options.rename))))


if __name__ == "__main__":
    main()
