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


@dataclass(frozen=True, slots=True)
class TargetsKey:
    """Service and Endpoints of one ModelMonitor: they follow pods and sidecars, and are cheap to look at."""

    monitor: MonitorRef
    label = "targets"


@dataclass(frozen=True, slots=True)
class ObjectsKey:
    """All other objects of one ModelMonitor: they follow its spec."""

    monitor: MonitorRef
    label = "objects"


@dataclass(frozen=True, slots=True)
class LedgerKey:
    """The ledger of one ModelMonitor, by UID: it outlives the name."""

    monitor: MonitorRef
    uid: str
    label = "ledger"


Key = FleetKey | PlanKey | StatusKey | TargetsKey | ObjectsKey | LedgerKey
