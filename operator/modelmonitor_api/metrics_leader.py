"""On the leader's page of one monitor: the verdict, its reasons, and what the spec asks for."""

from modelmonitor_api.metric import LEADER, MONITOR_LABELS, SPEC, Metric, MetricPage, MetricType
from modelmonitor_api.names import LABEL_POD

_GAUGE = MetricType.GAUGE


def _leader(name: str, text: str, labels: tuple[str, ...] = (), unit: str = "") -> Metric:
    return Metric(f"modelmonitor_{name}", _GAUGE, text, (*MONITOR_LABELS, *labels), MetricPage.LEADER, LEADER, unit)


def _spec(name: str, text: str, labels: tuple[str, ...] = (), unit: str = "") -> Metric:
    return Metric(f"modelmonitor_{name}", _GAUGE, text, (*MONITOR_LABELS, *labels), MetricPage.LEADER, SPEC, unit)


LEADER_METRICS = (
    _leader("health_state", "1 for the verdict that holds, 0 for the others.", ("state",)),
    _leader(
        "health_observed_timestamp_seconds",
        "When the verdict was last renewed, in seconds since the epoch.",
        (),
        "seconds",
    ),
    _leader("condition", "1 for the status that the condition has, 0 for the others.", ("type", "status")),
    _leader(
        "finding",
        "Always 1: a finding that holds, the worst 20 of a monitor.",
        ("code", "severity", "kind", "object"),
    ),
    _leader("findings", "Findings that hold, by severity.", ("severity",)),
    _leader("pods", "Pods; state is selected, running or watched.", ("state",)),
    _leader("nodes", "Nodes of the selected pods; state is wanted or observed.", ("state",)),
    _leader("models", "Model versions; state is served or ready.", ("state",)),
    _leader("gpus", "GPUs that the pods hold; state is held or healthy.", ("state",)),
    _leader("pod_labels", "Always 1: labels of a pod that prometheus.podLabels names, as label_<name>.", (LABEL_POD,)),
    _leader("pods_without_labels", "Pods beyond the 1 000 whose labels the page carries."),
    _leader(
        "objective_info",
        "Always 1: an objective; method is Requests, TimeSlices, Histogram or None.",
        ("objective", "type", "method"),
    ),
    _leader("objective_error_budget_remaining_ratio", "Share of the error budget that is left.", ("objective",)),
    _leader("objective_burn_rate", "How many times too fast the error budget is spent.", ("objective",)),
    _spec("objective_target_ratio", "Share that keeps the promise, from 0 to 1.", ("objective",)),
    _spec("objective_threshold_seconds", "Largest latency that counts as good.", ("objective",), "seconds"),
    _spec("max_failure_ratio", "health.maxFailureRatio, from 0 to 1."),
    _spec("max_latency_seconds", "health.maxLatency; absent where none is set.", (), "seconds"),
    _spec("max_gpu_temperature_celsius", "health.gpu.maxTemperatureCelsius.", (), "celsius"),
    _spec("reading_interval_seconds", "spec.interval.", (), "seconds"),
)
