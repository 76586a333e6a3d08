"""The monitoring of one ModelMonitor itself: is what the page shows fresh and whole."""

from generate.dashboards.expressions import CLUSTER, MONITOR
from generate.dashboards.panel import Color, Graph, Query, Section, Step, Unit

_SCRAPES = f'min by (endpoint, node) (up{{{CLUSTER},namespace="$namespace",service="$service"}})'

PIPELINE = Section(
    "Pipeline",
    (
        Graph(
            title="Scrapes of this monitor's pages",
            description="1 where Prometheus' last scrape succeeded: the sidecars' pages, one a node, and the leader's.",
            queries=(Query(_SCRAPES, "{{endpoint}} {{node}}"),),
            minimum=0,
            maximum=1,
            decimals=0,
            width=6,
            nothing="Prometheus scrapes no page of this monitor: see its condition MonitoringSelected",
        ),
        Graph(
            title="Age of readings",
            description="Time since a sidecar last read a pod. Beyond a few intervals the sidecar or the pod hangs.",
            queries=(Query(MONITOR.age("modelmonitor_target_last_reading_timestamp_seconds", "pod"), "{{pod}}"),),
            unit=Unit.SECONDS,
            minimum=0,
            width=6,
            steps=(Step(120, Color.WARNING),),
        ),
        Graph(
            title="Triton endpoints that answer",
            description="1 where the sidecar's last reading of an endpoint succeeded.",
            queries=(
                Query(f"min by (pod, endpoint) ({MONITOR.select('modelmonitor_target_up')})", "{{pod}} {{endpoint}}"),
            ),
            minimum=0,
            maximum=1,
            decimals=0,
            width=6,
        ),
        Graph(
            title="Series of this monitor's pages",
            description="Series of each sidecar's page, and those left out at prometheus.sampleLimit.",
            queries=(
                Query(MONITOR.worst("modelmonitor_page_series", "node"), "{{node}}"),
                Query(MONITOR.worst("modelmonitor_page_dropped_series", "node"), "{{node}} left out"),
            ),
            minimum=0,
            width=6,
        ),
    ),
)
