"""Manifests of one Prometheus: the object that prometheus-operator reads, and the rights to discover targets."""

from __future__ import annotations

from typing import Any

from modelmonitor_testbed.images import program_tag
from modelmonitor_testbed.prometheus.options import PrometheusOptions
from modelmonitor_testbed.tools import PROMETHEUS_VERSION

PORT = 9090
_UID = 65534
_READ = ["get", "list", "watch"]
_CONFIG = "/etc/prometheus/config"
_RULES = "/etc/prometheus/rules"
Manifest = dict[str, Any]


def prometheus_manifests(options: PrometheusOptions) -> list[Manifest]:
    """Return all that one Prometheus needs beside prometheus-operator, in the order in which it is applied."""
    return [
        {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": options.namespace}},
        {
            "apiVersion": "v1",
            "kind": "ServiceAccount",
            "metadata": {"name": options.account, "namespace": options.namespace},
        },
        *_rights(options),
        {
            "apiVersion": "monitoring.coreos.com/v1",
            "kind": "Prometheus",
            "metadata": {"name": options.name, "namespace": options.namespace},
            "spec": prometheus_spec(options),
        },
    ]


def prometheus_spec(options: PrometheusOptions) -> Manifest:
    """Return the spec of the Prometheus object: our image, quick probes and reloads, and what the options ask for."""
    return {
        "image": program_tag("prometheus"),
        "imagePullPolicy": "IfNotPresent",
        "version": f"v{PROMETHEUS_VERSION}",
        "replicas": 1,
        "serviceAccountName": options.account,
        "terminationGracePeriodSeconds": 1,
        "retention": "6h",
        "resources": {"requests": {"cpu": "10m", "memory": "128Mi"}, "limits": {"memory": "1Gi"}},
        "securityContext": {
            "runAsNonRoot": True,
            "runAsUser": _UID,
            "fsGroup": _UID,
            "seccompProfile": {"type": "RuntimeDefault"},
        },
        "containers": [_quick_server(), _quick_reloader(options)],
        "scrapeInterval": f"{options.scrape_interval_seconds}s",
        "scrapeTimeout": f"{options.scrape_interval_seconds}s",
        "evaluationInterval": f"{options.evaluation_interval_seconds}s",
        **_selectors(options),
        **_choices(options),
    }


def _selectors(options: PrometheusOptions) -> Manifest:
    """PodMonitors are always selected: with no selector at all, the operator leaves the configuration to its owner."""
    found = {
        "podMonitorSelector": {},
        "serviceMonitorSelector": options.service_monitor_selector,
        "serviceMonitorNamespaceSelector": options.service_monitor_namespace_selector,
        "ruleSelector": options.rule_selector,
        "ruleNamespaceSelector": options.rule_namespace_selector,
    }
    return {name: dict(selector) for name, selector in found.items() if selector is not None}


def _choices(options: PrometheusOptions) -> Manifest:
    chosen = {
        "ignoreNamespaceSelectors": options.ignore_namespace_selectors,
        "overrideHonorLabels": options.override_honor_labels,
        "enforcedNamespaceLabel": options.enforced_namespace_label,
        "serviceDiscoveryRole": options.service_discovery_role and options.service_discovery_role.value,
        "enforcedSampleLimit": options.enforced_sample_limit,
        "enforcedLabelLimit": options.enforced_label_limit,
        "enforcedBodySizeLimit": options.enforced_body_size_limit,
        "externalLabels": dict(options.external_labels),
    }
    return {name: value for name, value in chosen.items() if value}


def _quick_server() -> Manifest:
    """The operator's probes look every 15 s at the start; ours every second."""
    return {
        "name": "prometheus",
        "startupProbe": {"periodSeconds": 1, "failureThreshold": 120},
        "readinessProbe": {"periodSeconds": 1},
    }


def _quick_reloader(options: PrometheusOptions) -> Manifest:
    """The operator's arguments for its reloader, replaced whole as a list is: they, and a look every second.

    Rules beyond the 512 KiB that fit into the first ConfigMap would lie in a second folder, which is not watched.
    """
    arguments = [
        "--listen-address=:8080",
        f"--reload-url=http://localhost:{PORT}/-/reload",
        f"--config-file={_CONFIG}/prometheus.yaml.gz",
        "--config-envsubst-file=/etc/prometheus/config_out/prometheus.env.yaml",
        f"--watched-dir={_RULES}/prometheus-{options.name}-rulefiles-0",
        "--watch-interval=1s",
        "--delay-interval=100ms",
    ]
    return {"name": "config-reloader", "args": arguments}


def _rights(options: PrometheusOptions) -> list[Manifest]:
    role = f"{options.namespace}-{options.account}"
    group = "rbac.authorization.k8s.io"
    rules = [
        {"apiGroups": [""], "resources": ["services", "endpoints", "pods"], "verbs": _READ},
        {"apiGroups": ["discovery.k8s.io"], "resources": ["endpointslices"], "verbs": _READ},
    ]
    subject = {"kind": "ServiceAccount", "name": options.account, "namespace": options.namespace}
    return [
        {"apiVersion": f"{group}/v1", "kind": "ClusterRole", "metadata": {"name": role}, "rules": rules},
        {
            "apiVersion": f"{group}/v1",
            "kind": "ClusterRoleBinding",
            "metadata": {"name": role},
            "roleRef": {"apiGroup": group, "kind": "ClusterRole", "name": role},
            "subjects": [subject],
        },
    ]
