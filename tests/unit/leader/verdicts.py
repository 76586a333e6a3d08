"""Verdicts in few words, and pages as they are read: by a parser that is not ours."""

from dataclasses import replace
from typing import Any

from prometheus_client.parser import text_string_to_metric_families

from modelmonitor_api.findings import FindingCode, ObjectKind, Severity
from modelmonitor_api.names import MonitorRef
from modelmonitor_api.spec_objectives import ObjectiveType
from modelmonitor_api.status import (
    Condition,
    ConditionStatus,
    ConditionType,
    Finding,
    FindingObject,
    GpuCount,
    Health,
    HealthState,
    ModelMonitorStatus,
    NodeCount,
    ObjectiveMethod,
    ObjectiveStatus,
    PodCount,
)
from modelmonitor_operator.leader_metrics import Judgement, render_leader_page
from tests.unit.operator.worlds import monitor

REF = MonitorRef("team-a", "fraud")
OBSERVED = "2026-01-01T00:00:00Z"
OBSERVED_SECONDS = 1_767_225_600.0
Labels = frozenset[tuple[str, str]]
WHOSE = {("modelmonitor", "fraud"), ("namespace", "team-a")}


def finding(name: str = "fraud-0", severity: Severity = Severity.CRITICAL, **given: Any) -> Finding:
    """A finding about a pod."""
    base: dict[str, Any] = {"code": FindingCode.POD_NOT_RUNNING, "message": "it is Pending", "since": OBSERVED}
    thing = FindingObject(kind=ObjectKind.POD, name=name)
    return Finding(**{**base, "severity": severity, "object": thing, **given})


def status(*findings: Finding, **health: Any) -> ModelMonitorStatus:
    """A verdict with one condition and one objective."""
    base: dict[str, Any] = {
        "state": HealthState.UNHEALTHY if findings else HealthState.HEALTHY,
        "observed_at": OBSERVED,
        "models_ready": "2/3",
        "findings": findings,
        "findings_total": len(findings),
        "pods": PodCount(selected=4, running=3, watched=2),
        "nodes": NodeCount(total=2, observed=1),
        "gpus": GpuCount(total=8, healthy=7),
    }
    ready = Condition(
        type=ConditionType.READY, status=ConditionStatus.TRUE, reason="Ready", last_transition_time=OBSERVED
    )
    availability = ObjectiveStatus(
        name="available",
        type=ObjectiveType.AVAILABILITY,
        target="99.9",
        method=ObjectiveMethod.REQUESTS,
        budget_remaining="-0.25",
        burn_rate="14.5",
    )
    return ModelMonitorStatus(conditions=(ready,), health=Health(**{**base, **health}), objectives=(availability,))


def judgement(of: ModelMonitorStatus | None = None, spec: dict[str, Any] | None = None, **given: Any) -> Judgement:
    """A verdict on team-a/fraud."""
    return replace(Judgement(monitor(spec=spec or {}), of or status()), **given)


def read_page(body: bytes) -> dict[tuple[str, Labels], float]:
    """Every sample by name and labels; two samples of one series are an error."""
    found: dict[tuple[str, Labels], float] = {}
    for family in text_string_to_metric_families(body.decode()):
        for sample in family.samples:
            series = sample.name, frozenset(sample.labels.items())
            assert series not in found, f"{series} is there twice"
            found[series] = sample.value
    return found


def samples(what: Judgement, name: str) -> dict[Labels, float]:
    """The samples of one metric on the page of a verdict, without the labels that say whose page it is."""
    read = read_page(render_leader_page(what))
    assert all(labels >= WHOSE for _, labels in read)
    return {labels - WHOSE: value for (found, labels), value in read.items() if found == f"modelmonitor_{name}"}


def by(of: dict[Labels, float], label: str) -> dict[str, float]:
    """The samples by the value of one label."""
    return {dict(labels)[label]: value for labels, value in of.items()}
