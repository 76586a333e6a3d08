"""On each sidecar's page of one monitor: Triton's own series, under their own names and units."""

from modelmonitor_api.metric import MODEL_LABELS, POD_LABELS, TRITON_METRICS_PAGE, Metric, MetricPage, MetricType

_COUNTER, _GAUGE = MetricType.COUNTER, MetricType.GAUGE
_HISTOGRAM, _SUMMARY = MetricType.HISTOGRAM, MetricType.SUMMARY


def _triton(name: str, kind: MetricType, text: str, unit: str = "", labels: tuple[str, ...] = MODEL_LABELS) -> Metric:
    return Metric(f"nv_{name}", kind, text, labels, MetricPage.MONITOR, TRITON_METRICS_PAGE, unit)


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
