"""What happened in a window, from cumulative counters."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from modelmonitor_api.summary import ModelWindow
from modelmonitor_sidecar.exposition import MAX_MODELS
from modelmonitor_sidecar.windows import (
    MAX_WINDOWS,
    POINTS_A_WINDOW,
    ModelSample,
    PageCounters,
    StatisticsCounters,
    TargetHistory,
)

FAST = ("fast", "1")


def sample(successes: int, failures: int = 0, *, pending: float | None = None, page: int | None = None) -> ModelSample:
    counters = None if page is None else PageCounters(successes=page, failures=(("BACKEND", failures),))
    return ModelSample(StatisticsCounters(successes, failures, successes * 0.5, successes * 0.2), counters, pending)


def history(*readings: tuple[float, ModelSample], windows: tuple[int, ...] = (60,)) -> TargetHistory:
    made = TargetHistory()
    made.ask_for(windows)
    for at, reading in readings:
        made.add(at, {FAST: reading}, complete=True)
    return made


def window(made: TargetHistory) -> ModelWindow:
    return made.windows(FAST)[0]


def test_the_first_reading_counts_nothing_because_nobody_saw_when_it_happened() -> None:
    seen = window(history((0, sample(1000, 50))))
    assert (seen.successes, seen.failures, seen.covered_seconds) == (0, 0, 0)


def test_a_window_holds_the_differences_and_the_seconds_that_they_cover() -> None:
    seen = window(history((0, sample(100, 1)), (15, sample(110, 1)), (30, sample(130, 6))))
    assert (seen.successes, seen.failures, seen.covered_seconds) == (30, 5, 30)
    assert seen.success_seconds == pytest.approx(15.0)
    assert seen.queue_seconds == pytest.approx(6.0)


def test_what_is_older_than_the_window_is_forgotten() -> None:
    readings = [(float(t), sample(t)) for t in range(0, 301, 15)]
    seen = window(history(*readings))
    assert (seen.successes, seen.covered_seconds) == (60, 60)


def test_a_counter_that_falls_adds_its_new_value() -> None:
    seen = window(history((0, sample(100, 4)), (15, sample(3, 1)), (30, sample(5, 1))))
    assert (seen.successes, seen.failures) == (5, 1)


def test_counters_that_are_reset_together_are_seen_as_reset_together() -> None:
    before = ModelSample(StatisticsCounters(successes=2, failures=9))
    after = ModelSample(StatisticsCounters(successes=5, failures=1))
    seen = window(history((0, before), (15, after)))
    assert (seen.successes, seen.failures) == (5, 1)


def test_a_reload_that_keeps_the_pages_failures_does_not_count_them_again() -> None:
    before = ModelSample(page=PageCounters(successes=100, failures=(("BACKEND", 7),)))
    after = ModelSample(page=PageCounters(successes=2, failures=(("BACKEND", 7),)))
    seen = window(history((0, before), (15, after)))
    assert (seen.successes, seen.failures, seen.failure_reasons) == (2, 0, {})


def test_a_model_loaded_later_has_begun_at_zero() -> None:
    made = history((0, sample(10)))
    made.add(15, {FAST: sample(10), ("new", "1"): sample(4, 2)}, complete=True)
    seen = made.windows(("new", "1"))[0]
    assert (seen.successes, seen.failures, seen.covered_seconds) == (4, 2, 15)


def test_a_model_that_is_gone_is_forgotten_and_comes_back_from_zero() -> None:
    made = history((0, sample(10)), (15, sample(20)))
    made.add(30, {}, complete=True)
    assert made.windows(FAST) == ()
    made.add(45, {FAST: sample(3)}, complete=True)
    assert window(made).successes == 3


def test_an_endpoint_that_misses_a_reading_loses_nothing() -> None:
    made = history((0, sample(10, page=10)))
    made.add(15, {FAST: ModelSample(page=PageCounters(successes=20))}, complete=False)
    made.add(30, {FAST: sample(30, page=30)}, complete=True)
    seen = window(made)
    assert (seen.successes, seen.metrics_requests, seen.covered_seconds) == (20, 20, 30)


def test_frozen_counters_show_as_a_difference_of_the_two_sources() -> None:
    seen = window(history((0, sample(0, page=0)), (15, sample(50, page=0))))
    assert (seen.successes, seen.metrics_requests) == (50, 0)


def test_without_the_page_its_count_is_absent_not_zero() -> None:
    assert window(history((0, sample(0)), (15, sample(5)))).metrics_requests is None


def test_without_statistics_the_page_counts() -> None:
    first = ModelSample(page=PageCounters(successes=5, failures=(("BACKEND", 1),)))
    second = ModelSample(page=PageCounters(successes=9, failures=(("BACKEND", 3), ("REJECTED", 1))))
    seen = window(history((0, first), (15, second)))
    assert (seen.successes, seen.failures) == (4, 3)
    assert seen.failure_reasons == {"BACKEND": 2, "REJECTED": 1}


def test_pending_before_is_half_a_window_old_and_absent_until_then() -> None:
    readings = [(float(t), sample(t, pending=float(t))) for t in range(0, 61, 15)]
    assert window(history(*readings)).pending_before == 30
    assert window(history(*readings[:2])).pending_before is None


def test_each_window_asked_for_is_kept_and_no_more_than_the_cap() -> None:
    made = history((0, sample(0)), (15, sample(1)), windows=tuple(range(60, 1200, 60)))
    assert [w.window_seconds for w in made.windows(FAST)] == list(range(60, 60 * (MAX_WINDOWS + 1), 60))


def test_memory_does_not_grow_with_the_number_of_readings() -> None:
    made = history(*[(t * 5.0, sample(t)) for t in range(5000)], windows=(3600,))
    assert len(made._models[FAST]._rings[3600]) <= POINTS_A_WINDOW + 2
    assert window(made).successes == pytest.approx(720, abs=720 / POINTS_A_WINDOW)


def test_new_models_at_each_reading_of_half_an_answer_do_not_make_memory_grow() -> None:
    made = TargetHistory()
    made.ask_for((60,))
    for turn in range(5):
        made.add(turn * 15.0, {(f"m{turn}-{n}", "1"): sample(n) for n in range(MAX_MODELS)}, complete=False)
    assert len(made._models) == MAX_MODELS
    assert made.windows(("m1-0", "1")) == ()
    made.add(90.0, {FAST: sample(1)}, complete=False)
    assert made._models.keys() == {FAST}


def test_a_model_that_comes_back_after_a_long_silence_of_its_endpoint_has_not_begun_at_zero() -> None:
    made = history((0, sample(1000)))
    made.add(90, {}, complete=False)
    made.add(105, {FAST: sample(1010)}, complete=True)
    made.add(120, {FAST: sample(1015)}, complete=True)
    assert window(made).successes == 5


@given(st.lists(st.integers(min_value=0, max_value=1000), min_size=1, max_size=80))
def test_a_window_is_never_negative_whatever_the_counters_do(values: list[int]) -> None:
    seen = window(history(*[(i * 15.0, sample(v, v // 2, page=v)) for i, v in enumerate(values)]))
    assert seen.successes >= 0
    assert seen.failures >= 0
    assert seen.metrics_requests is not None
    assert seen.metrics_requests >= 0
    assert all(count > 0 for count in seen.failure_reasons.values())
