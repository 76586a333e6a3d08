"""What the rules of a busy monitor with two objectives read: on its pages now, and what Prometheus has of the past."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

from benchmarks.manifests import Json
from modelmonitor_api import names
from modelmonitor_api.names import MonitorRef
from modelmonitor_api.spec import ModelMonitorSpec
from modelmonitor_api.spec_objectives import PERIOD_DAYS, Objective
from modelmonitor_api.status import Condition, Health, HealthState, ModelMonitorStatus, ObjectiveMethod, PodCount
from modelmonitor_operator.leader_metrics import Judgement, render_leader_page
from modelmonitor_operator.observed import Monitor
from modelmonitor_operator.timestamps import render_time

SCRAPE_SECONDS = 15
RECORD_SECONDS = 60
RAW_DAYS = 3
"""How long raw samples are there: the longest window that anybody reads them for is three days."""
MODELS = 2
REQUESTS = "modelmonitor_model_requests_total"
HISTOGRAM = "nv_inference_first_response_histogram_ms"
THRESHOLD_BOUND = "100.0"
_FAILED, _SLOW = 0.0005, 0.005
_REQUESTS_A_SECOND = 20.0
OBJECTIVES: tuple[Json, ...] = (
    {"name": "available", "type": "Availability", "target": "99.9"},
    {"name": "fast", "type": "Latency", "target": "99", "threshold": "100ms"},
)
METHODS = {"available": ObjectiveMethod.REQUESTS, "fast": ObjectiveMethod.HISTOGRAM}
BAD_SHARES = {"available": _FAILED, "fast": _SLOW}


@dataclass(frozen=True, slots=True)
class Series:
    """One series; a counter has grown at `per_second` since the epoch, a gauge is always `per_second`."""

    name: str
    labels: Mapping[str, str]
    per_second: float
    is_counter: bool = True

    def value(self, at: float) -> float:
        """Its value at a time, in seconds since the epoch."""
        return round(self.per_second * at, 3) if self.is_counter else self.per_second

    def text(self, more: Mapping[str, str]) -> str:
        """Its name and labels as a page writes them."""
        pairs = sorted({**self.labels, **more}.items())
        inside = ",".join(f'{key}="{value}"' for key, value in pairs)
        return f"{self.name}{{{inside}}}"


@dataclass(frozen=True, slots=True)
class Past:
    """A series of which Prometheus has the last days, a sample every `step_seconds`."""

    text: str
    step_seconds: int
    days: int
    value: Callable[[float], float]


def monitor_ref(number: int) -> MonitorRef:
    """One of the monitors."""
    return MonitorRef(f"team-{number % 20:02d}", f"monitor-{number:03d}")


def build_spec() -> ModelMonitorSpec:
    """The spec of every monitor."""
    return ModelMonitorSpec.model_validate({"selector": {"matchLabels": {"app": "triton"}}, "objectives": OBJECTIVES})


def objectives() -> tuple[Objective, ...]:
    """What every monitor promises."""
    return build_spec().objectives


def judged_monitor(ref: MonitorRef) -> Monitor:
    """The ModelMonitor as the operator would have it."""
    return Monitor(ref, f"uid-{ref.name}", 1, "1", 0.0, build_spec())


def target_labels(ref: MonitorRef, endpoint: str, address: str) -> dict[str, str]:
    """What the ServiceMonitor's discovery puts on each series of a target."""
    service = names.object_name(ref.name)
    own = {"service": service, "endpoint": endpoint, "node": "node-1"}
    return {**own, "job": service, "instance": address, "namespace": ref.namespace}


def counters(ref: MonitorRef) -> Iterator[Series]:
    """What error ratios are made of: requests, and the histogram's count and bucket of the threshold."""
    for number in range(MODELS):
        labels = {**_pod(ref), "model": f"model-{number}", "version": "1"}
        for result, share in (("success", 1 - _FAILED), ("failure", _FAILED)):
            yield Series(REQUESTS, {**labels, "result": result}, share * _REQUESTS_A_SECOND)
        yield Series(f"{HISTOGRAM}_count", labels, _REQUESTS_A_SECOND)
        within = (1 - _SLOW) * _REQUESTS_A_SECOND
        yield Series(f"{HISTOGRAM}_bucket", {**labels, "le": THRESHOLD_BOUND}, within)
        yield Series(f"{HISTOGRAM}_bucket", {**labels, "le": "+Inf"}, _REQUESTS_A_SECOND)


def gauges(ref: MonitorRef, now: float) -> Iterator[Series]:
    """What the alerts on the pipeline read of a sidecar's page."""
    pod = _pod(ref)
    gpu = {**pod, "gpu": "0", "uuid": f"GPU-{ref.name}"}
    node = {"modelmonitor": ref.name, "namespace": ref.namespace, "node": "node-1"}
    for endpoint in ("http", "metrics"):
        yield Series("modelmonitor_target_up", {**pod, "endpoint": endpoint}, 1, is_counter=False)
    for number in range(MODELS):
        model = {**pod, "model": f"model-{number}", "version": "1"}
        yield Series("modelmonitor_model_ready", model, 1, is_counter=False)
        yield Series("nv_inference_request_success", model, _REQUESTS_A_SECOND)
    for name, labels, value in (
        ("modelmonitor_target_last_reading_timestamp_seconds", pod, now - 5),
        ("modelmonitor_target_dropped_series", pod, 0),
        ("modelmonitor_page_series", node, 2000),
        ("modelmonitor_page_dropped_series", node, 0),
        ("modelmonitor_pod_gpu_allocation_info", gpu, 1),
        ("modelmonitor_pod_gpu_last_reading_timestamp_seconds", gpu, now - 5),
    ):
        yield Series(name, labels, value, is_counter=False)


def render_sidecar_page(ref: MonitorRef, now: float) -> bytes:
    """A sidecar's page, with no more than what rules read."""
    lines = [f"{one.text({})} {one.value(now)}" for one in (*counters(ref), *gauges(ref, now))]
    return ("\n".join(lines) + "\n").encode()


def render_leader(ref: MonitorRef, now: float) -> bytes:
    """The leader's page of a well monitor."""
    ready = Condition.model_validate(
        {"type": "Ready", "status": "True", "reason": "Ready", "lastTransitionTime": render_time(now)}
    )
    health = Health(
        state=HealthState.HEALTHY, observed_at=render_time(now), pods=PodCount(selected=1, running=1, watched=1)
    )
    return render_leader_page(Judgement(judged_monitor(ref), ModelMonitorStatus(conditions=(ready,), health=health)))


def past_of(ref: MonitorRef, rules: list[Json], address: str) -> Iterator[Past]:
    """What Prometheus has of a monitor: raw counters of some days, and a period of what the recording rules read.

    Args:
        rules: recording rules whose own series are read over the period, each with the value that it would have had.
    """
    target = target_labels(ref, names.SIDECAR_PORT_NAME, address)
    for one in counters(ref):
        yield Past(one.text({**target, **one.labels}), SCRAPE_SECONDS, RAW_DAYS, one.value)
    for rule in rules:
        recorded = Series(rule["record"], rule["labels"], rule["value"], is_counter=False)
        yield Past(recorded.text({}), RECORD_SECONDS, PERIOD_DAYS + 1, recorded.value)


def recorded_value(objective: str, *, bad: bool) -> float:
    """Requests a second of both models, all of them or those that broke the promise."""
    return MODELS * _REQUESTS_A_SECOND * (BAD_SHARES[objective] if bad else 1)


def _pod(ref: MonitorRef) -> dict[str, str]:
    return {
        "modelmonitor": ref.name,
        "namespace": ref.namespace,
        "pod": f"{ref.name}-0",
        "container": "triton",
        "node": "node-1",
    }
