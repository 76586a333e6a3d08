"""What keeps the product from knowing: no sidecar, a silent one, old readings, no NVML, a plan that was cut."""

from collections.abc import Iterator

from modelmonitor_api.findings import FINDINGS, FindingCode, ObjectKind
from modelmonitor_api.quantities import render_duration
from modelmonitor_api.summary import NvmlReading, SourceState
from modelmonitor_operator.observed import PollState
from modelmonitor_operator.rollup.candidates import (
    Candidate,
    FindingKey,
    Source,
    SourceKind,
    default_severity,
    join_names,
    render_count,
)
from modelmonitor_operator.rollup.coverage import Coverage, PodView, summary_delay
from modelmonitor_operator.rollup.gpus import gpus_by_node
from modelmonitor_operator.rollup.view import MonitorView

_ASKED_WELL = (PollState.OK, PollState.PENDING)
_SOURCE_TROUBLE = (SourceState.ABSENT, SourceState.FAILED, SourceState.HUNG)

_POLL_WORDS = {
    PollState.UNREACHABLE: "cannot be reached",
    PollState.TIMEOUT: "does not answer in time",
    PollState.REFUSED_KEY: "refuses the operator's key (401), as it may for a minute after a key rotation",
    PollState.BAD_SIGNATURE: "answers without our signature and is not believed",
    PollState.MALFORMED: "answers something that is no summary",
}
_POLL_STEPS = {
    PollState.UNREACHABLE: "Check that a NetworkPolicy lets the operator reach port 9402 of the sidecars",
    PollState.TIMEOUT: "Check that the node is not overloaded and that a NetworkPolicy lets the operator reach "
    "port 9402 of the sidecars",
    PollState.REFUSED_KEY: "If it stays, delete the sidecar's pod",
    PollState.BAD_SIGNATURE: "Another pod may have its address; if it stays, delete the sidecar's pod",
    PollState.MALFORMED: "Operator and sidecar should be of one version: check their images",
}


def _why_unwatched(view: MonitorView, pod: PodView) -> str:
    """What keeps a sidecar from the pod's node, and what to do."""
    if view.given.fleet.problem:
        return view.given.fleet.problem
    if not view.given.fleet.exists:
        return "the sidecar DaemonSet does not exist yet; see the operator's log"
    if pod.node is not None:
        sidecar = pod.node.reading.sidecar
        return f"its sidecar {sidecar.name} is not ready{f': {sidecar.message}' if sidecar.message else ''}"
    return (
        "no sidecar pod is there. The node may lack the labels of the chart's sidecar.affinity (by default "
        f"nvidia.com/gpu.present=true): kubectl get node {pod.pod.node} --show-labels"
    )


def pods_unwatched(view: MonitorView) -> Iterator[Candidate]:
    """Pods on nodes without a ready sidecar."""
    rule = FINDINGS[FindingCode.POD_UNWATCHED]
    for one in view.pods:
        if one.coverage is Coverage.UNWATCHED:
            yield Candidate(
                FindingKey(rule.code, ObjectKind.POD, one.pod.name),
                rule.severity,
                f"pod {one.pod.name} is not watched: node {one.pod.node} has no ready sidecar; "
                f"{_why_unwatched(view, one)}",
                persist_seconds=rule.threshold or 0.0,
            )


def sidecars_unreachable(view: MonitorView) -> Iterator[Candidate]:
    """Ready sidecars that do not answer as ours do."""
    by_node = view.pods_by_node()
    for name, node in view.nodes:
        if node is None or node.reading.state in _ASKED_WELL:
            continue
        if not node.reading.sidecar.ready and node.summary is None:
            continue
        state, sidecar = node.reading.state, node.reading.sidecar
        pods = [one.pod.name for one in by_node[name]]
        told = f" ({node.reading.message})" if node.reading.message else ""
        yield Candidate(
            FindingKey(FindingCode.SIDECAR_UNREACHABLE, ObjectKind.NODE, name),
            default_severity(FindingCode.SIDECAR_UNREACHABLE),
            f"sidecar {sidecar.name} of node {name} {_POLL_WORDS.get(state, 'does not answer')}{told}; it reads "
            f"{join_names(pods, 3)}. {_POLL_STEPS.get(state, 'See the log of the sidecar')}. See: kubectl get pods -A "
            f"-o wide --field-selector=metadata.name={sidecar.name}",
            sources=(Source(SourceKind.POLL, name),),
        )


def _silence(one: PodView, limit: float) -> tuple[str, float] | None:
    """What is old about a pod whose sidecar answers, and for how long that is ordinary."""
    if one.coverage is Coverage.STALE and one.age_seconds is not None:
        return f"the newest reading of pod {one.pod.name} is older than {render_duration(limit)}", 0.0
    if one.coverage is Coverage.PENDING and one.node is not None and one.node.reading.state is PollState.OK:
        return f"the sidecar has not read pod {one.pod.name} for {render_duration(limit)}", limit
    return None


def readings_stale(view: MonitorView) -> Iterator[Candidate]:
    """Pods that an answering sidecar does not read."""
    cut = {name for name, plan in _truncated(view)}
    for one in view.pods:
        silence = _silence(one, view.limit_seconds)
        if silence is None or one.node is None or (one.pod.node in cut and one.target is None):
            continue
        sentence, patience = silence
        plan, used = view.given.plans.get(one.pod.node or ""), one.node.summary and one.node.summary.plan_generation
        behind = plan is not None and (used or 0) < plan.generation
        why = f"it uses plan {used or 'none'}, the newest is {plan.generation}; " if plan and behind else ""
        yield Candidate(
            FindingKey(FindingCode.READINGS_STALE, ObjectKind.POD, one.pod.name),
            default_severity(FindingCode.READINGS_STALE),
            f"{sentence}, though sidecar {one.node.reading.sidecar.name} on node {one.pod.node} answers; {why}"
            f"see the sidecar's log, and delete its pod if it stays: it keeps no state",
            sources=(one.source,),
            persist_seconds=patience,
        )


def _truncated(view: MonitorView) -> Iterator[tuple[str, list[str]]]:
    """Nodes whose plan was cut, with this monitor's pods that are not read for it."""
    for name, pods in view.pods_by_node().items():
        plan = view.given.plans.get(name)
        if plan is None or not plan.truncated:
            continue
        unread = [one.pod.name for one in pods if one.target is None and one.node is not None]
        if unread:
            yield name, unread


def plans_truncated(view: MonitorView) -> Iterator[Candidate]:
    """Pods that did not fit into their node's plan."""
    for name, unread in _truncated(view):
        yield Candidate(
            FindingKey(FindingCode.PLAN_TRUNCATED, ObjectKind.NODE, name),
            default_severity(FindingCode.PLAN_TRUNCATED),
            f"node {name} has more selected pods than fit into its NodePlan (512 KiB); of this monitor, "
            f"{render_count(len(unread), 'pod')} cannot be read: {join_names(unread)}. "
            "Narrow selectors, or delete ModelMonitors that select the same pods",
            weight=len(unread),
        )


def nvml_unavailable(view: MonitorView) -> Iterator[Candidate]:
    """Nodes on which the pods hold GPUs and NVML says nothing."""
    for name, held in gpus_by_node(view.gpus).items():
        nvml = held[0].view.summary.nvml if held[0].view.summary else NvmlReading()
        if nvml.state in _SOURCE_TROUBLE:
            pods = sorted({pod for gpu in held for pod in gpu.pods})
            yield Candidate(
                FindingKey(FindingCode.NVML_UNAVAILABLE, ObjectKind.NODE, name),
                default_severity(FindingCode.NVML_UNAVAILABLE),
                f"NVML on node {name} cannot be read ({nvml.state}): {nvml.message or 'the sidecar gives no reason'}; "
                f"the health of {render_count(len(held), 'GPU')} held by {join_names(pods)} is not known. "
                "Check nvidia-smi on the node, and the chart's sidecar.gpuAccess.preset",
                sources=(Source(SourceKind.POLL, name),),
                weight=len(held),
            )


def pod_resources_unavailable(view: MonitorView) -> Iterator[Candidate]:
    """Nodes with GPUs on which the kubelet does not say which pod holds which."""
    for name, node in view.nodes:
        delay = summary_delay(node, view.now) if node else None
        if node is None or node.summary is None or delay is None or delay > view.limit_seconds:
            continue
        source = node.summary.pod_resources
        if source.state in _SOURCE_TROUBLE and node.summary.nvml.gpus:
            yield Candidate(
                FindingKey(FindingCode.POD_RESOURCES_UNAVAILABLE, ObjectKind.NODE, name),
                default_severity(FindingCode.POD_RESOURCES_UNAVAILABLE),
                f"the kubelet's pod-resources API on node {name} cannot be read ({source.state}): "
                f"{source.message or 'the sidecar gives no reason'}; the node has "
                f"{render_count(len(node.summary.nvml.gpus), 'GPU')}, and which of them the pods hold is not known, so "
                "GPU findings are silent. Check the chart's sidecar.podResourcesHostPath",
                sources=(Source(SourceKind.POLL, name),),
            )
