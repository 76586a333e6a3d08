"""The catalogue of every metric on a page of ours; nothing else may appear on one, nor in a rule or a dashboard.

`docs/reference/metrics.md` is made from it, the sidecar's parser takes its allow-list from it, collectors take name,
type and help from it, and a test holds every query of rules and dashboards against it. Triton's series keep Triton's
names and units. `nv_gpu_*` and `nv_energy_consumption` are left out: NVML is read directly, and on a Triton page a lost
GPU reads 0 instead of being absent.
"""

from modelmonitor_api.metric import Metric, MetricPage, MetricType, sample_names
from modelmonitor_api.metrics_cost import COST_METRICS
from modelmonitor_api.metrics_leader import LEADER_METRICS
from modelmonitor_api.metrics_monitor import MONITOR_METRICS
from modelmonitor_api.metrics_sidecar import GPU_METRICS, SIDECAR_METRICS
from modelmonitor_api.metrics_triton import TRITON_METRICS

__all__ = [
    "COST_METRICS",
    "GPU_METRICS",
    "LEADER_METRICS",
    "METRICS",
    "MONITOR_METRICS",
    "SIDECAR_METRICS",
    "TRITON_METRICS",
    "Metric",
    "MetricPage",
    "MetricType",
    "sample_names",
]

METRICS: dict[str, Metric] = {
    metric.name: metric
    for metric in (
        *SIDECAR_METRICS,
        *GPU_METRICS,
        *MONITOR_METRICS,
        *TRITON_METRICS,
        *LEADER_METRICS,
        *COST_METRICS,
    )
}
