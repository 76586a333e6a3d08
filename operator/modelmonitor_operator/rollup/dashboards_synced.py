"""DashboardsSynced: whether the dashboard is where Grafana looks for it, and what grafana-operator says about it."""

from typing import Any

from modelmonitor_api.spec_monitoring import Mode
from modelmonitor_api.status import ConditionStatus, ConditionType
from modelmonitor_operator.arrival import ChildFact, ChildState
from modelmonitor_operator.objects import CONFIG_MAP, GRAFANA_DASHBOARD, ResourceKind
from modelmonitor_operator.rollup.claim import Claim
from modelmonitor_operator.rollup.status import cut_text
from modelmonitor_operator.rollup.view import MonitorView
from modelmonitor_operator.settings import Json

_TRUE, _FALSE, _UNKNOWN = ConditionStatus.TRUE, ConditionStatus.FALSE, ConditionStatus.UNKNOWN
_TOLD = 200

_STATES = {
    ChildState.PENDING: (_UNKNOWN, "Pending", "is not written yet"),
    ChildState.DISABLED: (_UNKNOWN, "Disabled", "is not wanted"),
    ChildState.KIND_MISSING: (_FALSE, "KindMissing", "cannot be made: its CRD is not installed"),
    ChildState.FORBIDDEN: (_FALSE, "Forbidden", "cannot be made: the operator has no right to it"),
    ChildState.REFUSED: (_FALSE, "Refused", "cannot be written"),
}

SYNCHRONISED = "DashboardSynchronized"
OBSTACLES = {
    "NoMatchingInstance": "set dashboards.instanceSelector of the chart to labels of your Grafana object",
    "NoMatchingFolder": "look at the folder that the GrafanaDashboard names",
    "InvalidSpec": "this is a defect of the ModelMonitor operator: report it",
    "Suspended": "set spec.suspend of the GrafanaDashboard to false",
}
"""Conditions of grafana-operator that stand in the way while they are True, with what to do.

Source: https://github.com/grafana/grafana-operator/blob/v5.18.0/controllers/controller_shared.go
"""


def _claim(status: ConditionStatus, reason: str, message: str) -> Claim:
    return Claim(ConditionType.DASHBOARDS_SYNCED, status, reason, message)


def _absent(kind: ResourceKind, fact: ChildFact) -> Claim:
    status, reason, told = _STATES[fact.state]
    what = f"the {kind.kind} with the dashboard {told}"
    return _claim(status, reason, what + (f": {fact.message}" if fact.message else ""))


def _conditions(status: Json) -> dict[str, Any]:
    """grafana-operator's conditions by type, whatever else it may have written."""
    found = status.get("conditions")
    listed = found if isinstance(found, list) else []
    return {str(one.get("type")): one for one in listed if isinstance(one, dict)}


def _by_grafana_operator(status: Json | None) -> Claim:
    """What grafana-operator says about the GrafanaDashboard."""
    found = _conditions(status or {})
    for name, mend in OBSTACLES.items():
        if found.get(name, {}).get("status") == "True":
            told = cut_text(str(found[name].get("message", "")), _TOLD)
            return _claim(_FALSE, name, f"grafana-operator says {name}: {told}; {mend}")
    if status and status.get("NoMatchingInstances") is True:
        return _claim(_FALSE, "NoMatchingInstance", f"no Grafana object matches: {OBSTACLES['NoMatchingInstance']}")
    synchronised = found.get(SYNCHRONISED)
    if synchronised is None:
        return _claim(_UNKNOWN, "WaitingForGrafana", "grafana-operator has said nothing about the GrafanaDashboard yet")
    told = cut_text(str(synchronised.get("message", "")), _TOLD)
    if synchronised.get("status") == "True":
        return _claim(_TRUE, "Synchronized", f"grafana-operator says: {told}")
    return _claim(_FALSE, "ApplyFailed", f"grafana-operator could not bring the dashboard into Grafana: {told}")


def claim_dashboards(view: MonitorView) -> Claim:
    """Whether the dashboard is delivered: the ConfigMap is written, and grafana-operator has taken it where asked.

    A GrafanaDashboard that is wanted where its kind is served is not missed where it is not.
    """
    children = view.given.arrival.children
    config_map = children.get(CONFIG_MAP, ChildFact())
    grafana = children.get(GRAFANA_DASHBOARD, ChildFact(ChildState.DISABLED))
    if config_map.state is not ChildState.APPLIED:
        return _absent(CONFIG_MAP, config_map)
    optional = view.spec.dashboards.grafana_dashboard is Mode.AUTO
    if grafana.state is ChildState.DISABLED or (optional and grafana.state is ChildState.KIND_MISSING):
        return _claim(
            _TRUE,
            "ConfigMapApplied",
            "the ConfigMap with the dashboard is written; whether a Grafana reads it, only Grafana shows",
        )
    if grafana.state is not ChildState.APPLIED:
        return _absent(GRAFANA_DASHBOARD, grafana)
    return _by_grafana_operator(grafana.status)
