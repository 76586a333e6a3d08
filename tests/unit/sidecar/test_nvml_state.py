"""What NVML's answers and silences do to the snapshot."""

import re

import pytest

from modelmonitor_api.summary import GpuReading, SourceState
from modelmonitor_sidecar.snapshot import MAX_XIDS, Instant, NvmlSnapshot
from modelmonitor_sidecar.sources.nvml import Failed, Found, XidSeen, fold, watch
from modelmonitor_sidecar.sources.nvml_errors import ERRORS, Meaning, NvmlCallError
from modelmonitor_sidecar.sources.nvml_session import XidReport

GPU = GpuReading(index=0, uuid="GPU-1", temperature_celsius=40.0)


def at(seconds: float) -> Instant:
    return Instant(seconds, 1e9 + seconds)


def found(seconds: float) -> Found:
    return Found(at(seconds), (GPU,), "580", "13.580")


def test_a_complete_reading_is_ok_and_counted() -> None:
    seen = fold(fold(NvmlSnapshot(), found(1)), found(2))
    assert (seen.state, seen.reading, seen.gpus, seen.read) == (SourceState.OK, 2, (GPU,), at(2))


def test_a_node_without_gpus_is_ok_and_says_so() -> None:
    seen = fold(NvmlSnapshot(), Found(at(1), (), "580", "13"))
    assert (seen.state, seen.message) == (SourceState.OK, "NVML lists no GPU on this node")


def test_a_failure_takes_the_readings_away_and_counts_as_a_reading() -> None:
    seen = fold(fold(NvmlSnapshot(), found(1)), Failed(at(2), SourceState.FAILED, "no driver"))
    assert (seen.state, seen.message, seen.gpus, seen.reading) == (SourceState.FAILED, "no driver", (), 2)


def test_a_call_within_its_deadline_changes_nothing() -> None:
    known = fold(NvmlSnapshot(), found(1))
    assert watch(known, 3, 15, ("nvmlDeviceGetPowerUsage", 2.0), 5) is known


def test_a_call_beyond_its_deadline_is_hung_and_named() -> None:
    known = fold(NvmlSnapshot(), found(1))
    seen = watch(known, 10, 15, ("nvmlDeviceGetPowerUsage", 6.0), 5)
    assert seen.state is SourceState.HUNG
    assert "nvmlDeviceGetPowerUsage has not returned for more than 5 s" in seen.message
    assert seen.gpus == (GPU,)


def test_a_hung_call_counts_one_reading_an_interval_so_that_hysteresis_goes_on() -> None:
    seen = watch(fold(NvmlSnapshot(), found(1)), 10, 15, ("x", 6.0), 5)
    first = seen.reading
    for tick in range(60):
        seen = watch(seen, 10 + tick * 0.5, 15, ("x", 6.0 + tick * 0.5), 5)
    assert seen.reading == first + 1


def test_readings_older_than_three_intervals_are_absent_not_frozen() -> None:
    known = watch(fold(NvmlSnapshot(), found(0)), 6, 15, ("x", 6.0), 5)
    assert watch(known, 45, 15, ("x", 45.0), 5).gpus == (GPU,)
    assert watch(known, 45.5, 15, ("x", 45.5), 5).gpus == ()


def test_after_a_hang_the_next_reading_is_ok_again() -> None:
    hung = watch(fold(NvmlSnapshot(), found(0)), 60, 15, ("x", 60.0), 5)
    seen = fold(hung, found(61))
    assert (seen.state, seen.message, seen.gpus) == (SourceState.OK, "", (GPU,))


def test_xids_are_numbered_remembered_and_counted() -> None:
    seen = fold(NvmlSnapshot(), XidSeen(at(1), XidReport(79, 0, "GPU-1")))
    seen = fold(seen, XidSeen(at(2), XidReport(79, 0, "GPU-1")))
    assert [(x.sequence, x.code, x.gpu_uuid) for x in seen.xids] == [(1, 79, "GPU-1"), (2, 79, "GPU-1")]
    assert seen.xid_counts == (((0, "GPU-1", 79), 2),)


def test_a_flood_of_xids_keeps_the_newest_and_goes_on_numbering() -> None:
    seen = NvmlSnapshot()
    for n in range(1, 2 * MAX_XIDS + 1):
        seen = fold(seen, XidSeen(at(n), XidReport(13, 0, "GPU-1")))
    assert len(seen.xids) == MAX_XIDS
    assert seen.xids[-1].sequence == 2 * MAX_XIDS


def test_xids_of_more_than_an_hour_ago_are_forgotten() -> None:
    seen = fold(NvmlSnapshot(), XidSeen(at(0), XidReport(13, 0, "GPU-1")))
    seen = fold(seen, XidSeen(at(3601), XidReport(79, 0, "GPU-1")))
    assert [(x.sequence, x.code) for x in seen.xids] == [(2, 79)]


@pytest.mark.parametrize("code", sorted(ERRORS))
def test_every_error_names_itself_and_what_failed(code: int) -> None:
    text = str(NvmlCallError(code, "nvmlInit"))
    assert re.match(rf"nvmlInit answered [A-Z_]+ \({code}\)", text)


@pytest.mark.parametrize(
    ("codes", "meaning"),
    [
        pytest.param((3, 13, 21, 25), Meaning.NO_READING, id="not supported is normal"),
        pytest.param((15, 28), Meaning.GPU_LOST, id="lost is lost"),
        pytest.param((16, 999, 8, 14), Meaning.GPU_FAILED, id="a GPU that must be looked at"),
        pytest.param((1, 9, 12, 18), Meaning.SESSION_OVER, id="NVML must begin again"),
    ],
)
def test_the_table_says_what_each_error_means(codes: tuple[int, ...], meaning: Meaning) -> None:
    assert {NvmlCallError(code, "x").meaning for code in codes} == {meaning}


def test_an_error_that_nvml_has_not_invented_yet_is_a_failed_gpu() -> None:
    assert NvmlCallError(4711, "x").meaning is Meaning.GPU_FAILED


def test_an_error_that_a_person_can_mend_says_how() -> None:
    assert "gpuAccess.preset" in str(NvmlCallError(12, "nvmlInit"))
    assert NvmlCallError(12, "nvmlInit").rule.state is SourceState.ABSENT
