"""The conditions, by kstatus' meaning: Ready says that the monitoring works, Healthy that what it watches does.

Source of kstatus: https://github.com/kubernetes-sigs/cli-utils/blob/master/pkg/kstatus/README.md
"""

from collections.abc import Collection, Iterable

from modelmonitor_api.findings import FindingCode
from modelmonitor_api.status import MAX_MESSAGE, Condition, ConditionStatus, ConditionType, HealthState
from modelmonitor_operator.observed import Fleet
from modelmonitor_operator.rollup.arrival_claims import rest_arrival
from modelmonitor_operator.rollup.candidates import render_count
from modelmonitor_operator.rollup.claim import Claim
from modelmonitor_operator.rollup.coverage import Coverage
from modelmonitor_operator.rollup.hysteresis import Tracked
from modelmonitor_operator.rollup.inputs import NodeView
from modelmonitor_operator.rollup.verdict import Knowledge, Verdict
from modelmonitor_operator.rollup.view import MonitorView
from modelmonitor_operator.rollup.within_budget import rest_budget
from modelmonitor_operator.timestamps import render_time

_BREAKS_MONITORING = frozenset(
    {
        FindingCode.SIDECAR_UNREACHABLE,
        FindingCode.POD_UNWATCHED,
        FindingCode.READINGS_STALE,
        FindingCode.PLAN_TRUNCATED,
    }
)

_TRUE, _FALSE, _UNKNOWN = ConditionStatus.TRUE, ConditionStatus.FALSE, ConditionStatus.UNKNOWN
_TYPE = ConditionType


def stamp_conditions(
    claims: Iterable[Claim], previous: Collection[Condition], generation: int, now: float
) -> tuple[Condition, ...]:
    """Conditions for the status: the time of transition moves only with the status."""
    before = {condition.type: condition for condition in previous}
    stamped = []
    for claim in claims:
        old = before.get(claim.type)
        kept = old is not None and old.status is claim.status
        stamped.append(
            Condition(
                type=claim.type,
                status=claim.status,
                reason=claim.reason,
                message=claim.message[:MAX_MESSAGE],
                observed_generation=generation,
                last_transition_time=old.last_transition_time if old and kept else render_time(now),
            )
        )
    return tuple(stamped)


def _rest(reason: str) -> tuple[Claim, ...]:
    """What is judged elsewhere, of a monitor that nothing is read for."""
    return (*rest_arrival(reason), rest_budget(reason))


def claim_suspended(pods: int) -> tuple[Claim, ...]:
    """The conditions of a monitor that is told to rest."""
    message = "spec.suspend is true: nothing is read; set it to false to go on"
    return (
        Claim(_TYPE.READY, _TRUE, "Suspended", message),
        Claim(_TYPE.RECONCILING, _FALSE, "Suspended"),
        Claim(_TYPE.STALLED, _FALSE, "Suspended"),
        Claim(_TYPE.SIDECARS_READY, _UNKNOWN, "Suspended"),
        _targets_found(pods),
        *_rest("Suspended"),
        Claim(_TYPE.HEALTHY, _UNKNOWN, "Suspended", message),
    )


def claim_invalid(message: str) -> tuple[Claim, ...]:
    """The conditions of a monitor whose spec this operator cannot read: only a change of the spec mends it."""
    told = f"this operator cannot read the spec: {message}"
    return (
        Claim(_TYPE.READY, _FALSE, "InvalidSpec", told),
        Claim(_TYPE.RECONCILING, _FALSE, "InvalidSpec"),
        Claim(_TYPE.STALLED, _TRUE, "InvalidSpec", told),
        Claim(_TYPE.SIDECARS_READY, _UNKNOWN, "InvalidSpec"),
        Claim(_TYPE.TARGETS_FOUND, _UNKNOWN, "InvalidSpec"),
        *_rest("InvalidSpec"),
        Claim(_TYPE.HEALTHY, _UNKNOWN, "InvalidSpec", told),
    )


def claim_unlisted(problem: str) -> tuple[Claim, ...]:
    """The conditions of a monitor whose pods the operator may not list: nothing is known, which is not none."""
    return (
        Claim(_TYPE.READY, _FALSE, "PodsNotListed", problem),
        Claim(_TYPE.RECONCILING, _FALSE, "PodsNotListed"),
        Claim(_TYPE.STALLED, _FALSE, "SpecRead"),
        Claim(_TYPE.SIDECARS_READY, _UNKNOWN, "PodsNotListed"),
        Claim(_TYPE.TARGETS_FOUND, _UNKNOWN, "PodsNotListed", problem),
        *_rest("PodsNotListed"),
        Claim(_TYPE.HEALTHY, _UNKNOWN, "PodsNotListed", problem),
    )


def _targets_found(pods: int) -> Claim:
    if pods:
        return Claim(_TYPE.TARGETS_FOUND, _TRUE, "PodsSelected", f"pods that match the selector: {pods}")
    return Claim(_TYPE.TARGETS_FOUND, _FALSE, "TargetsNotFound", "no pod of the namespace matches the selector")


def _is_sidecar_ready(node: NodeView | None) -> bool:
    return node is not None and node.reading.sidecar.ready


def _is_rolling_out(fleet: Fleet) -> bool:
    """Whether sidecars are on their way, as far as the DaemonSet's counts say."""
    counts_open = fleet.ready < fleet.wanted or fleet.updated < fleet.wanted or not fleet.wanted
    return fleet.exists and not fleet.problem and counts_open


def _sidecars_ready(view: MonitorView, fleet: Fleet) -> Claim:
    ready = sum(_is_sidecar_ready(node) for _, node in view.nodes)
    told = f"nodes with selected pods: {len(view.nodes)}, of these with a ready sidecar: {ready}"
    rolled = f"{fleet.ready} of {render_count(fleet.wanted, 'sidecar')} ready"
    if view.nodes and ready == len(view.nodes):
        return Claim(_TYPE.SIDECARS_READY, _TRUE, "AllReady", told)
    if fleet.problem:
        return Claim(_TYPE.SIDECARS_READY, _FALSE, "SidecarsFailed", fleet.problem)
    if not fleet.exists:
        return Claim(_TYPE.SIDECARS_READY, _FALSE, "NotCreated", "the sidecar DaemonSet does not exist yet")
    if not view.nodes:
        return Claim(_TYPE.SIDECARS_READY, _UNKNOWN, "NoTargets", f"no running pod needs a sidecar; {rolled}")
    if _is_rolling_out(fleet):
        return Claim(_TYPE.SIDECARS_READY, _FALSE, "RollingOut", f"{told}; rolling out: {rolled}")
    missing = sorted(name for name, node in view.nodes if not _is_sidecar_ready(node))
    return Claim(
        _TYPE.SIDECARS_READY,
        _FALSE,
        "NodeWithoutSidecar",
        f"{told}; {', '.join(missing[:5])} without one, though the rollout is complete: check the node's labels "
        f"against the chart's sidecar.affinity: kubectl get node {missing[0]} --show-labels",
    )


def _unseen(view: MonitorView) -> Claim | None:
    """Ready of a monitor whose pods are not seen, or no longer."""
    if view.given.pods_problem:
        return Claim(_TYPE.READY, _FALSE, "PodsNotListed", view.given.pods_problem)
    if not view.pods:
        return Claim(_TYPE.READY, _FALSE, "TargetsNotFound", "no pod of the namespace matches the selector")
    return None


def _ready(view: MonitorView, findings: Collection[Tracked], knowledge: Knowledge, before: Condition | None) -> Claim:
    """Whether the monitoring works, whatever it says about the models."""
    targets = len(view.pods) - view.count(Coverage.NOT_TARGET)
    if (unseen := _unseen(view)) is not None:
        return unseen
    broken = next((one.candidate for one in findings if one.candidate.key.code in _BREAKS_MONITORING), None)
    if broken is not None:
        return Claim(_TYPE.READY, _FALSE, broken.key.code, broken.message)
    if not targets:
        told = f"{render_count(len(view.pods), 'pod')} selected, none of which runs and can be read"
        return Claim(_TYPE.READY, _FALSE, "NoReadableTargets", told)
    if knowledge is Knowledge.HELD and before is not None and before.status is _TRUE:
        return Claim(_TYPE.READY, _TRUE, before.reason, before.message)
    if knowledge is not Knowledge.FRESH:
        problem = view.given.fleet.problem
        reason = "SidecarsFailed" if problem else "ReadingsPending"
        return Claim(
            _TYPE.READY, _FALSE, reason, problem or f"waiting for the first readings of {render_count(targets, 'pod')}"
        )
    return Claim(
        _TYPE.READY, _TRUE, "Monitoring", f"{view.count(Coverage.READ)} of {render_count(targets, 'running pod')} read"
    )


def _reconciling(view: MonitorView, ready: Claim) -> Claim:
    """Whether something is on its way that will pass by itself: sidecars that come up, first readings."""
    fleet, unwatched = view.given.fleet, view.count(Coverage.UNWATCHED)
    waiting = view.count(Coverage.PENDING) + (0 if fleet.problem else unwatched)
    if unwatched and _is_rolling_out(fleet):
        told = f"{fleet.ready} of {render_count(fleet.wanted, 'sidecar')} ready"
        return Claim(_TYPE.RECONCILING, _TRUE, "RollingOut", f"{told}; {render_count(unwatched, 'pod')} without one")
    if ready.reason in _BREAKS_MONITORING or not waiting:
        return Claim(_TYPE.RECONCILING, _FALSE, "Settled")
    return Claim(
        _TYPE.RECONCILING, _TRUE, "ReadingsPending", f"waiting for the first readings of {render_count(waiting, 'pod')}"
    )


_HEALTHY = {HealthState.HEALTHY: _TRUE, HealthState.UNKNOWN: _UNKNOWN}


def claim_conditions(
    view: MonitorView,
    findings: Collection[Tracked],
    verdict: Verdict,
    knowledge: Knowledge,
    previous: Collection[Condition],
    elsewhere: tuple[Claim, ...],
) -> tuple[Claim, ...]:
    """The conditions of a monitor at work; those about arrival and cost are judged elsewhere."""
    before = next((condition for condition in previous if condition.type is _TYPE.READY), None)
    ready = _ready(view, findings, knowledge, before)
    return (
        ready,
        _reconciling(view, ready),
        Claim(_TYPE.STALLED, _FALSE, "SpecRead"),
        _sidecars_ready(view, view.given.fleet),
        _targets_found(len(view.pods)),
        *elsewhere,
        Claim(_TYPE.HEALTHY, _HEALTHY.get(verdict.state, _FALSE), verdict.reason, verdict.summary),
    )
