"""When a status is written, and how large it may be."""

from dataclasses import replace

import pytest

from modelmonitor_api.status import MAX_STATUS_BYTES, ModelMonitorStatus
from modelmonitor_api.summary import XidEvent
from modelmonitor_operator.observed import ContainerFacts, NodeReading, PollState
from modelmonitor_operator.rollup import RollupInput, Written, should_write, written_from
from tests.unit.rollup.situations import (
    NOW,
    Story,
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


def busy(ok: int) -> RollupInput:
    return given(node(target(pod(), model(ok=ok))))


def after(first: RollupInput, second: RollupInput, seconds: float, cycles: int = 2) -> tuple[Written, Story]:
    """What was written, and the story some time later in another situation."""
    story = settle(first)
    written = Written(story.status, story.now)
    story.cycles(second, cycles - 1)
    story.cycle(second, seconds=seconds - 10 * (cycles - 1))
    return written, story


def test_a_status_that_was_never_written_is_written() -> None:
    assert should_write(None, settle(given()).status, NOW)


def test_the_same_situation_is_not_written_again() -> None:
    written, story = after(given(), given(), 250)
    assert not should_write(written, story.status, story.now)


def test_a_verdict_that_is_only_renewed_is_written_every_five_minutes() -> None:
    written, story = after(given(), given(), 300)
    assert should_write(written, story.status, story.now)


def test_a_change_of_state_is_written_at_once() -> None:
    written, story = after(given(), given(node(target(pod(), model(ok=0, failed=500)))), 20)
    assert should_write(written, story.status, story.now)


def test_a_new_generation_is_written_at_once() -> None:
    written, story = after(given(), given(monitor=monitor(generation=2)), 20)
    assert should_write(written, story.status, story.now)


@pytest.mark.parametrize(("seconds", "expected"), [(50, False), (60, True)])
def test_a_change_of_numbers_waits_for_its_minute(seconds: float, *, expected: bool) -> None:
    written, story = after(busy(3000), busy(6000), seconds)
    assert should_write(written, story.status, story.now) is expected


def test_noise_in_the_numbers_is_not_written() -> None:
    written, story = after(busy(3000), busy(3020), 200)
    assert not should_write(written, story.status, story.now)


def test_a_held_verdict_is_not_written_again_and_again() -> None:
    story = settle(given())
    stored = ModelMonitorStatus.model_validate(story.status.to_wire())
    unasked: NodeReading = node(state=PollState.PENDING, summary=None, received_at=None)
    story.cycle(given(unasked), seconds=20)
    written = written_from(stored)
    assert written is not None
    assert written.at == NOW + 10
    assert [one.reason for one in story.status.conditions] != []
    assert story.status.health.observed_at == stored.health.observed_at


def crowd(pods: int, models: int) -> RollupInput:
    """Pods that crash, with models that fail and names as long as they may be, in letters of four bytes."""
    word = "\U0001f600"
    crashed = tuple(
        pod(
            f"{'x' * 240}-{n}",
            uid=f"uid-{n}",
            ready=False,
            containers=(ContainerFacts("triton", waiting_reason="CrashLoopBackOff", waiting_message=word * 600),),
        )
        for n in range(pods)
    )
    failing = tuple(model(f"{word * 250}{n}", ok=0, failed=100 + n) for n in range(models))
    events = tuple(XidEvent(sequence=n, code=n, gpu_uuid="GPU-a", age_seconds=1.0) for n in range(40))
    first = crashed[0]
    reading = node(target(first, *failing), gpus=nvml(gpu(), xids=events), held=holds("GPU-a", by=first.name))
    return given(reading, pods=crashed)


def test_ten_thousand_findings_fit_into_thirty_two_kibibytes() -> None:
    health = settle(crowd(9_800, 200)).status.health
    assert health.findings_total >= 10_000
    status = settle(crowd(9_800, 200)).status
    assert len(status.model_dump_json(by_alias=True, exclude_none=True).encode()) <= MAX_STATUS_BYTES
    assert (len(status.health.findings), len(status.health.models)) <= (20, 20)
    assert status.health.findings
    assert status.health.models_total == 200
    ModelMonitorStatus.model_validate(status.to_wire())


def test_findings_and_models_are_the_worst_and_largest_first() -> None:
    models = [model(f"m{n}", ok=0, failed=100 + n) for n in range(30)] + [model("busy", ok=90_000)]
    story = settle(given(node(target(pod(), *models))))
    health = story.status.health
    assert [one.object.name for one in health.findings] == [f"m{n}:1" for n in range(29, 9, -1)]
    assert (health.findings_total, health.models_total) == (30, 31)
    assert health.models_ready == "31/31"
    few = settle(given(node(target(pod(), model("idle", ok=0), model("busy", ok=9000), model("bad", ok=0, failed=50)))))
    assert [one.name for one in few.status.health.models] == ["bad", "busy", "idle"]


def test_a_written_status_without_observed_at_is_old() -> None:
    assert written_from(ModelMonitorStatus()) == Written(ModelMonitorStatus(), 0.0)
    assert written_from(None) is None


def test_a_message_that_alone_changes_waits_for_its_minute() -> None:
    story = settle(given())
    told = replace(Written(story.status, story.now))
    conditions = tuple(one.model_copy(update={"message": "other words"}) for one in story.status.conditions)
    other = story.status.model_copy(update={"conditions": conditions})
    assert not should_write(told, other, story.now + 59)
    assert should_write(told, other, story.now + 60)
