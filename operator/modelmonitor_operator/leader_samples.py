"""The samples of one leader's page, gathered by the names of the catalogue."""

from collections.abc import Iterable, Mapping

from prometheus_client import Metric
from prometheus_client.registry import Collector

from modelmonitor_api.metrics import METRICS
from modelmonitor_api.names import LABEL_MONITOR, LABEL_NAMESPACE, MonitorRef

_PREFIX = "modelmonitor_"
_TOTAL = "_total"


class PageSamples(Collector):
    """Gathers the samples of one page, by metric of the catalogue."""

    def __init__(self, ref: MonitorRef) -> None:
        self._labels = {LABEL_MONITOR: ref.name, LABEL_NAMESPACE: ref.namespace}
        self._families: dict[str, Metric] = {}
        self._seen: set[tuple[str, frozenset[tuple[str, str]]]] = set()

    def collect(self) -> Iterable[Metric]:
        """Everything gathered, in the order of first use."""
        return self._families.values()

    def add(self, name: str, value: float | None, labels: Mapping[str, str] | None = None) -> None:
        """One sample; an absent value adds nothing, and of two with the same labels the first stays."""
        more = labels or {}
        series = name, frozenset(more.items())
        if value is None or series in self._seen:
            return
        self._seen.add(series)
        full_name = f"{_PREFIX}{name}"
        if full_name not in self._families:
            known = METRICS[full_name]
            self._families[full_name] = Metric(full_name.removesuffix(_TOTAL), known.help, known.type.value)
        self._families[full_name].add_sample(full_name, {**self._labels, **more}, float(value))

    def add_counts(self, name: str, label: str, counts: Mapping[str, float]) -> None:
        """One sample for each value of a label."""
        for word, count in counts.items():
            self.add(name, count, {label: word})
