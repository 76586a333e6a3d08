"""The status as it is written: numbers without noise, lists with bounds, the whole within its largest size."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace

from modelmonitor_api.finding_codes import FindingCode, ObjectKind, Severity, runbook_url
from modelmonitor_api.quantities import render_decimal, render_duration
from modelmonitor_api.status import (
    MAX_FINDINGS,
    MAX_MESSAGE,
    MAX_MODELS,
    MAX_STATUS_BYTES,
    Condition,
    Finding,
    FindingObject,
    GpuCount,
    Health,
    HealthState,
    ModelHealth,
    ModelMonitorStatus,
    NodeCount,
    ObjectiveStatus,
    PodCount,
)
from modelmonitor_api.status_cost import CostStatus
from modelmonitor_api.summary import GpuState
from modelmonitor_operator.observed import PollState
from modelmonitor_operator.rollup.coverage import Coverage
from modelmonitor_operator.rollup.gpus import HeldGpu
from modelmonitor_operator.rollup.hysteresis import Tracked
from modelmonitor_operator.rollup.models import ModelTotals
from modelmonitor_operator.rollup.view import MonitorView
from modelmonitor_operator.timestamps import render_time

_STATE_ORDER = {HealthState.UNHEALTHY: 0, HealthState.DEGRADED: 1, HealthState.UNKNOWN: 2, HealthState.HEALTHY: 2}


def cut_text(text: str, most: int = MAX_MESSAGE) -> str:
    """A text of at most so many characters, with an ellipsis where it was cut."""
    return text if len(text) <= most else f"{text[: most - 1]}…"


def quantise(value: float, digits: int = 2) -> float:
    """A number with so many significant digits, so that noise does not change the status."""
    return float(f"{value:.{digits}g}")


def build_finding(one: Tracked, base_url: str) -> Finding:
    """A finding for the status."""
    key = one.candidate.key
    return Finding(
        code=key.code,
        severity=one.candidate.severity,
        object=FindingObject(kind=key.kind, name=cut_text(key.name, 320)),
        message=cut_text(one.candidate.message),
        runbook=runbook_url(base_url, key.code)[:512],
        since=render_time(one.since),
    )


def build_model(total: ModelTotals, state: HealthState) -> ModelHealth:
    """One row of the models."""
    seen, ratio, latency = total.covered_seconds > 0, total.failure_ratio, total.latency_seconds
    share = total.queue_share
    return ModelHealth(
        name=cut_text(total.name, 256),
        version=cut_text(total.version, 64),
        state=state,
        ready=f"{total.ready_pods}/{len(total.parts)}",
        requests_per_second=render_decimal(quantise(total.requests_per_second)) if seen else None,
        failure_ratio=None if ratio is None else render_decimal(quantise(ratio), 6),
        latency=None if latency is None else render_duration(quantise(latency)),
        latency_kind=total.latency_kind if latency is not None else None,
        queue_share=None if share is None else render_decimal(round(share, 2), 2),
    )


def build_models(totals: Sequence[ModelTotals], states: Sequence[HealthState]) -> tuple[ModelHealth, ...]:
    """The rows: models in trouble first, then the busiest, at most twenty."""

    def rank(pair: tuple[ModelTotals, HealthState]) -> tuple[int, float, str]:
        return _STATE_ORDER[pair[1]], -quantise(pair[0].requests_per_second, 1), pair[0].label

    pairs = sorted(zip(totals, states, strict=True), key=rank)
    return tuple(build_model(total, state) for total, state in pairs[:MAX_MODELS])


def _is_gpu_healthy(gpu: HeldGpu, troubled: Collection[tuple[ObjectKind, str]]) -> bool:
    """Whether NVML reads the GPU, and no finding about it or about NVML on its node stands against it."""
    if gpu.reading is None or gpu.reading.state is not GpuState.OK:
        return False
    return (ObjectKind.GPU, gpu.uuid) not in troubled and (ObjectKind.NODE, gpu.node) not in troubled


def count_gpus(gpus: Sequence[HeldGpu], findings: Collection[Tracked]) -> GpuCount:
    """Held GPUs, and those of them that are known to be well."""
    troubled = {
        (one.candidate.key.kind, one.candidate.key.name)
        for one in findings
        if one.candidate.severity is not Severity.INFO
        and (one.candidate.key.kind is ObjectKind.GPU or one.candidate.key.code is FindingCode.NVML_UNAVAILABLE)
    }
    return GpuCount(total=len(gpus), healthy=sum(_is_gpu_healthy(gpu, troubled) for gpu in gpus))


def count_pods(view: MonitorView) -> PodCount:
    """Selected pods, those that run, those that are read."""
    return PodCount(
        selected=len(view.pods),
        running=sum(one.pod.phase == "Running" for one in view.pods),
        watched=view.count(Coverage.READ),
    )


def count_nodes(view: MonitorView) -> NodeCount:
    """Nodes of the readable pods, and those whose sidecar answered in this cycle."""
    observed = sum(node is not None and node.reading.state is PollState.OK for _, node in view.nodes)
    return NodeCount(total=len(view.nodes), observed=observed)


@dataclass(frozen=True, slots=True)
class Rows:
    """What of a status is cut where it is too large: findings and models first, then words, then rows of cost."""

    findings: tuple[Finding, ...]
    models: tuple[ModelHealth, ...]
    objectives: tuple[ObjectiveStatus, ...] = ()
    cost: CostStatus | None = None


def build_rows(
    view: MonitorView, findings: Sequence[Tracked], states: Sequence[HealthState], kept: Health | None
) -> Rows:
    """The rows of a status; the models of `kept` where nothing fresh says how they are."""
    base = view.given.runbook_base_url
    models = kept.models if kept is not None else build_models(view.models, states)
    return Rows(tuple(build_finding(one, base) for one in findings[:MAX_FINDINGS]), models)


def _size(status: ModelMonitorStatus) -> int:
    return len(status.model_dump_json(by_alias=True, exclude_none=True).encode())


def _shorter(rows: Rows) -> Rows:
    """The rows without the last one of the longer list; then with shorter messages."""
    if not (rows.findings or rows.models):
        return _wordless(rows) if any(one.message for one in rows.objectives) else _without_cost_rows(rows)
    if len(rows.findings) >= len(rows.models):
        return replace(rows, findings=rows.findings[:-1])
    return replace(rows, models=rows.models[:-1])


def _wordless(rows: Rows) -> Rows:
    halves = ((one, len(one.message) // 2) for one in rows.objectives)
    cut = (one.model_copy(update={"message": cut_text(one.message, half) if half else ""}) for one, half in halves)
    return replace(rows, objectives=tuple(cut))


def _without_cost_rows(rows: Rows) -> Rows:
    """Without the last row of what the models have cost; sums, budget and forecast stay."""
    if rows.cost is None or not rows.cost.models:
        return replace(rows, cost=None)
    return replace(rows, cost=rows.cost.model_copy(update={"models": rows.cost.models[:-1]}))


def bound_status(generation: int, conditions: tuple[Condition, ...], health: Health, rows: Rows) -> ModelMonitorStatus:
    """The status, with rows dropped from the ends until it is at most 32 KiB of JSON."""
    while True:
        filled = health.model_copy(update={"findings": rows.findings, "models": rows.models})
        status = ModelMonitorStatus(
            observed_generation=generation,
            conditions=conditions,
            health=filled,
            objectives=rows.objectives,
            cost=rows.cost,
        )
        more = rows.findings or rows.models or any(one.message for one in rows.objectives) or rows.cost
        if _size(status) <= MAX_STATUS_BYTES or not more:
            return status
        rows = _shorter(rows)


def models_ready(totals: Sequence[ModelTotals]) -> str:
    """Model versions that at least one pod has ready, of all."""
    return f"{sum(total.ready_pods > 0 for total in totals)}/{len(totals)}"
