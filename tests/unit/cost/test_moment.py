"""What the sidecar has read becomes a moment of the meters."""

from dataclasses import replace

from modelmonitor_api.plan import NodePlanSpec, PlannedMonitor, PlannedPod
from modelmonitor_api.summary import DeviceHolder, GpuReading, GpuState, SourceState
from modelmonitor_sidecar.cost.from_snapshot import build_moment
from modelmonitor_sidecar.cost.meters import CostMeters
from modelmonitor_sidecar.cost.moment import GpuSample, PodSample
from modelmonitor_sidecar.cost.shares import Holder
from modelmonitor_sidecar.snapshot import NodeSnapshot, NvmlSnapshot, PlanSnapshot, PodResourcesSnapshot

S = 1_000_000
PLANNED = PlannedPod(name="p", uid="uid-p", ip="10.0.0.1", http_port=8000, metrics_port=8002)
PLAN = NodePlanSpec(
    node_name="n1",
    monitors=(
        PlannedMonitor(namespace="a", name="m", uid="u", interval_seconds=15, window_seconds=300, pods=(PLANNED,)),
    ),
)
GPU = GpuReading(index=0, uuid="GPU-1", name="NVIDIA A100", utilization_ratio=0.25, energy_joules=12.5)
HOLDERS = (
    DeviceHolder(namespace="a", pod="p", container="c", resource="nvidia.com/gpu", device_ids=("GPU-1::0",)),
    DeviceHolder(namespace="b", pod="q", container="c", resource="nvidia.com/gpu", device_ids=("GPU-1::1", "GPU-1::2")),
)
NODE = NodeSnapshot(
    plan=PlanSnapshot(SourceState.OK, spec=PLAN),
    nvml=NvmlSnapshot(SourceState.OK, gpus=(GPU,)),
    pod_resources=PodResourcesSnapshot(
        SourceState.OK, allocatable=tuple(f"GPU-1::{n}" for n in range(4)), holders=HOLDERS
    ),
)


def test_a_moment_has_devices_holders_and_pods() -> None:
    moment = build_moment(5, NODE, {"uid-p": PodSample("uid-p", 4)})
    assert moment.gpus == {"GPU-1": GpuSample(250_000, 12_500)}
    assert (moment.devices["GPU-1"].replicas, moment.devices["GPU-1"].shared) == (4, True)
    assert moment.holders == (Holder("b/q", "GPU-1", 2, planned=False), Holder("uid-p", "GPU-1", 1, planned=True))
    assert moment.pods == (PodSample("uid-p", 4),)
    assert build_moment(5, NODE, {}).pods == (PodSample("uid-p"),)


def test_a_gpu_that_is_lost_is_held_and_not_sampled() -> None:
    lost = replace(NODE, nvml=replace(NODE.nvml, gpus=(GPU.model_copy(update={"state": GpuState.LOST}),)))
    moment = build_moment(5, lost, {})
    assert (moment.gpus, list(moment.devices)) == ({}, ["GPU-1"])


def test_a_gpu_in_mig_mode_has_no_utilisation() -> None:
    mig = replace(NODE, nvml=replace(NODE.nvml, gpus=(GPU.model_copy(update={"mig_enabled": True}),)))
    assert build_moment(5, mig, {}).gpus["GPU-1"].busy_ppm is None


def test_a_kubelet_that_fails_says_nothing_about_holders() -> None:
    failed = replace(NODE, pod_resources=replace(NODE.pod_resources, state=SourceState.FAILED))
    assert build_moment(5, failed, {}).holders is None


def test_meters_wait_for_the_first_word_of_the_kubelet() -> None:
    meters = CostMeters("boot", 0)
    unknown = replace(build_moment(S, NODE, {}), holders=None)
    meters.observe(unknown)
    assert meters.reading(S, 0.0).pods == ()
    meters.observe(build_moment(2 * S, NODE, {}))
    meters.observe(build_moment(100 * S, NODE, {}))
    (pod,) = meters.reading(100 * S, 0.0).pods
    assert (pod.since_us, pod.observed_us, pod.holdings[0].of) == (2 * S, 98 * S // 4, 4)
