"""From `kubectl apply` to a scrape, a loaded rule, an alert that fires and resolves: on the real Prometheus.

The tests follow one another: at first the cluster has no CRD of prometheus-operator, then it has, then a Prometheus
that does not select us, and then one that does.
"""

import json
from dataclasses import replace
from typing import Any

import pytest

from modelmonitor_api.alert_names import AlertName
from modelmonitor_api.findings import FindingCode, ObjectKind, Severity
from modelmonitor_api.names import object_name
from modelmonitor_api.status import HealthState
from modelmonitor_testbed.installation import Installation
from modelmonitor_testbed.kubectl import wait_until
from modelmonitor_testbed.prometheus.api import PrometheusApi
from modelmonitor_testbed.prometheus.options import DiscoveryRole
from modelmonitor_testbed.prometheus.server import run_prometheus
from tests.cluster.arrival import (
    ARRIVES_SECONDS,
    MAIN,
    RELEASE,
    asked,
    firing,
    set_labels,
    targets_of,
    wait_targets_up,
)
from tests.cluster.scenario import MonitorView
from tests.cluster.workloads import TEAM, TRITON

CHILD = object_name("fraud")
BOTH = {"sidecar", "leader"}
RESOLVES_SECONDS = 75
"""Two evaluations of the group of findings, which is evaluated every 30 s, and the scrapes before them."""


def test_without_the_crds_monitoring_works_and_the_condition_names_what_is_missing(fraud: MonitorView) -> None:
    message = fraud.wait_condition("MonitoringSelected", "Unknown")
    assert "monitoring.coreos.com" in message or "ServiceMonitor" in message
    assert fraud.condition("Ready")[0] == "True"
    endpoints = fraud.kubectl.get("endpoints", CHILD, TEAM)
    ports = {port["name"] for subset in endpoints["subsets"] for port in subset["ports"]}
    assert ports == BOTH
    assert fraud.kubectl.find("configmap", CHILD, TEAM) is not None


def test_crds_installed_after_the_operator_are_picked_up(fraud: MonitorView, prometheus_operator: None) -> None:
    for kind in ("servicemonitor", "prometheusrule"):
        wait_until(lambda kind=kind: fraud.kubectl.find(kind, CHILD, TEAM), ARRIVES_SECONDS, f"a {kind} is made")
        owner = fraud.kubectl.get(kind, CHILD, TEAM)["metadata"]["ownerReferences"][0]
        assert (owner["kind"], owner["name"]) == ("ModelMonitor", "fraud")


def test_a_prometheus_that_does_not_select_us_is_named_with_the_label_to_add(
    fraud: MonitorView, prometheus: PrometheusApi
) -> None:
    message = fraud.wait_condition("MonitoringSelected", "False", seconds=ARRIVES_SECONDS)
    assert "release: main" in message
    assert "spec.prometheus.labels" in message
    assert not targets_of(prometheus, TEAM, "fraud")


def test_the_label_heals_it_and_every_page_is_scraped(
    triton: Installation, fraud: MonitorView, prometheus: PrometheusApi
) -> None:
    set_labels(triton, TEAM, "fraud", RELEASE)
    fraud.wait_condition("MonitoringSelected", "True", seconds=ARRIVES_SECONDS)
    for target in wait_targets_up(prometheus, TEAM, "fraud", BOTH):
        assert target.labels["namespace"] == TEAM
        assert target.labels["node"]
    message = fraud.wait_condition("ScrapeVerified", "True", seconds=ARRIVES_SECONDS)
    assert "Prometheus" in message


def test_samples_carry_our_labels_and_tritons_own_names(prometheus: PrometheusApi, fraud: MonitorView) -> None:
    matchers = f'{{namespace="{TEAM}",modelmonitor="fraud",model="fast"}}'
    for name in ("nv_inference_request_success", "modelmonitor_model_requests_total", "modelmonitor_model_ready"):
        (series, *_) = wait_until(
            asked(lambda name=name: prometheus.query(name + matchers)), ARRIVES_SECONDS, f"{name} of the model fast"
        )
        assert series.labels["pod"].startswith(TRITON)
        assert series.labels["container"] == "triton"
        assert not any(label.startswith("exported_") for label in series.labels)
    (verdict,) = prometheus.query(f'modelmonitor_health_state{{namespace="{TEAM}",modelmonitor="fraud"}} == 1')
    assert verdict.labels["state"]


def test_a_model_that_fails_is_named_with_its_ratio_and_reason_and_alerts_until_it_is_mended(
    triton: Installation, calm: MonitorView, prometheus: PrometheusApi
) -> None:
    triton.modelctl(TEAM, TRITON, "failing", "fail_ratio=1")
    finding = calm.wait_for(FindingCode.MODEL_FAILING)
    assert (finding.severity, finding.object.kind) == (Severity.CRITICAL, ObjectKind.MODEL)
    assert "failing" in finding.object.name
    assert "BACKEND" in finding.message
    assert "%" in finding.message
    assert calm.wait_state(HealthState.UNHEALTHY).health.reason == FindingCode.MODEL_FAILING
    described = calm.kubectl.run("describe", "mm", "fraud", "--namespace", TEAM)
    assert "ModelFailing" in described
    assert "kubectl" in described

    def both() -> bool:
        names = (AlertName.MODEL_FAILING, AlertName.AVAILABILITY_BURN_FAST)
        return all(firing(prometheus, TEAM, "fraud", name) for name in names)

    wait_until(asked(both), 90, "the failing model's alert and the error budget's fire")
    alert = firing(prometheus, TEAM, "fraud", AlertName.MODEL_FAILING)
    assert alert is not None
    assert alert.labels["severity"] == "critical"
    assert alert.annotations["runbook_url"].endswith("/ModelFailing")
    assert "failing" in json.dumps(dict(alert.labels) | dict(alert.annotations))
    calm.wait_condition("WithinObjectives", "False", seconds=ARRIVES_SECONDS)
    triton.modelctl(TEAM, TRITON, "failing", "reset")
    calm.wait_without(FindingCode.MODEL_FAILING)
    wait_until(
        asked(lambda: firing(prometheus, TEAM, "fraud", AlertName.MODEL_FAILING) is None),
        RESOLVES_SECONDS,
        "the alert resolves",
    )
    calm.wait_state(HealthState.HEALTHY)


def test_the_status_says_what_is_left_of_the_error_budget(prometheus: PrometheusApi, fraud: MonitorView) -> None:
    def budget() -> str | None:
        return next((o.budget_remaining for o in fraud.status().objectives if o.name == "availability"), None)

    wait_until(budget, 90, "the error budget of the objective")
    (objective,) = (o for o in fraud.status().objectives if o.name == "availability")
    assert float(objective.budget_remaining or "nan") <= 1  # its rule is evaluated every two minutes
    assert objective.burn_rate is not None


@pytest.mark.parametrize(
    "change",
    [
        pytest.param(
            {"service_discovery_role": DiscoveryRole.ENDPOINT_SLICE}, id="EndpointSlices instead of Endpoints"
        ),
        pytest.param({"ignore_namespace_selectors": True}, id="namespace selectors ignored"),
        pytest.param({"enforced_namespace_label": "namespace"}, id="an enforced namespace label"),
    ],
)
def test_every_kind_of_prometheus_object_scrapes_us(
    change: dict[str, Any], triton: Installation, fraud: MonitorView, prometheus: PrometheusApi
) -> None:
    run_prometheus(triton.kubectl, replace(MAIN, **change))
    before = set(change)
    wait_until(asked(lambda: _has_taken(prometheus, before)), ARRIVES_SECONDS, f"Prometheus has {change}")
    wait_targets_up(prometheus, TEAM, "fraud", BOTH)
    fraud.wait_condition("MonitoringSelected", "True", seconds=ARRIVES_SECONDS)
    rules = [rule for rule in prometheus.rules() if f'"{TEAM}"' in rule.query and rule.health == "err"]
    assert not rules


def _has_taken(api: PrometheusApi, names: set[str]) -> bool:
    """Whether the configuration shows the change; the discovery role is the only one that our pages could not show."""
    config = api.config()
    return "role: endpointslice" in config if "service_discovery_role" in names else "team-a" in config
