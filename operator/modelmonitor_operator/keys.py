"""What can be reconciled: the keys of the work queue."""

from dataclasses import dataclass

from modelmonitor_api.names import MonitorRef


@dataclass(frozen=True, slots=True)
class FleetKey:
    """The sidecars' DaemonSet and key."""

    label = "fleet"


@dataclass(frozen=True, slots=True)
class PlanKey:
    """The NodePlan of one node."""

    node: str
    label = "plan"


@dataclass(frozen=True, slots=True)
class StatusKey:
    """The status of one ModelMonitor."""

    monitor: MonitorRef
    label = "status"


Key = FleetKey | PlanKey | StatusKey
