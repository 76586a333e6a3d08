"""What the ledger is advanced with: the pods as Kubernetes knows them, the meters as sidecars tell them."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from modelmonitor_api.cost_summary import CostReading


@dataclass(frozen=True, slots=True)
class PodLife:
    """From when to when a pod held its devices.

    Attributes:
        started_at: `status.startTime`, when the kubelet accepted it and gave it its devices; seconds since the epoch.
        finished_at: when the last container ended, or when the pod was seen to be deleted; None while it runs.
        owned: False where another ModelMonitor pays for it, or this one no longer selects it. It is followed without
            being charged, so that whoever pays next begins where it changes hands.
        owned_since: when it came to this ModelMonitor, where that was after its start and is known.
    """

    uid: str
    node: str
    started_at: float
    finished_at: float | None = None
    owned: bool = True
    owned_since: float | None = None


@dataclass(frozen=True, slots=True)
class NodeObservation:
    """One node's newest answer.

    Attributes:
        reading: None where this leader has none.
        silent_seconds: how long this leader has asked in vain, by its monotonic clock; 0 after an answer.
    """

    reading: CostReading | None = None
    silent_seconds: float = 0.0


@dataclass(frozen=True, slots=True)
class Observation:
    """Everything that one monitor's ledger is advanced with.

    Attributes:
        pods: all pods that the monitor selects, and all that its ledger knows and that still exist; those that ended
            for three hours after their end. A pod that is in the ledger and not here has vanished.
        nodes: of these pods, and of pods that the ledger knows.
        watched_seconds: how long this leader has been watching; a node that is not in `nodes` was silent so long.
    """

    pods: tuple[PodLife, ...]
    nodes: Mapping[str, NodeObservation] = field(default_factory=dict)
    watched_seconds: float = 0.0
