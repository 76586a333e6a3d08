"""The leader's page of one ModelMonitor: its newest verdict, and what its spec asks for, as metrics of the catalogue.

Pure. Values of labels are the words of the status (`Healthy`, `True`, `Critical`), so that a query reads as the status
does. Nothing grows without bound: findings and objectives are bounded in the status, pods with labels here.
"""

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from prometheus_client import generate_latest

from modelmonitor_api.findings import Severity
from modelmonitor_api.names import LABEL_POD
from modelmonitor_api.spec import ModelMonitorSpec
from modelmonitor_api.status import ConditionStatus, HealthState, ModelMonitorStatus
from modelmonitor_operator.cost.facts import NOTHING_CHARGED, CostFacts
from modelmonitor_operator.leader_metrics_cost import add_cost
from modelmonitor_operator.leader_samples import PageSamples
from modelmonitor_operator.observed import Monitor, Pod
from modelmonitor_operator.rollup.candidates import FindingKey
from modelmonitor_operator.rollup.hysteresis import Tracked
from modelmonitor_operator.timestamps import parse_time

MAX_LABELLED_PODS = 1000
"""Pods whose labels a page carries; no more than `prometheus.sampleLimit` either."""
POD_LABEL_PREFIX = "label_"

_NO_LABEL_CHARACTER = re.compile(r"[^a-zA-Z0-9_]")
_HUMP = re.compile(r"([a-z0-9])([A-Z])")


@dataclass(frozen=True, slots=True)
class Judgement:
    """One verdict, and what it was reached about.

    Attributes:
        pods: those that the monitor selects.
        findings: what the roll-up remembers; a status lists no more than the worst 20 of the active ones.
        cost: of the committed ledger, and never of one that is still to be written.
        cost: of the committed ledger.
    """

    monitor: Monitor
    status: ModelMonitorStatus
    pods: tuple[Pod, ...] = ()
    findings: Mapping[FindingKey, Tracked] = field(default_factory=dict)
    cost: CostFacts = NOTHING_CHARGED


def render_leader_page(judgement: Judgement) -> bytes:
    """The page in Prometheus' text format 0.0.4."""
    page = PageSamples(judgement.monitor.ref)
    _add_verdict(page, judgement.status)
    _add_findings(page, judgement)
    _add_counts(page, judgement.status)
    _add_objectives(page, judgement.status)
    add_cost(page, judgement.cost)
    if judgement.monitor.spec is not None:
        _add_spec(page, judgement.monitor.spec)
        _add_pod_labels(page, judgement.monitor.spec, judgement.pods)
    return generate_latest(page)


def _add_verdict(page: PageSamples, status: ModelMonitorStatus) -> None:
    page.add_counts("health_state", "state", {one: one is status.health.state for one in HealthState})
    page.add("health_observed_timestamp_seconds", parse_time(status.health.observed_at))
    for condition in status.conditions:
        for word in ConditionStatus:
            page.add("condition", condition.status is word, {"type": condition.type, "status": word})


def _add_findings(page: PageSamples, judgement: Judgement) -> None:
    for one in judgement.status.health.findings:
        labels = {
            "code": one.code,
            "severity": one.severity,
            "kind": one.object.kind,
            "object": one.object.name,
        }
        page.add("finding", 1, labels)
    counts = count_severities(judgement)
    page.add_counts("findings", "severity", {one: counts[one] for one in Severity})


def count_severities(judgement: Judgement) -> Counter[Severity]:
    """Findings by severity, those that the status has no room for included."""
    health = judgement.status.health
    if health.findings_total > len(health.findings):
        return Counter(one.candidate.severity for one in judgement.findings.values() if one.active)
    return Counter(one.severity for one in health.findings)


def _add_counts(page: PageSamples, status: ModelMonitorStatus) -> None:
    health = status.health
    pods, nodes, gpus = health.pods, health.nodes, health.gpus
    ready, _, served = health.models_ready.partition("/")
    counts = {"selected": pods.selected, "running": pods.running, "watched": pods.watched}
    page.add_counts("pods", "state", counts)
    page.add_counts("nodes", "state", {"wanted": nodes.total, "observed": nodes.observed})
    page.add_counts("models", "state", {"served": float(served), "ready": float(ready)})
    page.add_counts("gpus", "state", {"held": gpus.total, "healthy": gpus.healthy})


def _add_objectives(page: PageSamples, status: ModelMonitorStatus) -> None:
    for one in status.objectives:
        labels = {"objective": one.name}
        page.add("objective_info", 1, {**labels, "type": one.type, "method": one.method})
        page.add("objective_error_budget_remaining_ratio", _as_number(one.budget_remaining), labels)
        page.add("objective_burn_rate", _as_number(one.burn_rate), labels)


def _as_number(text: str | None) -> float | None:
    return None if text is None else float(text)


def _add_spec(page: PageSamples, spec: ModelMonitorSpec) -> None:
    for one in spec.objectives:
        labels = {"objective": one.name}
        page.add("objective_target_ratio", one.target_ratio, labels)
        page.add("objective_threshold_seconds", one.threshold_seconds, labels)
    page.add("max_failure_ratio", float(spec.health.max_failure_ratio))
    page.add("max_latency_seconds", spec.health.max_latency_seconds)
    page.add("max_gpu_temperature_celsius", spec.health.gpu.max_temperature_celsius)
    page.add("reading_interval_seconds", spec.interval_seconds)


def _add_pod_labels(page: PageSamples, spec: ModelMonitorSpec, pods: tuple[Pod, ...]) -> None:
    wanted = pod_label_names(spec.prometheus.pod_labels)
    if not wanted:
        return
    newest = {pod.name: pod for pod in sorted(pods, key=lambda pod: pod.created_at)}
    room = min(MAX_LABELLED_PODS, spec.prometheus.sample_limit)
    for name in sorted(newest)[:room]:
        carried = dict(newest[name].labels)
        shown = {label: carried[key] for key, label in wanted.items() if key in carried}
        page.add("pod_labels", 1, {LABEL_POD: name, **shown})
    page.add("pods_without_labels", max(0, len(newest) - room))


def pod_label_names(keys: Sequence[str]) -> dict[str, str]:
    """The name of each pod label on the page, as kube-state-metrics names them.

    Characters that a name may not have become underscores, humps of camel case are parted, all is lower case; keys
    whose names would be the same are told apart by `_conflict1`, `_conflict2` in alphabetical order of the keys, so
    that a key has the same name on every pod.
    Source: https://github.com/kubernetes/kube-state-metrics/blob/main/internal/store/utils.go
    """
    plain = {key: _plain_name(key) for key in sorted(set(keys))}
    shared = Counter(plain.values())
    taken = {name for name in plain.values() if shared[name] == 1}
    named: dict[str, str] = {}
    for key, name in plain.items():
        named[key] = name if shared[name] == 1 else _first_free(name, taken)
        taken.add(named[key])
    return named


def _plain_name(key: str) -> str:
    return POD_LABEL_PREFIX + _HUMP.sub(r"\1_\2", _NO_LABEL_CHARACTER.sub("_", key)).lower()


def _first_free(name: str, taken: set[str]) -> str:
    number = 1
    while f"{name}_conflict{number}" in taken:
        number += 1
    return f"{name}_conflict{number}"
