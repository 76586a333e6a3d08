"""A node with a time-sliced GPU: a kubelet that says who holds it, and Tritons whose models execute at known rates."""

import secrets
import time
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

import aiohttp
from aiohttp import web

from modelmonitor_api import names
from modelmonitor_api.cost_summary import CostReading
from modelmonitor_api.signing import NONCE_BYTES, sign_request
from modelmonitor_api.summary import NodeSummary
from modelmonitor_sidecar.sources.podresources_pb2 import ContainerDevices, ContainerResources, PodResources
from modelmonitor_testbed.pod_resources_server import serve_pod_resources
from tests.edge.sidecar.loopback import served

KEY, SIDECAR_UID = b"k" * 44, "uid-sidecar"
RESOURCE = "nvidia.com/gpu"


@dataclass
class LoadedTriton:
    """A Triton whose models execute so many seconds in each second; `parts` of an ensemble are executed by its call.

    Attributes:
        before: seconds that each model had executed when this Triton is first looked at.
    """

    rates: Mapping[str, float]
    ensembles: frozenset[str] = frozenset()
    before: float = 0.0
    since: float = field(default_factory=time.monotonic)

    def load_again(self) -> None:
        """Counters begin at zero, as after a reload of all models."""
        self.before, self.since = 0.0, time.monotonic()

    def executed(self, model: str) -> float:
        """Seconds in all."""
        return self.before + self.rates[model] * (time.monotonic() - self.since)

    def _statistics(self, model: str) -> dict[str, object]:
        nanoseconds = round(self.executed(model) * 1e9)
        requests = nanoseconds // 10_000_000
        spent = {"count": requests, "ns": nanoseconds}
        return {
            "name": model,
            "version": "1",
            "inference_count": requests,
            "execution_count": requests,
            "inference_stats": {"success": spent, "compute_infer": spent},
            "batch_stats": [{"batch_size": 1, "compute_infer": spent}],
        }

    async def answer(self, request: web.Request) -> web.Response:
        """Everything that a sidecar asks for."""
        if request.path == "/v2/models/stats":
            return web.json_response({"model_stats": [self._statistics(model) for model in self.rates]})
        if request.path == "/v2/repository/index":
            return web.json_response([{"name": model, "version": "1", "state": "READY"} for model in self.rates])
        if request.path.endswith("/config"):
            name = request.path.split("/")[3]
            platform = "ensemble" if name in self.ensembles else ""
            return web.json_response({"name": name, "platform": platform, "backend": "python"})
        if request.path == "/metrics":
            return web.Response(text='nv_inference_count{model="a",version="1"} 1\n')
        return web.json_response({"name": "triton", "version": "2.51.0"})

    @asynccontextmanager
    async def serving(self) -> AsyncIterator[int]:
        """Serve on a free port of loopback."""
        application = web.Application()
        application.router.add_route("*", "/{path:.*}", self.answer)
        async with served(application) as port:
            yield port


@asynccontextmanager
async def kubelet(path: Path, held: Mapping[str, str], replicas: int) -> AsyncIterator[None]:
    """A kubelet whose pods of team-a hold these device ids, of a GPU that is offered in so many replicas."""
    uuid = next(iter(held.values())).partition("::")[0]
    offered = [ContainerDevices(resource_name=RESOURCE, device_ids=[f"{uuid}::{n}"]) for n in range(replicas)]

    def container(device: str) -> ContainerResources:
        devices = [ContainerDevices(resource_name=RESOURCE, device_ids=[device])]
        return ContainerResources(name="triton", devices=devices)

    pods = [PodResources(name=name, namespace="team-a", containers=[container(one)]) for name, one in held.items()]

    server = await serve_pod_resources(path, lambda: pods, lambda: offered)
    try:
        yield
    finally:
        await server.stop(0)


async def ask_cost(session: aiohttp.ClientSession, url: str) -> CostReading | None:
    """The meters, asked for as the operator does; None where the sidecar does not answer or has none yet."""
    nonce = secrets.token_hex(NONCE_BYTES)
    headers = {
        names.NONCE_HEADER: nonce,
        names.POD_UID_HEADER: SIDECAR_UID,
        names.SIGNATURE_HEADER: sign_request(KEY, nonce, SIDECAR_UID),
    }
    try:
        async with session.get(url + names.SUMMARY_PATH, headers=headers) as answer:
            return NodeSummary.model_validate_json(await answer.read()).cost if answer.status == 200 else None
    except aiohttp.ClientError:
        return None
