"""What is read of a Prometheus object, whatever its CRD's version or whoever wrote it."""

from typing import Any

import pytest

from modelmonitor_api.metrics import METRICS
from modelmonitor_operator.adapters.prometheus_objects import LIMITS, parse_prometheus
from modelmonitor_operator.arrival import PRESENCE_SERIES, PrometheusView
from modelmonitor_testbed.prometheus.manifests import prometheus_spec
from modelmonitor_testbed.prometheus.options import PrometheusOptions


def raw(spec: Any) -> dict[str, Any]:
    return {"metadata": {"namespace": "monitoring", "name": "k8s"}, "spec": spec}


def test_selectors_and_choices_are_read() -> None:
    spec = {
        "serviceMonitorSelector": {"matchLabels": {"release": "kps"}},
        "serviceMonitorNamespaceSelector": {},
        "ruleSelector": {"matchExpressions": [{"key": "role", "operator": "Exists"}]},
        "ignoreNamespaceSelectors": True,
        "overrideHonorLabels": True,
        "enforcedNamespaceLabel": "tenant",
        "paused": True,
        "enforcedSampleLimit": 5000,
        "enforcedBodySizeLimit": "10MB",
    }
    assert parse_prometheus(raw(spec)) == PrometheusView(
        "monitoring",
        "k8s",
        service_monitor_selector={"matchLabels": {"release": "kps"}},
        service_monitor_namespace_selector={},
        rule_selector={"matchExpressions": [{"key": "role", "operator": "Exists"}]},
        rule_namespace_selector=None,
        ignore_namespace_selectors=True,
        override_honor_labels=True,
        enforced_namespace_label="tenant",
        paused=True,
        limits=(("enforcedSampleLimit", "5000"), ("enforcedBodySizeLimit", "10MB")),
    )


def test_what_is_not_set_selects_nothing_and_forbids_nothing() -> None:
    assert parse_prometheus(raw({})) == PrometheusView("monitoring", "k8s")


def test_the_object_that_the_cluster_ring_applies_is_read() -> None:
    options = PrometheusOptions(
        name="main", namespace="prom", ignore_namespace_selectors=True, enforced_sample_limit=700
    )
    view = parse_prometheus({"metadata": {"namespace": "prom", "name": "main"}, "spec": prometheus_spec(options)})
    assert view.service_monitor_selector == options.service_monitor_selector
    assert (view.ignore_namespace_selectors, view.limits) == (True, (("enforcedSampleLimit", "700"),))


@pytest.mark.parametrize(
    "garbage",
    [
        pytest.param({}, id="nothing"),
        pytest.param({"metadata": None, "spec": None}, id="nulls"),
        pytest.param(raw(dict.fromkeys(LIMITS)), id="limits that are null"),
        pytest.param(raw({"serviceMonitorSelector": "all", "paused": "true"}), id="words for objects and for true"),
    ],
)
def test_garbage_is_no_choice(garbage: dict[str, Any]) -> None:
    view = parse_prometheus(garbage)
    assert (view.service_monitor_selector, view.paused, view.limits) == (None, False, ())


def test_the_series_that_prometheus_is_asked_for_are_in_the_catalogue() -> None:
    assert set(PRESENCE_SERIES.values()) <= set(METRICS)
