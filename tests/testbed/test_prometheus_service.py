"""The Service in front of a test's Prometheus."""

from modelmonitor_testbed.prometheus.options import PrometheusOptions
from modelmonitor_testbed.prometheus.service import service_manifests


def test_the_service_finds_the_pods_of_its_prometheus_alone() -> None:
    namespace, service = service_manifests(PrometheusOptions(name="main", namespace="monitoring"))
    assert namespace["metadata"]["name"] == service["metadata"]["namespace"] == "monitoring"
    assert service["spec"]["selector"] == {"prometheus": "main"}
    assert service["spec"]["ports"][0]["port"] == 9090
