"""What is served: pages that hold the catalogue's metrics and nothing else, and the summary."""

import json
import re
from dataclasses import replace

import pytest
from prometheus_client.parser import text_string_to_metric_families

from modelmonitor_api.metrics import METRICS, MetricPage, sample_names
from modelmonitor_api.summary import (
    MAX_SUMMARY_BYTES,
    DeviceHolder,
    EndpointReading,
    EndpointState,
    GpuReading,
    GpuState,
    MigInstance,
    ModelReading,
    ModelWindow,
    NodeSummary,
    SourceState,
)
from modelmonitor_sidecar.collectors.families import FamilyBuilder, render
from modelmonitor_sidecar.collectors.gpus import collect_gpus
from modelmonitor_sidecar.collectors.monitors import collect_monitor
from modelmonitor_sidecar.collectors.own import Identity, ProcessReading, collect_own
from modelmonitor_sidecar.exposition import parse_page
from modelmonitor_sidecar.pages import PageCache
from modelmonitor_sidecar.snapshot import (
    Instant,
    NodeSnapshot,
    NvmlSnapshot,
    PlanSnapshot,
    PodResourcesSnapshot,
    ScrapeTotals,
    Target,
    TargetSnapshot,
    Xid,
)
from modelmonitor_sidecar.summary import MAX_MODELS, build_summary, render_summary
from tests.unit.sidecar.readings import monitor, page_text, plan, pod

OK = EndpointReading(state=EndpointState.OK)
AT = Instant(100.0, 1e9)
FULL_GPU = GpuReading(
    index=0,
    uuid="GPU-0",
    name="A100",
    pci_bus_id="0:1:0",
    utilization_ratio=0.5,
    memory_utilization_ratio=0.25,
    memory_used_bytes=10,
    memory_total_bytes=100,
    power_watts=99.5,
    power_limit_watts=400.0,
    energy_joules=12.5,
    temperature_celsius=60.0,
    slowdown_temperature_celsius=89.0,
    sm_clock_hertz=1.41e9,
    memory_clock_hertz=1.6e9,
    clock_event_reasons=0x48,
    ecc_uncorrected_volatile=1,
    ecc_corrected_volatile=2,
    ecc_uncorrected_aggregate=3,
    ecc_corrected_aggregate=4,
    remapped_rows_correctable=5,
    remapped_rows_uncorrectable=6,
    remapped_rows_pending=True,
    remapped_rows_failure=False,
    pcie_replays=7,
    mig_enabled=False,
)
MIG_GPU = GpuReading(
    index=1,
    uuid="GPU-1",
    mig_enabled=True,
    mig_instances=(MigInstance(uuid="MIG-a", profile="1g.10gb", memory_used_bytes=1, memory_total_bytes=2),),
)
LOST_GPU = GpuReading(index=2, uuid="GPU-2", state=GpuState.LOST, message="lost")
SERIES = parse_page(page_text("summary-latencies", "served")).series


def model(name: str, successes: int = 0, *, ready: bool = True) -> ModelReading:
    window = ModelWindow(window_seconds=60, covered_seconds=60, successes=successes)
    return ModelReading(name=name, version="1", ready=ready, windows=(window,))


def holder(name: str, *devices: str, resource: str = "nvidia.com/gpu") -> DeviceHolder:
    return DeviceHolder(namespace="team-a", pod=name, container="triton", resource=resource, device_ids=devices)


def snapshot(*holders: DeviceHolder, **more: object) -> NodeSnapshot:
    first = pod()
    target = TargetSnapshot(
        Target("team-a", first, 15, (60,)),
        reading=3,
        read=AT,
        http=OK,
        metrics=OK,
        server_ready=True,
        models=(model("fast"), model("slow", ready=False)),
        series=SERIES,
    )
    return NodeSnapshot(
        plan=PlanSnapshot(SourceState.OK, "", 4, plan(monitor(first, **more)), listed=True),
        nvml=NvmlSnapshot(
            SourceState.OK,
            reading=1,
            read=AT,
            driver_version="580",
            gpus=(FULL_GPU, MIG_GPU, LOST_GPU),
            xids=(Xid(1, 79, 90.0, "GPU-2", 2),),
            xid_counts=(((2, "GPU-2", 79), 1),),
        ),
        pod_resources=PodResourcesSnapshot(SourceState.OK, reading=1, read=AT, holders=holders),
        targets={first.uid: target},
        scrapes=ScrapeTotals({("http", "Ok"): 3}, 1, 2),
    )


def sidecar_page(seen: NodeSnapshot) -> str:
    page = FamilyBuilder()
    collect_own(page, seen, Identity("node-a", "u", "1"), ProcessReading(1.5, 100, 7, 1e9), {"answered": 2})
    collect_gpus(page, seen, "node-a")
    return render(page.families()).decode()


def monitor_page(seen: NodeSnapshot) -> str:
    return render(collect_monitor(seen, seen.plan.monitors[0], "node-a")).decode()


def names(page: str) -> set[str]:
    return {re.split(r"[{ ]", line, maxsplit=1)[0] for line in page.splitlines() if line and line[0] != "#"}


def values(page: str, name: str) -> dict[str, float]:
    lines = (line for line in page.splitlines() if re.split(r"[{ ]", line, maxsplit=1)[0] == name)
    return {line[len(name) :].rsplit(" ", 1)[0]: float(line.rsplit(" ", 1)[1]) for line in lines}


@pytest.mark.parametrize(
    ("page", "kind"),
    [
        pytest.param(sidecar_page(snapshot()), MetricPage.SIDECAR, id="the sidecar's page"),
        pytest.param(monitor_page(snapshot(holder("fraud-0", "GPU-0"))), MetricPage.MONITOR, id="a monitor's page"),
    ],
)
def test_nothing_but_the_catalogue_is_exposed_and_with_its_labels(page: str, kind: MetricPage) -> None:
    allowed = {name: metric for metric in METRICS.values() if metric.page is kind for name in sample_names(metric)}
    assert names(page) <= allowed.keys()
    for line in page.splitlines():
        if line.startswith(("modelmonitor_", "process_")):
            name = re.split(r"[{ ]", line, maxsplit=1)[0]
            assert set(re.findall(r'[{,]([a-z_]+)="', line)) <= set(allowed[name].labels)


def test_every_metric_of_the_sidecars_page_is_really_exposed() -> None:
    catalogue = {m.name for m in METRICS.values() if m.page is MetricPage.SIDECAR}
    assert names(sidecar_page(snapshot())) == catalogue


def test_every_metric_of_ours_on_a_monitors_page_is_really_exposed() -> None:
    catalogue = {
        m.name for m in METRICS.values() if m.page is MetricPage.MONITOR and m.name.startswith("modelmonitor_")
    }
    assert catalogue <= names(monitor_page(snapshot(holder("fraud-0", "GPU-0"))))


@pytest.mark.parametrize(
    "page", [pytest.param(sidecar_page(snapshot()), id="sidecar"), pytest.param(monitor_page(snapshot()), id="monitor")]
)
def test_prometheus_own_parser_reads_the_page_whole(page: str) -> None:
    samples = [s for family in text_string_to_metric_families(page) for s in family.samples]
    assert len(samples) == sum(1 for line in page.splitlines() if not line.startswith("#"))
    keys = [(s.name, tuple(sorted(s.labels.items()))) for s in samples]
    assert len(set(keys)) == len(keys)


def test_a_reading_that_a_gpu_does_not_offer_has_no_sample() -> None:
    assert values(sidecar_page(snapshot()), "modelmonitor_gpu_power_watts") == {
        '{node="node-a",gpu="0",uuid="GPU-0"}': 99.5
    }


def test_a_lost_gpu_keeps_its_name_and_says_lost() -> None:
    states = values(sidecar_page(snapshot()), "modelmonitor_gpu_state")
    assert states['{node="node-a",gpu="2",uuid="GPU-2",state="Lost"}'] == 1


def test_tritons_series_carry_the_plans_labels_under_tritons_names() -> None:
    found = values(monitor_page(snapshot()), "nv_inference_request_success")
    key = '{namespace="team-a",pod="fraud-0",node="node-a",container="triton",model="fast",version="1"}'
    assert found[key] == 20


def test_models_that_the_monitor_leaves_out_are_left_out_of_its_page() -> None:
    page = monitor_page(snapshot(models={"include": ["*"], "exclude": ["slow"]}))
    assert 'model="fast"' in page
    assert 'model="slow"' not in page


def test_a_gpu_held_alone_is_joined_to_its_pod() -> None:
    page = monitor_page(snapshot(holder("fraud-0", "GPU-0")))
    owner = 'namespace="team-a",pod="fraud-0",node="node-a",container="triton",gpu="0",uuid="GPU-0"'
    assert values(page, "modelmonitor_pod_gpu_power_watts") == {"{" + owner + "}": 99.5}


@pytest.mark.parametrize(
    ("holders", "sharing"),
    [
        pytest.param((holder("fraud-0", "GPU-0::0"),), "timeslice", id="a replica"),
        pytest.param((holder("fraud-0", "GPU-0"), holder("other", "GPU-0")), "timeslice", id="two holders"),
        pytest.param((holder("fraud-0", "MIG-a"),), "mig", id="a MIG instance"),
        pytest.param((holder("fraud-0", "MIG-a::1"),), "mig", id="a replica of a MIG instance"),
        pytest.param((holder("fraud-0", "MIG-gone"),), "mig", id="a MIG instance that NVML does not list"),
    ],
)
def test_the_power_of_a_shared_gpu_is_never_given_to_one_pod(holders: tuple[DeviceHolder, ...], sharing: str) -> None:
    page = monitor_page(snapshot(*holders))
    assert values(page, "modelmonitor_pod_gpu_power_watts") == {}
    (allocation,) = values(page, "modelmonitor_pod_gpu_allocation_info")
    assert f'sharing="{sharing}"' in allocation


def test_a_page_of_one_monitor_says_nothing_of_other_peoples_pods() -> None:
    assert "other" not in monitor_page(snapshot(holder("other", "GPU-0")))


def test_a_page_is_made_once_and_again_when_what_it_shows_changed() -> None:
    cache, made = PageCache(), []
    one, two = object(), object()
    for shown in ((one,), (one,), (two,), (two, one)):
        cache.page("x", shown, lambda: made.append(1) or ())
    assert len(made) == 3
    cache.forget(set())
    cache.page("x", (two, one), lambda: made.append(1) or ())
    assert len(made) == 4


def summary(seen: NodeSnapshot, now: float) -> NodeSummary:
    return build_summary(seen, now, Identity("node-a", "u", "1"))


def test_the_summary_gives_ages_and_survives_its_own_wire_form() -> None:
    made = summary(snapshot(), 107.5)
    assert (made.nvml.age_seconds, made.pod_resources.age_seconds, made.targets[0].age_seconds) == (7.5, 7.5, 7.5)
    assert made.nvml.xids[0].age_seconds == 17.5
    assert made.plan_generation == 4
    assert NodeSummary.model_validate_json(json.dumps(made.to_wire())) == made


def test_xids_of_more_than_an_hour_ago_are_not_in_the_summary() -> None:
    assert summary(snapshot(), 90 + 3601).nvml.xids == ()


def test_the_summary_names_only_holders_of_the_plan() -> None:
    made = summary(snapshot(holder("fraud-0", "GPU-0"), holder("other", "GPU-1")), 100)
    assert [h.pod for h in made.pod_resources.holders] == ["fraud-0"]


def test_the_summary_keeps_the_busiest_models_and_says_how_many_there_are() -> None:
    seen = snapshot()
    (uid, target), *_ = seen.targets.items()
    many = tuple(model(f"m{n:04d}", n) for n in range(MAX_MODELS + 50))
    made = summary(replace(seen, targets={uid: replace(target, models=many)}), 100).targets[0]
    assert (len(made.models), made.models_total) == (MAX_MODELS, MAX_MODELS + 50)
    assert made.models[0].name == f"m{MAX_MODELS + 49:04d}"
    assert "m0000" not in {m.name for m in made.models}


def test_pods_that_name_too_many_models_cannot_make_the_summary_too_long_to_be_read() -> None:
    seen = snapshot()
    (uid, target), *_ = seen.targets.items()
    long = {"state_reason": "é" * 512}
    models = tuple(model("é" * 250 + str(n)).model_copy(update=long) for n in range(MAX_MODELS))
    hostile = {f"hostile-{n}": replace(target, models=models) for n in range(40)}
    body = render_summary(replace(seen, targets={uid: target, **hostile}), 100, Identity("node-a", "u", "1"))
    assert len(body) <= MAX_SUMMARY_BYTES
    read = NodeSummary.model_validate_json(body)
    assert [len(t.models) for t in read.targets if len(t.models) < 25] == [len(target.models)]
    assert {t.models_total for t in read.targets} == {200, len(target.models)}
