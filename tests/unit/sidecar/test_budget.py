"""What pods cost the sidecar together is bounded, and those that ask for little lose nothing by the others."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from modelmonitor_api.scrape_book import ScrapeBook
from modelmonitor_api.summary import EndpointReading, EndpointState
from modelmonitor_sidecar.budget import NODE_BYTES, REASON_BYTES, WINDOW_BYTES, NodeBudget, cost_models
from modelmonitor_sidecar.collectors.own import Identity
from modelmonitor_sidecar.exposition import parse_page
from modelmonitor_sidecar.scrape import TargetWatch
from modelmonitor_sidecar.snapshot import SnapshotStore, Target
from modelmonitor_sidecar.sources.triton import HttpReading, PageReading
from modelmonitor_sidecar.summary import build_summary
from modelmonitor_sidecar.windows import ModelKey, StatisticsCounters
from tests.unit.sidecar.readings import FakeClock, pod
from tests.unit.sidecar.test_scraping import ScriptedReader

OK = EndpointReading(state=EndpointState.OK)


def asks(models: int, each: int = 10) -> dict[ModelKey, int]:
    return {(f"m{number:03d}", "1"): each for number in range(models)}


def test_while_all_fits_every_pod_keeps_everything() -> None:
    budget = NodeBudget(100)
    assert len(budget.keep("a", asks(6))) == 6
    assert len(budget.keep("b", asks(4))) == 4


def test_a_small_pod_loses_nothing_by_those_that_ask_for_all() -> None:
    budget = NodeBudget(100)
    kept = {}
    for _ in range(3):
        kept = {uid: len(budget.keep(uid, asks(models))) for uid, models in (("x", 90), ("y", 50), ("small", 2))}
    assert kept == {"x": 4, "y": 4, "small": 2}


def test_the_models_that_are_kept_stay_the_same() -> None:
    budget = NodeBudget(30)
    assert budget.keep("a", asks(9)) == budget.keep("a", dict(reversed(asks(9).items()))) == set(asks(3))


def test_what_a_pod_had_is_free_once_it_is_forgotten() -> None:
    budget = NodeBudget(50)
    budget.keep("a", asks(5))
    assert len(budget.keep("b", asks(5))) == 0
    budget.forget("a")
    assert len(budget.keep("b", asks(5))) == 5


@given(st.lists(st.tuples(st.sampled_from("abcd"), st.integers(0, 40), st.integers(1, 9)), max_size=40))
def test_together_pods_never_keep_more_than_there_is(turns: list[tuple[str, int, int]]) -> None:
    budget, spent = NodeBudget(100), {}
    for uid, models, each in turns:
        spent[uid] = each * len(budget.keep(uid, asks(models, each)))
        assert sum(spent.values()) <= 100


def test_long_labels_and_windows_cost_what_they_take() -> None:
    short, long = (
        parse_page(b'nv_inference_count{model="a",version="1",tag="%s"} 1\n' % tag).series for tag in (b"x", b"x" * 250)
    )
    a = ("a", "1")
    assert cost_models(long, (), 0)[a] - cost_models(short, (), 0)[a] == 2 * 249
    assert cost_models((), [a], 3) == {a: 3 * WINDOW_BYTES}
    failing = parse_page(b'nv_inference_request_failure{model="a",version="1",reason="BACKEND"} 1\n').series
    assert cost_models(failing, (), 1)[a] > WINDOW_BYTES + REASON_BYTES


def reading(models: int, count: int) -> tuple[HttpReading, PageReading]:
    statistics = {(f"m{number:03d}", "1"): StatisticsCounters(successes=count) for number in range(models)}
    lines = (b'nv_inference_count{model="m%03d",version="1"} 1\n' % number for number in range(models))
    return HttpReading(OK, statistics=statistics, index={}), PageReading(OK, parse_page(b"".join(lines)))


def watch_of(budget: NodeBudget, *readings: tuple[HttpReading, PageReading]) -> TargetWatch:
    target = Target("team-a", pod(), 5, (60,))
    return TargetWatch(target, ScriptedReader(*readings), SnapshotStore(), FakeClock(), budget)


async def test_what_a_pod_may_not_keep_is_counted_and_told() -> None:
    watch = watch_of(NodeBudget(10 * (WINDOW_BYTES + 500)), reading(30, 1))
    seen = await watch.read_once()
    assert (len(seen.models), seen.dropped_models, len(seen.series), seen.dropped_series) == (10, 20, 10, 20)
    store = SnapshotStore()
    store.publish_target(seen)
    (told,) = build_summary(store.newest, 1.0, Identity("n1", "uid", "0"), ScrapeBook()).targets
    assert (len(told.models), told.models_total, told.dropped_series) == (10, 30, 20)


async def test_a_model_that_comes_back_has_not_begun_at_zero() -> None:
    budget = NodeBudget(2 * (WINDOW_BYTES + 500))
    watch = watch_of(budget, reading(2, 700), reading(3, 700), reading(2, 705))
    for _ in range(2):
        await watch.read_once()
    assert len(budget.keep("another", asks(1, WINDOW_BYTES))) == 0
    seen = await watch.read_once()
    assert {sum(window.successes for window in model.windows) for model in seen.models} <= {0, 5}


@pytest.mark.parametrize("pods", [1, 8])
def test_pods_as_large_as_most_are_read_whole(pods: int) -> None:
    budget = NodeBudget(NODE_BYTES)
    usual = cost_models((), [(f"m{number}", "1") for number in range(50)], 1)
    assert all(len(budget.keep(f"uid-{number}", usual)) == 50 for number in range(pods))


async def test_models_whose_windows_have_no_room_are_metered_all_the_same() -> None:
    seen = await watch_of(NodeBudget(10 * (WINDOW_BYTES + 500)), reading(30, 1)).read_once()
    assert seen.counted is not None
    assert (len(seen.statistics), len(seen.counted.models)) == (10, 30)


async def test_a_node_meters_a_bounded_number_of_models() -> None:
    seen = await watch_of(NodeBudget(metered_models=20), reading(30, 1)).read_once()
    assert seen.counted is not None
    assert (len(seen.statistics), len(seen.counted.models)) == (30, 20)
