"""A Service with an address of its own in front of a Prometheus: what the product's setting `prometheus.url` names."""

from __future__ import annotations

from modelmonitor_testbed.kubectl import Kubectl
from modelmonitor_testbed.prometheus.manifests import PORT, Manifest
from modelmonitor_testbed.prometheus.options import PrometheusOptions


def service_manifests(options: PrometheusOptions) -> list[Manifest]:
    """Return the namespace and a Service that finds the Prometheus by the label that prometheus-operator gives it."""
    return [
        {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": options.namespace}},
        {
            "apiVersion": "v1",
            "kind": "Service",
            "metadata": {"name": options.name, "namespace": options.namespace},
            "spec": {
                "selector": {"prometheus": options.name},
                "ports": [{"name": "web", "port": PORT, "targetPort": PORT}],
            },
        },
    ]


def expose_prometheus(kubectl: Kubectl, options: PrometheusOptions) -> str:
    """Make the Service and return the URL by its cluster address, before the Prometheus itself exists.

    A node of our own has no DNS, so the address is the only name that works on every cluster.
    """
    kubectl.apply(*service_manifests(options))
    found = kubectl.get("service", options.name, options.namespace)
    return f"http://{found['spec']['clusterIP']}:{PORT}"
