"""Who leads, decided by our own monotonic clock: what the Lease says of time is another machine's, and not used."""

from dataclasses import dataclass, replace


@dataclass(frozen=True, slots=True)
class LeaseRecord:
    """What the Lease on the server says; `holder` is empty where nobody leads."""

    holder: str
    version: str
    duration_seconds: float
    transitions: int = 0


@dataclass(frozen=True, slots=True)
class LeaseView:
    """A record, and when this process first saw it in this version, on its monotonic clock."""

    record: LeaseRecord
    changed_at: float


def observe_lease(before: LeaseView | None, record: LeaseRecord, now: float) -> LeaseView:
    """The view after reading the Lease: only a new version restarts the holder's time."""
    if before is not None and before.record.version == record.version:
        return replace(before, record=record)
    return LeaseView(record, now)


def may_acquire(view: LeaseView | None, identity: str, now: float) -> bool:
    """Whether this process may take the Lease: it is absent, released, its own, or its holder has gone silent."""
    if view is None or not view.record.holder or view.record.holder == identity:
        return True
    return now - view.changed_at > view.record.duration_seconds


def must_stop(renewed_at: float, duration_seconds: float, margin_seconds: float, now: float) -> bool:
    """Whether a leader must stop: others may take the Lease when `margin_seconds` more have gone.

    Args:
        renewed_at: when the last successful renewal was sent (not answered).
    """
    return now - renewed_at >= duration_seconds - margin_seconds
