"""What tests ask about the objects that a ModelMonitor owns, and the CRDs that some of them need."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from modelmonitor_api.names import object_name
from modelmonitor_testbed.kubectl import Kubectl
from modelmonitor_testbed.prometheus.operator import install_crds, remove_crds
from tests.apiserver.grafana_crd import GRAFANA_CRD, build_grafana_crd
from tests.apiserver.installation import Installation

PROMETHEUS_KINDS = ("servicemonitors", "prometheusrules", "prometheuses")
ALL_KINDS = ("service", "endpoints", "servicemonitor", "prometheusrule", "configmap", "grafanadashboard")
WITH_GRAFANA = {"dashboards": {"grafanaDashboard": "Enabled"}}


@contextmanager
def optional_crds(kubectl: Kubectl) -> Iterator[None]:
    """The CRDs of prometheus-operator and grafana-operator, for the with block."""
    kubectl.apply(build_grafana_crd())
    install_crds(kubectl, *PROMETHEUS_KINDS)
    kubectl.run("wait", "--for=condition=Established", f"crd/{GRAFANA_CRD}", "--timeout=30s")
    try:
        yield
    finally:
        remove_crds(kubectl, *PROMETHEUS_KINDS)
        kubectl.delete("crd", GRAFANA_CRD)


def child(installed: Installation, kind: str, monitor: str) -> Any | None:
    """One object of a monitor, in the team's namespace; None while it is being made."""
    found = installed.kubectl.find(kind, object_name(monitor), installed.tenant)
    signed = found is not None and "modelmonitor.dev/digest" in found["metadata"].get("annotations", {})
    return found if signed else None


def children(installed: Installation, monitor: str) -> dict[str, Any]:
    """All objects of a monitor that are there, by kind."""
    found = {kind: child(installed, kind, monitor) for kind in ALL_KINDS}
    return {kind: each for kind, each in found.items() if each is not None}


def all_children(installed: Installation, monitor: str) -> dict[str, Any] | None:
    """The objects of a monitor once all of them are there."""
    found = children(installed, monitor)
    return found if len(found) == len(ALL_KINDS) else None


def owner_uids(found: dict[str, Any]) -> list[str]:
    """UIDs of an object's owners."""
    return [owner["uid"] for owner in found["metadata"].get("ownerReferences", [])]


def addresses(installed: Installation, monitor: str, port: str, field: str = "addresses") -> list[tuple[str, str]]:
    """Addresses and nodes behind a port of a monitor's Endpoints."""
    found = child(installed, "endpoints", monitor) or {}
    subsets = [each for each in found.get("subsets", []) if each["ports"][0]["name"] == port]
    return [(each["ip"], each.get("nodeName", "")) for subset in subsets for each in subset.get(field, [])]
