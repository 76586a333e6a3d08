"""Distinct readings decide: what appears, what stays, what goes, and what a restart remembers."""

from dataclasses import replace

from hypothesis import given as forall
from hypothesis import settings as budget
from hypothesis import strategies as st

from modelmonitor_api.findings import FindingCode, ObjectKind, Severity
from modelmonitor_api.status import HealthState, ModelMonitorStatus
from modelmonitor_api.summary import GpuState, SourceState, XidEvent
from modelmonitor_operator.observed import PollState
from modelmonitor_operator.rollup import RollupInput, roll_up, seed_state
from modelmonitor_operator.rollup.candidates import WATCH, Candidate, FindingKey, Source, SourceKind
from modelmonitor_operator.rollup.hysteresis import Tracked, advance
from tests.unit.rollup.situations import (
    NOW,
    Story,
    condition,
    given,
    gpu,
    holds,
    model,
    monitor,
    node,
    nvml,
    pod,
    settle,
    target,
)

FAILING = given(node(target(pod(), model(ok=0, failed=500))))
WELL = given()
KEY = FindingKey(FindingCode.MODEL_FAILING, ObjectKind.MODEL, "fast:1")


def fails(story: Story) -> bool:
    return FindingCode.MODEL_FAILING in story.findings()


def test_one_reading_says_nothing_and_the_second_appears() -> None:
    story = Story()
    story.cycles(WELL)
    story.cycle(FAILING)
    assert not fails(story)
    story.cycle(FAILING)
    assert fails(story)


def test_the_same_reading_seen_twice_counts_once() -> None:
    story = Story()
    story.cycle(FAILING)
    for _ in range(3):
        story.cycle(FAILING, new=False)
    assert not fails(story)


def test_one_good_reading_does_not_clear_and_the_second_does() -> None:
    story = settle(FAILING)
    story.cycle(WELL)
    assert fails(story)
    story.cycle(WELL, new=False)
    assert fails(story)
    story.cycle(WELL)
    assert not fails(story)


def test_since_is_when_it_was_first_seen_and_does_not_move() -> None:
    story = Story()
    story.cycle(FAILING)
    story.cycle(FAILING)
    first = story.findings()[FindingCode.MODEL_FAILING].since
    assert first == "2027-01-15T08:00:00Z"
    story.cycles(FAILING, 5)
    assert story.findings()[FindingCode.MODEL_FAILING].since == first


def test_a_hard_fact_needs_one_reading_to_appear_and_one_to_go() -> None:
    story = Story()
    story.cycle(given(node(target(), gpus=nvml(gpu(state=GpuState.LOST)), held=holds("GPU-a"))))
    assert set(story.findings()) == {FindingCode.GPU_LOST}
    story.cycle(given(node(target(), gpus=nvml(gpu()), held=holds("GPU-a"))))
    assert story.findings() == {}


def test_a_finding_stays_while_its_source_is_silent_and_goes_when_it_is_gone_for_long() -> None:
    story = settle(FAILING)
    silent = given(node(state=PollState.TIMEOUT, summary=None, received_at=None))
    for _ in range(12):
        story.cycle(silent)
        assert fails(story)
    story.cycle(silent)
    assert not fails(story)
    assert FindingCode.SIDECAR_UNREACHABLE in story.findings()


def test_a_finding_of_a_pod_that_is_gone_goes_at_once() -> None:
    story = settle(FAILING)
    story.cycle(given(node(target(pod("new"))), pods=(pod("new"),)))
    assert story.findings() == {}


def test_few_requests_after_a_sidecars_start_do_not_clear_a_failing_model() -> None:
    story = settle(FAILING)
    fresh = given(node(target(pod(), model(ok=0, failed=3, covered_seconds=20.0))))
    story.cycles(fresh, 4)
    assert fails(story)
    quiet = given(node(target(pod(), model(ok=0, failed=3))))
    story.cycles(quiet, 2)
    assert not fails(story)


def test_gpu_findings_stay_while_the_kubelet_does_not_say_who_holds_what() -> None:
    hot = nvml(gpu(clock_event_reasons=0x8))
    story = settle(given(node(target(), gpus=hot, held=holds("GPU-a"))))
    story.cycles(given(node(target(), gpus=hot, held=holds(state=SourceState.FAILED))), 3)
    assert FindingCode.GPU_THROTTLED in story.findings()


def test_an_nvml_that_fails_lists_nothing_and_clears_nothing() -> None:
    story = settle(given(node(target(), gpus=nvml(gpu(state=GpuState.LOST)), held=holds("GPU-a"))))
    story.cycle(given(node(target(), gpus=nvml(state=SourceState.FAILED), held=holds("GPU-a"))))
    assert set(story.findings()) == {FindingCode.GPU_LOST}
    story.cycle(given(node(target(), gpus=nvml(state=SourceState.FAILED), held=holds("GPU-a"))))
    assert set(story.findings()) == {FindingCode.GPU_LOST, FindingCode.NVML_UNAVAILABLE}


def test_a_sidecar_that_freezes_is_unreachable_and_stays_so_when_kubernetes_notices() -> None:
    story = settle(WELL)
    frozen = replace(node(target(), now=story.now), state=PollState.TIMEOUT)
    story.cycles(given(frozen))
    assert set(story.findings()) == {FindingCode.SIDECAR_UNREACHABLE}
    noticed = replace(frozen, sidecar=replace(frozen.sidecar, ready=False))
    story.cycles(given(noticed), 8)
    assert set(story.findings()) == {FindingCode.SIDECAR_UNREACHABLE}
    assert story.status.health.state is HealthState.UNKNOWN


def restart(story: Story) -> Story:
    """The story as a new leader goes on with it: all it has is the status that the server stores."""
    stored = ModelMonitorStatus.model_validate(story.status.to_wire())
    return Story(state=seed_state(stored), now=story.now, reading=0)


def test_a_restart_keeps_findings_and_since_although_readings_begin_anew() -> None:
    story = settle(FAILING, cycles=4)
    before = story.findings()[FindingCode.MODEL_FAILING]
    after = restart(story)
    after.cycle(FAILING, seconds=30)
    assert after.findings()[FindingCode.MODEL_FAILING].since == before.since


def test_a_restart_keeps_findings_until_the_first_readings_come() -> None:
    after = restart(settle(FAILING, cycles=4))
    unasked = given(node(state=PollState.PENDING, summary=None, received_at=None, attempt=0))
    status = after.cycle(unasked, seconds=30)
    assert fails(after)
    assert status.health.state is HealthState.UNHEALTHY
    assert status.health.models[0].failure_ratio == "1"


def test_a_restart_does_not_make_a_healthy_monitor_unknown() -> None:
    story = settle(WELL, cycles=3)
    after = restart(story)
    unasked = given(node(state=PollState.PENDING, summary=None, received_at=None, attempt=0))
    status = after.cycle(unasked, seconds=5)
    assert (status.health.state, status.health.summary) == (HealthState.HEALTHY, story.status.health.summary)
    assert status.health.observed_at == story.status.health.observed_at
    assert condition(status, "Ready").status == "True"


def test_a_restart_keeps_findings_although_pods_cannot_be_listed_at_first() -> None:
    before = settle(FAILING, cycles=4)
    after = restart(before)
    unlisted = after.cycle(given(pods=(), pods_problem="the pods of namespace team-a cannot be listed: 500"))
    assert unlisted.health.state is HealthState.UNKNOWN
    after.cycle(FAILING)
    since = after.findings()[FindingCode.MODEL_FAILING].since
    assert since == before.findings()[FindingCode.MODEL_FAILING].since


def test_a_restart_clears_what_was_mended_meanwhile_after_two_readings() -> None:
    after = restart(settle(FAILING, cycles=4))
    after.cycle(WELL, seconds=30)
    assert fails(after)
    after.cycle(WELL)
    assert not fails(after)


def test_a_restart_remembers_an_xid_that_no_sidecar_reports_any_more() -> None:
    events = (XidEvent(sequence=1, code=79, gpu_uuid="GPU-a", age_seconds=5.0),)
    story = settle(given(node(target(), gpus=nvml(gpu(), xids=events), held=holds("GPU-a"))))
    after = restart(story)
    after.cycle(given(node(target(), gpus=nvml(gpu()), held=holds("GPU-a"))), seconds=600)
    assert after.findings()[FindingCode.GPU_XID].since == "2027-01-15T07:59:55Z"
    after.cycle(given(node(target(), gpus=nvml(gpu()), held=holds("GPU-a"))), seconds=3600)
    assert after.findings() == {}


def test_one_xid_reported_in_every_cycle_is_one_event_whose_time_stands() -> None:
    events = (XidEvent(sequence=1, code=79, gpu_uuid="GPU-a", age_seconds=5.0),)
    what = given(node(target(), gpus=nvml(gpu(), xids=events), held=holds("GPU-a")))
    story = settle(what, cycles=6)
    assert [(one.gpu, one.code, one.time) for one in story.status.health.events] == [
        ("GPU-a", 79, "2027-01-15T07:59:55Z")
    ]


def test_a_report_that_comes_a_little_late_is_the_same_event_and_a_later_one_is_not() -> None:
    def reported(age: float) -> RollupInput:
        events = (XidEvent(sequence=1, code=79, gpu_uuid="GPU-a", age_seconds=age),)
        return given(node(target(), gpus=nvml(gpu(), xids=events), held=holds("GPU-a")))

    story = settle(reported(30.0), cycles=1)
    first = story.status.health.events[0].time
    assert story.cycle(reported(27.0)).health.events[0].time == first
    assert story.cycle(reported(20.0)).health.events[0].time > first


def test_events_of_gpus_that_other_pods_hold_are_not_told() -> None:
    events = (XidEvent(sequence=1, code=79, gpu_uuid="GPU-b", age_seconds=5.0),)
    gpus = nvml(gpu(), gpu("GPU-b", 1), xids=events)
    assert settle(given(node(target(), gpus=gpus, held=holds("GPU-a")))).status.health.events == ()


def test_at_most_sixteen_events_are_kept_and_they_are_the_newest() -> None:
    events = tuple(XidEvent(sequence=n, code=n, gpu_uuid="GPU-a", age_seconds=10.0 * n) for n in range(1, 30))
    story = settle(given(node(target(), gpus=nvml(gpu(), xids=events), held=holds("GPU-a"))))
    assert [one.code for one in story.status.health.events] == list(range(1, 17))


def test_a_sidecar_that_is_replaced_changes_neither_verdict_nor_ready() -> None:
    story = settle(WELL, cycles=3)
    replaced = node(state=PollState.PENDING, summary=None, received_at=None, attempt=0)
    replaced = replace(replaced, sidecar=replace(replaced.sidecar, uid="uid-next", ready=False))
    for _ in range(4):
        status = story.cycle(given(replaced))
        assert status.health.state is HealthState.HEALTHY
        assert condition(status, "Ready").status == "True"
    status = story.cycles(given(replaced), 3)
    assert (status.health.state, status.health.reason) == (HealthState.UNKNOWN, "PodUnwatched")


def test_with_two_pods_an_odd_reading_of_one_is_counted_once_however_often_the_other_is_read() -> None:
    story = settle(given(node(target(), target(pod("b"))), pods=(pod(), pod("b"))))
    bad = model(ok=0, failed=500)
    for number in range(10, 16):
        readings = (target(reading=number), target(pod("b"), bad, reading=77))
        status, story.state = roll_up(
            story.state, given(node(*readings, now=story.now), pods=(pod(), pod("b"))), story.now
        )
    assert status.health.findings == ()


@budget(deadline=None)
@forall(st.lists(st.tuples(st.booleans(), st.booleans()), max_size=40))
def test_no_lone_reading_ever_changes_what_is_said(readings: list[tuple[bool, bool]]) -> None:
    """Whatever comes, the finding appears only after two bad readings in a row and goes only after two good ones."""
    story, row, last = Story(), 0, False
    said = False
    for bad, is_new in readings:
        new = is_new or story.reading == 0 or bad != last
        row = (row + 1 if bad == last else 1) if new else row
        last = bad
        story.cycle(FAILING if bad else WELL, new=new)
        if row >= 2:
            said = bad
        assert fails(story) is said


@budget(deadline=None)
@forall(st.lists(st.sampled_from(["bad", "good", "silent", "gone"]), max_size=30))
def test_a_source_that_is_silent_neither_makes_nor_clears_a_finding(steps: list[str]) -> None:
    source = Source(SourceKind.TARGET, "p")
    candidate = Candidate(KEY, Severity.CRITICAL, "m", sources=(source,))
    tracked: dict[FindingKey, Tracked] = {}
    for number, step in enumerate(steps):
        readings: dict[Source, int | None] = {WATCH: 0}
        if step != "gone":
            readings[source] = None if step == "silent" else number
        found = {KEY: candidate} if step == "bad" else {}
        before = {key: one.active for key, one in tracked.items()}
        tracked = advance(tracked, found, readings, lambda _: False, float(number))
        if step == "silent":
            assert {key: one.active for key, one in tracked.items()} == before
        if step == "gone":
            assert tracked == {}


def test_a_new_generation_is_in_the_status_at_the_next_roll_up() -> None:
    story = settle(WELL)
    status = story.cycle(given(monitor=monitor(generation=7)))
    assert status.observed_generation == 7
    assert {one.observed_generation for one in status.conditions} == {7}


def test_a_roll_up_is_a_function_of_its_arguments() -> None:
    what: RollupInput = FAILING
    state = settle(what).state
    assert roll_up(state, what, NOW + 50) == roll_up(state, what, NOW + 50)
