"""What is wrong with a model version, over all the pods that serve it."""

import re
from collections import Counter
from collections.abc import Iterator

from modelmonitor_api.findings import FINDINGS, QUEUE_MINIMUM_PENDING, FindingCode, ObjectKind, Severity
from modelmonitor_api.quantities import render_decimal, render_duration
from modelmonitor_api.status import LatencyKind
from modelmonitor_operator.rollup.candidates import Candidate, FindingKey, default_severity, join_names, render_count
from modelmonitor_operator.rollup.models import ModelTotals, Part, is_judged
from modelmonitor_operator.rollup.view import MonitorView

_PLAIN_NAME = re.compile(r"[A-Za-z0-9_.-]{1,64}")
"""Model names that may stand in a command that people copy into a shell."""


def render_percent(ratio: float) -> str:
    """A share for people: `100 %`, `3.2 %`, never 0 or 100 where it is neither."""
    percent = ratio * 100
    if 0 < percent < 0.01:
        return "<0.01 %"
    rounded = float(f"{percent:.3g}")
    return ">99.9 %" if rounded >= 100 and ratio < 1 else f"{render_decimal(rounded, 2)} %"


def render_period(view: MonitorView, total: ModelTotals) -> str:
    """How long the numbers cover: the window, or what has been seen of it."""
    if total.fully_covered or total.covered_seconds <= 0:
        return view.window
    return render_duration(min(total.covered_seconds, view.spec.health.window_seconds))


def _key(code: FindingCode, total: ModelTotals) -> FindingKey:
    return FindingKey(code, ObjectKind.MODEL, total.label)


def models_not_ready(view: MonitorView) -> Iterator[Candidate]:
    """Versions that the repository index lists as not READY; a warning while another pod has them ready."""
    for total in view.models:
        parts = [part for part in total.parts if part.model.ready is False]
        if not parts:
            continue
        reasons = sorted({part.model.state_reason for part in parts if part.model.state_reason})
        pods = [part.view.pod.name for part in parts]
        yield Candidate(
            _key(FindingCode.MODEL_NOT_READY, total),
            Severity.WARNING if total.ready_pods else default_severity(FindingCode.MODEL_NOT_READY),
            f"{total.label} is not ready in {len(parts)} of {render_count(len(total.parts), 'pod')} "
            f"({join_names(pods, 3)}); Triton says: {join_names(reasons, 2)[:200] or 'nothing'}. "
            f"See: {_logs(parts[0], total.name, 'load')}",
            sources=total.sources,
            weight=len(parts),
        )


def _logs(part: Part, model: str, about: str) -> str:
    container = f" -c {part.view.container}" if part.view.container else ""
    pod, words = part.view.pod, f"{model}|{about}" if _PLAIN_NAME.fullmatch(model) else about
    return f"kubectl -n {pod.namespace} logs {pod.name}{container} | grep -iE '{words}'"


def _worst(total: ModelTotals) -> Part:
    """The pod with the most failed requests."""
    return max(total.parts, key=lambda part: part.window.failures if part.window else 0)


def _reasons(total: ModelTotals) -> str:
    """Triton's reasons of the failures, the commonest first."""
    reasons: Counter[str] = Counter()
    for part in total.parts:
        reasons.update(part.window.failure_reasons if part.window else {})
    known = [reason for reason, count in reasons.most_common() if count > 0]
    return join_names(known, 3)


def failure_reasons(total: ModelTotals) -> str:
    """The reasons in brackets for a summary line; empty where Triton gives none."""
    reasons = _reasons(total)
    return f" ({reasons})" if reasons else ""


def models_failing(view: MonitorView) -> Iterator[Candidate]:
    """Versions with more failed requests than the spec allows."""
    limit = float(view.spec.health.max_failure_ratio)
    for total in view.models:
        ratio = total.failure_ratio
        if ratio is None or ratio <= limit or not is_judged(view.spec, total):
            continue
        worst, reasons = _worst(total), _reasons(total)
        why = f"reason {reasons}, " if reasons else ""
        yield Candidate(
            _key(FindingCode.MODEL_FAILING, total),
            default_severity(FindingCode.MODEL_FAILING),
            f"{total.label} failed {total.failures} of {render_count(total.requests, 'request')} "
            f"({render_percent(ratio)}) in the last {render_period(view, total)}, limit {render_percent(limit)}; {why}"
            f"most in pod {worst.view.pod.name}. See the model's own error: {_logs(worst, total.name, 'error')}",
            sources=total.sources,
            weight=total.failures,
        )


def models_slow(view: MonitorView) -> Iterator[Candidate]:
    """Versions that answer more slowly than the spec allows."""
    limit = view.spec.health.max_latency_seconds
    if limit is None:
        return
    for total in view.models:
        latency = total.latency_seconds
        if latency is None or latency <= limit or not is_judged(view.spec, total):
            continue
        kind = "99th percentile" if total.latency_kind is LatencyKind.P99 else "mean"
        queue = total.queue_share or 0.0
        step = (
            "most of it waits in the queue: add instances (instance_group) or replicas"
            if queue > 0.5
            else "most of it is the model's own work: look at its backend and its GPU"
        )
        yield Candidate(
            _key(FindingCode.MODEL_SLOW, total),
            default_severity(FindingCode.MODEL_SLOW),
            f"{total.label} has a {kind} latency of {render_duration(latency)} over "
            f"{render_count(total.requests, 'request')} in the last {render_period(view, total)}, limit "
            f"{view.spec.health.max_latency}; {render_percent(queue)} of the time is queueing, {step}",
            sources=total.sources,
            weight=latency / limit,
        )


def queues_growing(view: MonitorView) -> Iterator[Candidate]:
    """Versions to which requests come faster than they are served."""
    share_limit = FINDINGS[FindingCode.QUEUE_GROWING].threshold or 1.0
    for total in view.models:
        share, before = total.queue_share, total.pending_before
        if share is None or before is None or share <= share_limit:
            continue
        if total.pending < QUEUE_MINIMUM_PENDING or total.pending < before:
            continue
        half = render_duration(view.spec.health.window_seconds / 2)
        yield Candidate(
            _key(FindingCode.QUEUE_GROWING, total),
            default_severity(FindingCode.QUEUE_GROWING),
            f"{total.pending:.0f} requests wait for {total.label}, {before:.0f} did {half} ago; "
            f"{render_percent(share)} of a request's time is queueing, limit {render_percent(share_limit)}. Requests "
            "come faster than they are served: add instances (instance_group), replicas, or bound the queue "
            "(max_queue_size)",
            sources=total.sources,
            weight=total.pending,
        )
