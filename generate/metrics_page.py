"""`docs/reference/metrics.md`: what the sidecars and the operator expose."""

from collections.abc import Iterable

from generate.tables import render_table
from modelmonitor_api.metrics import (
    COST_METRICS,
    GPU_METRICS,
    LEADER_METRICS,
    MONITOR_METRICS,
    SIDECAR_METRICS,
    TRITON_METRICS,
    Metric,
)
from modelmonitor_operator.telemetry import PREFIX, Telemetry

_INTRO = """\
<!-- Derived from modelmonitor_api/metrics.py and modelmonitor_operator/telemetry.py by `make generate`. -->
# Metrics

Every metric that the product exposes. A reading that a device does not support is absent, never zero. Triton's series
keep Triton's names and units; what Triton adds as labels (`reason`, `quantile`, `le`, its metric tags) comes on top of
the labels listed.

"""
_SECTIONS = (
    ("Sidecar: itself, on `/metrics`", SIDECAR_METRICS),
    ("Sidecar: GPUs of the node, on `/metrics`", GPU_METRICS),
    ("Sidecar: pods of a monitor, on `/monitors/<namespace>/<name>/metrics`", MONITOR_METRICS),
    ("Sidecar: Triton's own series, on `/monitors/<namespace>/<name>/metrics`", TRITON_METRICS),
    ("Leader: the verdict, on `/monitors/<namespace>/<name>/metrics` of the operator", LEADER_METRICS),
    ("Leader: cost, on the same page", COST_METRICS),
)
_HEADS = ("metric", "type", "unit", "labels", "what it says", "source")


def render_metrics() -> str:
    """The page."""
    sections = [f"## {title}\n\n{render_table(_HEADS, _rows(metrics))}" for title, metrics in _SECTIONS]
    operator = render_table(("metric", "type", "what it says"), _operator_rows())
    return _INTRO + "\n".join([*sections, f"## Operator, on `/metrics` of its Service\n\n{operator}"])


def _rows(metrics: Iterable[Metric]) -> list[tuple[str, ...]]:
    return [
        (f"`{m.name}`", m.type.value, m.unit, ", ".join(f"`{label}`" for label in m.labels), m.help, m.source)
        for m in metrics
    ]


def _operator_rows() -> list[tuple[str, ...]]:
    families = [family for family in Telemetry(version="").registry.collect() if family.name.startswith(PREFIX)]
    return [
        (f"`{family.name}{'_total' if family.type == 'counter' else ''}`", family.type, family.documentation)
        for family in families
    ]
