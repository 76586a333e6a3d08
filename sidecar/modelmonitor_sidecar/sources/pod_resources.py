"""Which container holds which GPU, from the kubelet's pod-resources API over its unix socket.

The kubelet makes the socket anew at each of its starts, so a call that fails closes the channel and the next one opens
another. Only devices of `nvidia.com/` resources are kept.
"""

import asyncio
import logging
from collections.abc import Callable, Iterable
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import NamedTuple, Protocol

import grpc.aio

from modelmonitor_api.summary import DeviceHolder, SourceState
from modelmonitor_sidecar.change_log import log_change
from modelmonitor_sidecar.snapshot import Clock, PodResourcesSnapshot, SnapshotStore
from modelmonitor_sidecar.sources.podresources_pb2 import (
    AllocatableResourcesRequest,
    AllocatableResourcesResponse,
    ContainerDevices,
    ListPodResourcesRequest,
    ListPodResourcesResponse,
)

_LOG = logging.getLogger(__name__)
DEADLINE_SECONDS = 2.0
MAX_ANSWER_BYTES = 8 * 1024 * 1024
RESOURCE_PREFIX = "nvidia.com/"
_SERVICE = "/v1.PodResourcesLister/"
_OPTIONS = (("grpc.max_receive_message_length", MAX_ANSWER_BYTES), ("grpc.enable_http_proxy", 0))


class PodName(NamedTuple):
    """A pod as the kubelet lists it: by name alone, for static pods have other UIDs there."""

    namespace: str
    name: str


class PodResourcesError(Exception):
    """The kubelet's API could not be read."""

    def __init__(self, state: SourceState, message: str) -> None:
        super().__init__(message)
        self.state = state


class Kubelet(Protocol):
    """Lists devices; raises PodResourcesError."""

    async def list_devices(self) -> tuple[ListPodResourcesResponse, AllocatableResourcesResponse]:
        """What pods hold, and what may be handed out."""

    async def close(self) -> None:
        """Close the connection; the next call opens another."""


class KubeletSocket:
    """The kubelet behind a unix socket."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._channel: grpc.aio.Channel | None = None

    async def list_devices(self) -> tuple[ListPodResourcesResponse, AllocatableResourcesResponse]:
        """What pods hold, and what may be handed out.

        Raises:
            PodResourcesError: there is no socket, or the kubelet does not answer.
        """
        _require_socket(self._path)
        if self._channel is None:
            self._channel = grpc.aio.insecure_channel(f"unix:{self._path}", options=_OPTIONS)
        try:
            return await asyncio.gather(self._list(self._channel), self._allocatable(self._channel))
        except grpc.aio.AioRpcError as error:
            raise PodResourcesError(SourceState.FAILED, _explain(self._path, error)) from error

    async def close(self) -> None:
        """Close the connection; the next call opens another."""
        channel, self._channel = self._channel, None
        if channel is not None:
            await channel.close(None)

    @staticmethod
    async def _list(channel: grpc.aio.Channel) -> ListPodResourcesResponse:
        call = channel.unary_unary(
            _SERVICE + "List",
            request_serializer=ListPodResourcesRequest.SerializeToString,
            response_deserializer=ListPodResourcesResponse.FromString,
        )
        answer: ListPodResourcesResponse = await call(ListPodResourcesRequest(), timeout=DEADLINE_SECONDS)
        return answer

    @staticmethod
    async def _allocatable(channel: grpc.aio.Channel) -> AllocatableResourcesResponse:
        call = channel.unary_unary(
            _SERVICE + "GetAllocatableResources",
            request_serializer=AllocatableResourcesRequest.SerializeToString,
            response_deserializer=AllocatableResourcesResponse.FromString,
        )
        answer: AllocatableResourcesResponse = await call(AllocatableResourcesRequest(), timeout=DEADLINE_SECONDS)
        return answer


def _require_socket(path: Path) -> None:
    try:
        there = path.exists()
    except OSError as error:
        raise PodResourcesError(
            SourceState.FAILED, f"{path} cannot be reached: {error.strerror}; the kubelet's folder asks for uid 0"
        ) from error
    if not there:
        raise PodResourcesError(
            SourceState.ABSENT, f"{path} is not there: no kubelet serves pod-resources, or the folder is not mounted"
        )


def _explain(path: Path, error: grpc.aio.AioRpcError) -> str:
    """Says what to do where the socket refuses; passes the kubelet's own words on otherwise."""
    details = (error.details() or "")[:200]
    advice = "; connecting needs uid 0" if "ermission denied" in details else ""
    return f"the kubelet's {path} answered {error.code().name}: {details}{advice}"


def _gpu_devices(devices: Iterable[ContainerDevices]) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for one in devices:
        if one.resource_name.startswith(RESOURCE_PREFIX):
            found.setdefault(one.resource_name, []).extend(one.device_ids)
    return found


def parse_holders(answer: ListPodResourcesResponse) -> tuple[DeviceHolder, ...]:
    """Containers that hold GPUs, one entry for each resource, in a stable order."""
    holders = [
        DeviceHolder(
            namespace=pod.namespace,
            pod=pod.name,
            container=container.name,
            resource=resource,
            device_ids=tuple(sorted(ids)),
        )
        for pod in answer.pod_resources
        for container in pod.containers
        for resource, ids in _gpu_devices(container.devices).items()
    ]
    return tuple(sorted(holders, key=lambda h: (h.namespace, h.pod, h.container, h.resource)))


def parse_allocatable(answer: AllocatableResourcesResponse) -> tuple[str, ...]:
    """Device ids that the kubelet may hand out, in a stable order."""
    return tuple(sorted(one for ids in _gpu_devices(answer.devices).values() for one in ids))


def parse_pods(answer: ListPodResourcesResponse) -> frozenset[PodName]:
    """Every pod that the kubelet runs, with devices or without."""
    return frozenset(PodName(pod.namespace, pod.name) for pod in answer.pod_resources)


class PodResourcesSource:
    """Asks the kubelet at the smallest interval of the plan, and at once where somebody waits for its list.

    Attributes:
        on_list: called with the pods of each answer, and with None where there was none.
    """

    def __init__(self, kubelet: Kubelet, store: SnapshotStore, clock: Clock, interval: Callable[[], float]) -> None:
        self._kubelet, self._store, self._clock, self._interval = kubelet, store, clock, interval
        self._wanted = asyncio.Event()
        self.on_list: Callable[[frozenset[PodName] | None], object] = lambda _: None

    def ask_now(self) -> None:
        """Do not wait for the interval to pass."""
        self._wanted.set()

    async def run(self) -> None:
        """Ask until cancelled."""
        try:
            while True:
                self._wanted.clear()
                await self.read_once()
                with suppress(TimeoutError):
                    async with asyncio.timeout(self._interval()):
                        await self._wanted.wait()
        finally:
            await self._kubelet.close()

    async def read_once(self) -> PodResourcesSnapshot:
        """Ask once and publish what the kubelet said; a failure takes the old answer away."""
        before = self._store.newest.pod_resources
        after = await self._read(before)
        self._store.publish_pod_resources(after)
        if (before.state, before.message) != (after.state, after.message):
            log_change(_LOG, "pod-resources", after.state, after.message)
        return after

    async def _read(self, before: PodResourcesSnapshot) -> PodResourcesSnapshot:
        attempt = before.reading + 1
        try:
            pods, allocatable = await self._kubelet.list_devices()
        except PodResourcesError as error:
            self.on_list(None)
            await self._kubelet.close()
            return replace(before, state=error.state, message=str(error), reading=attempt, holders=(), allocatable=())
        self.on_list(parse_pods(pods))
        return PodResourcesSnapshot(
            state=SourceState.OK,
            reading=attempt,
            read=self._clock(),
            allocatable=parse_allocatable(allocatable),
            holders=parse_holders(pods),
        )
