"""Which pods to read, how often, and over which windows: the plan turned from monitors to pods."""

from collections.abc import Iterable

from modelmonitor_api.plan import PlannedMonitor
from modelmonitor_sidecar.snapshot import Target
from modelmonitor_sidecar.windows import MAX_WINDOWS


def plan_targets(monitors: Iterable[PlannedMonitor]) -> dict[str, Target]:
    """One target a pod UID. The smallest interval of the monitors that select it wins; every window is kept.

    Where monitors disagree about the ports, the first in the plan wins.
    """
    found: dict[str, Target] = {}
    for monitor in monitors:
        for pod in monitor.pods:
            known = found.get(pod.uid)
            windows = {monitor.window_seconds, *(known.windows if known else ())}
            interval = min(monitor.interval_seconds, known.interval_seconds if known else monitor.interval_seconds)
            found[pod.uid] = Target(
                monitor.namespace, known.pod if known else pod, interval, tuple(sorted(windows)[:MAX_WINDOWS])
            )
    return found


def smallest_interval(monitors: Iterable[PlannedMonitor], default: float) -> float:
    """How often the node's own sources are read, in seconds."""
    return min((float(monitor.interval_seconds) for monitor in monitors), default=default)
