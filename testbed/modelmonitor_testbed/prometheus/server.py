"""One Prometheus on a cluster: applied, waited for, and found by its pod's address."""

from __future__ import annotations

from typing import Any

from modelmonitor_testbed.kubectl import Kubectl, pod_is_ready, wait_until
from modelmonitor_testbed.prometheus.api import PrometheusApi
from modelmonitor_testbed.prometheus.manifests import PORT, prometheus_manifests
from modelmonitor_testbed.prometheus.options import PrometheusOptions

_KIND = "prometheuses.monitoring.coreos.com"
_READY_SECONDS = 90.0


def run_prometheus(
    kubectl: Kubectl, options: PrometheusOptions, timeout_seconds: float = _READY_SECONDS
) -> PrometheusApi:
    """Apply a Prometheus, or change the one of that name, and wait until it is ready; returns a client for it.

    prometheus-operator must run. Of a change, the running server has new rules 1 to 3 s after this returns, and new
    targets 1 to 6 s after it, because Prometheus looks at most every 5 s at what its discovery found.
    Raises CommandError, or WaitTimeoutError with what prometheus-operator and the kubelet say.
    """
    kubectl.apply(*prometheus_manifests(options))
    wait_until(
        lambda: _is_available(kubectl, options) and pod_is_ready(_pod(kubectl, options)),
        timeout_seconds,
        lambda: f"Prometheus {options.name} is ready: {_why_not_ready(kubectl, options)}",
    )
    return find_prometheus(kubectl, options)


def find_prometheus(kubectl: Kubectl, options: PrometheusOptions) -> PrometheusApi:
    """Return a client for a Prometheus that runs, by its pod's address, which a node of our own lets the machine reach.

    On other clusters: `kubectl port-forward`, and `PrometheusApi("http://127.0.0.1:9090")`.
    """
    return PrometheusApi(f"http://{_pod(kubectl, options)['status']['podIP']}:{PORT}")


def remove_prometheus(kubectl: Kubectl, options: PrometheusOptions) -> None:
    """Remove a Prometheus with its rights, and wait until its pod is gone; its namespace stays."""
    for each in reversed(prometheus_manifests(options)[1:]):
        kind = _KIND if each["kind"] == "Prometheus" else each["kind"].lower()
        metadata = each["metadata"]
        kubectl.delete(kind, metadata["name"], metadata.get("namespace"))
    kubectl.run("wait", "--for=delete", f"pod/{options.pod}", "--namespace", options.namespace, "--timeout=60s")


def _pod(kubectl: Kubectl, options: PrometheusOptions) -> Any:
    return kubectl.get("pod", options.pod, options.namespace)


def _is_available(kubectl: Kubectl, options: PrometheusOptions) -> bool:
    found = kubectl.get(_KIND, options.name, options.namespace)
    generation = found["metadata"]["generation"]
    good = {
        each["type"]
        for each in found.get("status", {}).get("conditions", [])
        if each["status"] == "True" and each.get("observedGeneration") == generation
    }
    return good >= {"Available", "Reconciled"}


def _why_not_ready(kubectl: Kubectl, options: PrometheusOptions) -> str:
    found = kubectl.get(_KIND, options.name, options.namespace)
    pod = kubectl.find("pod", options.pod, options.namespace) or {}
    return f"{found.get('status')}; its pod: {pod.get('status')}"
