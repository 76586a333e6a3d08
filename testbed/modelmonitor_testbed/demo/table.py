"""ModelMonitors as a table for a terminal. Pure: objects of the API server in, a picture out."""

from collections.abc import Sequence
from datetime import UTC, datetime

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from modelmonitor_api.findings import Severity
from modelmonitor_api.status import HealthState, ModelMonitorStatus
from modelmonitor_api.status_cost import CostView
from modelmonitor_testbed.prometheus.api import Alert

_STATE_STYLES = {
    HealthState.HEALTHY: "bold green",
    HealthState.DEGRADED: "bold yellow",
    HealthState.UNHEALTHY: "bold red",
    HealthState.UNKNOWN: "dim",
}
_ALERT_STYLES = {"critical": "red", "warning": "yellow", "info": "cyan"}
_SEVERITY_STYLES = {Severity.CRITICAL: "red", Severity.WARNING: "yellow", Severity.INFO: "cyan"}

Monitor = tuple[str, ModelMonitorStatus]
"""`namespace/name` of a monitor and what its status says."""


def render_age(then: str | None, now: datetime) -> str:
    """How long ago a time of the status was, in whole seconds or minutes; `-` where there is none."""
    if then is None:
        return "-"
    seconds = max(0, int((now - datetime.fromisoformat(then)).total_seconds()))
    return f"{seconds}s" if seconds < 120 else f"{seconds // 60}m"


def _condition(status: ModelMonitorStatus, name: str) -> str:
    return next((c.status.value for c in status.conditions if c.type == name), "-")


def _monitors_table(monitors: Sequence[Monitor], now: datetime) -> Table:
    table = Table(title="ModelMonitors", title_justify="left", expand=True)
    for column in ("monitor", "ready", "health", "models", "gpus", "observed"):
        table.add_column(column, no_wrap=True)
    table.add_column("summary", ratio=1)
    for name, status in monitors:
        health = status.health
        table.add_row(
            name,
            _condition(status, "Ready"),
            Text(health.state, style=_STATE_STYLES[health.state]),
            health.models_ready,
            health.gpus_healthy,
            render_age(health.observed_at, now),
            health.summary,
        )
    return table


def _models_table(monitors: Sequence[Monitor]) -> Table:
    table = Table(title="Models", title_justify="left", expand=True)
    for column in ("monitor", "model", "health", "ready", "req/s", "failed", "latency", "queue"):
        table.add_column(column, no_wrap=True)
    for name, status in monitors:
        for model in status.health.models:
            latency = f"{model.latency} {model.latency_kind.lower()}" if model.latency and model.latency_kind else "-"
            table.add_row(
                name,
                f"{model.name}:{model.version}" if model.version else model.name,
                Text(model.state, style=_STATE_STYLES[model.state]),
                model.ready,
                model.requests_per_second or "-",
                model.failure_ratio or "-",
                latency,
                model.queue_share or "-",
            )
    return table


def _findings_table(monitors: Sequence[Monitor], now: datetime) -> Table:
    table = Table(title="Findings", title_justify="left", expand=True)
    for column in ("monitor", "finding", "since"):
        table.add_column(column, no_wrap=True)
    table.add_column("what and what to do", ratio=1)
    for name, status in monitors:
        for finding in status.health.findings:
            code = Text(finding.code, style=_SEVERITY_STYLES[finding.severity])
            table.add_row(name, code, render_age(finding.since, now), finding.message)
    if not table.row_count:
        table.add_row("-", Text("none", style="green"), "-", "nothing is wrong")
    return table


def _objectives_table(monitors: Sequence[Monitor]) -> Table:
    table = Table(title="Objectives", title_justify="left", expand=True)
    for column in ("monitor", "objective", "target", "judged by", "budget left", "burn rate"):
        table.add_column(column, no_wrap=True)
    table.add_column("in the way", ratio=1)
    for name, status in monitors:
        for one in status.objectives:
            left = one.budget_remaining
            style = "red" if left is not None and float(left) < 0 else "green"
            table.add_row(
                name,
                one.name,
                f"{one.target} %",
                one.method.value,
                Text("-" if left is None else f"{float(left):.0%}", style=style),
                one.burn_rate or "-",
                one.message,
            )
    return table


def _cost_table(monitors: Sequence[Monitor]) -> Table:
    """What was spent and what will be, then the model versions: held, used, idle, and for a thousand inferences."""
    table = Table(title="Cost", title_justify="left", expand=True)
    for column in ("monitor", "of", "held", "used", "idle", "1000 inferences", "GPU-hours", "how sure"):
        table.add_column(column, no_wrap=True)
    table.add_column("in the way", ratio=1)
    for name, status in monitors:
        cost = status.cost
        if cost is None:
            table.add_row(name, "-", "-", "-", "-", "-", "-", "-", "no ledger yet")
            continue
        told = f"this period {cost.spent}, at its end {cost.projected or '-'}"
        _add_cost(table, (name, told, ""), cost.total, (cost.confidence, cost.message))
        for one in cost.models:
            model = f"{one.name}:{one.version}" if one.version else one.name or "no model"
            _add_cost(table, ("", model, one.per_thousand_allocation or "-"), one, ("", ""))
    return table


def _add_cost(table: Table, whose: tuple[str, str, str], view: CostView, told: tuple[str, str]) -> None:
    money = [amount or "-" for amount in (view.allocation, view.usage, view.idle)]
    table.add_row(whose[0], whose[1], *money, whose[2], view.gpu_hours, *told)


def _alerts_table(alerts: Sequence[Alert] | None) -> Table:
    table = Table(title="Alerts that fire in Prometheus", title_justify="left", expand=True)
    for column in ("alert", "severity", "monitor"):
        table.add_column(column, no_wrap=True)
    table.add_column("summary", ratio=1)
    for alert in alerts or ():
        severity = alert.labels.get("severity", "")
        monitor = f"{alert.labels.get('namespace', '')}/{alert.labels.get('modelmonitor', '')}"
        words = alert.annotations.get("summary", "")
        table.add_row(alert.name, Text(severity, style=_ALERT_STYLES.get(severity, "")), monitor, words)
    if not table.row_count:
        table.add_row("-", "-", "-", "Prometheus does not answer" if alerts is None else "none")
    return table


def build_table(
    monitors: Sequence[Monitor], alerts: Sequence[Alert] | None = None, now: datetime | None = None
) -> RenderableType:
    """The tables of the demo: monitors, their models, findings, objectives, cost, and what Prometheus alerts about."""
    moment = now or datetime.now(UTC)
    return Group(
        _monitors_table(monitors, moment),
        _models_table(monitors),
        _findings_table(monitors, moment),
        _objectives_table(monitors),
        _cost_table(monitors),
        _alerts_table(alerts),
    )
