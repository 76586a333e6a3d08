"""The kubelet's pod-resources API over real gRPC on a unix socket, answered by whoever stands in for the kubelet."""

from collections.abc import Callable, Iterable
from pathlib import Path
from typing import TypeAlias

import grpc.aio

from modelmonitor_sidecar.sources.podresources_pb2 import (
    AllocatableResourcesRequest,
    AllocatableResourcesResponse,
    ContainerDevices,
    ListPodResourcesRequest,
    ListPodResourcesResponse,
    PodResources,
)

Pods = Callable[[], Iterable[PodResources]]
_Context: TypeAlias = "grpc.aio.ServicerContext[AllocatableResourcesRequest, AllocatableResourcesResponse]"
Devices = Callable[[], Iterable[ContainerDevices] | None]


async def serve_pod_resources(socket: Path, pods: Pods, allocatable: Devices) -> grpc.aio.Server:
    """Listen until the server is stopped; both are asked anew for each request.

    Args:
        allocatable: None is a kubelet whose GetAllocatableResources is switched off.
    """

    async def listed(_request: object, _context: object) -> ListPodResourcesResponse:
        return ListPodResourcesResponse(pod_resources=pods())

    async def allocated(_request: AllocatableResourcesRequest, context: "_Context") -> AllocatableResourcesResponse:
        devices = allocatable()
        if devices is None:
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
    server.add_insecure_port(f"unix:{socket}")
    await server.start()
    return server
