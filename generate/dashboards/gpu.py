"""GPUs, their nodes, and the sidecars that read them: no other exporter is needed."""

from generate.dashboards.expressions import CLUSTER, NODES, or_zero
from generate.dashboards.gpu_sidecars import SIDECARS
from generate.dashboards.pages import (
    COST_LINK,
    DATASOURCE,
    FLEET_LINK,
    GPU_UID,
    MODELS_LINK,
    OPERATOR_LINK,
    TAG,
    cluster,
)
from generate.dashboards.panel import (
    Choice,
    Color,
    Column,
    Graph,
    Number,
    Page,
    Query,
    Section,
    Selection,
    Step,
    Table,
    Text,
    Unit,
    Variable,
)

_GPU = "node, gpu"
_LEGEND = "{{node}} GPU {{gpu}}"
_INTRODUCTION = """\
**Look for colour in the first table.** A GPU that is not *Ok* is lost or failed, and its pods with it. Then *Xids* \
and *Uncorrectable ECC errors*: both are rare on sound hardware. *Slowed by* explains a model that became slow with \
the same load: heat or power. A GPU without a holder in the last table is paid for and idle."""

_BAD_CLOCKS = 'reason=~"hw_slowdown|sw_thermal_slowdown|hw_thermal_slowdown|hw_power_brake_slowdown"'
_STATES = (
    Choice("Ok", "Ok", Color.GOOD),
    Choice("Lost", "Lost", Color.CRITICAL),
    Choice("Failed", "Failed", Color.CRITICAL),
)
_INFO = NODES.select("modelmonitor_gpu_info")
_XIDS = (
    f"sum by ({_GPU}) (increase({NODES.select('modelmonitor_gpu_xid_events_total')}[1h])) "
    f"or 0 * sum by ({_GPU}) ({_INFO})"
)
_SLOWED = NODES.worst("modelmonitor_gpu_clock_event_active", f"{_GPU}, reason", _BAD_CLOCKS) + " == 1"
_NOT_OK = NODES.select("modelmonitor_gpu_state", 'state!="Ok"')


def _memory(prefix: str, by: str) -> str:
    used, total = f"modelmonitor_{prefix}_memory_used_bytes", f"modelmonitor_{prefix}_memory_total_bytes"
    return f"{NODES.worst(used, by)} / {NODES.worst(total, by)}"


def _ecc(kind: str) -> str:
    return NODES.worst("modelmonitor_gpu_ecc_errors", _GPU, f'error_type="{kind}",counter_type="volatile"')


_OVERVIEW = Section(
    "",
    (
        Text(title="What to look at first", content=_INTRODUCTION, height=3),
        Number(
            title="Nodes",
            description="Nodes with a sidecar that Prometheus scrapes.",
            queries=(Query(f"count({NODES.select('modelmonitor_build_info')})", "nodes"),),
            unit=Unit.NONE,
        ),
        Number(
            title="GPUs",
            description="GPUs that NVML lists.",
            queries=(Query(f"count({NODES.worst('modelmonitor_gpu_state', _GPU)})", "GPUs"),),
            unit=Unit.NONE,
        ),
        Number(
            title="GPUs lost or failed",
            description="GPUs whose state is not Ok.",
            queries=(Query(f"sum({_NOT_OK})", "bad"),),
            unit=Unit.NONE,
            steps=(Step(1, Color.CRITICAL),),
        ),
        Number(
            title="Xids in the last hour",
            description="Errors that the driver reported.",
            queries=(Query(f"sum({_XIDS})", "Xids"),),
            unit=Unit.NONE,
            decimals=0,
            steps=(Step(1, Color.WARNING),),
        ),
        Number(
            title="Power",
            description="Power draw of all these GPUs.",
            queries=(Query(f"sum({NODES.worst('modelmonitor_gpu_power_watts', _GPU)})", "power"),),
            unit=Unit.WATTS,
        ),
        Number(
            title="Utilisation",
            description="Mean of all these GPUs.",
            queries=(Query(f"avg({NODES.worst('modelmonitor_gpu_utilization_ratio', _GPU)})", "utilisation"),),
            unit=Unit.RATIO,
        ),
        Table(
            title="GPUs by state",
            description="Each GPU and how it stands.",
            queries=(
                Query(f"max by (node, gpu, uuid, state) ({NODES.select('modelmonitor_gpu_state')} == 1)"),
                Query(NODES.worst("modelmonitor_gpu_info", "node, gpu, uuid, name, driver_version")),
            ),
            columns=(
                Column("state", "State", width=100, choices=_STATES),
                Column("node", "Node"),
                Column("gpu", "GPU", width=70),
                Column("name", "Model"),
                Column("uuid", "UUID"),
                Column("driver_version", "Driver", width=130),
            ),
            sort="State",
            descending=False,
            height=6,
            nothing="No sidecar reports a GPU",
        ),
    ),
)

_LOAD = Section(
    "Load",
    (
        Graph(
            title="Utilisation",
            description="Share of time in which a kernel ran.",
            queries=(Query(NODES.worst("modelmonitor_gpu_utilization_ratio", _GPU), _LEGEND),),
            unit=Unit.RATIO,
            minimum=0,
            maximum=1,
        ),
        Graph(
            title="Memory",
            description="Device memory in use.",
            queries=(Query(_memory("gpu", _GPU), _LEGEND),),
            unit=Unit.RATIO,
            minimum=0,
            maximum=1,
        ),
        Graph(
            title="Memory of MIG instances",
            description="Device memory in use, by instance.",
            queries=(Query(_memory("gpu_mig", f"{_GPU}, profile, mig_uuid"), f"{_LEGEND} {{{{profile}}}}"),),
            unit=Unit.RATIO,
            minimum=0,
            maximum=1,
            nothing="No GPU is in MIG mode",
        ),
    ),
)

_HEALTH = Section(
    "Heat, power and errors",
    (
        Graph(
            title="Temperature",
            description="Temperature of the GPUs, and where the hottest hardware begins to slow down.",
            queries=(
                Query(NODES.worst("modelmonitor_gpu_temperature_celsius", _GPU), _LEGEND),
                Query(f"min({NODES.select('modelmonitor_gpu_slowdown_temperature_celsius')})", "slows down"),
            ),
            unit=Unit.CELSIUS,
            colors={"slows down": Color.CRITICAL},
        ),
        Graph(
            title="Power of its limit",
            description="Power draw, as a share of the power limit in force.",
            queries=(
                Query(
                    f"{NODES.worst('modelmonitor_gpu_power_watts', _GPU)} / "
                    f"{NODES.worst('modelmonitor_gpu_power_limit_watts', _GPU)}",
                    _LEGEND,
                ),
            ),
            unit=Unit.RATIO,
            minimum=0,
        ),
        Graph(
            title="Slowed by",
            description="1 while a reason of heat or power holds a GPU's clocks down.",
            queries=(Query(or_zero(_SLOWED, "reason"), "{{node}} {{gpu}} {{reason}}"),),
            minimum=0,
            maximum=1,
            decimals=0,
        ),
        Graph(
            title="Xids",
            description="Errors that the driver reported, in an hour; docs/runbooks/GpuXid.md says what each means.",
            queries=(Query(_XIDS, _LEGEND),),
            minimum=0,
            decimals=0,
        ),
        Graph(
            title="Uncorrectable ECC errors",
            description="Since the driver was loaded. Any is worth a look.",
            queries=(Query(_ecc("uncorrected"), _LEGEND),),
            minimum=0,
            decimals=0,
            steps=(Step(1, Color.CRITICAL),),
        ),
        Graph(
            title="Corrected ECC errors",
            description="Since the driver was loaded.",
            queries=(Query(_ecc("corrected"), _LEGEND),),
            minimum=0,
            decimals=0,
        ),
    ),
)

_HOLDERS = Section(
    "Who holds which GPU",
    (
        Table(
            title="Pods and their GPUs",
            description="As the kubelet says, of the pods that ModelMonitors watch.",
            queries=(
                Query(
                    NODES.worst(
                        "modelmonitor_pod_gpu_allocation_info",
                        "node, gpu, uuid, namespace, modelmonitor, pod, sharing",
                    )
                ),
            ),
            columns=(
                Column("node", "Node"),
                Column("gpu", "GPU", width=70),
                Column("uuid", "UUID"),
                Column("namespace", "Namespace"),
                Column("modelmonitor", "ModelMonitor"),
                Column("pod", "Pod"),
                Column("sharing", "Sharing", width=110),
            ),
            sort="Node",
            descending=False,
            nothing="No watched pod holds a GPU",
        ),
    ),
)

GPU = Page(
    uid=GPU_UID,
    title="ModelMonitor / GPUs and nodes",
    description="GPUs, who holds them, and the sidecars that read them.",
    tags=(TAG,),
    variables=(
        DATASOURCE,
        cluster("modelmonitor_build_info"),
        Variable("node", "Node", Selection.QUERY, f"label_values(modelmonitor_build_info{{{CLUSTER}}}, node)"),
    ),
    links=(FLEET_LINK, COST_LINK, OPERATOR_LINK, MODELS_LINK),
    sections=(_OVERVIEW, _LOAD, _HEALTH, _HOLDERS, SIDECARS),
    alerts=f'{CLUSTER},alertname=~"ModelMonitorGpu.*"',
)
