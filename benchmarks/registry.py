"""Which benchmarks there are, in the order in which they run."""

from collections.abc import Callable, Mapping, Sequence

from benchmarks import (
    api_writes,
    cold_start,
    foreign_pods,
    leader_change,
    ledger_writes,
    metrics_page,
    operator_update,
    roll_up,
    roll_up_cost,
    rule_evaluation,
    sidecar_cost,
    sidecar_cpu,
    sidecar_memory,
    targets,
)
from benchmarks.table import Row

Report = Callable[[str], None]
"""Says on standard error how far a benchmark is."""

BENCHMARKS: Mapping[str, Callable[[Report], Sequence[Row]]] = {
    "sidecar-memory": sidecar_memory.measure,
    "sidecar-cpu": sidecar_cpu.measure,
    "sidecar-cost": sidecar_cost.measure,
    "metrics-page": metrics_page.measure,
    "roll-up": roll_up.measure,
    "roll-up-cost": roll_up_cost.measure,
    "ledger-writes": ledger_writes.measure,
    "operator-update": operator_update.measure,
    "cold-start": cold_start.measure,
    "foreign-pods": foreign_pods.measure,
    "api-writes": api_writes.measure,
    "targets": targets.measure,
    "leader-change": leader_change.measure,
    "rule-evaluation": rule_evaluation.measure,
}
