"""Which pods to read, how often, and over which windows: the plan turned from monitors to pods."""

import logging
from collections.abc import Callable, Iterable

from modelmonitor_api.addresses import refuse_address
from modelmonitor_api.plan import PlannedMonitor
from modelmonitor_sidecar.snapshot import Target
from modelmonitor_sidecar.windows import MAX_WINDOWS

_LOG = logging.getLogger(__name__)


def plan_targets(
    monitors: Iterable[PlannedMonitor], refuse: Callable[[str], str] = refuse_address
) -> dict[str, Target]:
    """One target a pod UID. The smallest interval of the monitors that select it wins; every window is kept.

    Where monitors disagree about the ports, the first in the plan wins.

    Args:
        refuse: why an address is never asked, whoever planned it; empty where it may be a pod's.
    """
    found: dict[str, Target] = {}
    for monitor in monitors:
        for pod in monitor.pods:
            if why := refuse(pod.ip):
                _LOG.warning("pod %s/%s is not read at %s: %s", monitor.namespace, pod.name, pod.ip, why)
                continue
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
