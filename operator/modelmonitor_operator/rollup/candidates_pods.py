"""What Kubernetes alone says: no pods, pods that do not run or cannot be read, pods that two monitors select."""

from collections import defaultdict
from collections.abc import Iterator

from modelmonitor_api.findings import FINDINGS, OOM_SECONDS, FindingCode, ObjectKind, Severity
from modelmonitor_api.quantities import render_duration
from modelmonitor_api.spec import Selector
from modelmonitor_operator.observed import ContainerFacts, Pod
from modelmonitor_operator.rollup.candidates import Candidate, FindingKey, default_severity, join_names, render_count
from modelmonitor_operator.rollup.view import MonitorView
from modelmonitor_operator.selection import NotTargetable, Untargetable

_FAILED_WAITS = frozenset(
    {
        "CrashLoopBackOff",
        "ImagePullBackOff",
        "ErrImagePull",
        "InvalidImageName",
        "ErrImageNeverPull",
        "CreateContainerConfigError",
        "CreateContainerError",
        "RunContainerError",
    }
)
"""Waiting reasons of the kubelet that do not pass by themselves.

Source: https://kubernetes.io/docs/tasks/debug/debug-application/debug-pods/
"""

_TOLD = 220
"""Characters of Kubernetes' own words that a message has room for."""


def render_selector(selector: Selector) -> str:
    """A selector as `kubectl get pods -l` takes it."""
    words = [f"{key}={value}" for key, value in sorted(selector.match_labels.items())]
    for one in selector.match_expressions:
        values = ",".join(one.values)
        known = {"In": f"{one.key} in ({values})", "NotIn": f"{one.key} notin ({values})", "Exists": one.key}
        words.append(known.get(one.operator, f"!{one.key}"))
    return ",".join(words)


def targets_not_found(view: MonitorView) -> Iterator[Candidate]:
    """No live pod matches."""
    if view.pods:
        return
    ref, finished = view.given.monitor.ref, len(view.given.pods)
    ended = f"; of those that match, {finished} finished or being deleted" if finished else ""
    yield Candidate(
        FindingKey(FindingCode.TARGETS_NOT_FOUND, ObjectKind.MONITOR, ref.name),
        default_severity(FindingCode.TARGETS_NOT_FOUND),
        f"no running or starting pod of namespace {ref.namespace} matches the selector{ended}. Compare with: "
        f"kubectl -n {ref.namespace} get pods --show-labels; the selector is '{render_selector(view.spec.selector)}'",
    )


def _container_trouble(container: ContainerFacts, now: float) -> tuple[str, str] | None:
    """Kubernetes' reason and a sentence for what keeps a container from running, or None."""
    oom = container.terminated_reason == "OOMKilled"
    recent = container.terminated_at is not None and now - container.terminated_at <= OOM_SECONDS
    waits = container.waiting_reason in _FAILED_WAITS
    if oom and (waits or recent):
        code = container.terminated_exit_code if container.terminated_exit_code is not None else 137
        return "OOMKilled", (
            f"container {container.name} was killed for using more memory than its limit (exit code {code}), "
            f"{render_count(container.restarts, 'restart')}; raise resources.limits.memory or load fewer models"
        )
    if not waits:
        return None
    ended = ""
    if container.terminated_exit_code is not None:
        ended = f", last exit code {container.terminated_exit_code} ({container.terminated_reason or 'no reason'})"
    told = f": {container.waiting_message[:_TOLD]}" if container.waiting_message and not ended else ""
    return container.waiting_reason, (
        f"container {container.name} is in {container.waiting_reason}{ended}, "
        f"{render_count(container.restarts, 'restart')}{told}"
    )


def _pod_trouble(pod: Pod, now: float) -> tuple[str, str] | None:
    """Reason and sentence for a pod that does not run or is not Ready, or None."""
    patience = FINDINGS[FindingCode.POD_NOT_RUNNING].threshold or 0.0
    for container in pod.containers:
        trouble = _container_trouble(container, now)
        if trouble is not None:
            return trouble
    told = f": {pod.message[:_TOLD]}" if pod.message else ""
    if pod.phase in {"Failed", "Unknown"}:
        return pod.reason or pod.phase, f"its phase is {pod.phase}{told}"
    if pod.phase == "Pending" and now - pod.created_at >= patience:
        waiting = next((one.waiting_reason for one in pod.containers if one.waiting_reason), "")
        reason = pod.reason or waiting or "Pending"
        return reason, f"it has been Pending for {_age(now - pod.created_at)}{told}"
    starts = [one.started_at for one in pod.containers if one.started_at is not None]
    if pod.phase == "Running" and not pod.ready and starts and now - max(starts) >= patience:
        names = [one.name for one in pod.containers if not one.ready]
        why = f"container {join_names(names)} fails its probe" if names else "a readiness gate of it is not met"
        return "NotReady", f"it runs but is not Ready: {why}"
    return None


def _age(seconds: float) -> str:
    """A length of time that a message can say without changing all the time."""
    return render_duration(seconds - seconds % (30 if seconds < 300 else 300))


def _logs(pod: Pod, reason: str) -> str:
    previous = " --previous" if reason in {"CrashLoopBackOff", "OOMKilled"} else ""
    verb = f"logs {pod.name} --all-containers{previous}" if previous else f"describe pod {pod.name}"
    return f"See: kubectl -n {pod.namespace} {verb}"


def _others(ready: int, count: int) -> str:
    return f"{ready} of {render_count(count, 'other pod')} Ready" if count else "it is the only pod"


def pods_not_running(view: MonitorView) -> Iterator[Candidate]:
    """Pods that Kubernetes says are not well; a warning while others are Ready."""
    ready = sum(one.pod.ready for one in view.pods)
    for one in view.pods:
        trouble = _pod_trouble(one.pod, view.now)
        if trouble is None:
            continue
        reason, sentence = trouble
        others = ready - one.pod.ready
        yield Candidate(
            FindingKey(FindingCode.POD_NOT_RUNNING, ObjectKind.POD, one.pod.name),
            Severity.WARNING if others else Severity.CRITICAL,
            f"{reason}: pod {one.pod.name}: {sentence}; {_others(others, len(view.pods) - 1)}. "
            f"{_logs(one.pod, reason)}",
        )


def pods_not_targetable(view: MonitorView) -> Iterator[Candidate]:
    """Running pods that no sidecar can be asked to read."""
    for one in view.pods:
        planned = one.planned
        if isinstance(planned, NotTargetable) and planned.reason is not Untargetable.NOT_RUNNING:
            key = FindingKey(FindingCode.POD_NOT_TARGETABLE, ObjectKind.POD, one.pod.name)
            yield Candidate(key, default_severity(key.code), f"{planned.reason}: {planned.message}")


def shared_targets(view: MonitorView) -> Iterator[Candidate]:
    """Pods that an older ModelMonitor selects too, one finding for each of those monitors."""
    shared: defaultdict[str, list[str]] = defaultdict(list)
    for one in view.pods:
        owner = view.given.older_selectors.get(one.pod.uid)
        if owner is not None:
            shared[owner.name].append(one.pod.name)
    for owner_name, pods in shared.items():
        yield Candidate(
            FindingKey(FindingCode.SHARED_TARGET, ObjectKind.MONITOR, owner_name),
            default_severity(FindingCode.SHARED_TARGET),
            f"{len(pods)} of {render_count(len(view.pods), 'pod')} also selected by the older ModelMonitor "
            f"{owner_name}, which owns their cost: {join_names(sorted(pods))}. Narrow one of the two selectors",
            weight=len(pods),
        )
