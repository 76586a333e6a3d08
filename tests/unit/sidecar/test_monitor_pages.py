"""One monitor's page: Triton's series, ours, and the GPUs, as far as they are the monitor's own."""

import gzip
from dataclasses import replace

import pytest

from modelmonitor_api.summary import DeviceHolder, ModelReading
from modelmonitor_sidecar.monitor_pages import MonitorPages
from modelmonitor_sidecar.pages import Page
from modelmonitor_sidecar.snapshot import NodeSnapshot, TargetSnapshot
from modelmonitor_sidecar.windows import StatisticsCounters
from tests.unit.sidecar.nodes import holder, model, monitor_page, names, snapshot, values

POD = 'modelmonitor="fraud",namespace="team-a",pod="fraud-0",node="node-a",container="triton"'
FAST = f'{POD},model="fast",version="1"'
GPU = 'gpu="0",uuid="GPU-0"'


def with_target(seen: NodeSnapshot, **changes: object) -> NodeSnapshot:
    (uid, target), *_ = seen.targets.items()
    return replace(seen, targets={uid: replace(target, **changes)})


def target_of(seen: NodeSnapshot) -> TargetSnapshot:
    return next(iter(seen.targets.values()))


def page_of(pages: MonitorPages, seen: NodeSnapshot) -> Page:
    return pages.page(seen, seen.plan.monitors[0])


def test_tritons_series_carry_the_plans_labels_under_tritons_names() -> None:
    found = values(monitor_page(snapshot()), "nv_inference_request_success")
    assert found["{" + FAST + "}"] == 20


def test_models_that_the_monitor_leaves_out_are_left_out_of_its_page() -> None:
    page = monitor_page(snapshot(models={"include": ["*"], "exclude": ["slow"]}))
    assert 'model="fast"' in page
    assert 'model="slow"' not in page


@pytest.mark.parametrize(
    ("name", "more", "value"),
    [
        ("requests_total", ',result="success"', 20),
        ("requests_total", ',result="failure"', 2),
        ("request_seconds_total", "", 1.5),
        ("queue_seconds_total", "", 0.25),
        ("executions_total", "", 6),
        ("inferences_total", "", 18),
        ("execution_seconds_total", "", 0.75),
        ("cache_hits_total", "", 2),
        ("cache_misses_total", "", 18),
    ],
)
def test_the_statistics_of_a_model_are_counters_on_the_page(name: str, more: str, value: float) -> None:
    assert values(monitor_page(snapshot()), f"modelmonitor_model_{name}")["{" + FAST + more + "}"] == value


def test_a_model_that_was_never_executed_has_no_execution_time() -> None:
    found = values(monitor_page(snapshot()), "modelmonitor_model_execution_seconds_total")
    assert found.keys() == {"{" + FAST + "}"}


def test_a_pod_whose_statistics_were_not_read_keeps_its_readiness_and_shows_no_old_counters() -> None:
    page = monitor_page(with_target(snapshot(), statistics={}))
    assert "modelmonitor_model_ready" in names(page)
    assert not any(name.startswith("modelmonitor_model_requests") for name in names(page))


def test_a_gpu_held_alone_is_joined_to_its_pod_with_the_time_of_its_reading() -> None:
    page = monitor_page(snapshot(holder("fraud-0", "GPU-0")))
    assert values(page, "modelmonitor_pod_gpu_power_watts") == {f"{{{POD},{GPU}}}": 99.5}
    assert values(page, "modelmonitor_pod_gpu_last_reading_timestamp_seconds") == {f"{{{POD},{GPU}}}": 1e9}


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
    assert values(page, "modelmonitor_model_gpu_power_watts") == {}
    (allocation,) = values(page, "modelmonitor_pod_gpu_allocation_info")
    assert f'sharing="{sharing}"' in allocation


ONE = (model("fast"), model("slow", ready=False))


@pytest.mark.parametrize(
    ("holders", "models", "dropped", "method"),
    [
        pytest.param((holder("fraud-0", "GPU-0"),), ONE, 0, "exclusive", id="one GPU and one model that is ready"),
        pytest.param(
            (holder("fraud-0", "GPU-0"),), (model("fast"), model("slow")), 0, "shared_by_models", id="two models"
        ),
        pytest.param((holder("fraud-0", "GPU-0"),), ONE, 1, "shared_by_models", id="a model that is not kept"),
        pytest.param((holder("fraud-0", "GPU-0", "GPU-2"),), ONE, 0, "several_gpus", id="two GPUs"),
        pytest.param(
            (holder("fraud-0", "GPU-0"), holder("fraud-0", "GPU-2", resource="nvidia.com/other")),
            ONE,
            0,
            "several_gpus",
            id="two GPUs of two resources",
        ),
        pytest.param((holder("fraud-0", "GPU-0::1"),), ONE, 0, "timeslice", id="a replica"),
        pytest.param((holder("fraud-0", "GPU-0::0", "GPU-0::1"),), ONE, 0, "timeslice", id="two replicas of a GPU"),
        pytest.param((holder("fraud-0", "MIG-a"),), ONE, 0, "mig", id="a MIG instance"),
    ],
)
def test_a_gpus_readings_are_a_models_only_where_nothing_else_can_have_used_it(
    holders: tuple[DeviceHolder, ...], models: tuple[ModelReading, ...], dropped: int, method: str
) -> None:
    page = monitor_page(with_target(snapshot(*holders), models=models, dropped_models=dropped))
    infos = values(page, "modelmonitor_model_gpu_info")
    assert infos
    assert all(f'method="{method}"' in labels for labels in infos)
    readings = values(page, "modelmonitor_model_gpu_utilization_ratio")
    assert readings == ({f"{{{FAST},{GPU}}}": 0.5} if method == "exclusive" else {})


def test_a_gpu_of_another_container_of_the_pod_is_no_models() -> None:
    other = holder("fraud-0", "GPU-0").model_copy(update={"container": "trainer"})
    page = monitor_page(snapshot(other))
    assert values(page, "modelmonitor_model_gpu_info") == {}
    assert 'container="trainer"' in next(iter(values(page, "modelmonitor_pod_gpu_power_watts")))


def test_a_page_of_one_monitor_says_nothing_of_other_peoples_pods() -> None:
    assert "other" not in monitor_page(snapshot(holder("other", "GPU-0")))


def own_labels() -> str:
    return '{modelmonitor="fraud",namespace="team-a",node="node-a"}'


def lines_of(page: str) -> list[str]:
    return [line for line in page.splitlines() if not line.startswith("#")]


def test_a_page_says_how_many_series_it_has() -> None:
    page = monitor_page(snapshot(holder("fraud-0", "GPU-0")))
    assert values(page, "modelmonitor_page_series") == {own_labels(): len(lines_of(page))}
    assert values(page, "modelmonitor_page_dropped_series") == {own_labels(): 0}


@pytest.mark.parametrize("limit", range(100, 200, 7))
def test_a_page_beyond_its_limit_keeps_within_it_and_counts_what_is_left_out(limit: int) -> None:
    whole = len(lines_of(monitor_page(snapshot(holder("fraud-0", "GPU-0")))))
    assert whole > 200
    page = monitor_page(snapshot(holder("fraud-0", "GPU-0"), sample_limit=limit))
    assert len(lines_of(page)) <= limit
    assert values(page, "modelmonitor_page_series") == {own_labels(): len(lines_of(page))}
    assert values(page, "modelmonitor_page_dropped_series") == {own_labels(): whole - len(lines_of(page))}


def test_at_the_limit_tritons_series_go_first_and_whole_models_the_last_of_them_first() -> None:
    whole, page = (monitor_page(snapshot(holder("fraud-0", "GPU-0"), **more)) for more in ({}, {"sample_limit": 110}))
    ours = {line for line in lines_of(whole) if line.startswith(("modelmonitor_target", "modelmonitor_model"))}
    assert ours <= set(lines_of(page))
    for name in ("fast", "slow", "ensemble", "failing", "queue"):
        series = {line for line in lines_of(whole) if line.startswith("nv_") and f'model="{name}"' in line}
        assert series & set(lines_of(page)) in (series, set())


def test_models_beyond_the_limit_lose_all_their_series() -> None:
    models = tuple(model(f"m{number:02d}") for number in range(30))
    statistics = {(one.name, "1"): StatisticsCounters(executions=1, execution_ns=500_000_000) for one in models}
    page = monitor_page(with_target(snapshot(sample_limit=100), models=models, statistics=statistics, series=()))
    shown = values(page, "modelmonitor_model_ready")
    assert [f'model="m{number:02d}"' in labels for number, labels in enumerate(shown)] == [True] * len(shown)
    assert len(values(page, "modelmonitor_model_executions_total")) == len(shown) == 9


def test_a_page_is_made_once_and_again_when_what_it_shows_changed() -> None:
    pages, seen = MonitorPages("node-a"), snapshot()
    first = page_of(pages, seen)
    assert page_of(pages, seen) is first
    assert page_of(pages, replace(seen, scrapes=replace(seen.scrapes, bad_lines=9))) is first
    changed = with_target(seen, bad_lines=5)
    assert page_of(pages, changed) is not first
    assert b"modelmonitor_target_bad_lines" in page_of(pages, changed).plain
    pages.forget()
    assert page_of(pages, changed).plain == page_of(MonitorPages("node-a"), changed).plain


def test_a_reading_of_one_pod_renders_that_pod_alone() -> None:
    pages, seen = MonitorPages("node-a"), snapshot()
    before = {id(part) for part in page_of(pages, seen).parts}
    read_again = replace(seen, nvml=replace(seen.nvml, reading=2, gpus=seen.nvml.gpus[:1]))
    after = page_of(pages, read_again).parts
    assert len(before & {id(part) for part in after}) > 0.8 * len(after)


def test_what_was_scraped_is_rendered_when_it_is_read_again_and_what_was_not_is_not() -> None:
    pages, seen = MonitorPages("node-a"), snapshot()
    first, second = with_target(seen, bad_lines=1), with_target(seen, bad_lines=2)
    pages.prepare(target_of(first))
    assert pages._states == {}
    page_of(pages, seen)
    part = next(iter(pages._states.values())).parts
    pages.prepare(target_of(first))
    prepared = part["uid-fraud-0"]
    assert (prepared.target, prepared.used) == (target_of(first), False)
    pages.prepare(target_of(second))
    assert part == {}
    assert page_of(pages, second).plain == page_of(MonitorPages("node-a"), second).plain


def test_the_page_in_gzip_is_the_same_page() -> None:
    page = page_of(MonitorPages("node-a"), snapshot())
    assert gzip.decompress(page.compressed) == page.plain
    assert page.compressed is page.compressed
