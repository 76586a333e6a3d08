"""The verdict: one state, one reason and one line with the numbers, out of findings and readings."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

from modelmonitor_api.finding_codes import CAUSE_ORDER, FindingCode, ObjectKind, Severity
from modelmonitor_api.status import Health, HealthState
from modelmonitor_operator.rollup.candidates import join_names, render_count
from modelmonitor_operator.rollup.candidates_models import failure_reasons, render_percent
from modelmonitor_operator.rollup.coverage import Coverage
from modelmonitor_operator.rollup.hysteresis import Tracked
from modelmonitor_operator.rollup.models import ModelTotals, is_judged
from modelmonitor_operator.rollup.view import MonitorView

SEVERITY_ORDER: Mapping[Severity, int] = {Severity.CRITICAL: 0, Severity.WARNING: 1, Severity.INFO: 2}
_CAUSES: Mapping[FindingCode, int] = {code: place for place, code in enumerate(CAUSE_ORDER)}

_BLIND = (FindingCode.SIDECAR_UNREACHABLE, FindingCode.POD_UNWATCHED, FindingCode.READINGS_STALE)


class VerdictReason(StrEnum):
    """Reasons of a verdict that no finding gives."""

    SERVING = "Serving"
    NO_REQUESTS = "NoRequests"
    NO_MODELS = "NoModels"
    READINGS_PENDING = "ReadingsPending"
    SUSPENDED = "Suspended"
    INVALID_SPEC = "InvalidSpec"
    NO_TARGETS = "NoReadableTargets"


class Knowledge(StrEnum):
    """What the verdict can rest on."""

    FRESH = "Fresh"
    HELD = "Held"
    """Nothing fresh, and something was moments ago: a sidecar is being replaced, or the operator has just started."""
    NONE = "None"


@dataclass(frozen=True, slots=True)
class Verdict:
    """State, reason and summary of `status.health`."""

    state: HealthState
    reason: str
    summary: str


def sort_findings(findings: Collection[Tracked]) -> list[Tracked]:
    """The worst first; of one severity causes before effects, then the largest."""

    def rank(one: Tracked) -> tuple[int, int, float, str]:
        key = one.candidate.key
        return SEVERITY_ORDER[one.candidate.severity], _CAUSES[key.code], -one.candidate.weight, key.name

    return sorted(findings, key=rank)


def judge_models(totals: Sequence[ModelTotals], findings: Sequence[Tracked]) -> list[HealthState]:
    """The verdict for each model version: its own findings, else proof that it serves, else Unknown.

    Args:
        findings: the active ones, the worst first.
    """
    worst: dict[str, Severity] = {}
    for one in findings:
        if one.candidate.key.kind is ObjectKind.MODEL:
            worst.setdefault(one.candidate.key.name, one.candidate.severity)
    return [_judge_model(total, worst.get(total.label)) for total in totals]


def _judge_model(total: ModelTotals, worst: Severity | None) -> HealthState:
    if worst is Severity.CRITICAL:
        return HealthState.UNHEALTHY
    if worst is Severity.WARNING:
        return HealthState.DEGRADED
    return HealthState.HEALTHY if total.successes > 0 else HealthState.UNKNOWN


def _trouble(view: MonitorView, one: Tracked) -> str:
    """A finding in a few words."""
    key = one.candidate.key
    if key.code is FindingCode.MODEL_FAILING:
        total = next((total for total in view.models if total.label == key.name), None)
        if total is not None and total.failure_ratio is not None:
            share = render_percent(total.failure_ratio)
            return f"{total.label} fails {share} of {render_count(total.requests, 'request')}{failure_reasons(total)}"
    if key.kind in {ObjectKind.MONITOR, ObjectKind.POD}:
        return f"{key.code}: {one.candidate.message.partition('. ')[0]}"[:160]
    return f"{key.code} {key.name}"


def _troubles(view: MonitorView, findings: Sequence[Tracked]) -> list[str]:
    notable = [one for one in findings if one.candidate.severity is not Severity.INFO]
    shown = [_trouble(view, one) for one in notable[:2]]
    return [*shown, render_count(len(notable) - 2, "more finding")] if len(notable) > 2 else shown


def _beyond(view: MonitorView) -> list[str]:
    """What the verdict does not cover because a pod shows more than its sidecar reads."""
    words = []
    for one in view.pods:
        if one.coverage is Coverage.READ and one.target is not None:
            left = max(0, one.target.models_total - len(one.target.models))
            cut = [render_count(left, "model")] if left else []
            cut += [f"{one.target.dropped_series} metrics series"] if one.target.dropped_series else []
            words += [f"{one.pod.name}: {' and '.join(cut)} beyond what its sidecar reads, not judged"] if cut else []
    more = [f"{render_count(len(words) - 1, 'more pod')} with more than is read"] if len(words) > 1 else []
    return [*words[:1], *more]


def _quiet(view: MonitorView) -> list[str]:
    """What the verdict does not cover: requests were too few, or models too many."""
    few = [total for total in view.models if total.requests and not is_judged(view.spec, total)]
    idle = [total.label for total in view.models if not total.requests]
    least, words = view.spec.health.minimum_requests, _beyond(view)
    if few:
        words.append(
            f"{join_names([total.label for total in few], 3)}: fewer than {least} requests in {view.window}, "
            "ratios not judged"
        )
    if idle and len(idle) < len(view.models):
        words.append(f"{join_names(idle, 3)}: no requests in {view.window}")
    return words


def _counts(states: Sequence[HealthState]) -> str:
    healthy = sum(state is HealthState.HEALTHY for state in states)
    return f"{healthy} of {render_count(len(states), 'model')} healthy"


def _unread(view: MonitorView, findings: Sequence[Tracked]) -> Verdict:
    """No fresh reading: why, as far as it is known."""
    worst = next((one for one in findings if one.candidate.severity is Severity.WARNING), None)
    blind = next((one for one in findings if one.candidate.key.code in _BLIND), worst)
    if blind is not None:
        sentence = blind.candidate.message.partition(". ")[0]
        return Verdict(HealthState.UNKNOWN, blind.candidate.key.code, f"no fresh reading: {sentence}")
    if view.count(Coverage.NOT_TARGET) == len(view.pods):
        return Verdict(
            HealthState.UNKNOWN,
            VerdictReason.NO_TARGETS,
            f"{render_count(len(view.pods), 'pod')} selected, none of which can be read yet",
        )
    waiting = view.count(Coverage.PENDING, Coverage.UNWATCHED, Coverage.SILENT, Coverage.STALE)
    return Verdict(
        HealthState.UNKNOWN,
        VerdictReason.READINGS_PENDING,
        f"waiting for the first readings of {waiting} of {render_count(len(view.pods), 'pod')}",
    )


def _unproven(view: MonitorView) -> Verdict:
    """Read freshly, nothing wrong, and nothing that proves that a model serves."""
    if not view.models:
        told = f"{render_count(view.count(Coverage.READ), 'pod')} read"
        nothing = f"{told}, and Triton lists no model that spec.triton.models selects"
        return Verdict(HealthState.UNKNOWN, VerdictReason.NO_MODELS, "; ".join([nothing, *_quiet(view)]))
    quiet = "; ".join(_quiet(view))
    return Verdict(
        HealthState.UNKNOWN,
        VerdictReason.NO_REQUESTS,
        f"none of {render_count(len(view.models), 'model')} served a request in the last {view.window}: "
        f"readiness alone is no proof that a model works{f'; {quiet}' if quiet else ''}",
    )


def reach_verdict(
    view: MonitorView,
    findings: Sequence[Tracked],
    states: Sequence[HealthState],
    knowledge: Knowledge,
    previous: Health | None,
) -> Verdict:
    """The verdict of a monitor that is neither suspended nor unreadable.

    Args:
        findings: the active ones, the worst first.
        states: of the view's models, in their order.
    """
    worst = findings[0].candidate if findings else None
    critical = worst is not None and worst.severity is Severity.CRITICAL
    if knowledge is Knowledge.NONE and not critical:
        return _unread(view, findings)
    troubles = _troubles(view, findings)
    counted = [_counts(states)] if states else []
    if worst is not None and worst.severity is not Severity.INFO:
        state = HealthState.UNHEALTHY if critical else HealthState.DEGRADED
        return Verdict(state, worst.key.code, "; ".join([*counted, *troubles, *_quiet(view)]))
    if knowledge is Knowledge.HELD and previous is not None:
        return _held(view, previous)
    if HealthState.HEALTHY not in states:
        return _unproven(view)
    read = f"{view.count(Coverage.READ)} of {render_count(len(view.pods), 'pod')} read"
    return Verdict(HealthState.HEALTHY, VerdictReason.SERVING, "; ".join([*counted, read, *_quiet(view)]))


def _held(view: MonitorView, previous: Health) -> Verdict:
    """The verdict of moments ago, unless findings that made it have gone since."""
    if previous.reason in set(FindingCode):
        return _unread(view, ())
    return Verdict(previous.state, previous.reason, previous.summary)
