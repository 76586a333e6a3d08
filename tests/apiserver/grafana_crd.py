"""A CustomResourceDefinition in the place of grafana-operator's: its kind, with any spec and a status."""

from typing import Any

GRAFANA_CRD = "grafanadashboards.grafana.integreatly.org"


def build_grafana_crd() -> dict[str, Any]:
    """GrafanaDashboard, as far as the operator's own writes need it; the real schema is not checked by it."""
    anything = {"type": "object", "x-kubernetes-preserve-unknown-fields": True}
    schema = {"type": "object", "properties": {"spec": anything, "status": anything}}
    version = {
        "name": "v1beta1",
        "served": True,
        "storage": True,
        "subresources": {"status": {}},
        "schema": {"openAPIV3Schema": schema},
    }
    return {
        "apiVersion": "apiextensions.k8s.io/v1",
        "kind": "CustomResourceDefinition",
        "metadata": {"name": GRAFANA_CRD},
        "spec": {
            "group": "grafana.integreatly.org",
            "scope": "Namespaced",
            "names": {"kind": "GrafanaDashboard", "listKind": "GrafanaDashboardList", "plural": "grafanadashboards"},
            "versions": [version],
        },
    }
