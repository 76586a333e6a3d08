"""The sidecar's meters: what a node's devices did, added up since the sidecar began."""

import json
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

from modelmonitor_api.cost_summary import CostMethod, CostReading, Counters, PodMeter
from modelmonitor_api.summary import GpuReading, MigInstance
from modelmonitor_sidecar.cost.attribution import ModelKey
from modelmonitor_sidecar.cost.meters import CostMeters
from modelmonitor_sidecar.cost.moment import GpuSample, Moment, PodSample
from modelmonitor_sidecar.cost.shares import Device, Holder, list_devices, list_holders, slice_size
from modelmonitor_sidecar.cost.triton_counters import build_counters
from modelmonitor_sidecar.sources.triton_answers import parse_statistics

S = 1_000_000
GPU = Device("GPU-1", "GPU-1", "NVIDIA A100-SXM4-40GB")
SHARED = replace(GPU, replicas=4, shared=True)
A, B = ("fraud", "1"), ("risk", "1")


def pod(at: int, executed: Mapping[ModelKey, float], uid: str = "p") -> PodSample:
    """A pod whose models have executed for so many seconds."""
    return PodSample(uid, at * S, {key: Counters(execution_us=int(s * S)) for key, s in executed.items()})


def moment(at: int, busy: float, *pods: PodSample, device: Device = GPU, holders: tuple[Holder, ...] = ()) -> Moment:
    """The node after `at` seconds; by default pod `p` holds the device."""
    held = holders or (Holder("p", device.uuid, 1, planned=True),)
    gpus = {device.gpu: GpuSample(int(busy * S), at * 100_000)}
    return Moment(at * S, {device.uuid: device}, gpus, held, pods)


def run(*moments: Moment) -> CostReading:
    meters = CostMeters("boot", moments[0].at_us)
    for one in moments:
        meters.observe(one)
    return meters.reading(moments[-1].at_us, 0.0)


def only(reading: CostReading) -> PodMeter:
    (found,) = reading.pods
    return found


def test_a_device_is_its_four_buckets() -> None:
    reading = run(moment(0, 0, pod(0, {A: 5})), moment(10, 0.6, pod(10, {A: 8, B: 1})), moment(20, 0, pod(20, {A: 8})))
    device = reading.devices[0]
    assert (device.wall_us, device.used_us, device.idle_us, device.other_us) == (20 * S, 6 * S, 14 * S, 0)
    assert {m.name: m.used_us for m in only(reading).models} == {"fraud": 4.5 * S, "risk": 1.5 * S}
    assert only(reading).observed_us == 20 * S


def test_what_triton_counted_before_the_first_reading_is_not_charged() -> None:
    meter = only(run(moment(0, 0, pod(0, {A: 5})), moment(10, 0.6, pod(10, {A: 8})))).models[0]
    assert (meter.counted.execution_us, meter.raw.execution_us, meter.reset) == (3 * S, 8 * S, False)


def test_a_reload_begins_at_zero_and_loses_nothing() -> None:
    meter = only(run(moment(0, 0, pod(0, {A: 5})), moment(10, 0.5, pod(10, {A: 2})))).models[0]
    assert (meter.counted.execution_us, meter.used_us, meter.reset) == (2 * S, 5 * S, True)


def test_a_triton_that_does_not_answer_is_waited_for() -> None:
    silent = replace(pod(0, {A: 0}), read_at_us=0)
    moments = [moment(0, 0, pod(0, {A: 0})), moment(10, 1.0, silent), moment(20, 1.0, silent)]
    assert only(run(*moments)).observed_us == 0
    late = only(run(*moments, moment(30, 1.0, pod(30, {A: 30}))))
    assert (late.observed_us, late.models[0].used_us, late.other_us) == (30 * S, 30 * S, 0)


def test_it_is_waited_for_no_longer_than_a_minute() -> None:
    silent = replace(pod(0, {A: 0}), read_at_us=0)
    meter = only(run(moment(0, 0, pod(0, {A: 0})), *(moment(t, 1.0, silent) for t in range(10, 81, 10))))
    assert (meter.observed_us, meter.other_us) == (60 * S, 60 * S)


def test_a_meter_is_settled_nowhere_before_its_triton_has_been_read() -> None:
    unread = [moment(t, 1.0, PodSample("p")) for t in (0, 10, 20)]
    assert (only(run(*unread)).until_us, only(run(*unread)).since_us) == (0, 0)
    read = [moment(t, 1.0, pod(t, {A: t - 20})) for t in (30, 40)]
    assert only(run(*unread, *read)).until_us == 40 * S


def test_a_triton_that_never_answers_holds_its_meter_back_no_longer_than_a_minute() -> None:
    assert only(run(*(moment(t, 1.0, PodSample("p")) for t in range(0, 71, 10)))).until_us >= 60 * S


def test_energy_follows_the_time() -> None:
    reading = run(moment(0, 0, pod(0, {A: 0})), moment(10, 0.25, pod(10, {A: 9})))
    assert only(reading).models[0].energy_mj == 250_000
    assert (only(reading).rest_energy_mj, reading.devices[0].energy_mj) == (750_000, 1_000_000)


def test_a_driver_that_was_loaded_again_costs_no_energy_twice() -> None:
    first, second = moment(0, 0, pod(0, {A: 0})), moment(10, 0, pod(10, {A: 0}))
    reloaded = replace(second, gpus={"GPU-1": GpuSample(0, 300)})
    first = replace(first, gpus={"GPU-1": GpuSample(0, 5000)})
    assert run(first, reloaded).devices[0].energy_mj == 300


def test_a_device_that_does_not_answer_is_in_no_meter() -> None:
    lost = replace(moment(10, 0, pod(10, {A: 0})), gpus={})
    reading = run(moment(0, 0, pod(0, {A: 0})), lost, moment(20, 0, pod(20, {A: 0})), moment(30, 0, pod(30, {A: 0})))
    assert (reading.devices[0].wall_us, only(reading).observed_us, only(reading).until_us) == (10 * S, 10 * S, 30 * S)


def test_a_kubelet_that_does_not_say_who_holds_what_is_in_no_meter() -> None:
    unknown = replace(moment(10, 0, pod(10, {A: 0})), holders=None)
    reading = run(moment(0, 0, pod(0, {A: 0})), unknown, moment(20, 0, pod(20, {A: 0})))
    assert (only(reading).observed_us, only(reading).until_us, only(reading).departed) == (10 * S, 20 * S, False)


def test_a_pod_that_went_keeps_its_meters_for_two_hours() -> None:
    other = (Holder("q", "GPU-1", 1, planned=True),)
    moments = [moment(0, 0, pod(0, {A: 0})), moment(10, 0.5, pod(10, {A: 5}))]
    gone = run(*moments, moment(20, 0, holders=other))
    assert (gone.pods[0].departed, gone.pods[0].until_us, gone.pods[0].observed_us) == (True, 20 * S, 20 * S)
    later = run(*moments, moment(20, 0, holders=other), moment(8000, 0, holders=(*other, replace(other[0], pod="r"))))
    assert later.pods == ()


def test_replicas_are_shares_and_strangers_are_not_planned() -> None:
    holders = (Holder("p", "GPU-1", 1, planned=True), Holder("x/y", "GPU-1", 1, planned=False))
    moments = [moment(t, 0.5, pod(t, {A: t * 0.3}), device=SHARED, holders=holders) for t in (0, 10)]
    reading = run(*moments)
    assert (only(reading).method, only(reading).observed_us) == (CostMethod.TIME_SLICE, 2.5 * S)
    assert (only(reading).holdings[0].parts, only(reading).holdings[0].of) == (1, 4)
    device = reading.devices[0]
    assert (device.used_us, device.other_us, device.planned_us, device.unplanned_us) == (3 * S, 2 * S, 2.5 * S, 2.5 * S)
    assert device.wall_us == device.used_us + device.idle_us + device.other_us + device.unallocated_us


def test_a_slice_is_used_by_execution_time_and_the_rest_of_the_gpu_is_nobodys() -> None:
    mig = GpuReading(
        index=0,
        uuid="GPU-1",
        name="NVIDIA A100",
        mig_enabled=True,
        mig_instances=(MigInstance(uuid="MIG-a", profile="3g.20gb"), MigInstance(uuid="MIG-b", profile="2g.10gb")),
    )
    devices = list_devices([mig], ["MIG-a", "MIG-b"])
    holders = list_holders([("ns", "p", ["MIG-a"])], {("ns", "p"): "p"})
    moments = [
        Moment(t * S, devices, {"GPU-1": GpuSample(None, None)}, holders, (pod(t, {A: t * 2.0}),)) for t in (0, 7)
    ]
    reading = run(*moments)
    assert (only(reading).method, only(reading).observed_us, only(reading).models[0].used_us) == (
        CostMethod.MIG,
        3 * S,
        3 * S,
    )
    assert (reading.devices[0].unallocated_us, reading.devices[0].wall_us) == (4 * S, 7 * S)


def test_a_model_on_several_devices_is_modelled_by_how_busy_each_is() -> None:
    devices = {"GPU-1": GPU, "GPU-2": replace(GPU, uuid="GPU-2", gpu="GPU-2")}
    holders = list_holders([("ns", "p", ["GPU-1", "GPU-2"])], {("ns", "p"): "p"})
    moments = [
        Moment(t * S, devices, {"GPU-1": GpuSample(S), "GPU-2": GpuSample(S // 2)}, holders, (pod(t, {A: t}),))
        for t in (0, 10)
    ]
    meter = only(run(*moments))
    assert (meter.method, meter.models[0].used_us, meter.observed_us) == (CostMethod.MODELLED, 15 * S, 20 * S)


def test_a_guessed_size_and_a_crowd_are_assumed() -> None:
    crowd = (Holder("p", "GPU-1", 1, planned=True), Holder("x/y", "GPU-1", 1, planned=False))
    meter = only(run(moment(0, 0, pod(0, {}), holders=crowd), moment(10, 0, pod(10, {}), holders=crowd)))
    assert (meter.method, meter.observed_us, meter.holdings[0].of) == (CostMethod.ASSUMED, 5 * S, 2)
    assert slice_size("NVIDIA A100", MigInstance(uuid="m", memory_total_bytes=10), 40) == (2, 7, False)
    assert slice_size("NVIDIA A30", MigInstance(uuid="m", profile="2g.12gb"), None) == (2, 4, True)
    assert slice_size("NVIDIA H100", MigInstance(uuid="m", profile="1c.3g.40gb"), None) == (1, 7, True)


def test_an_ensemble_is_counted_and_uses_nothing() -> None:
    def read(at: int) -> PodSample:
        return replace(pod(at, {A: at / 2, B: at / 2}), ensembles=frozenset({B}))

    fraud, risk = only(run(moment(0, 0, read(0)), moment(10, 0.6, read(10)))).models
    assert (fraud.used_us, risk.used_us, risk.ensemble) == (6 * S, 0, True)
    assert risk.counted.execution_us == 5 * S


def test_execution_time_of_a_real_triton_is_that_of_batches() -> None:
    served = Path(__file__).parents[2] / "fixtures/triton/default/error-responses.stats.json"
    statistics = parse_statistics(json.loads(served.read_text()))
    found = {name: build_counters(one) for (name, _), one in statistics.items()}
    failing = found["failing"]
    assert (failing.execution_us, failing.succeeded, failing.failed, failing.inferences) == (76418, 25, 5, 25)
    called = sum(found[name].execution_us for name in ("fast", "slow") if name in found)
    assert found["ensemble"].execution_us <= called


def counted(**more: object) -> Counters:
    (only_one,) = parse_statistics({"model_stats": [{"name": "a", "version": "1", **more}]}).values()
    return build_counters(only_one)


def test_statistics_that_are_none_are_zero() -> None:
    batches = [1, None, {"compute_infer": {"ns": -5}}]
    assert counted(batch_stats=batches, inference_count="7") == Counters()


def test_counters_that_no_server_can_reach_stand_still() -> None:
    batches = [{"compute_infer": {"ns": 2**63}}] * 1024
    hostile = counted(batch_stats=batches, inference_count=2**63)
    assert (hostile.execution_us, hostile.inferences) == (10**15, 10**15)


def test_one_reading_of_a_triton_says_nothing_about_the_stretch_before_it() -> None:
    first = run(moment(0, 0.8), moment(10, 0.8, pod(8, {A: 100})))
    assert only(first).observed_us == 0
    second = run(moment(0, 0.8), moment(10, 0.8, pod(8, {A: 100})), moment(20, 0.8, pod(18, {A: 104})))
    assert (only(second).models[0].used_us, only(second).other_us) == (16 * S, 0)
