"""The status of one ModelMonitor: what to write, and what to announce about it."""

from modelmonitor_api.names import MonitorRef
from modelmonitor_api.status import Condition, ConditionStatus, ConditionType, Finding, HealthState, ModelMonitorStatus
from modelmonitor_operator.desired.event import Announcement, EventType
from modelmonitor_operator.objects import MODEL_MONITOR, ObjectRef
from modelmonitor_operator.observed import Monitor
from modelmonitor_operator.reconcile.changes import ApplyStatus, Rank

_MAX_FINDING_EVENTS = 5
_ALL_OF_IT = 100
_ARRIVAL = (ConditionType.MONITORING_SELECTED, ConditionType.SCRAPE_VERIFIED, ConditionType.WITHIN_OBJECTIVES)


def monitor_object(ref: MonitorRef) -> ObjectRef:
    """The ModelMonitor as an object of the API."""
    return ObjectRef(MODEL_MONITOR, ref.namespace, ref.name)


def reconcile_status(monitor: Monitor, status: ModelMonitorStatus) -> ApplyStatus:
    """The write of a status over exactly the monitor that was looked at."""
    return ApplyStatus(
        Rank.STATUS, monitor_object(monitor.ref), monitor.uid, monitor.resource_version, status.to_wire()
    )


def announce(before: ModelMonitorStatus | None, after: ModelMonitorStatus) -> tuple[Announcement, ...]:
    """What changed between two written statuses that people want to read about."""
    previous = before or ModelMonitorStatus()
    return (
        *_health_change(previous, after),
        *_finding_changes(previous, after),
        *_sidecars_change(previous, after),
        *(told for kind in _ARRIVAL for told in _arrival_change(kind, previous, after)),
        *_budget_change(previous, after),
        *_threshold_change(previous, after),
    )


def _health_change(before: ModelMonitorStatus, after: ModelMonitorStatus) -> tuple[Announcement, ...]:
    if before.health.state is after.health.state:
        return ()
    good = after.health.state is HealthState.HEALTHY
    return (
        Announcement(
            EventType.NORMAL if good else EventType.WARNING,
            str(after.health.state),
            f"was {before.health.state}, is {after.health.state}: {after.health.summary}",
        ),
    )


def _key(finding: Finding) -> tuple[str, str, str]:
    return (finding.code, finding.object.kind, finding.object.name)


def _finding_changes(before: ModelMonitorStatus, after: ModelMonitorStatus) -> tuple[Announcement, ...]:
    old = {_key(finding): finding for finding in before.health.findings}
    new = {_key(finding): finding for finding in after.health.findings}
    appeared = [Announcement(EventType.WARNING, f.code, f.message) for k, f in new.items() if k not in old]
    cleared = [
        Announcement(EventType.NORMAL, f"{f.code}Cleared", f"{f.code} of {f.object.kind} {f.object.name} has cleared")
        for k, f in old.items()
        if k not in new
    ]
    return (*appeared[:_MAX_FINDING_EVENTS], *cleared[:_MAX_FINDING_EVENTS])


def _condition(status: ModelMonitorStatus, wanted: ConditionType) -> Condition | None:
    return next((condition for condition in status.conditions if condition.type is wanted), None)


def _sidecars_change(before: ModelMonitorStatus, after: ModelMonitorStatus) -> tuple[Announcement, ...]:
    old, new = (_condition(status, ConditionType.SIDECARS_READY) for status in (before, after))
    if new is None or (old is not None and (old.status, old.reason) == (new.status, new.reason)):
        return ()
    good = new.status is ConditionStatus.TRUE
    reason = "SidecarsReady" if good else "SidecarsNotReady"
    return (Announcement(EventType.NORMAL if good else EventType.WARNING, reason, new.message or new.reason),)


def _arrival_change(
    kind: ConditionType, before: ModelMonitorStatus, after: ModelMonitorStatus
) -> tuple[Announcement, ...]:
    """What is news about a condition: that it is true or false now, or false for another reason.

    Unknown is silence, not news: a condition that waits, or whose object is not wanted, says so in the status alone.
    """
    old, new = (_condition(status, kind) for status in (before, after))
    if new is None or new.status is ConditionStatus.UNKNOWN:
        return ()
    if old is not None and old.status is new.status and (_is_good(new) or old.reason == new.reason):
        return ()
    event = EventType.NORMAL if _is_good(new) else EventType.WARNING
    return (Announcement(event, str(kind) if _is_good(new) else new.reason, _say(new)),)


def _budget_change(before: ModelMonitorStatus, after: ModelMonitorStatus) -> tuple[Announcement, ...]:
    """As for any condition; and that a budget which is kept is at risk is news too, and that it no longer is."""
    told = _arrival_change(ConditionType.WITHIN_BUDGET, before, after)
    old, new = (_condition(status, ConditionType.WITHIN_BUDGET) for status in (before, after))
    if new is None or not _is_good(new):
        return told
    if old is not None and _is_good(old) and old.reason == new.reason:
        return ()
    risky = new.reason != ConditionType.WITHIN_BUDGET
    return (Announcement(EventType.WARNING if risky else EventType.NORMAL, new.reason, _say(new)),)


def _threshold_change(before: ModelMonitorStatus, after: ModelMonitorStatus) -> tuple[Announcement, ...]:
    """That another threshold of the budget is reached in the same period; a budget that is gone says so itself."""
    old, new = (status.cost.budget if status.cost else None for status in (before, after))
    if new is None or new.reached_percent is None or new.reached_percent >= _ALL_OF_IT or after.cost is None:
        return ()
    same = old is not None and old.period_start == new.period_start
    if same and old is not None and (old.reached_percent or 0) >= new.reached_percent:
        return ()
    spent = f"{new.spent} of {new.amount} {after.cost.currency} is spent"
    told = f"{new.reached_percent} % of the budget is reached: {spent}"
    return (Announcement(EventType.NORMAL, "BudgetThresholdReached", told),)


def _say(condition: Condition) -> str:
    return f"{condition.type}: {condition.message or condition.reason}"


def _is_good(condition: Condition) -> bool:
    """Whether a condition has the status that people want."""
    return condition.status is ConditionStatus.TRUE
