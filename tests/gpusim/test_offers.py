"""What the device plugin offers to the kubelet."""

from modelmonitor_testbed.gpu.changes import restore, set_fields
from modelmonitor_testbed.gpu.hardware import Node, build_state
from modelmonitor_testbed.gpu.offers import GPU, SHARED_GPU, Device, Sharing, build_offers

NODE = Node("node-a", 2, {})
MIG_NODE = Node("node-a", 2, {1: ("1g.10gb", "1g.10gb", "3g.40gb")})


def test_whole_gpus_are_offered_by_uuid() -> None:
    devices = tuple(Device(NODE.gpu_uuid(slot), healthy=True) for slot in (0, 1))
    assert build_offers(build_state(NODE, 0), Sharing()) == {GPU: devices}


def test_a_time_sliced_gpu_is_offered_once_for_each_replica() -> None:
    offers = build_offers(build_state(NODE, 0), Sharing(replicas=3))
    assert [device.id for device in offers[GPU]] == [f"{NODE.gpu_uuid(s)}::{n}" for s in (0, 1) for n in (0, 1, 2)]


def test_a_time_sliced_gpu_may_have_another_resource_name() -> None:
    assert list(build_offers(build_state(NODE, 0), Sharing(replicas=2, renamed=True))) == [SHARED_GPU]


def test_one_gpu_of_a_node_may_be_time_sliced_and_stays_so_when_everything_gets_well() -> None:
    state = build_state(NODE, 0)
    set_fields(state, "1", {"replicas": "2"}, 0)
    restore(state, 1)
    uuid = NODE.gpu_uuid(1)
    shared = tuple(Device(f"{uuid}::{n}", healthy=True) for n in (0, 1))
    assert build_offers(state, Sharing()) == {GPU: (Device(NODE.gpu_uuid(0), healthy=True),), SHARED_GPU: shared}


def test_a_gpu_in_mig_mode_is_offered_by_its_instances_and_its_neighbour_whole() -> None:
    offers = build_offers(build_state(MIG_NODE, 0), Sharing(replicas=2))
    assert {resource: len(devices) for resource, devices in offers.items()} == {
        GPU: 2,
        "nvidia.com/mig-1g.10gb": 2,
        "nvidia.com/mig-3g.40gb": 1,
    }
    assert offers["nvidia.com/mig-3g.40gb"] == (Device(MIG_NODE.mig_uuid(1, 2), healthy=True),)


def test_a_missing_gpu_stays_on_offer_until_it_is_said_to_be_unhealthy() -> None:
    state = build_state(NODE, 0)
    set_fields(state, "0", {"missing": "1"}, 0)
    assert [device.healthy for device in build_offers(state, Sharing())[GPU]] == [True, True]
    set_fields(state, "0", {"device_health": "Unhealthy"}, 0)
    assert [device.healthy for device in build_offers(state, Sharing())[GPU]] == [False, True]


def test_the_same_node_name_gives_the_same_uuids_and_another_gives_others() -> None:
    again, other = Node("node-a", 2, {}), Node("node-b", 2, {})
    assert NODE.gpu_uuid(1) == again.gpu_uuid(1)
    assert len({NODE.gpu_uuid(0), NODE.gpu_uuid(1), other.gpu_uuid(0), other.gpu_uuid(1)}) == 4
