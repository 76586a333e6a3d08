"""DashboardsSynced: whether the dashboard is delivered, and what grafana-operator says."""

from typing import Any

import pytest

from modelmonitor_operator.arrival import ChildFact, ChildState
from modelmonitor_operator.objects import CONFIG_MAP, GRAFANA_DASHBOARD
from tests.unit.rollup.arrivals import arrival, children, judged, situation
from tests.unit.rollup.situations import monitor


def by_grafana(*conditions: dict[str, str], **status: Any) -> dict[Any, ChildFact]:
    fact = ChildFact(ChildState.APPLIED, status={"conditions": list(conditions), **status})
    return children({GRAFANA_DASHBOARD: fact})


def said(kind: str, status: str, message: str = "") -> dict[str, str]:
    return {"type": kind, "status": status, "message": message}


CASES: dict[str, tuple[dict[Any, ChildFact], str, str, str]] = {
    "the ConfigMap is written": (children({}), "True", "ConfigMapApplied", "only Grafana shows"),
    "no dashboard is wanted": (
        children({CONFIG_MAP: ChildFact(ChildState.DISABLED, "dashboards.enabled is false")}),
        "Unknown",
        "Disabled",
        "dashboards.enabled is false",
    ),
    "the ConfigMap is not written yet": (
        children({CONFIG_MAP: ChildFact()}),
        "Unknown",
        "Pending",
        "not written yet",
    ),
    "the ConfigMap belongs to somebody else": (
        children({CONFIG_MAP: ChildFact(ChildState.REFUSED, "it has another owner: rename it")}),
        "False",
        "Refused",
        "rename it",
    ),
    "the namespace of dashboards is not the operator's": (
        children({CONFIG_MAP: ChildFact(ChildState.FORBIDDEN)}),
        "False",
        "Forbidden",
        "no right",
    ),
    "a GrafanaDashboard without its CRD": (
        children({GRAFANA_DASHBOARD: ChildFact(ChildState.KIND_MISSING)}),
        "False",
        "KindMissing",
        "the GrafanaDashboard with the dashboard cannot be made",
    ),
    "grafana-operator is silent": (
        children({GRAFANA_DASHBOARD: ChildFact(ChildState.APPLIED)}),
        "Unknown",
        "WaitingForGrafana",
        "has said nothing",
    ),
    "grafana-operator has brought it into Grafana": (
        by_grafana(said("DashboardSynchronized", "True", "Dashboard was successfully applied to 1 instances")),
        "True",
        "Synchronized",
        "applied to 1 instances",
    ),
    "grafana-operator failed": (
        by_grafana(said("DashboardSynchronized", "False", "connection refused")),
        "False",
        "ApplyFailed",
        "connection refused",
    ),
    "no Grafana matches": (
        by_grafana(said("NoMatchingInstance", "True", "None of the available"), said("DashboardSynchronized", "True")),
        "False",
        "NoMatchingInstance",
        "dashboards.instanceSelector",
    ),
    "no Grafana matches, says an older grafana-operator": (
        by_grafana(NoMatchingInstances=True),
        "False",
        "NoMatchingInstance",
        "dashboards.instanceSelector",
    ),
    "somebody has suspended it": (by_grafana(said("Suspended", "True")), "False", "Suspended", "spec.suspend"),
    "an obstacle that is past": (
        by_grafana(said("NoMatchingInstance", "False"), said("DashboardSynchronized", "True", "applied")),
        "True",
        "Synchronized",
        "applied",
    ),
    "what another program wrote is no condition": (
        children({GRAFANA_DASHBOARD: ChildFact(ChildState.APPLIED, status={"conditions": [7, {"type": 9}, None]})}),
        "Unknown",
        "WaitingForGrafana",
        "has said nothing",
    ),
}


@pytest.mark.parametrize(("facts", "status", "reason", "words"), CASES.values(), ids=CASES.keys())
def test_the_condition_says_where_the_dashboard_is(
    facts: dict[Any, ChildFact], status: str, reason: str, words: str
) -> None:
    found = judged(situation(what=arrival(children=facts)), "DashboardsSynced")
    assert (found.status, found.reason) == (status, reason)
    assert words in found.message


@pytest.mark.parametrize(("mode", "reason"), [("Auto", "ConfigMapApplied"), ("Enabled", "KindMissing")])
def test_a_grafana_dashboard_that_is_wanted_where_its_kind_is_served_is_not_missed_elsewhere(
    mode: str, reason: str
) -> None:
    missing = children({GRAFANA_DASHBOARD: ChildFact(ChildState.KIND_MISSING)})
    asking = monitor(dashboards={"grafanaDashboard": mode})
    assert judged(situation(what=arrival(children=missing), monitor=asking), "DashboardsSynced").reason == reason
