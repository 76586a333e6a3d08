"""The one table of alerts: what each means, how long it must hold, how bad it is and where its runbook is.

`docs/alerts.md` is made from it and `desired/prometheus_rule.py` takes every alert from it. Texts may hold Prometheus'
templates, because nothing of a user's is in them.
"""

from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum

from modelmonitor_api.alert_names import AlertName, finding_alert
from modelmonitor_api.cost_alerts import (
    BURN_FACTOR,
    BURN_WINDOWS,
    IDLE_GPU_HOURS,
    IDLE_RATIO,
    IDLE_WINDOWS,
    LEDGER_OLD_SECONDS,
)
from modelmonitor_api.finding_codes import FindingCode
from modelmonitor_api.findings import FINDINGS, FindingRule, Severity
from modelmonitor_api.spec_monitoring import AlertSeverity

LEADER_KEEP_FIRING = "10m"
"""How long alerts on the leader's series outlive their series, so that a change of leader resolves nothing."""


class AlertInput(StrEnum):
    """What an alert reads."""

    FINDING = "the leader's findings"
    PIPELINE = "scrapes, and the sidecars' and the leader's pages"
    ABSENCE = "the absence of a series"
    BUDGET = "an objective's error ratios"
    COST = "the committed ledger, on the leader's page"


@dataclass(frozen=True, slots=True)
class AlertDefinition:
    """One row of the table.

    Attributes:
        severity: None where each alert takes the severity of its finding.
        for_: how long the condition must hold, as Prometheus writes durations.
        keep_firing_for: how long it goes on without the condition; empty for not at all.
        condition: when it fires, in words.
        description: template of Prometheus; says what was seen and how to see more.
        runbook: page below `docs/runbooks/`, without the suffix.
    """

    name: AlertName
    input: AlertInput
    severity: AlertSeverity | None
    for_: str
    condition: str
    summary: str
    description: str
    runbook: str
    keep_firing_for: str = ""


_MONITOR = "{{ $labels.namespace }}/{{ $labels.modelmonitor }}"
_DESCRIBE = "kubectl -n {{ $labels.namespace }} describe modelmonitor {{ $labels.modelmonitor }}"
_N, _F = AlertName, FindingCode

_FINDING_FOR = {Severity.CRITICAL: "1m", Severity.WARNING: "5m", Severity.INFO: "15m"}
_FINDING_FOR_OWN = {_F.TARGETS_NOT_FOUND: "5m", _F.POD_NOT_RUNNING: "5m"}
"""Ordinary for a few minutes of a roll-out or a new Deployment."""


def _finding(rule: FindingRule) -> AlertDefinition:
    return AlertDefinition(
        name=finding_alert(rule.code),
        input=AlertInput.FINDING,
        severity=None,
        for_=_FINDING_FOR_OWN.get(rule.code, _FINDING_FOR[rule.severity]),
        condition=f"The finding {rule.code} holds: {rule.condition}",
        summary=f"{rule.code}: {{{{ $labels.kind }}}} {{{{ $labels.object }}}} of ModelMonitor {_MONITOR}.",
        description=f"{rule.condition} The numbers and the next step: {_DESCRIBE}",
        runbook=rule.code.value,
        keep_firing_for=LEADER_KEEP_FIRING,
    )


def _pipeline(
    name: AlertName, condition: str, summary: str, *, for_: str = "5m", input_: AlertInput
) -> AlertDefinition:
    return AlertDefinition(
        name=name,
        input=input_,
        severity=AlertSeverity.WARNING,
        for_=for_,
        condition=condition,
        summary=summary,
        description=f"{condition} What the ModelMonitor says: {_DESCRIBE}",
        runbook=name.value,
    )


def _read(name: AlertName, condition: str, summary: str, for_: str = "5m") -> AlertDefinition:
    return _pipeline(name, condition, summary, for_=for_, input_=AlertInput.PIPELINE)


def _absent(name: AlertName, condition: str, summary: str, for_: str) -> AlertDefinition:
    return _pipeline(name, condition, summary, for_=for_, input_=AlertInput.ABSENCE)


_PIPELINE_ROWS = (
    _read(
        _N.SIDECAR_DOWN,
        "Prometheus has the sidecar of a node as a target of this ModelMonitor, and no scrape of it succeeds.",
        f"The sidecar on node {{{{ $labels.node }}}} cannot be scraped for ModelMonitor {_MONITOR}.",
    ),
    _read(
        _N.LEADER_DOWN,
        "Prometheus has the operator's leader as a target of this ModelMonitor, and no scrape of it succeeds: it does "
        "not answer, or has not renewed its verdict for a minute. Alerts on findings rest on that page.",
        f"The operator's page of ModelMonitor {_MONITOR} cannot be scraped.",
    ),
    _read(
        _N.TARGET_DOWN,
        "A sidecar cannot read an endpoint of a Triton pod, or its answer is not Triton's.",
        "Endpoint {{ $labels.endpoint }} of pod {{ $labels.namespace }}/{{ $labels.pod }} does not "
        "answer as Triton does.",
    ),
    _read(
        _N.TARGET_STALE,
        "The newest reading of a Triton pod is older than four intervals, and than two minutes.",
        "The newest reading of pod {{ $labels.namespace }}/{{ $labels.pod }} is {{ $value | humanizeDuration }} old.",
    ),
    _read(
        _N.SERIES_DROPPED,
        "A page has reached prometheus.sampleLimit, or a Triton page the largest number of series that a sidecar "
        "reads: the series beyond it are left out.",
        f"{{{{ $value }}}} series of ModelMonitor {_MONITOR} are left out on node {{{{ $labels.node }}}}.",
        "15m",
    ),
)
_ABSENCE_ROWS = (
    _absent(
        _N.NOT_SCRAPED,
        "No sidecar's page of this ModelMonitor reaches Prometheus, and the last that the leader said is not that no "
        "pod runs.",
        f"Prometheus has nothing from the sidecars of ModelMonitor {_MONITOR}.",
        "10m",
    ),
    _absent(
        _N.LEADER_NOT_SCRAPED,
        "The leader's page of this ModelMonitor does not reach Prometheus: no alert on a finding can fire.",
        f"Prometheus has no verdict of ModelMonitor {_MONITOR}.",
        "10m",
    ),
    _absent(
        _N.TRITON_COUNTERS_ABSENT,
        "The sidecars see READY models, and Prometheus has no counts of their requests: none of Triton's metrics page "
        "or none of its statistics.",
        f"Prometheus has no request counts of the models of ModelMonitor {_MONITOR}.",
        "15m",
    ),
    _absent(
        _N.GPU_READINGS_ABSENT,
        "Containers hold GPUs that nobody shares, by the kubelet's word on the sidecars' pages, and none of these GPUs "
        "was read in the last 5 minutes.",
        f"Prometheus has no fresh GPU reading of ModelMonitor {_MONITOR}, whose pods hold GPUs.",
        "15m",
    ),
    _absent(
        _N.LATENCY_ABSENT,
        "A latency objective's models serve at least minimumRequests requests an hour, and Triton publishes no "
        "latency that the objective could be judged by.",
        f"Nothing says how fast the models of objective {{{{ $labels.sloth_slo }}}} of ModelMonitor {_MONITOR} are.",
        "30m",
    ),
)


def _budget(name: AlertName, what: str, speed: str, severity: AlertSeverity) -> AlertDefinition:
    fast = severity is AlertSeverity.CRITICAL
    windows = "1 h and 5 min (14.4 times)" if fast else "1 d and 2 h (3 times)"
    slower = "6 h and 30 min (6 times)" if fast else "3 d and 6 h (evenly or faster)"
    return AlertDefinition(
        name=name,
        input=AlertInput.BUDGET,
        severity=severity,
        for_="0s",
        condition=f"{what} spend the error budget too fast over {windows}, or over {slower}, with at least "
        "minimumRequests requests in the long window.",
        summary=f"Objective {{{{ $labels.sloth_slo }}}} of ModelMonitor {_MONITOR} spends its error budget {speed}.",
        description=f"{what} are {{{{ $value | humanizePercentage }}}} of the long window. "
        f"Budget and burn rate: {_DESCRIBE}",
        runbook=name.value,
    )


_BUDGET_ROWS = (
    _budget(_N.AVAILABILITY_BURN_FAST, "Failed requests", "fast", AlertSeverity.CRITICAL),
    _budget(_N.AVAILABILITY_BURN_SLOW, "Failed requests", "slowly", AlertSeverity.WARNING),
    _budget(_N.LATENCY_BURN_FAST, "Slow requests or minutes", "fast", AlertSeverity.CRITICAL),
    _budget(_N.LATENCY_BURN_SLOW, "Slow requests or minutes", "slowly", AlertSeverity.WARNING),
)


def _cost(name: AlertName, severity: AlertSeverity, for_: str, condition: str, summary: str) -> AlertDefinition:
    return AlertDefinition(
        name=name,
        input=AlertInput.COST,
        severity=severity,
        for_=for_,
        condition=condition,
        summary=summary,
        description=f"{condition} What it costs, and why: {_DESCRIBE}",
        runbook=name.value,
        keep_firing_for=LEADER_KEEP_FIRING,
    )


_MONEY = '{{ $value | printf "%.2f" }} {{ $labels.currency }}'
_COST_ROWS = (
    _cost(
        _N.BUDGET_EXCEEDED,
        AlertSeverity.CRITICAL,
        "0s",
        "The budget of the present period is spent.",
        f"ModelMonitor {_MONITOR} has spent {_MONEY}, and with it the budget of the period.",
    ),
    _cost(
        _N.BUDGET_WILL_BE_EXCEEDED,
        AlertSeverity.WARNING,
        "1h",
        "Even the low end of the forecast's range is more than the budget, and the ledger is older than a day. Before "
        "the range is proven it is half of what is to come.",
        f"ModelMonitor {_MONITOR} will have spent at least {_MONEY} at the end of the period, more than its budget.",
    ),
    _cost(
        _N.BUDGET_BURN_FAST,
        AlertSeverity.CRITICAL,
        "0s",
        f"Over {BURN_WINDOWS[0]} and over {BURN_WINDOWS[1]} money is spent more than {BURN_FACTOR} times as fast as "
        "the whole budget lasts for its period, and as what is left of it lasts for the rest of the period.",
        f"ModelMonitor {_MONITOR} spends {_MONEY} an hour, more than {BURN_FACTOR} times what its budget allows.",
    ),
    _cost(
        _N.GPU_IDLE_WASTE,
        AlertSeverity.INFO,
        "1h",
        f"More than {Decimal(IDLE_RATIO) * 100:.0f} % of the time for which GPUs were held was idle, over "
        f"{IDLE_WINDOWS[0]} and still over {IDLE_WINDOWS[1]}, and at least {IDLE_GPU_HOURS} GPU-hours of it.",
        f"GPUs of ModelMonitor {_MONITOR} were idle for {{{{ $value | humanizePercentage }}}} of the time.",
    ),
    _cost(
        _N.LEDGER_NOT_WRITTEN,
        AlertSeverity.WARNING,
        "15m",
        f"GPUs are held, and the ledger was not written for {LEDGER_OLD_SECONDS // 60} minutes, or is not believed or "
        "not writable: nothing is charged meanwhile.",
        f"Nothing is charged to ModelMonitor {_MONITOR}, whose pods hold GPUs.",
    ),
)

ALERTS: dict[AlertName, AlertDefinition] = {
    row.name: row
    for row in (*map(_finding, FINDINGS.values()), *_PIPELINE_ROWS, *_ABSENCE_ROWS, *_BUDGET_ROWS, *_COST_ROWS)
}
"""Every alert, in the order of the pages and rules."""
