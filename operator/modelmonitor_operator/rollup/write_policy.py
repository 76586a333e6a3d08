"""When a status is worth a write: a change of state at once, of numbers once a minute, its age every five minutes."""

from dataclasses import dataclass

from modelmonitor_api.status import ModelMonitorStatus
from modelmonitor_operator.timestamps import parse_time

NUMBERS_SECONDS = 60.0
"""A change of numbers or messages alone is written at most this often."""
OBSERVED_SECONDS = 300.0
"""A verdict that is only renewed is written this often, so that its age in `kubectl get` says something."""


@dataclass(frozen=True, slots=True)
class Written:
    """The status that the server has.

    Attributes:
        at: when it was written, in seconds since the epoch; 0 where that is not known.
    """

    status: ModelMonitorStatus
    at: float


def written_from(status: ModelMonitorStatus | None) -> Written | None:
    """What a status that was read from the server says about its last write."""
    if status is None:
        return None
    return Written(status, parse_time(status.health.observed_at) or 0.0)


def _state(status: ModelMonitorStatus) -> tuple[object, ...]:
    """What counts as state: everything that programs and people act on, without numbers and messages."""
    return (
        status.observed_generation,
        tuple((one.type, one.status, one.reason, one.observed_generation) for one in status.conditions),
        (status.health.state, status.health.reason),
        frozenset((one.code, one.object.kind, one.object.name, one.severity) for one in status.health.findings),
        tuple((one.name, one.type, one.target, one.method) for one in status.objectives),
    )


def _without_age(status: ModelMonitorStatus) -> ModelMonitorStatus:
    return status.model_copy(update={"health": status.health.model_copy(update={"observed_at": None})})


def should_write(previous: Written | None, following: ModelMonitorStatus, now: float) -> bool:
    """Whether the server should get this status now.

    Args:
        previous: what the server has; None where it has no status.
        now: seconds since the epoch.
    """
    if previous is None or _state(previous.status) != _state(following):
        return True
    if now - previous.at >= NUMBERS_SECONDS and _without_age(previous.status) != _without_age(following):
        return True
    before = parse_time(previous.status.health.observed_at) or 0.0
    return (parse_time(following.health.observed_at) or 0.0) - before >= OBSERVED_SECONDS
