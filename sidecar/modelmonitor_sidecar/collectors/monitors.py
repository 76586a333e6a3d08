"""One pod's part of a ModelMonitor's page: the pod, its models, and Triton's own series under their own names.

The labels modelmonitor, namespace, pod, node and container come from the plan. A page of Triton cannot set them: its
own were dropped when it was parsed. Counters are Triton's cumulative ones, so a restart of the sidecar resets none.
"""

from modelmonitor_api.metrics import TRITON_METRICS, sample_names
from modelmonitor_api.plan import PlannedMonitor, PlannedPod
from modelmonitor_api.quantities import model_selected
from modelmonitor_api.summary import EndpointState
from modelmonitor_sidecar.collectors.families import FamilyBuilder, label_text, number_text
from modelmonitor_sidecar.collectors.ranks import Parts, Rank
from modelmonitor_sidecar.snapshot import TargetSnapshot
from modelmonitor_sidecar.windows import StatisticsCounters

_FAMILY_OF = {name: metric.name for metric in TRITON_METRICS for name in sample_names(metric)}


def pod_labels(monitor: PlannedMonitor, pod: str, node: str, container: str) -> str:
    """Whose series it is, as the exposition format writes it; an unknown container is left out."""
    return label_text(
        [
            ("modelmonitor", monitor.name),
            ("namespace", monitor.namespace),
            ("pod", pod),
            ("node", node),
            ("container", container),
        ]
    )


def monitor_selects(monitor: PlannedMonitor, model: str) -> bool:
    """Whether the monitor's page shows a model."""
    return model_selected(monitor.models.include, monitor.models.exclude, model)


def collect_target(parts: Parts, monitor: PlannedMonitor, pod: PlannedPod, target: TargetSnapshot, node: str) -> None:
    """Add everything that was read of one pod."""
    labels = pod_labels(monitor, pod.name, node, pod.container)
    _collect_pod(parts.part(Rank.PODS, pod.uid), target, labels)
    for model in target.models:
        if monitor_selects(monitor, model.name):
            page = parts.part(Rank.MODELS, f"{pod.uid}/{model.name}")
            own = f"{labels},{label_text([('model', model.name), ('version', model.version)])}"
            page.add("modelmonitor_model_ready", model.ready, own)
            counters = target.statistics.get((model.name, model.version))
            if counters is not None:
                _collect_statistics(page, counters, own)
    _collect_series(parts, monitor, target, labels)


def _collect_pod(page: FamilyBuilder, target: TargetSnapshot, labels: str) -> None:
    for endpoint, reading in (("http", target.http), ("metrics", target.metrics)):
        if reading.state is not EndpointState.PENDING:
            up = 1 if reading.state is EndpointState.OK else 0
            page.add("modelmonitor_target_up", up, f'{labels},endpoint="{endpoint}"')
    read = None if target.read is None else target.read.wall
    page.add("modelmonitor_target_last_reading_timestamp_seconds", read, labels)
    page.add("modelmonitor_target_server_ready", target.server_ready, labels)
    page.add("modelmonitor_target_bad_lines", target.bad_lines, labels)
    page.add("modelmonitor_target_dropped_series", target.dropped_series, labels)


def _collect_statistics(page: FamilyBuilder, counters: StatisticsCounters, labels: str) -> None:
    page.add("modelmonitor_model_requests_total", counters.successes, f'{labels},result="success"')
    page.add("modelmonitor_model_requests_total", counters.failures, f'{labels},result="failure"')
    page.add("modelmonitor_model_request_seconds_total", counters.success_seconds, labels)
    page.add("modelmonitor_model_queue_seconds_total", counters.queue_seconds, labels)
    page.add("modelmonitor_model_executions_total", counters.executions, labels)
    page.add("modelmonitor_model_inferences_total", counters.inferences, labels)
    page.add("modelmonitor_model_execution_seconds_total", counters.execution_seconds, labels)
    page.add("modelmonitor_model_cache_hits_total", counters.cache_hits, labels)
    page.add("modelmonitor_model_cache_misses_total", counters.cache_misses, labels)


def _collect_series(parts: Parts, monitor: PlannedMonitor, target: TargetSnapshot, labels: str) -> None:
    uid = target.target.pod.uid
    pages: dict[str, FamilyBuilder | None] = {"": parts.part(Rank.TRITON, uid)}
    for series in target.series:
        model, text = series.labels.model, series.labels.text
        if model not in pages:
            selected = monitor_selects(monitor, model)
            pages[model] = parts.part(Rank.TRITON, f"{uid}/{model}") if selected else None
        page = pages[model]
        if page is not None:
            more = f"{labels},{text}" if text else labels
            page.lines(_FAMILY_OF[series.name]).append(f"{series.name}{{{more}}} {number_text(series.value)}")
