"""The NetworkPolicies name pods, ports and peers of the product. Their effect needs a network that enforces them."""

from typing import Any

import pytest

from modelmonitor_api import names
from modelmonitor_api.spec import Triton
from modelmonitor_operator.desired.daemonset import COMPONENT
from modelmonitor_operator.desired.ownership import build_labels
from tests.chart.rendering import Chart, Manifest, RefusedError

ON: Manifest = {"networkPolicy": {"enabled": True}, "sidecar": {"namespace": "gpu"}}


def ports(rules: list[dict[str, Any]]) -> set[int]:
    return {port["port"] for rule in rules for port in rule["ports"]}


def test_there_are_none_unless_asked_for(chart: Chart) -> None:
    assert chart.render().all("NetworkPolicy") == []


def test_each_policy_selects_the_pods_of_its_part_and_both_directions(chart: Chart) -> None:
    rendered = chart.render(ON)
    operator = rendered.one("NetworkPolicy", "modelmonitor-operator", "system")["spec"]
    sidecar = rendered.one("NetworkPolicy", "modelmonitor-sidecar", "gpu")["spec"]
    pod = rendered.one("Deployment", "modelmonitor-operator")["spec"]["template"]["metadata"]["labels"]
    assert operator["podSelector"]["matchLabels"].items() <= pod.items()
    assert sidecar["podSelector"]["matchLabels"].items() <= build_labels(rendered.settings(), COMPONENT).items()
    assert operator["policyTypes"] == sidecar["policyTypes"] == ["Ingress", "Egress"]


def test_the_operator_reaches_the_sidecars_and_they_let_it_in(chart: Chart) -> None:
    rendered = chart.render(ON)
    operator = rendered.one("NetworkPolicy", "modelmonitor-operator")["spec"]
    sidecar = rendered.one("NetworkPolicy", "modelmonitor-sidecar")["spec"]
    (out,) = [rule for rule in operator["egress"] if ports([rule]) == {names.SIDECAR_PORT}]
    assert out["to"][0]["namespaceSelector"]["matchLabels"] == {"kubernetes.io/metadata.name": "gpu"}
    assert out["to"][0]["podSelector"] == sidecar["podSelector"]
    (let,) = sidecar["ingress"]
    assert let["from"][0]["namespaceSelector"]["matchLabels"] == {"kubernetes.io/metadata.name": "system"}
    assert let["from"][0]["podSelector"] == operator["podSelector"]
    assert ports([let]) == {names.SIDECAR_PORT}


def test_prometheus_alone_reads_the_pages_and_who_that_is_can_be_said(chart: Chart) -> None:
    peer = {"namespaceSelector": {"matchLabels": {"team": "observability"}}}
    rendered = chart.render({"networkPolicy": {"enabled": True, "metricsFrom": [peer]}, "httpPort": 9090})
    operator = rendered.one("NetworkPolicy", "modelmonitor-operator")["spec"]
    assert operator["ingress"] == [{"from": [peer], "ports": [{"port": 9090, "protocol": "TCP"}]}]
    assert peer in rendered.one("NetworkPolicy", "modelmonitor-sidecar")["spec"]["ingress"][0]["from"]


def test_sidecars_reach_tritons_default_ports_and_those_that_are_named(chart: Chart) -> None:
    defaults = Triton()
    spec = chart.render(ON).one("NetworkPolicy", "modelmonitor-sidecar")["spec"]
    assert {defaults.http_port, defaults.metrics_port} <= ports(spec["egress"])
    more = {"networkPolicy": {"enabled": True, "tritonPorts": [9000]}}
    assert 9000 in ports(chart.render(more).one("NetworkPolicy", "modelmonitor-sidecar")["spec"]["egress"])


def test_the_api_server_can_be_narrowed_to_its_addresses(chart: Chart) -> None:
    values = {"networkPolicy": {"enabled": True, "apiServer": {"ports": [6443], "cidrs": ["10.0.0.1/32"]}}}
    rendered = chart.render(values)
    for policy in rendered.all("NetworkPolicy"):
        assert policy["spec"]["egress"][0] == {
            "ports": [{"port": 6443, "protocol": "TCP"}],
            "to": [{"ipBlock": {"cidr": "10.0.0.1/32"}}],
        }


@pytest.mark.parametrize(
    ("url", "port"),
    [
        pytest.param("http://prometheus-operated.monitoring:9090", 9090, id="with a port"),
        pytest.param("http://prometheus.example.com/path", 80, id="http"),
        pytest.param("https://prometheus.example.com", 443, id="https"),
    ],
)
def test_the_operator_reaches_the_prometheus_that_it_may_ask_and_names(chart: Chart, url: str, port: int) -> None:
    spec = chart.render({**ON, "prometheus": {"url": url}}).one("NetworkPolicy", "modelmonitor-operator")["spec"]
    assert ports(spec["egress"][-1:]) == {port, 53}


def test_more_egress_is_added(chart: Chart) -> None:
    rule = {"to": [{"namespaceSelector": {}}], "ports": [{"port": 53, "protocol": "UDP"}]}
    rendered = chart.render(
        {"networkPolicy": {"enabled": True, "operatorEgress": [rule], "sidecarEgress": [rule, rule]}}
    )
    assert rendered.one("NetworkPolicy", "modelmonitor-operator")["spec"]["egress"][-1] == rule
    assert rendered.one("NetworkPolicy", "modelmonitor-sidecar")["spec"]["egress"][-2:] == [rule, rule]


def test_an_empty_list_of_readers_would_let_everybody_in_and_is_refused(chart: Chart) -> None:
    with pytest.raises(RefusedError, match="metricsFrom is empty"):
        chart.render({"networkPolicy": {"enabled": True, "metricsFrom": []}})
