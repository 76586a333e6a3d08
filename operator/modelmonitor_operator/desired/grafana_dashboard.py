"""A GrafanaDashboard of grafana-operator that refers to the ConfigMap with the dashboard."""

from modelmonitor_operator.desired.dashboard import (
    build_dashboard_metadata,
    dashboard_folder,
    dashboard_key,
    dashboard_ref,
)
from modelmonitor_operator.objects import GRAFANA_DASHBOARD, ObjectRef
from modelmonitor_operator.observed import Monitor
from modelmonitor_operator.settings import Json, Settings

RESYNC_PERIOD = "10m"
"""How often grafana-operator compares Grafana with the dashboard; its own default, so that nobody's setting decides."""


def grafana_dashboard_ref(settings: Settings, monitor: Monitor) -> ObjectRef:
    """Which GrafanaDashboard: it lies beside its ConfigMap, because it may refer to none of another namespace."""
    ref = dashboard_ref(settings, monitor)
    return ObjectRef(GRAFANA_DASHBOARD, ref.namespace, ref.name)


def build_grafana_dashboard(settings: Settings, monitor: Monitor) -> Json:
    """The GrafanaDashboard; Grafana itself is usually in another namespace, which must be allowed.

    Source: https://grafana.github.io/grafana-operator/docs/api/#grafanadashboard
    """
    folder = dashboard_folder(settings, monitor)
    return {
        "apiVersion": GRAFANA_DASHBOARD.api_version,
        "kind": GRAFANA_DASHBOARD.kind,
        "metadata": build_dashboard_metadata(settings, monitor),
        "spec": {
            "allowCrossNamespaceImport": True,
            "configMapRef": {"name": dashboard_ref(settings, monitor).name, "key": dashboard_key(monitor)},
            "instanceSelector": settings.dashboards.instance_selector,
            "resyncPeriod": RESYNC_PERIOD,
            **({"folder": folder} if folder else {}),
        },
    }
