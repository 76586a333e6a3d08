"""What the dashboards share: uids, tags, variables, links between them, colours of verdicts and severities."""

from generate.dashboards.cost_expressions import CostScope
from generate.dashboards.expressions import NAMESPACES, VERDICTS
from generate.dashboards.panel import Choice, Color, Link, Selection, Variable

FLEET_UID = "modelmonitor-fleet"
GPU_UID = "modelmonitor-gpu"
OPERATOR_UID = "modelmonitor-operator"
COST_UID = "modelmonitor-cost"
MODEL_UID = "modelmonitor-model"
"""Of the template; the operator gives each monitor's dashboard a uid of its own."""

TAG = "modelmonitor"
MODEL_TAG = "modelmonitor-model"

CARRIED = "${datasource:queryparam}&${cluster:queryparam}"
"""What a link between our dashboards takes along, besides the time range."""

FLEET_LINK = Link("Fleet", f"/d/{FLEET_UID}?{CARRIED}", tooltip="Every ModelMonitor")
GPU_LINK = Link("GPUs and nodes", f"/d/{GPU_UID}?{CARRIED}", tooltip="GPUs, their nodes and their sidecars")
OPERATOR_LINK = Link("Operator", f"/d/{OPERATOR_UID}?{CARRIED}", tooltip="The operator itself")
COST_LINK = Link("Cost", f"/d/{COST_UID}?{CARRIED}", tooltip="What it costs and will cost")
MODELS_LINK = Link("Models", tag=MODEL_TAG, tooltip="The dashboard of each ModelMonitor")

DATASOURCE = Variable("datasource", "Prometheus", Selection.DATASOURCE, "prometheus")
WINDOW = Variable("window", "Rates over", Selection.INTERVAL, "5m,15m,1h,6h")
ONE_CLUSTER = "Prometheus' external label; All where there is none."

_WORDS = {
    "Unhealthy": Color.CRITICAL,
    "Degraded": Color.WARNING,
    "Unknown": Color.UNKNOWN,
    "Healthy": Color.GOOD,
}
VERDICT_CHOICES = tuple(Choice(value, state, _WORDS[state]) for state, value in VERDICTS)
VERDICT_COLORS = dict(_WORDS)
SEVERITY_COLORS = {"Critical": Color.CRITICAL, "Warning": Color.WARNING, "Info": Color.NEUTRAL}
SEVERITY_CHOICES = tuple(Choice(word, word, color) for word, color in SEVERITY_COLORS.items())
ALERT_COLORS = {"critical": Color.CRITICAL, "warning": Color.WARNING, "info": Color.NEUTRAL}
ALERT_CHOICES = tuple(Choice(word, word, color) for word, color in ALERT_COLORS.items())

COSTS = CostScope(f'{NAMESPACES.matchers},modelmonitor=~"$modelmonitor"', "$window")
"""Every ledger of the chosen namespaces and ModelMonitors."""
COST_ALERTS = 'alertname=~"ModelMonitor(Budget.*|GpuIdleWaste|LedgerNotWritten)"'
PART_COLORS = {"used": Color.GOOD, "idle": Color.WARNING, "other": Color.NEUTRAL, "gap": Color.UNKNOWN}
WHO = "cluster, namespace, modelmonitor"
TO_MODEL = "/dashboards?tag=modelmonitor-model&query=${__data.fields.namespace}%2F${__value.raw}"
"""From a cell with a ModelMonitor's name to its own dashboard, beside a column with its namespace."""


def cluster(series: str) -> Variable:
    """The clusters that carry a series."""
    return Variable("cluster", "Cluster", Selection.QUERY, f"label_values({series}, cluster)", ONE_CLUSTER)
