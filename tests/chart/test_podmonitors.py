"""Scraping of the product's own pages, on which the dashboards of GPUs and of the operator rest."""

import pytest

from modelmonitor_operator.desired.daemonset import selector_labels
from tests.chart.rendering import Chart, Manifest

ENABLED = {"mode": "Enabled"}


def pod_monitors(chart: Chart, **values: Manifest) -> list[Manifest]:
    return chart.render({"podMonitors": ENABLED, **values}).all("PodMonitor")


@pytest.mark.parametrize("mode", ["Auto", "Disabled"])
def test_without_the_kind_or_the_wish_there_is_none(chart: Chart, mode: str) -> None:
    assert pod_monitors(chart, podMonitors={"mode": mode}) == []


def test_each_finds_the_pods_beside_it_and_a_port_that_they_have(chart: Chart) -> None:
    rendered = chart.render({"podMonitors": ENABLED, "sidecar": {"namespace": "gpus"}})
    sidecars = rendered.one("PodMonitor", "modelmonitor-sidecar", "gpus")["spec"]
    assert sidecars["selector"]["matchLabels"] == selector_labels(rendered.settings())
    assert [each["port"] for each in sidecars["podMetricsEndpoints"]] == ["sidecar"]
    operator = rendered.one("PodMonitor", "modelmonitor-operator", "system")["spec"]
    pods = rendered.one("Deployment", "modelmonitor-operator")["spec"]["template"]
    assert operator["selector"]["matchLabels"].items() <= pods["metadata"]["labels"].items()
    ports = {port["name"] for port in pods["spec"]["containers"][0]["ports"]}
    assert {each["port"] for each in operator["podMetricsEndpoints"]} <= ports


def test_labels_are_those_of_every_servicemonitor_and_never_replace_the_charts(chart: Chart) -> None:
    labels = {"release": "kps", "app.kubernetes.io/component": "mine", "app.kubernetes.io/name": "mine"}
    for each in pod_monitors(chart, monitoring={"labels": labels}):
        found = each["metadata"]["labels"]
        assert found["release"] == "kps"
        assert (found["app.kubernetes.io/name"], found["app.kubernetes.io/component"]) != ("mine", "mine")
        assert found["app.kubernetes.io/component"] in {"operator", "sidecar"}
