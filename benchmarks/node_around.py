"""Everything that a sidecar finds on its node, in a process of its own: API server, kubelet and Triton pods."""

import asyncio
import json
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass
from multiprocessing.connection import Connection
from pathlib import Path

import grpc.aio
from aiohttp import web

from benchmarks.synthetic import GPUS
from benchmarks.triton_pages import model_names, render_index, render_metadata, render_metrics, render_statistics
from modelmonitor_api.plan import NodePlanSpec, PlannedMonitor, PlannedPod
from modelmonitor_sidecar.sources.podresources_pb2 import ContainerDevices, ContainerResources, PodResources
from modelmonitor_testbed.gpu.hardware import Node
from modelmonitor_testbed.pod_resources_server import serve_pod_resources

NODE = Node("node-a", GPUS, {})
NAMESPACE, MONITOR = "team", "fraud"
PORT = 9403
DRIP = "127.91.0.1"
_DRIP_SECONDS = 0.2
_Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


@dataclass(frozen=True, slots=True)
class Surroundings:
    """How much there is on the node.

    Attributes:
        drips: whether one more pod answers a byte at a time.
    """

    socket: Path
    pods: int = 5
    models: int = 10
    interval_seconds: int = 15
    drips: bool = False

    def address(self, pod: int) -> str:
        """Loopback address of a Triton pod."""
        return f"127.90.0.{pod + 1}"

    @property
    def api_server(self) -> str:
        """URL of what stands for the API server."""
        return f"http://127.90.1.1:{PORT}"

    def build_plan(self) -> NodePlanSpec:
        """One monitor with all the pods."""
        addresses = [self.address(pod) for pod in range(self.pods)] + ([DRIP] if self.drips else [])
        pods = tuple(
            PlannedPod(
                name=f"triton-{pod}",
                uid=f"uid-{pod}",
                ip=address,
                container="triton",
                http_port=PORT,
                metrics_port=PORT,
            )
            for pod, address in enumerate(addresses)
        )
        monitor = PlannedMonitor(
            namespace=NAMESPACE,
            name=MONITOR,
            uid="uid",
            interval_seconds=self.interval_seconds,
            window_seconds=300,
            pods=pods,
        )
        return NodePlanSpec(node_name=NODE.name, monitors=(monitor,))


def _triton(pod: int, models: int) -> web.Application:
    names = model_names(pod, models)

    def page(render: Callable[[], bytes]) -> _Handler:
        async def answer(_request: web.Request) -> web.Response:
            return web.Response(body=render(), content_type="application/json")

        return answer

    app = web.Application()
    app.router.add_get("/metrics", page(lambda: render_metrics(names)))
    app.router.add_get("/v2", page(render_metadata))
    app.router.add_get("/v2/health/ready", page(lambda: b""))
    app.router.add_get("/v2/models/stats", page(lambda: render_statistics(names)))
    app.router.add_post("/v2/repository/index", page(lambda: render_index(names)))
    return app


def _dripping() -> web.Application:
    async def drip(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse()
        await response.prepare(request)
        with suppress(ConnectionError):
            while True:
                await response.write(b"n")
                await asyncio.sleep(_DRIP_SECONDS)
        return response

    app = web.Application()
    app.router.add_route("*", "/{path:.*}", drip)
    return app


def _api_server(plan: NodePlanSpec) -> web.Application:
    item = {"metadata": {"name": NODE.name, "generation": 1, "resourceVersion": "9"}, "spec": plan.to_wire()}

    async def answer(request: web.Request) -> web.StreamResponse:
        if "watch" not in request.query:
            return web.Response(
                text=json.dumps({"metadata": {"resourceVersion": "9"}, "items": [item]}),
                content_type="application/json",
            )
        response = web.StreamResponse()
        await response.prepare(request)
        await asyncio.sleep(3600)
        return response

    app = web.Application()
    app.router.add_get("/{path:.*}", answer)
    return app


async def _kubelet(socket: Path, pods: int) -> grpc.aio.Server:
    devices = [
        ContainerDevices(resource_name="nvidia.com/gpu", device_ids=[NODE.gpu_uuid(slot)]) for slot in range(GPUS)
    ]
    held = [
        PodResources(
            name=f"triton-{pod}",
            namespace=NAMESPACE,
            containers=[ContainerResources(name="triton", devices=[devices[pod % GPUS]])],
        )
        for pod in range(pods)
    ]

    return await serve_pod_resources(socket, lambda: held, lambda: devices)


async def _serve(around: Surroundings, ready: Connection) -> None:
    apps = {around.address(pod): _triton(pod, around.models) for pod in range(around.pods)}
    apps |= {"127.90.1.1": _api_server(around.build_plan()), DRIP: _dripping()}
    kubelet = await _kubelet(around.socket, around.pods)
    runners = []
    for address, app in apps.items():
        runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1)
        await runner.setup()
        await web.TCPSite(runner, address, PORT).start()
        runners.append(runner)
    ready.send("there")
    await asyncio.to_thread(ready.poll, None)
    await kubelet.stop(0)
    for runner in runners:
        await runner.cleanup()


def run_node(around: Surroundings, ready: Connection) -> None:
    """Serve until the parent ends."""
    asyncio.run(_serve(around, ready))
