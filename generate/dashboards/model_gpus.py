"""GPUs that one ModelMonitor's pods hold."""

from generate.dashboards.expressions import MONITOR
from generate.dashboards.panel import Color, Column, Graph, Query, Section, Step, Table, Unit
from modelmonitor_operator.desired.dashboard_panels import ModelPanel

_GPU = "pod, gpu"
_LEGEND = "{{pod}} GPU {{gpu}}"
_EXCLUSIVE = "Only GPUs that a pod holds alone: of a shared one no pod has readings of its own."
_MEMORY = (
    f"{MONITOR.worst('modelmonitor_pod_gpu_memory_used_bytes', _GPU)} / "
    f"{MONITOR.worst('modelmonitor_pod_gpu_memory_total_bytes', _GPU)}"
)

GPUS = Section(
    "GPUs",
    (
        Graph(
            title="GPU utilisation",
            description=f"Share of time in which a kernel ran. {_EXCLUSIVE}",
            queries=(Query(MONITOR.worst("modelmonitor_pod_gpu_utilization_ratio", _GPU), _LEGEND),),
            unit=Unit.RATIO,
            minimum=0,
            maximum=1,
            width=6,
        ),
        Graph(
            title="GPU memory",
            description=f"Device memory in use. {_EXCLUSIVE}",
            queries=(Query(_MEMORY, _LEGEND),),
            unit=Unit.RATIO,
            minimum=0,
            maximum=1,
            width=6,
        ),
        Graph(
            title="GPU power",
            description=f"Power draw. {_EXCLUSIVE}",
            queries=(Query(MONITOR.worst("modelmonitor_pod_gpu_power_watts", _GPU), _LEGEND),),
            unit=Unit.WATTS,
            minimum=0,
            width=6,
        ),
        Graph(
            title="GPU temperature",
            id=ModelPanel.TEMPERATURE,
            description=f"The line is health.gpu.maxTemperatureCelsius. {_EXCLUSIVE}",
            queries=(Query(MONITOR.worst("modelmonitor_pod_gpu_temperature_celsius", _GPU), _LEGEND),),
            unit=Unit.CELSIUS,
            steps=(Step(85, Color.CRITICAL),),
            width=6,
        ),
        Table(
            title="Who holds which GPU",
            description="As the kubelet says. A shared GPU has no readings above.",
            queries=(Query(MONITOR.worst("modelmonitor_pod_gpu_allocation_info", "pod, node, gpu, uuid, sharing")),),
            columns=(
                Column("pod", "Pod"),
                Column("node", "Node", link="/d/modelmonitor-gpu?var-node=${__value.raw}", link_title="GPUs and nodes"),
                Column("gpu", "GPU", width=80),
                Column("uuid", "UUID"),
                Column("sharing", "Sharing", width=120),
            ),
            height=5,
            nothing="No pod holds a GPU",
        ),
    ),
)
