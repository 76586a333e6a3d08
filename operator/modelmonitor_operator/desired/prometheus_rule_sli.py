"""What an objective counts: recording rules, made often, that all its windows are sums of.

The share of a window is (sum of what broke the promise) / (sum of all), so each request counts once, whenever it came;
and only the shortest rules read the pods' own series, of which a fleet has thousands.
"""

from dataclasses import dataclass
from decimal import Decimal

from modelmonitor_api import names
from modelmonitor_api.burn_rates import NEAR_INTERVAL_SECONDS, SliSeries
from modelmonitor_api.names import MonitorRef
from modelmonitor_api.promql import equals, matches, model_regex, number, regex_text
from modelmonitor_api.quantities import parse_duration
from modelmonitor_api.spec import ModelMonitorSpec
from modelmonitor_api.spec_objectives import Objective, ObjectiveType
from modelmonitor_api.status import ObjectiveMethod
from modelmonitor_operator.desired.prometheus_rule_parts import BY_MONITOR, select

_RATE_SECONDS = 300
_SCRAPES_PER_RATE = 4
"""Scrapes that a rate spans at least, so that one missed scrape leaves no gap.

Source: https://prometheus.io/docs/prometheus/latest/querying/functions/#rate needs two samples.
"""
_MODEL_IN_POD = f"{BY_MONITOR}, pod, container, model, version"
REQUESTS_METRIC = "modelmonitor_model_requests_total"
SUMMARY_METRIC = "nv_inference_request_summary_us"
HISTOGRAM_METRIC = "nv_inference_first_response_histogram_ms"
SUMMARY_QUANTILE = "0.99"
_LARGEST_PLAIN_BOUND = 1_000_000


@dataclass(frozen=True, slots=True)
class Sli:
    """What one objective counts.

    Attributes:
        records: series and their expressions, in the order in which they are made.
        bad, total: which of them the error ratio is made from.
    """

    records: tuple[tuple[SliSeries, str], ...]
    bad: SliSeries
    total: SliSeries


def build_sli(monitor: MonitorRef, spec: ModelMonitorSpec, objective: Objective, method: ObjectiveMethod) -> Sli | None:
    """What the objective counts by this method; None where there is nothing to count."""
    counted = _Counted(monitor, spec, objective)
    if objective.type is ObjectiveType.AVAILABILITY:
        return counted.failures() if method is ObjectiveMethod.REQUESTS else None
    if method is ObjectiveMethod.TIME_SLICES:
        return counted.slices()
    return counted.buckets() if method is ObjectiveMethod.HISTOGRAM else None


def latency_input(monitor: MonitorRef, objective: Objective, method: ObjectiveMethod) -> str:
    """The series that a latency objective is judged by; where no method is known, any that would do."""
    models = model_matchers(objective)
    summary = select(monitor, SUMMARY_METRIC, equals("quantile", SUMMARY_QUANTILE), *models)
    bucket = select(monitor, f"{HISTOGRAM_METRIC}_bucket", _bound_matcher(objective), *models)
    chosen = {ObjectiveMethod.TIME_SLICES: summary, ObjectiveMethod.HISTOGRAM: bucket}
    return chosen.get(method, f"{summary} or {bucket}")


def model_matchers(objective: Objective) -> tuple[str, ...]:
    """The matcher of an objective's models; none where it is about all of them."""
    regex = model_regex(objective.models)
    return () if regex is None else (matches(names.LABEL_MODEL, regex),)


def _bound_matcher(objective: Objective) -> str:
    """The bucket of the threshold: Prometheus 3 writes `100.0` and `1e+06` where Triton and Prometheus 2 write `100`.

    Source: https://prometheus.io/docs/prometheus/3.0/migration/#le-and-quantile-label-values
    """
    bound = Decimal(str(objective.threshold_seconds)) * 1000
    written = [number(bound)]
    if bound == bound.to_integral_value():
        written.append(f"{written[0]}.0")
    if bound >= _LARGEST_PLAIN_BOUND:
        written.append(f"{number(bound / _LARGEST_PLAIN_BOUND)}e+06")
    return matches("le", "|".join(map(regex_text, written)))


@dataclass(frozen=True, slots=True)
class _Counted:
    monitor: MonitorRef
    spec: ModelMonitorSpec
    objective: Objective

    def failures(self) -> Sli:
        bad = self._rate(REQUESTS_METRIC, equals("result", "failure"))
        records = (self._requests(), (SliSeries.BAD_REQUESTS, bad))
        return Sli(records, SliSeries.BAD_REQUESTS, SliSeries.REQUESTS)

    def buckets(self) -> Sli:
        total = self._rate(f"{HISTOGRAM_METRIC}_count")
        good = self._rate(f"{HISTOGRAM_METRIC}_bucket", _bound_matcher(self.objective))
        records = ((SliSeries.REQUESTS, total), (SliSeries.BAD_REQUESTS, f"{total} - {good}"))
        return Sli(records, SliSeries.BAD_REQUESTS, SliSeries.REQUESTS)

    def slices(self) -> Sli:
        judged = f"({self._latency()} >= 0) and ({self._traffic()} > 0)"
        microseconds = number(Decimal(str(self.objective.threshold_seconds)) * 1_000_000)
        records = (
            self._requests(),
            (SliSeries.SLICES, f"count by ({BY_MONITOR}) ({judged})"),
            (SliSeries.BAD_SLICES, f"sum by ({BY_MONITOR}) (({judged}) > bool {microseconds})"),
        )
        return Sli(records, SliSeries.BAD_SLICES, SliSeries.SLICES)

    def _requests(self) -> tuple[SliSeries, str]:
        return SliSeries.REQUESTS, self._rate(REQUESTS_METRIC)

    def _rate(self, metric: str, *matchers: str) -> str:
        counters = select(self.monitor, metric, *matchers, *model_matchers(self.objective))
        return f"sum by ({BY_MONITOR}) (rate({counters}[{self._range(_RATE_SECONDS)}]))"

    def _latency(self) -> str:
        quantile = equals("quantile", SUMMARY_QUANTILE)
        latency = select(self.monitor, SUMMARY_METRIC, quantile, *model_matchers(self.objective))
        return f"max by ({_MODEL_IN_POD}) ({latency})"

    def _traffic(self) -> str:
        counters = select(self.monitor, REQUESTS_METRIC, *model_matchers(self.objective))
        return f"sum by ({_MODEL_IN_POD}) (increase({counters}[{self._range(NEAR_INTERVAL_SECONDS)}]))"

    def _range(self, least: int) -> str:
        """What a rate spans: more than `least` seconds where scrapes or readings are rare."""
        slowest = max(self.spec.interval_seconds, round(parse_duration(self.spec.prometheus.interval)))
        seconds = max(least, _SCRAPES_PER_RATE * slowest)
        return f"{seconds}s" if seconds % 60 else f"{seconds // 60}m"
