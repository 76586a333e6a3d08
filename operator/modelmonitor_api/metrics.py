"""The catalogue of every metric that a sidecar exposes; nothing else may appear on a page.

`docs/reference/metrics.md` is made from it, the sidecar's parser takes its allow-list from it, its collectors take
name, type and help from it. Triton's series keep Triton's names and units. `nv_gpu_*` and `nv_energy_consumption` are
left out: NVML is read directly, and on a Triton page a lost GPU reads 0 instead of being absent.
"""

from dataclasses import dataclass
from enum import StrEnum

from modelmonitor_api.names import LABEL_CONTAINER, LABEL_MODEL, LABEL_NAMESPACE, LABEL_NODE, LABEL_POD, LABEL_VERSION


class MetricType(StrEnum):
    """Prometheus' metric types."""

    COUNTER = "counter"
    GAUGE = "gauge"
    HISTOGRAM = "histogram"
    SUMMARY = "summary"


class MetricPage(StrEnum):
    """Which page of the sidecar carries the metric."""

    SIDECAR = "/metrics"
    MONITOR = "/monitors/<namespace>/<name>/metrics"


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


_COUNTER, _GAUGE = MetricType.COUNTER, MetricType.GAUGE
_HISTOGRAM, _SUMMARY = MetricType.HISTOGRAM, MetricType.SUMMARY

TRITON_METRICS_PAGE = "Triton's metrics page"
TRITON_READINESS = "Triton's readiness and repository index"
NVML = "NVML"
POD_RESOURCES = "the kubelet's pod-resources API"
SELF = "the sidecar itself"

POD_LABELS = (LABEL_NAMESPACE, LABEL_POD, LABEL_NODE, LABEL_CONTAINER)
MODEL_LABELS = (*POD_LABELS, LABEL_MODEL, LABEL_VERSION)
GPU_LABELS = (LABEL_NODE, "gpu", "uuid")
POD_GPU_LABELS = (*POD_LABELS, "gpu", "uuid")


def _own(name: str, kind: MetricType, text: str, labels: tuple[str, ...] = (), unit: str = "") -> Metric:
    return Metric(f"modelmonitor_{name}", kind, text, (LABEL_NODE, *labels), MetricPage.SIDECAR, SELF, unit)


def _process(name: str, kind: MetricType, text: str, unit: str = "") -> Metric:
    return Metric(f"process_{name}", kind, text, (), MetricPage.SIDECAR, "the kernel's /proc/self", unit)


def _gpu(name: str, kind: MetricType, text: str, unit: str = "", labels: tuple[str, ...] = ()) -> Metric:
    return Metric(f"modelmonitor_gpu_{name}", kind, text, (*GPU_LABELS, *labels), MetricPage.SIDECAR, NVML, unit)


def _pod_gpu(name: str, text: str, unit: str = "") -> Metric:
    source = f"{NVML}, {POD_RESOURCES}"
    return Metric(f"modelmonitor_pod_gpu_{name}", _GAUGE, text, POD_GPU_LABELS, MetricPage.MONITOR, source, unit)


def _target(
    name: str, kind: MetricType, text: str, labels: tuple[str, ...] = POD_LABELS, unit: str = "", source: str = SELF
) -> Metric:
    return Metric(f"modelmonitor_{name}", kind, text, labels, MetricPage.MONITOR, source, unit)


def _triton(name: str, kind: MetricType, text: str, unit: str = "", labels: tuple[str, ...] = MODEL_LABELS) -> Metric:
    return Metric(f"nv_{name}", kind, text, labels, MetricPage.MONITOR, TRITON_METRICS_PAGE, unit)


SIDECAR_METRICS = (
    _own("build_info", _GAUGE, "Always 1; the label says which version of the sidecar runs.", ("version",)),
    _own("plan_generation", _GAUGE, "Generation of the NodePlan in force; absent without a plan."),
    _own("plan_monitors", _GAUGE, "ModelMonitors that the plan in force names."),
    _own("plan_targets", _GAUGE, "Triton pods that the plan in force names."),
    _own("plan_watch_errors_total", _COUNTER, "Times that listing or watching the NodePlan failed."),
    _own("source_state", _GAUGE, "1 for the state that a source is in, 0 for the others.", ("source", "state")),
    _own(
        "source_last_reading_timestamp_seconds",
        _GAUGE,
        "When a source was last read completely, in seconds since the epoch; absent before the first reading.",
        ("source",),
        "seconds",
    ),
    _own("source_readings_total", _COUNTER, "Complete readings of a source.", ("source",)),
    _own("scrapes_total", _COUNTER, "Answers of Triton endpoints, by how they ended.", ("endpoint", "state")),
    _own("scrape_bad_lines_total", _COUNTER, "Lines of Triton pages that were no samples and were left out."),
    _own("scrape_dropped_series_total", _COUNTER, "Series of Triton pages beyond the largest number that is read."),
    _own("summary_requests_total", _COUNTER, "Requests for the summary, by how they ended.", ("result",)),
    _process("cpu_seconds_total", _COUNTER, "User and system CPU time of the process.", "seconds"),
    _process("resident_memory_bytes", _GAUGE, "Resident memory of the process.", "bytes"),
    _process("open_fds", _GAUGE, "Open file descriptors of the process."),
    _process("start_time_seconds", _GAUGE, "When the process started, in seconds since the epoch.", "seconds"),
)

GPU_METRICS = (
    _gpu("info", _GAUGE, "Always 1; labels describe the GPU.", "", ("name", "pci_bus_id", "driver_version")),
    _gpu("state", _GAUGE, "1 for the state that the GPU is in, 0 for the others.", "", ("state",)),
    _gpu("utilization_ratio", _GAUGE, "Share of time in which a kernel ran, from 0 to 1."),
    _gpu("memory_utilization_ratio", _GAUGE, "Share of time in which device memory was read or written, from 0 to 1."),
    _gpu("memory_used_bytes", _GAUGE, "Device memory in use.", "bytes"),
    _gpu("memory_total_bytes", _GAUGE, "Device memory of the GPU.", "bytes"),
    _gpu("power_watts", _GAUGE, "Power draw.", "watts"),
    _gpu("power_limit_watts", _GAUGE, "Power limit in force.", "watts"),
    _gpu("energy_joules_total", _COUNTER, "Energy since the driver was loaded.", "joules"),
    _gpu("temperature_celsius", _GAUGE, "Temperature of the GPU.", "celsius"),
    _gpu("slowdown_temperature_celsius", _GAUGE, "Temperature at which the hardware slows down.", "celsius"),
    _gpu("sm_clock_hertz", _GAUGE, "Clock of the streaming multiprocessors.", "hertz"),
    _gpu("memory_clock_hertz", _GAUGE, "Clock of the device memory.", "hertz"),
    _gpu("clock_event_active", _GAUGE, "1 while a reason holds the clocks down.", "", ("reason",)),
    _gpu(
        "ecc_errors",
        _GAUGE,
        "ECC errors; volatile: since the driver was loaded, aggregate: over the life of the GPU.",
        "",
        ("error_type", "counter_type"),
    ),
    _gpu("remapped_rows", _GAUGE, "Rows of device memory that were remapped.", "", ("cause",)),
    _gpu("remapped_rows_pending", _GAUGE, "1 where a row remapping waits for a reset of the GPU."),
    _gpu("remapped_rows_failure", _GAUGE, "1 where a row remapping failed."),
    _gpu("pcie_replays_total", _COUNTER, "PCIe replays since the driver was loaded."),
    _gpu("mig_enabled", _GAUGE, "1 where the GPU is in MIG mode."),
    _gpu("xid_events_total", _COUNTER, "Xids that NVML reported since the sidecar started.", "", ("xid",)),
    Metric(
        "modelmonitor_gpu_mig_memory_used_bytes",
        _GAUGE,
        "Device memory in use of a MIG instance.",
        (*GPU_LABELS, "mig_uuid", "profile"),
        MetricPage.SIDECAR,
        NVML,
        "bytes",
    ),
    Metric(
        "modelmonitor_gpu_mig_memory_total_bytes",
        _GAUGE,
        "Device memory of a MIG instance.",
        (*GPU_LABELS, "mig_uuid", "profile"),
        MetricPage.SIDECAR,
        NVML,
        "bytes",
    ),
)

MONITOR_METRICS = (
    _target("target_up", _GAUGE, "1 where the endpoint answered as Triton does.", (*POD_LABELS, "endpoint")),
    _target(
        "target_last_reading_timestamp_seconds",
        _GAUGE,
        "When the pod last answered, in seconds since the epoch; absent before the first answer.",
        unit="seconds",
    ),
    _target("target_server_ready", _GAUGE, "1 where Triton says that it is ready.", source=TRITON_READINESS),
    _target("target_bad_lines", _GAUGE, "Lines of the last metrics page that were no samples."),
    _target("target_dropped_series", _GAUGE, "Series of the last metrics page beyond the largest number that is read."),
    _target("model_ready", _GAUGE, "1 where the repository index says READY.", MODEL_LABELS, source=TRITON_READINESS),
    Metric(
        "modelmonitor_pod_gpu_allocation_info",
        _GAUGE,
        "Always 1: the kubelet gave this device to this container. sharing is exclusive, timeslice or mig.",
        (*POD_GPU_LABELS, "resource", "device", "sharing"),
        MetricPage.MONITOR,
        POD_RESOURCES,
    ),
    _pod_gpu("utilization_ratio", "Utilisation of a GPU that the pod holds alone, from 0 to 1."),
    _pod_gpu("memory_used_bytes", "Device memory in use of a GPU that the pod holds alone.", "bytes"),
    _pod_gpu("memory_total_bytes", "Device memory of a GPU that the pod holds alone.", "bytes"),
    _pod_gpu("power_watts", "Power draw of a GPU that the pod holds alone.", "watts"),
    _pod_gpu("temperature_celsius", "Temperature of a GPU that the pod holds alone.", "celsius"),
)

_SUMMARIES = (
    ("request", "Duration of requests, responses from the cache included."),
    ("queue", "Time of requests in the queue."),
    ("compute_input", "Time to prepare the inputs."),
    ("compute_infer", "Time of the model's execution."),
    ("compute_output", "Time to prepare the outputs."),
)

TRITON_METRICS = (
    _triton("inference_request_success", _COUNTER, "Requests that succeeded, responses from the cache included."),
    _triton("inference_request_failure", _COUNTER, "Requests that failed, by reason."),
    _triton("inference_count", _COUNTER, "Inferences, batched ones counted each, without responses from the cache."),
    _triton("inference_exec_count", _COUNTER, "Executions of the model, without responses from the cache."),
    _triton("inference_request_duration_us", _COUNTER, "Cumulative duration of requests.", "microseconds"),
    _triton("inference_queue_duration_us", _COUNTER, "Cumulative time of requests in the queue.", "microseconds"),
    _triton("inference_compute_input_duration_us", _COUNTER, "Cumulative time to prepare inputs.", "microseconds"),
    _triton(
        "inference_compute_infer_duration_us",
        _COUNTER,
        "Cumulative execution time, a batch's whole time added once per request.",
        "microseconds",
    ),
    _triton("inference_compute_output_duration_us", _COUNTER, "Cumulative time to prepare outputs.", "microseconds"),
    _triton("inference_pending_request_count", _GAUGE, "Requests that wait for execution."),
    *(_triton(f"inference_{stage}_summary_us", _SUMMARY, text, "microseconds") for stage, text in _SUMMARIES),
    _triton(
        "inference_first_response_histogram_ms",
        _HISTOGRAM,
        "Time to the first response of decoupled models.",
        "milliseconds",
    ),
    _triton("cache_num_hits_per_model", _COUNTER, "Responses found in the cache."),
    _triton("cache_num_misses_per_model", _COUNTER, "Responses not found in the cache."),
    _triton("cache_hit_duration_per_model", _COUNTER, "Cumulative time to find responses.", "microseconds"),
    _triton("cache_miss_duration_per_model", _COUNTER, "Cumulative time to look up and insert.", "microseconds"),
    _triton("model_load_duration_secs", _GAUGE, "Time that loading the model took.", "seconds"),
    _triton("pinned_memory_pool_total_bytes", _GAUGE, "Size of the pinned memory pool.", "bytes", POD_LABELS),
    _triton("pinned_memory_pool_used_bytes", _GAUGE, "Pinned memory in use.", "bytes", POD_LABELS),
    _triton("cpu_utilization", _GAUGE, "CPU utilisation that Triton sees, from 0 to 1.", "", POD_LABELS),
    _triton("cpu_memory_total_bytes", _GAUGE, "Memory that Triton sees.", "bytes", POD_LABELS),
    _triton("cpu_memory_used_bytes", _GAUGE, "Memory in use that Triton sees.", "bytes", POD_LABELS),
)

METRICS: dict[str, Metric] = {
    metric.name: metric for metric in (*SIDECAR_METRICS, *GPU_METRICS, *MONITOR_METRICS, *TRITON_METRICS)
}


def sample_names(metric: Metric) -> tuple[str, ...]:
    """The names that the metric's samples carry on a page: histograms and summaries have more than one."""
    if metric.type is MetricType.HISTOGRAM:
        return (f"{metric.name}_bucket", f"{metric.name}_count", f"{metric.name}_sum")
    if metric.type is MetricType.SUMMARY:
        return (metric.name, f"{metric.name}_count", f"{metric.name}_sum")
    return (metric.name,)
