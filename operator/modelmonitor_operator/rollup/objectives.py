"""By what each objective is judged: decided from what Triton publishes, and kept while nothing fresh says otherwise."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from enum import StrEnum

from modelmonitor_api.quantities import model_selected, render_duration
from modelmonitor_api.spec_objectives import Objective, ObjectiveType
from modelmonitor_api.status import ObjectiveMethod, ObjectiveStatus
from modelmonitor_api.summary import EndpointState, ModelReading
from modelmonitor_operator.rollup.candidates import join_names
from modelmonitor_operator.rollup.coverage import HOLD_SECONDS, Coverage, PodView
from modelmonitor_operator.rollup.models import ModelTotals
from modelmonitor_operator.rollup.view import MonitorView

QUANTILES_MEND = (
    "start tritonserver with --metrics-config summary_latencies=true, at the cost of quantiles that it computes with "
    "each request (none for models with a response cache)"
)
HISTOGRAM_MEND = "for decoupled models, on 24.11 or later, with --metrics-config histogram_latencies=true"
"""Source: https://docs.nvidia.com/deeplearning/triton-inference-server/user-guide/docs/user_guide/metrics.html; for the
cost of a summary: https://prometheus.io/docs/practices/histograms/#quantiles"""
BUCKETS_MEND = "histogram_options.buckets of model_metrics in its config.pbtxt"
_SAME = 1e-6
_MOST_NAMES = 3


class MethodReason(StrEnum):
    """Why an objective has no method; reasons of WithinObjectives."""

    LATENCY_NOT_PUBLISHED = "LatencyNotPublished"
    THRESHOLD_NOT_A_BUCKET = "ThresholdNotABucket"
    READINGS_PENDING = "ReadingsPending"


@dataclass(frozen=True, slots=True)
class Decision:
    """How one objective is judged.

    Attributes:
        reason: why there is no method; None where there is one, or where the last decision is kept.
        message: what stands in the way, or what is left out, with the next step.
    """

    method: ObjectiveMethod
    reason: MethodReason | None = None
    message: str = ""


@dataclass(frozen=True, slots=True)
class _Published:
    """What Triton publishes of one model, over its freshly read pods."""

    name: str
    quantiles: bool
    buckets: frozenset[float]


def _publishes_quantiles(model: ModelReading) -> bool:
    return model.publishes_quantiles or model.latency_p99_seconds is not None


def _published(objective: Objective, models: Collection[ModelTotals]) -> tuple[_Published, ...]:
    """The models of the objective whose metrics page was read freshly."""
    found: dict[str, _Published] = {}
    for total in models:
        if not model_selected(objective.models, (), total.name):
            continue
        for part in total.parts:
            target = part.view.models_target
            if target is None or target.metrics.state is not EndpointState.OK:
                continue
            buckets = frozenset(round(bound, 6) for bound in part.model.latency_buckets_seconds)
            before = found.get(total.name, _Published(total.name, quantiles=False, buckets=buckets))
            quantiles = before.quantiles or _publishes_quantiles(part.model)
            found[total.name] = _Published(total.name, quantiles, before.buckets & buckets or before.buckets | buckets)
    return tuple(found[name] for name in sorted(found))


def _names(models: Collection[_Published]) -> str:
    return join_names([model.name for model in models], _MOST_NAMES)


def _render_bounds(bounds: Sequence[float]) -> str:
    return join_names([render_duration(bound) for bound in bounds], 6)


def _by_histogram(threshold: float, models: Sequence[_Published]) -> Decision:
    """A histogram answers for its own bounds alone: between two of them nobody knows."""
    shared = frozenset.intersection(*(model.buckets for model in models))
    if any(abs(bound - threshold) <= _SAME for bound in shared):
        return Decision(ObjectiveMethod.HISTOGRAM)
    bounds = sorted(shared or frozenset.union(*(model.buckets for model in models)))
    where = "between the buckets" if bounds[0] < threshold < bounds[-1] else "above the largest of the buckets"
    where = "below the smallest of the buckets" if threshold < bounds[0] else where
    told = f"the threshold {render_duration(threshold)} is {where} {_render_bounds(bounds)} of Triton's histogram"
    mend = f"set the threshold to one of them, or put {threshold * 1000:g} into {BUCKETS_MEND}"
    return Decision(ObjectiveMethod.NONE, MethodReason.THRESHOLD_NOT_A_BUCKET, f"{told} for {_names(models)}: {mend}")


def _by_latency(objective: Objective, models: Collection[ModelTotals], before: ObjectiveStatus | None) -> Decision:
    published = _published(objective, models)
    if not published:
        if before is not None and (before.method is not ObjectiveMethod.NONE or before.message):
            return Decision(before.method, None, before.message)
        told = f"no model that the objective {objective.name} names has been read yet"
        return Decision(ObjectiveMethod.NONE, MethodReason.READINGS_PENDING, told)
    silent = [model for model in published if not model.quantiles]
    if len(silent) < len(published):
        left_out = f"not judged, for Triton publishes no quantiles of them: {_names(silent)}; {QUANTILES_MEND}"
        return Decision(ObjectiveMethod.TIME_SLICES, None, left_out if silent else "")
    counted = [model for model in published if model.buckets]
    if counted:
        return _by_histogram(objective.threshold_seconds or 0.0, counted)
    told = f"Triton publishes no latencies of {_names(silent)}: {QUANTILES_MEND}; or {HISTOGRAM_MEND}"
    return Decision(ObjectiveMethod.NONE, MethodReason.LATENCY_NOT_PUBLISHED, told)


def _hold(found: Decision, before: ObjectiveStatus | None) -> Decision:
    """The method as it was where it judged by another: a pod that restarts must not rewrite rules twice."""
    if before is None or before.method in (ObjectiveMethod.NONE, found.method):
        return found
    return Decision(before.method, None, before.message)


@dataclass(frozen=True, slots=True)
class MostPods:
    """How many pods a monitor had lately, at most, and when it last had so many (seconds since the epoch).

    A StatefulSet, or a Deployment that recreates, has no pod at all between the old one and the new one.
    """

    count: int = 0
    at: float = 0.0

    def after(self, count: int, now: float) -> "MostPods":
        """With the pods of now; what was more is forgotten when its pod has stayed away too long to be awaited."""
        return self if count < self.count and now - self.at <= HOLD_SECONDS else MostPods(count, now)


def decide_methods(
    view: MonitorView, previous: Collection[ObjectiveStatus], most: MostPods | None = None
) -> dict[str, Decision]:
    """How each objective is judged, by its name.

    Only models of freshly read pods say anything.

    Args:
        previous: the objectives of the last status, whose methods hold while nothing fresh is known, and while a pod
            restarts.
        most: how many pods there were lately; with fewer now, one of them may come back.
    """
    before = {(one.name, one.type): one for one in previous}
    fewer = most is not None and len(view.pods) < most.count
    awaited = fewer or any(map(_is_awaited, view.pods)) or any(pod.deleting for pod in view.given.pods)
    decisions = {}
    for objective in view.spec.objectives:
        known = before.get((objective.name, objective.type))
        found = Decision(ObjectiveMethod.REQUESTS)
        if objective.type is ObjectiveType.LATENCY:
            found = _by_latency(objective, view.models, known)
        decisions[objective.name] = _hold(found, known) if awaited else found
    return decisions


def _is_awaited(one: PodView) -> bool:
    """Whether a pod has yet to say what its models publish."""
    if one.coverage is Coverage.NOT_TARGET:
        return one.pod.phase == "Pending"
    return one.models_target is None or one.models_target.metrics.state is not EndpointState.OK
