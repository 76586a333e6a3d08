"""A stretch of a device is split so that the parts are the whole, however it is shared."""

import itertools

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from modelmonitor_api.apportion import apportion, share_between
from modelmonitor_sidecar.cost.attribution import Claim, Split, attribute

A, B = ("fraud", "1"), ("risk", "1")
HOUR = 3_600_000_000

claims = st.lists(
    st.builds(
        lambda n, planned, executed: (n, planned, executed if planned else {}),
        st.integers(1, 4),
        st.booleans(),
        st.dictionaries(st.sampled_from([A, B, ("x", "")]), st.integers(0, 10**11), max_size=3),
    ),
    max_size=6,
).map(lambda made: [Claim(f"pod-{n}", *one) for n, one in enumerate(made)])


def whole(split: Split) -> int:
    """The usage view, added up."""
    pods = sum(sum(p.used_us.values()) + p.other_us + p.idle_us - p.lent_us for p in split.pods.values())
    return pods + split.unplanned_busy_us + split.unplanned_idle_us + split.unallocated_us


@settings(deadline=None)
@given(st.integers(0, 10**15), st.lists(st.integers(0, 10**15), min_size=1, max_size=50))
def test_parts_are_the_whole_and_none_is_off_by_one(total: int, weights: list[int]) -> None:
    parts = apportion(total, weights)
    assert sum(parts) == total
    if sum(weights):
        assert all(abs(p * sum(weights) - total * w) < sum(weights) for p, w in zip(parts, weights, strict=True))


@settings(deadline=None)
@given(st.lists(st.integers(0, 10**13), min_size=2, max_size=20).map(sorted), st.integers(1, 9), st.integers(1, 9))
def test_the_share_of_spans_is_the_share_of_them_all_together(times: list[int], parts: int, more: int) -> None:
    of = parts + more
    spans = sum(share_between(a, b, parts, of) for a, b in itertools.pairwise(times))
    assert spans == share_between(times[0], times[-1], parts, of)


@pytest.mark.parametrize(("total", "weights"), [(-1, [1]), (1, [-1, 2]), (1, [])])
def test_nothing_negative_is_split_and_nothing_is_split_among_nobody(total: int, weights: list[int]) -> None:
    with pytest.raises(ValueError, match=r"split|nobody"):
        apportion(total, weights)


@settings(deadline=None)
@given(st.integers(0, 10**12), st.integers(0, 10**12), claims, st.integers(1, 12))
def test_both_views_add_up_to_the_device(wall: int, busy: int, held: list[Claim], replicas: int) -> None:
    split = attribute(wall, busy, held, replicas)
    assert whole(split) == wall
    for pod in split.pods.values():
        assert pod.held_us == sum(pod.used_us.values()) - pod.borrowed_us + pod.other_us + pod.idle_us
        assert min(pod.held_us, pod.borrowed_us, pod.other_us, pod.idle_us, pod.idle_us - pod.lent_us) >= 0
    assert min(split.unplanned_busy_us, split.unplanned_idle_us, split.unallocated_us) >= 0
    assert sum(pod.held_us for pod in split.pods.values()) <= wall


@settings(deadline=None)
@given(st.integers(0, 10**12), st.integers(0, 10**12), claims, st.integers(1, 12))
def test_busy_time_is_given_out_once(wall: int, busy: int, held: list[Claim], replicas: int) -> None:
    split = attribute(wall, busy, held, replicas)
    given_out = sum(sum(p.used_us.values()) + p.other_us for p in split.pods.values()) + split.unplanned_busy_us
    assert given_out == min(wall, busy)


def test_a_pod_alone_on_a_device_has_all_of_it_and_its_models_share_by_execution_time() -> None:
    pod = attribute(1000, 400, [Claim("p", 1, execution_us={A: 30, B: 10})], 1).pods["p"]
    assert (pod.used_us, pod.idle_us, pod.other_us, pod.held_us) == ({A: 300, B: 100}, 600, 0, 1000)


def test_busy_time_without_an_execution_is_other_and_not_a_model() -> None:
    pod = attribute(1000, 400, [Claim("p", 1, execution_us={A: 0})], 1).pods["p"]
    assert (pod.used_us, pod.other_us, pod.idle_us) == ({}, 400, 600)


def test_time_slices_are_held_by_replica_and_used_by_busy_time() -> None:
    split = attribute(1000, 600, [Claim("p", 1, execution_us={A: 100}), Claim("q", 2, execution_us={B: 100})], 4)
    p, q = split.pods["p"], split.pods["q"]
    assert (p.held_us, p.used_us, p.borrowed_us, p.idle_us) == (250, {A: 300}, 50, 0)
    assert (q.held_us, q.used_us, q.idle_us, q.lent_us) == (500, {B: 300}, 200, 22)
    assert split.unallocated_us == 250 - 28


def test_a_stranger_on_the_device_takes_what_no_model_of_ours_executed() -> None:
    split = attribute(1000, 800, [Claim("p", 1, execution_us={A: 300}), Claim("ns/q", 1, planned=False)], 2)
    assert split.pods["p"].used_us == {A: 300}
    assert (split.unplanned_busy_us, split.unplanned_idle_us, split.pods["p"].lent_us) == (500, 0, 0)


def test_a_device_that_nobody_holds_is_unallocated_save_what_is_busy() -> None:
    split = attribute(HOUR, HOUR // 4, [], 1)
    assert (split.unplanned_busy_us, split.unallocated_us) == (HOUR // 4, 3 * HOUR // 4)


def test_more_holders_than_replicas_share_in_proportion() -> None:
    split = attribute(900, 0, [Claim("p", 1), Claim("q", 1), Claim("r", 1)], 1)
    assert [pod.held_us for pod in split.pods.values()] == [300, 300, 300]
