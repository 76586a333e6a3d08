"""On each sidecar's page of one monitor: its pods, their models, and the GPUs that they hold."""

from modelmonitor_api.metric import (
    MODEL_GPU_LABELS,
    MODEL_LABELS,
    MONITOR_LABELS,
    NVML,
    POD_GPU_LABELS,
    POD_LABELS,
    POD_RESOURCES,
    SELF,
    TRITON_READINESS,
    TRITON_STATISTICS,
    Metric,
    MetricPage,
    MetricType,
)
from modelmonitor_api.names import LABEL_NODE

_COUNTER, _GAUGE = MetricType.COUNTER, MetricType.GAUGE
_RESULT = ("result",)


def _pod_gpu(name: str, text: str, unit: str = "") -> Metric:
    source = f"{NVML}, {POD_RESOURCES}"
    return Metric(f"modelmonitor_pod_gpu_{name}", _GAUGE, text, POD_GPU_LABELS, MetricPage.MONITOR, source, unit)


def _target(name: str, text: str, labels: tuple[str, ...] = POD_LABELS, unit: str = "", source: str = SELF) -> Metric:
    return Metric(f"modelmonitor_{name}", _GAUGE, text, labels, MetricPage.MONITOR, source, unit)


def _model(name: str, text: str, unit: str = "", labels: tuple[str, ...] = ()) -> Metric:
    page, source = MetricPage.MONITOR, TRITON_STATISTICS
    return Metric(f"modelmonitor_model_{name}", _COUNTER, text, (*MODEL_LABELS, *labels), page, source, unit)


def _model_gpu(name: str, text: str, unit: str = "", labels: tuple[str, ...] = ()) -> Metric:
    source = f"{NVML}, {POD_RESOURCES}"
    page = MetricPage.MONITOR
    return Metric(f"modelmonitor_model_gpu_{name}", _GAUGE, text, (*MODEL_GPU_LABELS, *labels), page, source, unit)


MONITOR_METRICS = (
    _target("target_up", "1 where the endpoint answered as Triton does.", (*POD_LABELS, "endpoint")),
    _target(
        "target_last_reading_timestamp_seconds",
        "When the pod last answered, in seconds since the epoch; absent before the first answer.",
        unit="seconds",
    ),
    _target("target_server_ready", "1 where Triton says that it is ready.", source=TRITON_READINESS),
    _target("target_bad_lines", "Lines of the last metrics page that were no samples."),
    _target("target_dropped_series", "Series of the last metrics page beyond the largest number that is read."),
    _target("model_ready", "1 where the repository index says READY.", MODEL_LABELS, source=TRITON_READINESS),
    _target("page_series", "Series of this page.", (*MONITOR_LABELS, LABEL_NODE)),
    _target(
        "page_dropped_series",
        "Series left out of this page because it has reached prometheus.sampleLimit.",
        (*MONITOR_LABELS, LABEL_NODE),
    ),
    _model("requests_total", "Requests, responses from the cache included; result is success or failure.", "", _RESULT),
    _model("request_seconds_total", "Cumulative duration of successful requests.", "seconds"),
    _model("queue_seconds_total", "Cumulative time of requests in the queue.", "seconds"),
    _model("executions_total", "Executions of the model, without responses from the cache."),
    _model("inferences_total", "Inferences, batched ones counted each, without responses from the cache."),
    _model(
        "execution_seconds_total",
        "Execution time, each batch once: exact, unlike nv_inference_compute_infer_duration_us.",
        "seconds",
    ),
    _model("cache_hits_total", "Responses found in Triton's cache."),
    _model("cache_misses_total", "Responses not found in Triton's cache."),
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
    _pod_gpu("last_reading_timestamp_seconds", "When NVML was last read, in seconds since the epoch.", "seconds"),
    _model_gpu(
        "info",
        "Always 1: the model runs in a pod that holds this GPU. method is exclusive (its readings are the model's), "
        "shared_by_models, timeslice, mig or several_gpus.",
        "",
        ("method",),
    ),
    _model_gpu("utilization_ratio", "Utilisation of a GPU that serves this model alone, from 0 to 1."),
    _model_gpu("memory_used_bytes", "Device memory in use of a GPU that serves this model alone.", "bytes"),
    _model_gpu("power_watts", "Power draw of a GPU that serves this model alone.", "watts"),
)
