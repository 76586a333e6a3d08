"""What the roll-up is given: one ModelMonitor and what the operator knows about its pods and their nodes."""

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, field

from modelmonitor_api.names import MonitorRef
from modelmonitor_api.summary import DeviceHolder, GpuReading, MonitorPage, NodeSummary, TargetReading
from modelmonitor_operator.arrival import NOTHING_ARRIVED, Arrival
from modelmonitor_operator.cost.facts import NOTHING_CHARGED, CostFacts
from modelmonitor_operator.observed import Fleet, Monitor, NodeReading, PlanState, Pod


@dataclass(frozen=True, slots=True)
class NodeView:
    """One node's sidecar, with what it says made quick to find.

    Attributes:
        summary: None where there is none, or where it speaks for another node or another sidecar pod.
        targets: by UID of the pod; a sidecar is asked only about pods that Kubernetes says are on its node.
        holders: devices by namespace and name of the pod.
        gpus: by UUID of the physical GPU.
        mig_parents: UUID of the physical GPU by UUID of the MIG instance.
        pages: who scrapes the page of each monitor.
    """

    reading: NodeReading
    summary: NodeSummary | None
    targets: Mapping[str, TargetReading]
    holders: Mapping[tuple[str, str], tuple[DeviceHolder, ...]]
    gpus: Mapping[str, GpuReading]
    mig_parents: Mapping[str, str]
    pages: Mapping[MonitorRef, MonitorPage] = field(default_factory=dict)


Index = Mapping[str, NodeView]


def _believed(node: str, reading: NodeReading) -> NodeSummary | None:
    """The summary, if it is by the sidecar pod that Kubernetes has on this node."""
    summary = reading.summary
    if summary is None or reading.received_at is None or reading.sidecar.node != node:
        return None
    return summary if summary.node == node and summary.pod_uid == reading.sidecar.uid else None


def _index_node(node: str, reading: NodeReading) -> NodeView:
    summary = _believed(node, reading)
    if summary is None:
        return NodeView(reading, None, {}, {}, {}, {})
    holders: defaultdict[tuple[str, str], tuple[DeviceHolder, ...]] = defaultdict(tuple)
    for holder in summary.pod_resources.holders:
        holders[holder.namespace, holder.pod] += (holder,)
    known = [gpu for gpu in summary.nvml.gpus if gpu.uuid]
    return NodeView(
        reading,
        summary,
        {target.pod_uid: target for target in summary.targets},
        holders,
        {gpu.uuid: gpu for gpu in known if gpu.uuid},
        {mig.uuid: gpu.uuid for gpu in known if gpu.uuid for mig in gpu.mig_instances},
        {MonitorRef(page.namespace, page.name): page for page in summary.pages},
    )


def index_nodes(nodes: Mapping[str, NodeReading]) -> Index:
    """The index of all nodes: made once a cycle, shared by every monitor's roll-up."""
    return {node: _index_node(node, reading) for node, reading in nodes.items()}


@dataclass(frozen=True, slots=True)
class RollupInput:
    """Everything that one monitor's roll-up reads.

    Attributes:
        pods: all pods that the selector matches.
        older_selectors: by pod UID, the oldest other ModelMonitor that selects the pod too and is older than this one.
        cycle_seconds: how often the operator asks the sidecars.
        pods_problem: why the pods of the namespace cannot be listed, with what to do; empty where they are.
    """

    monitor: Monitor
    pods: tuple[Pod, ...]
    nodes: Index
    fleet: Fleet
    plans: Mapping[str, PlanState]
    older_selectors: Mapping[str, MonitorRef]
    runbook_base_url: str
    cycle_seconds: float
    pods_problem: str = ""
    arrival: Arrival = NOTHING_ARRIVED
    cost: CostFacts = NOTHING_CHARGED
