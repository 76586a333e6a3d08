"""What a hostile Triton may make the meters of a node weigh: names as long as they may be, and new ones every time."""

import tracemalloc

from modelmonitor_api.cost_summary import Counters, PodMeter
from modelmonitor_api.scrape_book import ScrapeBook
from modelmonitor_api.summary import MAX_SUMMARY_BYTES, NodeSummary
from modelmonitor_sidecar.budget import METERED_MODELS, NodeBudget
from modelmonitor_sidecar.collectors.own import Identity
from modelmonitor_sidecar.cost.attribution import ModelKey
from modelmonitor_sidecar.cost.meters import MAX_MODELS, CostMeters
from modelmonitor_sidecar.cost.moment import GpuSample, Moment, PodSample
from modelmonitor_sidecar.cost.shares import Device, Holder
from modelmonitor_sidecar.exposition import MAX_MODELS as MOST_OF_A_POD
from modelmonitor_sidecar.snapshot import NodeSnapshot
from modelmonitor_sidecar.sources.triton_answers import MAX_NAME_CHARACTERS
from modelmonitor_sidecar.summary import render_summary

S = 1_000_000
GPU = Device("GPU-1", "GPU-1", "NVIDIA A100-SXM4-40GB", replicas=64, shared=True)
SHORT = Counters(execution_us=1)
LARGE = Counters(execution_us=10**15, succeeded=10**15, failed=10**15, inferences=10**15, cached=10**15)
WHO = Identity("node-a", "uid-sidecar", "1.2.3")


def moment(at: int, pods: dict[str, dict[ModelKey, Counters]], held: tuple[str, ...] = ()) -> Moment:
    holders = tuple(Holder(uid, GPU.uuid, 1, planned=True) for uid in held or pods)
    samples = tuple(PodSample(uid, at * S, models) for uid, models in pods.items())
    return Moment(at * S, {GPU.uuid: GPU}, {GPU.uuid: GpuSample(500_000, at)}, holders, samples)


def metered(meters: CostMeters) -> dict[str, PodMeter]:
    return {pod.pod_uid: pod for pod in meters.reading(0, 0.0).pods}


def count(meters: CostMeters) -> int:
    return sum(len(pod.models) for pod in metered(meters).values())


def test_models_with_new_names_each_time_push_out_those_that_went_first() -> None:
    meters = CostMeters("boot", 0)
    for at in range(40):
        models = {(f"m{at:02d}-{number}", "1"): SHORT for number in range(100)}
        meters.observe(moment(at, {"hostile": models, "other": {("fraud", "1"): SHORT}}))
        assert count(meters) <= MAX_MODELS
    pods = metered(meters)
    assert [one.name for one in pods["other"].models] == ["fraud"]
    names = {one.name[:3] for one in pods["hostile"].models}
    assert (min(names), max(names)) == ("m20", "m39")


def test_models_of_pods_that_went_are_forgotten_first_and_what_they_held_is_not() -> None:
    meters = CostMeters("boot", 0)
    left = {("old", "1"): SHORT}
    many = {(f"m{number}", "1"): SHORT for number in range(MAX_MODELS)}
    meters.observe(moment(0, {"gone": left, "here": {}}))
    meters.observe(moment(64, {"gone": left, "here": {}}))
    meters.observe(moment(128, {"here": {}}))
    meters.observe(moment(129, {"here": many}))
    gone = metered(meters)["gone"]
    assert (gone.departed, gone.observed_us, gone.models) == (True, 2 * S, ())
    assert count(meters) == MAX_MODELS


def worst_key(number: int) -> ModelKey:
    """A name whose every character is six in JSON."""
    return f"{number:06d}" + "\x01" * (MAX_NAME_CHARACTERS - 6), "\x01" * 64


def test_a_summary_has_room_for_the_meters_whatever_models_are_called() -> None:
    meters = CostMeters("boot", 0)
    for at in range(MAX_MODELS // METERED_MODELS + 1):
        meters.observe(moment(at, {"hostile": {worst_key(at * 10_000 + n): LARGE for n in range(METERED_MODELS)}}))
    assert count(meters) == MAX_MODELS
    body = render_summary(NodeSnapshot(), 0.0, WHO, ScrapeBook(), meters.reading(at * S, 0.0))
    assert len(body) <= MAX_SUMMARY_BYTES
    cost = NodeSummary.model_validate_json(body).cost
    assert cost is not None
    assert len(cost.pods[0].models) == MAX_MODELS


def test_the_meters_of_a_node_weigh_no_more_than_16_mib() -> None:
    tracemalloc.start()
    try:
        before = tracemalloc.get_traced_memory()[0]
        meters = CostMeters("boot", 0)
        for at in range(MAX_MODELS // METERED_MODELS + 1):
            meters.observe(moment(at, {"p": {worst_key(at * 10_000 + n): LARGE for n in range(METERED_MODELS)}}))
        assert count(meters) == MAX_MODELS
        weight = tracemalloc.get_traced_memory()[0] - before
    finally:
        tracemalloc.stop()
    assert weight < 16 * 2**20


def test_pods_share_the_meters_of_a_node_and_one_that_wants_few_loses_none() -> None:
    budget = NodeBudget()
    many = [(f"m{number:03d}", "1") for number in range(MOST_OF_A_POD)]
    for _ in range(2):
        kept = {uid: len(budget.meter(uid, many)) for uid in ("a", "b", "c", "d")}
        kept["small"] = len(budget.meter("small", many[:20]))
    assert kept == {"a": 245, "b": 245, "c": 245, "d": 245, "small": 20}
    budget.forget("a")
    assert len(budget.meter("small", many[:30])) == 30
