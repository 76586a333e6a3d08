"""What the kubelet says about devices."""

from modelmonitor_api.summary import SourceState
from modelmonitor_sidecar.snapshot import SnapshotStore
from modelmonitor_sidecar.sources.pod_resources import (
    PodName,
    PodResourcesError,
    PodResourcesSource,
    parse_allocatable,
    parse_holders,
)
from modelmonitor_sidecar.sources.podresources_pb2 import (
    AllocatableResourcesResponse,
    ContainerDevices,
    ContainerResources,
    ListPodResourcesResponse,
    PodResources,
)
from tests.unit.sidecar.readings import FakeClock


def devices(resource: str, *ids: str) -> ContainerDevices:
    return ContainerDevices(resource_name=resource, device_ids=ids)


LISTED = ListPodResourcesResponse(
    pod_resources=[
        PodResources(
            name="fraud-0",
            namespace="team-a",
            containers=[
                ContainerResources(
                    name="triton",
                    devices=[
                        devices("nvidia.com/gpu", "GPU-b"),
                        devices("nvidia.com/gpu", "GPU-a::1"),
                        devices("nvidia.com/mig-1g.10gb", "MIG-x"),
                        devices("example.com/fpga", "F-1"),
                    ],
                ),
                ContainerResources(name="helper"),
            ],
        ),
        PodResources(name="web-0", namespace="team-b"),
    ]
)


def test_entries_of_one_resource_are_joined_and_other_vendors_left_out() -> None:
    assert [(h.pod, h.container, h.resource, h.device_ids) for h in parse_holders(LISTED)] == [
        ("fraud-0", "triton", "nvidia.com/gpu", ("GPU-a::1", "GPU-b")),
        ("fraud-0", "triton", "nvidia.com/mig-1g.10gb", ("MIG-x",)),
    ]


def test_allocatable_devices_come_in_a_stable_order() -> None:
    answer = AllocatableResourcesResponse(
        devices=[devices("nvidia.com/gpu", "GPU-b", "GPU-a"), devices("example.com/fpga", "F-1")]
    )
    assert parse_allocatable(answer) == ("GPU-a", "GPU-b")


class ScriptedKubelet:
    """Answers once, then fails."""

    def __init__(self) -> None:
        self.answers: list[object] = [(LISTED, AllocatableResourcesResponse())]
        self.closed = 0

    async def list_devices(self) -> tuple[ListPodResourcesResponse, AllocatableResourcesResponse]:
        if not self.answers:
            raise PodResourcesError(SourceState.FAILED, "UNAVAILABLE")
        return self.answers.pop()

    async def close(self) -> None:
        self.closed += 1


async def test_a_kubelet_that_stops_answering_takes_its_answer_away_and_is_connected_to_anew() -> None:
    kubelet, store = ScriptedKubelet(), SnapshotStore()
    source = PodResourcesSource(kubelet, store, FakeClock(), lambda: 15.0)
    good = await source.read_once()
    assert (good.state, good.reading, len(good.holders)) == (SourceState.OK, 1, 2)
    bad = await source.read_once()
    assert (bad.state, bad.message, bad.reading, bad.holders) == (SourceState.FAILED, "UNAVAILABLE", 2, ())
    assert kubelet.closed == 1
    assert store.newest.pod_resources is bad


async def test_whoever_waits_for_the_list_is_told_each_one_and_each_that_failed() -> None:
    told: list[frozenset[PodName] | None] = []
    source = PodResourcesSource(ScriptedKubelet(), SnapshotStore(), FakeClock(), lambda: 15.0)
    source.on_list = told.append
    await source.read_once()
    await source.read_once()
    assert told == [{PodName("team-a", "fraud-0"), PodName("team-b", "web-0")}, None]
