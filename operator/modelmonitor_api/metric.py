"""What a metric of the catalogue is: name, type, unit, labels, page and source."""

from dataclasses import dataclass
from enum import StrEnum

from modelmonitor_api.names import (
    LABEL_CONTAINER,
    LABEL_MODEL,
    LABEL_MONITOR,
    LABEL_NAMESPACE,
    LABEL_NODE,
    LABEL_POD,
    LABEL_VERSION,
)


class MetricType(StrEnum):
    """Prometheus' metric types."""

    COUNTER = "counter"
    GAUGE = "gauge"
    HISTOGRAM = "histogram"
    SUMMARY = "summary"


class MetricPage(StrEnum):
    """Which page carries the metric."""

    SIDECAR = "/metrics"
    MONITOR = "/monitors/<namespace>/<name>/metrics"
    """Of each sidecar that reads pods of the monitor."""
    LEADER = "/monitors/<namespace>/<name>/metrics of the leader"
    """Of the operator's leader: the verdict."""


@dataclass(frozen=True, slots=True)
class Metric:
    """One metric as Prometheus sees it.

    Attributes:
        unit: base unit of the value; empty for counts, ratios and states.
        labels: labels of ours; labels that Triton adds (`reason`, `quantile`, `le`, metric tags) come on top.
        source: where the value comes from.
    """

    name: str
    type: MetricType
    help: str
    labels: tuple[str, ...]
    page: MetricPage
    source: str
    unit: str = ""


TRITON_METRICS_PAGE = "Triton's metrics page"
TRITON_READINESS = "Triton's readiness and repository index"
TRITON_STATISTICS = "Triton's statistics API"
NVML = "NVML"
POD_RESOURCES = "the kubelet's pod-resources API"
SELF = "the sidecar itself"
LEADER = "the operator's leader"
SPEC = "the ModelMonitor's spec"

MONITOR_LABELS = (LABEL_MONITOR, LABEL_NAMESPACE)
POD_LABELS = (LABEL_MONITOR, LABEL_NAMESPACE, LABEL_POD, LABEL_NODE, LABEL_CONTAINER)
MODEL_LABELS = (*POD_LABELS, LABEL_MODEL, LABEL_VERSION)
GPU_LABELS = (LABEL_NODE, "gpu", "uuid")
POD_GPU_LABELS = (*POD_LABELS, "gpu", "uuid")
MODEL_GPU_LABELS = (*MODEL_LABELS, "gpu", "uuid")


def sample_names(metric: Metric) -> tuple[str, ...]:
    """The names that the metric's samples carry on a page: histograms and summaries have more than one."""
    if metric.type is MetricType.HISTOGRAM:
        return (f"{metric.name}_bucket", f"{metric.name}_count", f"{metric.name}_sum")
    if metric.type is MetricType.SUMMARY:
        return (metric.name, f"{metric.name}_count", f"{metric.name}_sum")
    return (metric.name,)
