"""NodePlan: what the operator tells one sidecar to watch. Internal: users read it, only the operator writes it."""

from pydantic import Field

from modelmonitor_api.names import MonitorRef
from modelmonitor_api.spec import ModelSelection
from modelmonitor_api.wire import Wire

MAX_PLAN_BYTES = 512 * 1024
"""A plan is cut at this size, well below what etcd stores in one object (1.5 MiB); what is cut becomes a finding."""


class PlannedPod(Wire):
    """One Triton pod of the node, as Kubernetes names and addresses it."""

    name: str = Field(max_length=253, description="Name of the pod.")
    uid: str = Field(max_length=64, description="UID of the pod: an address may be used again, a UID never is.")
    ip: str = Field(max_length=45, description="Address of the pod.")
    container: str = Field(default="", max_length=63, description="Container that serves Triton, where it is known.")
    http_port: int = Field(ge=1, le=65535, description="Triton's HTTP port.")
    metrics_port: int = Field(ge=1, le=65535, description="Triton's metrics port.")


class PlannedMonitor(Wire):
    """What one ModelMonitor wants to know about this node: nothing that changes without a different reading."""

    namespace: str = Field(max_length=63, description="Namespace of the ModelMonitor and of its pods.")
    name: str = Field(max_length=253, description="Name of the ModelMonitor.")
    uid: str = Field(max_length=64, description="UID of the ModelMonitor.")
    interval_seconds: int = Field(ge=5, le=30, description="How often the pods are read, in seconds.")
    window_seconds: int = Field(ge=60, le=3600, description="Length of the window for ratios, in seconds.")
    models: ModelSelection = Field(default=ModelSelection(), description="Which models count.")
    sample_limit: int = Field(default=20_000, ge=100, le=1_000_000, description="Largest number of series of its page.")
    pods: tuple[PlannedPod, ...] = Field(default=(), max_length=1000, description="The pods of this node to read.")

    @property
    def ref(self) -> MonitorRef:
        """The monitor's identity."""
        return MonitorRef(self.namespace, self.name)


class NodePlanSpec(Wire):
    """Everything that one node's sidecar watches."""

    node_name: str = Field(max_length=253, description="Node that the plan is for.")
    monitors: tuple[PlannedMonitor, ...] = Field(
        default=(), max_length=10_000, description="The monitors that have pods on the node."
    )
    truncated: bool = Field(default=False, description="True where the plan was cut at its largest size.")
