"""The ServiceMonitor of a ModelMonitor: two endpoints of the Service beside it, and of no other namespace's."""

from collections.abc import Iterator

from modelmonitor_api import names
from modelmonitor_api.quantities import parse_duration
from modelmonitor_api.spec_monitoring import MetricRelabeling, PrometheusSpec
from modelmonitor_operator.desired.monitor_child import build_child_labels, build_child_metadata
from modelmonitor_operator.objects import SERVICE_MONITOR
from modelmonitor_operator.observed import Monitor
from modelmonitor_operator.settings import Json, Settings

SPARE_SAMPLES = 1000
"""Room above the page's own limit: a page that keeps to its limit is never refused."""
LABEL_LIMIT = 64
LABEL_NAME_LENGTH_LIMIT = 512
LABEL_VALUE_LENGTH_LIMIT = 2048
"""A label of a pod has a name of at most 317 characters; what a page takes from elsewhere is cut at 256 characters."""
_BYTES_PER_SAMPLE = 1024
_SMALLEST_BODY_BYTES = 16 * 1024 * 1024


def build_service_monitor(settings: Settings, monitor: Monitor) -> Json:
    """The ServiceMonitor; a monitor whose spec cannot be read gets the defaults.

    Source: https://prometheus-operator.dev/docs/api-reference/api/#monitoring.coreos.com/v1.ServiceMonitor
    """
    asked = monitor.spec.prometheus if monitor.spec is not None else PrometheusSpec()
    limit = asked.sample_limit + SPARE_SAMPLES
    return {
        "apiVersion": SERVICE_MONITOR.api_version,
        "kind": SERVICE_MONITOR.kind,
        "metadata": build_child_metadata(monitor, {**settings.monitoring.labels, **asked.labels}),
        "spec": {
            "jobLabel": names.MONITOR_LABEL,
            "selector": {"matchLabels": build_child_labels(monitor)},
            "namespaceSelector": {"matchNames": [monitor.ref.namespace]},
            "sampleLimit": limit,
            "labelLimit": LABEL_LIMIT,
            "labelNameLengthLimit": LABEL_NAME_LENGTH_LIMIT,
            "labelValueLengthLimit": LABEL_VALUE_LENGTH_LIMIT,
            "bodySizeLimit": f"{max(_SMALLEST_BODY_BYTES, limit * _BYTES_PER_SAMPLE)}B",
            "endpoints": [
                _endpoint(monitor, asked, port) for port in (names.SIDECAR_PORT_NAME, names.LEADER_PORT_NAME)
            ],
        },
    }


def _endpoint(monitor: Monitor, asked: PrometheusSpec, port: str) -> Json:
    return {
        "port": port,
        "path": names.monitor_metrics_path(monitor.ref),
        "scheme": "http",
        "honorLabels": True,
        "followRedirects": False,
        "interval": _duration(asked.interval),
        "scrapeTimeout": _duration(asked.scrape_timeout),
        "metricRelabelings": [_own_namespace_alone(monitor), *map(_relabeling, asked.metric_relabelings)],
    }


def _own_namespace_alone(monitor: Monitor) -> Json:
    """Keeps a target from speaking for another namespace: with honorLabels it says itself whose its series are.

    Whoever may write a Service and Endpoints can put a target of his own behind the ServiceMonitor.
    """
    return {"action": "keep", "sourceLabels": [names.LABEL_NAMESPACE], "regex": monitor.ref.namespace}


def _relabeling(step: MetricRelabeling) -> Json:
    sources = {"sourceLabels": list(step.source_labels)} if step.source_labels else {}
    return {"action": step.action.value, **sources, "regex": step.regex}


def _duration(text: str) -> str:
    """As Prometheus prints it: units in order, none of them zero and none too large."""
    return "".join(_parts(round(parse_duration(text) * 1000))) or "0s"


def _parts(milliseconds: int) -> Iterator[str]:
    for unit, length in (("h", 3_600_000), ("m", 60_000), ("s", 1000), ("ms", 1)):
        count, milliseconds = divmod(milliseconds, length)
        if count:
            yield f"{count}{unit}"
