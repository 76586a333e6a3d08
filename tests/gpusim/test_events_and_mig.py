"""Xid events and MIG instances, as pynvml sees them."""

import threading
from typing import Any

import pynvml
import pytest

from .conftest import NODE, Simulation

XID = pynvml.nvmlEventTypeXidCriticalError


@pytest.fixture
def events(nvml: Simulation) -> Any:
    event_set = pynvml.nvmlEventSetCreate()
    for slot in (0, 1):
        pynvml.nvmlDeviceRegisterEvents(pynvml.nvmlDeviceGetHandleByIndex(slot), XID, event_set)
    yield event_set
    pynvml.nvmlEventSetFree(event_set)


def seen(event: Any) -> tuple[str, int]:
    return pynvml.nvmlDeviceGetUUID(event.device), event.eventData


def test_without_an_xid_the_wait_times_out(events: Any) -> None:
    with pytest.raises(pynvml.NVMLError_Timeout):
        pynvml.nvmlEventSetWait_v2(events, 1)


def test_each_xid_arrives_once_and_in_order(nvml: Simulation, events: Any) -> None:
    nvml.gpusim("xid", "0", "79")
    nvml.gpusim("xid", "2", "13")
    nvml.gpusim("xid", "1", "48")
    assert seen(pynvml.nvmlEventSetWait_v2(events, 1000)) == (NODE.gpu_uuid(0), 79)
    assert seen(pynvml.nvmlEventSetWait_v2(events, 1000)) == (NODE.gpu_uuid(1), 48)
    with pytest.raises(pynvml.NVMLError_Timeout):
        pynvml.nvmlEventSetWait_v2(events, 1)


def test_an_xid_before_the_registration_is_not_delivered(nvml: Simulation) -> None:
    nvml.gpusim("xid", "0", "79")
    event_set = pynvml.nvmlEventSetCreate()
    pynvml.nvmlDeviceRegisterEvents(pynvml.nvmlDeviceGetHandleByIndex(0), XID, event_set)
    with pytest.raises(pynvml.NVMLError_Timeout):
        pynvml.nvmlEventSetWait_v2(event_set, 1)
    pynvml.nvmlEventSetFree(event_set)


def test_an_xid_wakes_a_wait_that_has_begun(nvml: Simulation, events: Any) -> None:
    found: list[tuple[str, int]] = []
    thread = threading.Thread(target=lambda: found.append(seen(pynvml.nvmlEventSetWait_v2(events, 5000))))
    thread.start()
    nvml.gpusim("xid", "1", "94")
    thread.join(5)
    assert found == [(NODE.gpu_uuid(1), 94)]


def test_more_xids_than_are_kept_leave_the_newest(nvml: Simulation, events: Any) -> None:
    for code in range(1, 71):
        nvml.gpusim("xid", "0", str(code))
    assert seen(pynvml.nvmlEventSetWait_v2(events, 1000))[1] == 7


def test_a_lost_gpu_ends_the_wait_after_its_xid(nvml: Simulation, events: Any) -> None:
    nvml.gpusim("xid", "0", "79")
    nvml.gpusim("lose", "0")
    assert pynvml.nvmlEventSetWait_v2(events, 1000).eventData == 79
    with pytest.raises(pynvml.NVMLError_GpuIsLost):
        pynvml.nvmlEventSetWait_v2(events, 1000)


def test_mig_instances_know_their_gpu_and_their_memory(nvml: Simulation) -> None:
    gpu = pynvml.nvmlDeviceGetHandleByIndex(2)
    assert pynvml.nvmlDeviceGetMigMode(gpu) == [1, 1]
    for index, (profile, mib) in enumerate((("1g.10gb", 9856), ("2g.20gb", 19968))):
        instance = pynvml.nvmlDeviceGetMigDeviceHandleByIndex(gpu, index)
        parent = pynvml.nvmlDeviceGetDeviceHandleFromMigDeviceHandle(instance)
        assert pynvml.nvmlDeviceGetUUID(parent) == NODE.gpu_uuid(2)
        assert pynvml.nvmlDeviceGetUUID(instance) == NODE.mig_uuid(2, index)
        assert profile in pynvml.nvmlDeviceGetName(instance)
        assert pynvml.nvmlDeviceGetMemoryInfo(instance).total == mib << 20
        assert pynvml.nvmlDeviceGetAttributes_v2(instance).gpuInstanceSliceCount == index + 1
        assert pynvml.nvmlDeviceGetGpuInstanceId(instance) == index + 1
        assert pynvml.nvmlDeviceGetComputeInstanceId(instance) == 0
        by_uuid = pynvml.nvmlDeviceGetHandleByUUID(NODE.mig_uuid(2, index))
        assert pynvml.nvmlDeviceGetUUID(by_uuid) == NODE.mig_uuid(2, index)


def test_a_gap_between_mig_instances_is_not_found(nvml: Simulation) -> None:
    gpu = pynvml.nvmlDeviceGetHandleByIndex(2)
    assert pynvml.nvmlDeviceGetMaxMigDeviceCount(gpu) == 7
    with pytest.raises(pynvml.NVMLError_NotFound):
        pynvml.nvmlDeviceGetMigDeviceHandleByIndex(gpu, 2)
    with pytest.raises(pynvml.NVMLError_NotSupported):
        pynvml.nvmlDeviceGetMigDeviceHandleByIndex(pynvml.nvmlDeviceGetHandleByIndex(0), 0)


def test_a_gpu_in_mig_mode_has_no_utilisation_and_an_instance_no_power(nvml: Simulation) -> None:
    gpu = pynvml.nvmlDeviceGetHandleByIndex(2)
    instance = pynvml.nvmlDeviceGetMigDeviceHandleByIndex(gpu, 0)
    with pytest.raises(pynvml.NVMLError_NotSupported):
        pynvml.nvmlDeviceGetUtilizationRates(gpu)
    with pytest.raises(pynvml.NVMLError_NotSupported):
        pynvml.nvmlDeviceGetPowerUsage(instance)
    assert pynvml.nvmlDeviceGetPowerUsage(gpu) > 0
