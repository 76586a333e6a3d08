"""Triton's JSON answers, recorded and hostile."""

import json

import pytest

from modelmonitor_sidecar.exposition import MAX_MODELS, parse_page
from modelmonitor_sidecar.sources.triton_answers import (
    MAX_BATCH_SIZES,
    gather_figures,
    parse_index,
    parse_statistics,
)
from modelmonitor_sidecar.windows import StatisticsCounters
from tests.unit.sidecar.readings import FIXTURES, page_text


def recorded(folder: str, name: str) -> object:
    return json.loads((FIXTURES / folder / name).read_text())


def test_recorded_statistics_become_requests_and_seconds() -> None:
    raw = next(m for m in recorded("default", "failed.stats.json")["model_stats"] if m["name"] == "failing")
    stats = raw["inference_stats"]
    found = parse_statistics(recorded("default", "failed.stats.json"))[("failing", "1")]
    assert (found.successes, found.failures) == (stats["success"]["count"], stats["fail"]["count"])
    assert found.failures > 0
    assert found.success_seconds == pytest.approx(stats["success"]["ns"] / 1e9)
    assert found.compute_seconds == pytest.approx(
        sum(stats[f"compute_{stage}"]["ns"] for stage in ("input", "infer", "output")) / 1e9
    )


def test_recorded_statistics_give_executions_and_the_time_of_each_batch_once() -> None:
    raw = {m["name"]: m for m in recorded("default", "served.stats.json")["model_stats"]}
    found = parse_statistics(recorded("default", "served.stats.json"))
    fast = found[("fast", "1")]
    assert (fast.executions, fast.inferences) == (raw["fast"]["execution_count"], raw["fast"]["inference_count"])
    assert fast.executions > 0
    assert fast.execution_seconds == pytest.approx(raw["fast"]["batch_stats"][0]["compute_infer"]["ns"] / 1e9)
    assert found[("queue", "1")].execution_seconds is None


def statistics_of(**more: object) -> StatisticsCounters:
    return parse_statistics({"model_stats": [{"name": "a", "version": "1", **more}]})[("a", "1")]


def test_the_time_of_a_batch_is_added_once_however_many_requests_it_held() -> None:
    batches = [
        {"batch_size": 1, "compute_infer": {"count": 2, "ns": 10_000_000}},
        {"batch_size": 8, "compute_infer": {"count": 1, "ns": 30_000_000}},
    ]
    inference = {"success": {"count": 10, "ns": 5}, "compute_infer": {"count": 10, "ns": 260_000_000}}
    found = statistics_of(execution_count=3, inference_count=10, batch_stats=batches, inference_stats=inference)
    assert (found.execution_seconds, found.executions, found.inferences) == (0.04, 3, 10)


def test_responses_from_the_cache_are_counted_apart() -> None:
    found = statistics_of(inference_stats={"cache_hit": {"count": 7, "ns": 1}, "cache_miss": {"count": 3, "ns": 1}})
    assert (found.cache_hits, found.cache_misses) == (7, 3)


@pytest.mark.parametrize("batches", [None, [], {}, "x", 5])
def test_without_batch_statistics_there_is_no_execution_time(batches: object) -> None:
    assert statistics_of(batch_stats=batches).execution_seconds is None


@pytest.mark.parametrize("batch", [None, 5, {}, {"compute_infer": []}, {"compute_infer": {"ns": -1}}])
def test_batch_statistics_that_are_none_add_nothing(batch: object) -> None:
    good = {"compute_infer": {"count": 1, "ns": 1_000_000_000}}
    assert statistics_of(batch_stats=[batch, good]).execution_seconds == 1.0


def test_batch_sizes_are_capped() -> None:
    one = {"compute_infer": {"ns": 1_000_000_000}}
    assert statistics_of(batch_stats=[one] * (MAX_BATCH_SIZES + 5)).execution_seconds == MAX_BATCH_SIZES


def test_a_broken_model_is_not_ready_and_says_why_in_tritons_words() -> None:
    broken = parse_index(recorded("broken-model", "served.index.json"))[("queue", "1")]
    assert not broken.ready
    assert "SyntaxError" in broken.reason


def test_an_index_entry_without_a_state_is_a_model_that_nobody_loaded() -> None:
    assert parse_index([{"name": "spare"}, {"name": "a", "version": "1", "state": "READY"}]).keys() == {("a", "1")}
    spares = [{"name": f"spare-{n}"} for n in range(MAX_MODELS)]
    assert parse_index([*spares, {"name": "a", "version": "1", "state": "READY"}]).keys() == {("a", "1")}


@pytest.mark.parametrize("answer", [None, 1, "x", {}, {"model_stats": {}}, {"model_stats": None}])
def test_an_answer_that_is_no_list_of_models_is_refused(answer: object) -> None:
    with pytest.raises(ValueError, match="model_stats"):
        parse_statistics(answer)


@pytest.mark.parametrize(
    "item",
    [
        pytest.param({"name": "a"}, id="no figures at all"),
        pytest.param({"name": "a", "inference_stats": []}, id="a list for an object"),
        pytest.param({"name": "a", "inference_stats": {"success": {"count": "9", "ns": None}}}, id="words for numbers"),
        pytest.param({"name": "a", "inference_stats": {"success": {"count": -9, "ns": -1}}}, id="negative numbers"),
        pytest.param({"name": "a", "inference_stats": {"success": {"count": 10**40, "ns": 10**40}}}, id="huge numbers"),
        pytest.param({"name": "a", "inference_stats": {"success": {"count": True}}}, id="true for a number"),
    ],
)
def test_figures_that_are_none_count_zero(item: object) -> None:
    assert parse_statistics({"model_stats": [item, 5, {"version": "1"}]}) == {("a", ""): StatisticsCounters()}


def test_names_are_cut_and_models_are_capped() -> None:
    many = [{"name": f"{n:05d}" + "x" * 1000, "version": "1" * 1000, "state": "READY"} for n in range(MAX_MODELS + 9)]
    found = parse_index(many)
    assert len(found) == MAX_MODELS
    assert max(len(name) + len(version) for name, version in found) == 256 + 64


def test_the_reason_of_a_model_is_one_printable_line() -> None:
    entry = parse_index([{"name": "a", "version": "1", "state": "UNAVAILABLE", "reason": "x\x1b[31m\n" * 900}])[
        ("a", "1")
    ]
    assert entry.reason.isprintable()
    assert len(entry.reason) <= 512


def test_the_page_gives_failures_by_reason_pending_requests_and_the_99th_percentile() -> None:
    figures = gather_figures(parse_page(page_text("default", "failed")).series)[("failing", "1")]
    assert figures.counters is not None
    assert dict(figures.counters.failures).keys() == {"BACKEND"}
    assert figures.pending == 0
    assert figures.latency_p99_seconds is None
    slow = gather_figures(parse_page(page_text("summary-latencies", "served")).series)
    assert slow[("slow", "1")].latency_p99_seconds == pytest.approx(0.031, abs=0.02)
    assert slow[("queue", "1")].latency_p99_seconds is None


def test_quantiles_are_published_before_the_first_request_too() -> None:
    slow = gather_figures(parse_page(page_text("summary-latencies", "idle")).series)[("slow", "1")]
    assert (slow.publishes_quantiles, slow.latency_p99_seconds) == (True, None)
    assert not gather_figures(parse_page(page_text("default", "served")).series)[("fast", "1")].publishes_quantiles


def test_the_buckets_of_a_decoupled_model_are_told_in_seconds() -> None:
    figures = gather_figures(parse_page(page_text("documented", "histogram")).series)
    assert figures[("chat", "1")].latency_buckets_seconds == (0.1, 0.5, 2.0, 5.0)
    assert figures[("fast", "1")].latency_buckets_seconds == ()


def test_bounds_that_are_none_are_left_out_and_the_others_are_capped() -> None:
    bounds = ["x", "", "NaN", "-5", "0", "-Inf", *map(str, range(1, 100))]
    name = 'nv_inference_first_response_histogram_ms_bucket{model="chat",version="1",le="%s"} 1\n'
    series = parse_page("".join(name % bound for bound in bounds).encode()).series
    assert gather_figures(series)[("chat", "1")].latency_buckets_seconds == tuple(n / 1000 for n in range(1, 33))


def test_a_page_without_a_models_counters_has_no_counters_of_it() -> None:
    series = parse_page(b'nv_inference_pending_request_count{model="a",version="1"} 3\n').series
    figures = gather_figures(series)[("a", "1")]
    assert (figures.counters, figures.pending) == (None, 3)
