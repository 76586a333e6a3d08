"""What the operator knows, as values. Adapters make them, the pure core reads them.

Times are seconds since the epoch, as the operator's clock or the API server says them.
"""

from dataclasses import dataclass
from enum import StrEnum

from modelmonitor_api.names import MonitorRef
from modelmonitor_api.spec import ModelMonitorSpec
from modelmonitor_api.status import ModelMonitorStatus
from modelmonitor_api.summary import NodeSummary


@dataclass(frozen=True, slots=True)
class Monitor:
    """One ModelMonitor as the API server has it.

    Attributes:
        spec: None where this operator cannot read it; `spec_error` then says why.
        status: the last status that the server has, the seed after a restart.
    """

    ref: MonitorRef
    uid: str
    generation: int
    resource_version: str
    created_at: float
    spec: ModelMonitorSpec | None
    spec_error: str = ""
    status: ModelMonitorStatus | None = None
    deleting: bool = False


@dataclass(frozen=True, slots=True)
class ContainerPort:
    """A named or numbered port of a container."""

    container: str
    name: str
    port: int


@dataclass(frozen=True, slots=True)
class ContainerFacts:
    """What the kubelet says about one container.

    Attributes:
        waiting_reason: Kubernetes' own word, CrashLoopBackOff or ImagePullBackOff for example; empty when not waiting.
        terminated_reason: of the current or the last termination, OOMKilled or Error for example; empty without one.
    """

    name: str
    ready: bool = False
    waiting_reason: str = ""
    waiting_message: str = ""
    terminated_reason: str = ""
    terminated_exit_code: int | None = None
    terminated_at: float | None = None
    restarts: int = 0
    started_at: float | None = None


@dataclass(frozen=True, slots=True)
class Pod:
    """One pod of a watched namespace, with no more than the roll-up and the plans need.

    Attributes:
        phase: Pending, Running, Succeeded, Failed or Unknown.
        reason: of the pod's status, or of its PodScheduled condition where that is False (Unschedulable).
        started_at: when the kubelet accepted the pod; None before.
        finished_at: when its last container ended; None while one may run, and where nobody says.
        has_node_address: whether its address is its node's, as with hostNetwork.
    """

    namespace: str
    name: str
    uid: str
    labels: tuple[tuple[str, str], ...] = ()
    node: str | None = None
    ip: str | None = None
    phase: str = "Pending"
    reason: str = ""
    message: str = ""
    ready: bool = False
    host_network: bool = False
    has_node_address: bool = False
    deleting: bool = False
    created_at: float = 0.0
    started_at: float | None = None
    finished_at: float | None = None
    ports: tuple[ContainerPort, ...] = ()
    containers: tuple[ContainerFacts, ...] = ()


class PollState(StrEnum):
    """How the last poll of a sidecar ended."""

    OK = "Ok"
    PENDING = "Pending"
    """Not asked yet."""
    UNREACHABLE = "Unreachable"
    TIMEOUT = "Timeout"
    REFUSED_KEY = "RefusedKey"
    """It answered 401: it does not know our key (yet)."""
    BAD_SIGNATURE = "BadSignature"
    """The answer was not signed with our key, or for another pod."""
    MALFORMED = "Malformed"


@dataclass(frozen=True, slots=True)
class SidecarPod:
    """The sidecar pod of one node."""

    node: str
    name: str
    uid: str
    ip: str | None
    ready: bool
    created_at: float = 0.0
    message: str = ""
    """Why it is not ready, in Kubernetes' words."""


@dataclass(frozen=True, slots=True)
class NodeReading:
    """What the operator has of one node's sidecar.

    Attributes:
        attempt: rises with each poll, so that hysteresis can count failed ones.
        received_at: when `summary` arrived.
        summary: the newest believed answer; older than this cycle where `state` is not OK.
    """

    sidecar: SidecarPod
    state: PollState = PollState.PENDING
    message: str = ""
    attempt: int = 0
    received_at: float | None = None
    summary: NodeSummary | None = None


@dataclass(frozen=True, slots=True)
class Fleet:
    """How it stands with the sidecar DaemonSet.

    Attributes:
        wanted, ready, updated: counts of the DaemonSet's status; zero before it exists.
        problem: why nothing comes up (pod-security level, image, quota, no anchor), with what to do; empty when well.
    """

    exists: bool = False
    wanted: int = 0
    ready: int = 0
    updated: int = 0
    problem: str = ""


@dataclass(frozen=True, slots=True)
class PlanState:
    """The NodePlan of one node as the server has it."""

    node: str
    generation: int
    truncated: bool = False
