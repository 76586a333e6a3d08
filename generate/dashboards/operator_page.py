"""The operator itself: does it keep up, does the API server let it, who leads."""

from generate.dashboards.expressions import CLUSTER, INSTALLATION, or_zero
from generate.dashboards.pages import (
    COST_LINK,
    DATASOURCE,
    FLEET_LINK,
    GPU_LINK,
    MODELS_LINK,
    OPERATOR_UID,
    TAG,
    cluster,
)
from generate.dashboards.panel import Color, Graph, Number, Page, Query, Section, Step, Text, Unit

_INTRODUCTION = """\
**Exactly one leader** is right; none means that no verdict is renewed. *Cycle* must stay below *cycleSeconds* (10 s \
by default), else verdicts come late: look at failed polls. A *queue* that does not drain, or *failed calls*, point at \
the API server or at rights that are missing."""

_OWN = f"and on (job, instance) {INSTALLATION.select('modelmonitor_operator_build_info')}"


def _rate(name: str, by: str) -> str:
    return INSTALLATION.rate(f"modelmonitor_operator_{name}_total", by)


def _gauge(name: str, by: str = "") -> str:
    return INSTALLATION.worst(f"modelmonitor_operator_{name}", by)


_RECONCILE_P99 = (
    "histogram_quantile(0.99, "
    + INSTALLATION.rate("modelmonitor_operator_reconcile_duration_seconds_bucket", "key, le")
    + ")"
)

_OVERVIEW = Section(
    "",
    (
        Text(title="What to look at first", content=_INTRODUCTION, height=3),
        Number(
            title="Leaders",
            description="Processes that lead.",
            queries=(Query(f"sum({INSTALLATION.select('modelmonitor_operator_leader')})", "leaders"),),
            unit=Unit.NONE,
            steps=(Step(2, Color.CRITICAL),),
        ),
        Number(
            title="Processes",
            description="Operator processes that Prometheus scrapes.",
            queries=(Query(f"count({INSTALLATION.select('modelmonitor_operator_build_info')})", "processes"),),
            unit=Unit.NONE,
        ),
        Number(
            title="ModelMonitors",
            description="ModelMonitors that the leader knows.",
            queries=(Query(_gauge("monitors"), "monitors"),),
            unit=Unit.NONE,
        ),
        Number(
            title="Cycle",
            description="How long the last cycle took; it must stay below cycleSeconds.",
            queries=(Query(_gauge("cycle_duration_seconds"), "cycle"),),
            unit=Unit.SECONDS,
            steps=(Step(5, Color.WARNING), Step(10, Color.CRITICAL)),
        ),
        Number(
            title="Queue",
            description="Keys that wait for reconciliation.",
            queries=(Query(_gauge("queue_depth"), "keys"),),
            unit=Unit.NONE,
            steps=(Step(100, Color.WARNING),),
        ),
        Number(
            title="Running for",
            description="Time since the youngest process started.",
            queries=(Query(f"time() - max(process_start_time_seconds{{{CLUSTER}}} {_OWN})", "age"),),
            unit=Unit.SECONDS,
            decimals=0,
        ),
    ),
)

_WORK = Section(
    "Work",
    (
        Graph(
            title="Reconciliations",
            description="Reconciliations a second, by what was reconciled.",
            queries=(Query(_rate("reconcile", "key"), "{{key}}"),),
            unit=Unit.PER_SECOND,
            minimum=0,
        ),
        Graph(
            title="Failed reconciliations",
            description="Failed reconciliations a second; each is tried again.",
            queries=(Query(or_zero(_rate("reconcile_errors", "key, error"), "error"), "{{key}} {{error}}"),),
            unit=Unit.PER_SECOND,
            minimum=0,
        ),
        Graph(
            title="Time of a reconciliation",
            description="99th percentile, no finer than the buckets.",
            queries=(Query(_RECONCILE_P99, "{{key}}"),),
            unit=Unit.SECONDS,
            minimum=0,
        ),
        Graph(
            title="Queue over time",
            description="Keys that wait for reconciliation.",
            queries=(Query(_gauge("queue_depth", "instance"), "{{instance}}"),),
            minimum=0,
        ),
        Graph(
            title="Cycles",
            description="How long a cycle takes: all sidecars are asked, all verdicts given.",
            queries=(Query(_gauge("cycle_duration_seconds", "instance"), "{{instance}}"),),
            unit=Unit.SECONDS,
            minimum=0,
            steps=(Step(10, Color.CRITICAL),),
        ),
        Graph(
            title="Polls of sidecars",
            description="Polls a second, by result.",
            queries=(Query(_rate("sidecar_polls", "result"), "{{result}}"),),
            unit=Unit.PER_SECOND,
            minimum=0,
        ),
    ),
)

_API_SERVER = Section(
    "API server",
    (
        Graph(
            title="Writes",
            description="Writes to the API server a second. At rest there are hardly any.",
            queries=(Query(_rate("api_writes", "verb, kind"), "{{verb}} {{kind}}"),),
            unit=Unit.PER_SECOND,
            minimum=0,
        ),
        Graph(
            title="Failed calls",
            description="Failed calls to the API server a second.",
            queries=(Query(or_zero(_rate("api_errors", "verb, kind, error"), "error"), "{{verb}} {{kind}} {{error}}"),),
            unit=Unit.PER_SECOND,
            minimum=0,
        ),
        Graph(
            title="Watches that broke",
            description="Watches that were started again, a second.",
            queries=(Query(or_zero(_rate("watch_restarts", "kind"), "kind"), "{{kind}}"),),
            unit=Unit.PER_SECOND,
            minimum=0,
        ),
    ),
)

_PROCESS = Section(
    "Process",
    (
        Graph(
            title="Leader",
            description="1 while a process leads.",
            queries=(Query(_gauge("leader", "instance"), "{{instance}}"),),
            minimum=0,
            maximum=1,
            decimals=0,
            width=6,
        ),
        Graph(
            title="CPU",
            description="Seconds of CPU a second.",
            queries=(Query(f"rate(process_cpu_seconds_total{{{CLUSTER}}}[$__rate_interval]) {_OWN}", "{{instance}}"),),
            minimum=0,
            width=6,
        ),
        Graph(
            title="Memory",
            description="Resident memory.",
            queries=(Query(f"process_resident_memory_bytes{{{CLUSTER}}} {_OWN}", "{{instance}}"),),
            unit=Unit.BYTES,
            minimum=0,
            width=6,
        ),
        Graph(
            title="Open files",
            description="Open file descriptors, connections included.",
            queries=(Query(f"process_open_fds{{{CLUSTER}}} {_OWN}", "{{instance}}"),),
            minimum=0,
            width=6,
        ),
    ),
)

OPERATOR = Page(
    uid=OPERATOR_UID,
    title="ModelMonitor / Operator",
    description="The operator itself: leadership, work, the API server, its processes.",
    tags=(TAG,),
    variables=(DATASOURCE, cluster("modelmonitor_operator_build_info")),
    links=(FLEET_LINK, COST_LINK, GPU_LINK, MODELS_LINK),
    sections=(_OVERVIEW, _WORK, _API_SERVER, _PROCESS),
    alerts=f'{CLUSTER},alertname=~"ModelMonitor(LeaderDown|LeaderNotScraped)"',
)
