"""The sidecars that read the GPUs: are their readings fresh, and what do they cost."""

from generate.dashboards.expressions import CLUSTER, NODES
from generate.dashboards.panel import Choice, Color, Column, Graph, Query, Section, Step, Table, Unit

_SOURCES = (
    Choice("Ok", "Ok", Color.GOOD),
    Choice("Pending", "Pending", Color.UNKNOWN),
    Choice("Absent", "Absent", Color.UNKNOWN),
    Choice("Failed", "Failed", Color.CRITICAL),
    Choice("Hung", "Hung", Color.CRITICAL),
)

_OWN = f"and on (job, instance) {NODES.select('modelmonitor_build_info')}"

SIDECARS = Section(
    "Sidecars",
    (
        Table(
            title="Sources",
            description="What each sidecar reads, and how that stands.",
            queries=(Query(f"max by (node, source, state) ({NODES.select('modelmonitor_source_state')} == 1)"),),
            columns=(
                Column("state", "State", width=100, choices=_SOURCES),
                Column("node", "Node"),
                Column("source", "Source"),
            ),
            sort="State",
            width=8,
        ),
        Graph(
            title="Age of readings",
            description="Time since a source was last read completely.",
            queries=(
                Query(
                    NODES.age("modelmonitor_source_last_reading_timestamp_seconds", "node, source"),
                    "{{node}} {{source}}",
                ),
            ),
            unit=Unit.SECONDS,
            minimum=0,
            steps=(Step(120, Color.WARNING),),
        ),
        Graph(
            title="Readings of Triton",
            description="Answers of Triton endpoints a second, by how they ended.",
            queries=(Query(NODES.rate("modelmonitor_scrapes_total", "endpoint, state"), "{{endpoint}} {{state}}"),),
            unit=Unit.PER_SECOND,
            minimum=0,
        ),
        Graph(
            title="CPU of the sidecars",
            description="Seconds of CPU a second.",
            queries=(Query(f"rate(process_cpu_seconds_total{{{CLUSTER}}}[$__rate_interval]) {_OWN}", "{{instance}}"),),
            minimum=0,
        ),
        Graph(
            title="Memory of the sidecars",
            description="Resident memory; the chart's limit is 128 MiB by default.",
            queries=(Query(f"process_resident_memory_bytes{{{CLUSTER}}} {_OWN}", "{{instance}}"),),
            unit=Unit.BYTES,
            minimum=0,
        ),
        Graph(
            title="Pods in the plans",
            description="Triton pods that the plan in force names, by node.",
            queries=(Query(NODES.worst("modelmonitor_plan_targets", "node"), "{{node}}"),),
            minimum=0,
            decimals=0,
        ),
    ),
)
