"""The operator's own metrics, in a registry of its own."""

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest
from prometheus_client.gc_collector import GCCollector
from prometheus_client.platform_collector import PlatformCollector
from prometheus_client.process_collector import ProcessCollector

PREFIX = "modelmonitor_operator_"
CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"
_DURATIONS = (0.005, 0.02, 0.1, 0.5, 2.0, 10.0)


class Telemetry:
    """Every metric of the operator, one attribute each."""

    def __init__(self, version: str) -> None:
        self.registry = CollectorRegistry()
        ProcessCollector(registry=self.registry)
        PlatformCollector(registry=self.registry)
        GCCollector(registry=self.registry)
        self.build_info = self._gauge("build_info", "The running version.", ["version"])
        self.build_info.labels(version=version).set(1)
        self.reconciles = self._counter("reconcile", "Reconciliations by what was reconciled.", ["key"])
        self.reconcile_errors = self._counter("reconcile_errors", "Failed reconciliations.", ["key", "error"])
        self.reconcile_seconds = Histogram(
            f"{PREFIX}reconcile_duration_seconds",
            "How long a reconciliation took.",
            ["key"],
            buckets=_DURATIONS,
            registry=self.registry,
        )
        self.queue_depth = self._gauge("queue_depth", "Keys that wait for reconciliation.")
        self.api_writes = self._counter("api_writes", "Writes to the API server.", ["verb", "kind"])
        self.api_errors = self._counter("api_errors", "Failed calls to the API server.", ["verb", "kind", "error"])
        self.watch_restarts = self._counter("watch_restarts", "Watches that broke and were started again.", ["kind"])
        self.leader = self._gauge("leader", "1 while this process leads.")
        self.cycle_seconds = self._gauge("cycle_duration_seconds", "How long the last cycle took.")
        self.cycles = self._counter("cycles", "Cycles since the start.")
        self.polls = self._counter("sidecar_polls", "Polls of sidecars by result.", ["result"])
        self.events_dropped = self._counter("events_dropped", "Events left out to keep their rate bounded.")
        self.page_requests = self._counter("page_requests", "Requests for pages of monitors, by result.", ["result"])
        self.prometheus_requests = self._counter(
            "prometheus_requests", "Questions to Prometheus, by result.", ["result"]
        )
        self.monitors = self._gauge("monitors", "ModelMonitors that are known.")

    def render(self) -> bytes:
        """The metrics page."""
        return generate_latest(self.registry)

    def _counter(self, name: str, text: str, labels: list[str] | None = None) -> Counter:
        return Counter(f"{PREFIX}{name}", text, labels or [], registry=self.registry)

    def _gauge(self, name: str, text: str, labels: list[str] | None = None) -> Gauge:
        return Gauge(f"{PREFIX}{name}", text, labels or [], registry=self.registry)
