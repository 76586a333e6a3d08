"""The demo's tables say what the status and Prometheus say."""

import io
from datetime import UTC, datetime

from rich.console import Console

from modelmonitor_api.spec_objectives import ObjectiveType
from modelmonitor_api.status import ModelMonitorStatus, ObjectiveMethod, ObjectiveStatus
from modelmonitor_api.status_cost import CostStatus, CostView, ModelCost
from modelmonitor_testbed.demo.table import build_table
from modelmonitor_testbed.prometheus.api import Alert

NOW = datetime(2026, 1, 1, tzinfo=UTC)
OVERSPENT = ObjectiveStatus(
    name="availability",
    type=ObjectiveType.AVAILABILITY,
    target="99.9",
    method=ObjectiveMethod.REQUESTS,
    budget_remaining="-0.5",
    burn_rate="12",
)
HOT = Alert("firing", {"alertname": "ModelMonitorGpuHot", "severity": "warning", "namespace": "a"}, {"summary": "hot"})


def printed(status: ModelMonitorStatus, alerts: list[Alert] | None) -> str:
    console = Console(width=180, file=io.StringIO())
    with console.capture() as captured:
        console.print(build_table([("a/fraud", status)], alerts, NOW))
    return captured.get()


def test_an_overspent_budget_and_a_firing_alert_are_shown() -> None:
    text = printed(ModelMonitorStatus(objectives=(OVERSPENT,)), [HOT])
    assert "-50%" in text
    assert "99.9 %" in text
    assert "ModelMonitorGpuHot" in text
    assert "hot" in text


def test_a_silent_prometheus_is_not_taken_for_no_alert() -> None:
    assert "Prometheus does not answer" in printed(ModelMonitorStatus(), None)
    assert "Prometheus does not answer" not in printed(ModelMonitorStatus(), [])


def test_what_a_model_costs_is_shown_beside_what_its_monitor_spent_and_will_spend() -> None:
    model = ModelCost(
        name="fast", version="1", allocation="1.20", usage="0.40", idle="0.80", per_thousand_allocation="0.05"
    )
    cost = CostStatus(
        currency="USD",
        since="2026-01-01T00:00:00Z",
        spent="1.20 USD",
        projected="36.00 USD",
        models=(model,),
        total=CostView(allocation="1.20", usage="0.40", idle="0.80", gpu_hours="0.35"),
        message="a price is odd",
    )
    text = printed(ModelMonitorStatus(cost=cost), [])
    for told in ("1.20 USD", "36.00 USD", "fast:1", "0.80", "0.05", "0.35", "a price is odd", "Measured"):
        assert told in text


def test_a_monitor_without_a_ledger_says_so() -> None:
    assert "no ledger yet" in printed(ModelMonitorStatus(), [])
