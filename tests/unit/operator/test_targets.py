"""What Prometheus is told to scrape of a ModelMonitor: Service, Endpoints, ServiceMonitor."""

from typing import Any

import pytest

from modelmonitor_operator.desired.endpoints import (
    MAX_ADDRESSES,
    LeaderAddress,
    build_endpoints,
    left_out_message,
)
from modelmonitor_operator.desired.service import build_service
from modelmonitor_operator.desired.service_monitor import build_service_monitor
from modelmonitor_operator.observed import SidecarPod
from tests.unit.operator.worlds import monitor, settings

LEADER = LeaderAddress("10.0.0.1", 8080, "n0")


def sidecar(node: str, ip: str | None = "10.1.0.1", *, ready: bool = True) -> SidecarPod:
    return SidecarPod(node, f"sidecar-{node}", f"uid-{node}", ip, ready)


def node_address(ip: str, node: str) -> dict[str, Any]:
    return {"ip": ip, "nodeName": node, "targetRef": {"kind": "Node", "name": node}}


def test_a_sidecar_that_is_not_ready_is_a_target_that_is_not_ready() -> None:
    pods = [sidecar("n2", "10.1.0.2", ready=False), sidecar("n1", "10.1.0.1")]
    assert build_endpoints(monitor(), pods, LEADER)["subsets"] == [
        {
            "addresses": [node_address("10.1.0.1", "n1")],
            "notReadyAddresses": [node_address("10.1.0.2", "n2")],
            "ports": [{"name": "sidecar", "port": 9402, "protocol": "TCP"}],
        },
        {
            "addresses": [node_address("10.0.0.1", "n0")],
            "ports": [{"name": "leader", "port": 8080, "protocol": "TCP"}],
        },
    ]


def test_the_order_in_which_sidecars_are_known_changes_nothing() -> None:
    pods = [sidecar(f"n{number}", f"10.1.0.{number}") for number in range(1, 9)]
    assert build_endpoints(monitor(), pods, LEADER) == build_endpoints(monitor(), reversed(pods), LEADER)


@pytest.mark.parametrize(
    "ip",
    [
        pytest.param(None, id="no address yet"),
        pytest.param("127.0.0.1", id="loopback"),
        pytest.param("169.254.1.1", id="link-local"),
        pytest.param("fe80::1", id="link-local of IPv6"),
        pytest.param("0.0.0.0", id="unspecified"),  # noqa: S104 - nothing is bound to it
        pytest.param("not-an-address", id="no address at all"),
    ],
)
def test_an_address_that_the_api_server_would_refuse_is_left_out(ip: str | None) -> None:
    leader = LeaderAddress(ip, 8080) if ip else None
    assert build_endpoints(monitor(), [sidecar("n1", ip)], leader)["subsets"] == []


def test_an_address_of_ipv6_is_a_target() -> None:
    (subset,) = build_endpoints(monitor(), [sidecar("n1", "2001:db8::1")], None)["subsets"]
    assert subset["addresses"] == [node_address("2001:db8::1", "n1")]


def test_a_leader_that_does_not_know_its_node_is_a_target_without_one() -> None:
    (subset,) = build_endpoints(monitor(), [], LeaderAddress("10.0.0.1", 8080))["subsets"]
    assert subset["addresses"] == [{"ip": "10.0.0.1"}]


def test_more_sidecars_than_endpoints_can_hold_are_cut_and_told() -> None:
    pods = [
        sidecar(f"n{number:04d}", f"10.{number // 250}.0.{number % 250 + 1}") for number in range(MAX_ADDRESSES + 5)
    ]
    (subset,) = build_endpoints(monitor(), pods, None)["subsets"]
    assert len(subset["addresses"]) == MAX_ADDRESSES
    assert f"{MAX_ADDRESSES} of {MAX_ADDRESSES + 5} sidecars" in left_out_message(pods)
    assert left_out_message(pods[:MAX_ADDRESSES]) == ""


def test_the_service_selects_nothing_and_names_the_ports_of_the_endpoints() -> None:
    spec = build_service(settings(httpPort=9090), monitor())["spec"]
    assert "selector" not in spec
    assert spec["clusterIP"] == "None"
    assert [(port["name"], port["port"]) for port in spec["ports"]] == [("sidecar", 9402), ("leader", 9090)]


def test_the_service_monitor_selects_the_service_beside_it_and_no_other() -> None:
    service = build_service(settings(), monitor())
    spec = build_service_monitor(settings(), monitor())["spec"]
    assert spec["selector"]["matchLabels"].items() <= service["metadata"]["labels"].items()
    assert spec["selector"]["matchLabels"]["modelmonitor.dev/monitor"] == service["metadata"]["name"]
    assert spec["namespaceSelector"] == {"matchNames": ["team-a"]}
    assert {port["name"] for port in service["spec"]["ports"]} == {each["port"] for each in spec["endpoints"]}


def test_the_page_of_the_monitor_is_scraped_as_the_spec_says() -> None:
    asked = {"interval": "1m30s", "scrapeTimeout": "1500ms", "sampleLimit": 5000}
    spec = build_service_monitor(settings(), monitor(spec={"prometheus": asked}))["spec"]
    for endpoint in spec["endpoints"]:
        assert endpoint["path"] == "/monitors/team-a/fraud/metrics"
        assert endpoint["honorLabels"] is True
        assert (endpoint["interval"], endpoint["scrapeTimeout"]) == ("1m30s", "1s500ms")
    assert spec["sampleLimit"] > 5000


def test_metric_relabelings_reach_both_endpoints_in_their_order() -> None:
    steps = [
        {"action": "drop", "sourceLabels": ["__name__", "model"], "regex": "nv_.*;test-.*"},
        {"action": "labeldrop", "regex": "tag_.*"},
    ]
    spec = build_service_monitor(settings(), monitor(spec={"prometheus": {"metricRelabelings": steps}}))["spec"]
    assert [each["metricRelabelings"][1:] for each in spec["endpoints"]] == [steps, steps]


def test_a_target_speaks_for_no_other_namespace_than_that_of_the_monitor() -> None:
    spec = build_service_monitor(settings(), monitor())["spec"]
    guard = {"action": "keep", "sourceLabels": ["namespace"], "regex": "team-a"}
    assert [each["metricRelabelings"] for each in spec["endpoints"]] == [[guard], [guard]]


def test_labels_for_prometheus_come_from_settings_and_spec_and_never_replace_ours() -> None:
    chosen = settings(monitoring={"labels": {"release": "a", "team": "x", "app.kubernetes.io/component": "mine"}})
    labels = build_service_monitor(chosen, monitor(spec={"prometheus": {"labels": {"release": "b"}}}))["metadata"][
        "labels"
    ]
    assert (labels["release"], labels["team"]) == ("b", "x")
    assert labels["app.kubernetes.io/component"] == "monitor"
