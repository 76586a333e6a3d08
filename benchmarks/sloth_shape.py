"""An objective as Sloth would have Prometheus evaluate it: every window from the raw counters, the period from 5m.

Ours by the shape that Sloth documents and generates: eight recording rules of the error ratio, seven of the objective
itself, two alerts over two pairs of windows each.
Sources: https://sloth.dev/introduction/architecture/ and
https://github.com/slok/sloth/blob/main/examples/_gen/getting-started.yml
"""

from collections.abc import Iterator

from benchmarks.manifests import Json
from benchmarks.slo_series import HISTOGRAM, REQUESTS, THRESHOLD_BOUND
from modelmonitor_api.names import MonitorRef
from modelmonitor_api.spec_objectives import Objective, ObjectiveType

_WINDOWS = ("5m", "30m", "1h", "2h", "6h", "1d", "3d")
_PAIRS = {"page": (("5m", "1h", 14.4), ("30m", "6h", 6)), "ticket": (("2h", "1d", 3), ("6h", "3d", 1))}
EVALUATION_SECONDS = 60
"""Sloth sets no interval by default, and this is Prometheus' own default."""


def build_groups(ref: MonitorRef, objective: Objective) -> list[Json]:
    """Three groups of an objective: error ratios, the objective itself, alerts."""
    slo = _Slo(ref, objective)
    return [
        {"name": f"sli-{slo.id}", "rules": list(slo.ratios())},
        {"name": f"meta-{slo.id}", "rules": list(slo.metadata())},
        {"name": f"alerts-{slo.id}", "rules": list(slo.alerts())},
    ]


def sloth_id(ref: MonitorRef, objective: Objective) -> str:
    """The name of an objective among all."""
    return f"{ref.namespace}-{ref.name}-{objective.name}"


class _Slo:
    def __init__(self, ref: MonitorRef, objective: Objective) -> None:
        self._own = f'namespace="{ref.namespace}",modelmonitor="{ref.name}"'
        self._objective = objective
        self.id = sloth_id(ref, objective)
        self.labels = {"sloth_id": self.id, "sloth_service": ref.name, "sloth_slo": objective.name}
        self._selector = "{" + ", ".join(f'{name}="{value}"' for name, value in self.labels.items()) + "}"

    def _ratio(self, window: str) -> str:
        if self._objective.type is ObjectiveType.AVAILABILITY:
            bad = f'sum(rate({REQUESTS}{{{self._own},result="failure"}}[{window}]))'
            return f"({bad}) / (sum(rate({REQUESTS}{{{self._own}}}[{window}])))"
        total = f"sum(rate({HISTOGRAM}_count{{{self._own}}}[{window}]))"
        good = f'sum(rate({HISTOGRAM}_bucket{{{self._own},le="{THRESHOLD_BOUND}"}}[{window}]))'
        return f"({total} - {good}) / ({total})"

    def _record(self, name: str, expr: str, **more: str) -> Json:
        return {"record": name, "expr": expr, "labels": {**self.labels, **more}}

    def _read(self, name: str) -> str:
        return f"{name}{self._selector}"

    def ratios(self) -> Iterator[Json]:
        for window in _WINDOWS:
            yield self._record(f"slo:sli_error:ratio_rate{window}", self._ratio(window), sloth_window=window)
        short = self._read("slo:sli_error:ratio_rate5m")
        period = f"sum_over_time({short}[30d]) / ignoring (sloth_window) count_over_time({short}[30d])"
        yield self._record("slo:sli_error:ratio_rate30d", period, sloth_window="30d")

    def metadata(self) -> Iterator[Json]:
        target = self._objective.target_ratio
        join = "/ on(sloth_id, sloth_slo, sloth_service) group_left"
        budget = self._read("slo:error_budget:ratio")
        yield self._record("slo:objective:ratio", f"vector({target})")
        yield self._record("slo:error_budget:ratio", f"vector(1-{target})")
        yield self._record("slo:time_period:days", "vector(30)")
        for name, ratio in (("current", "5m"), ("period", "30d")):
            rate = self._read(f"slo:sli_error:ratio_rate{ratio}")
            yield self._record(f"slo:{name}_burn_rate:ratio", f"{rate} {join} {budget}")
        left = f"1 - {self._read('slo:period_burn_rate:ratio')}"
        yield self._record("slo:period_error_budget_remaining:ratio", left)
        yield self._record("sloth_slo_info", "vector(1)", sloth_mode="bench", sloth_spec="bench", sloth_version="bench")

    def alerts(self) -> Iterator[Json]:
        budget = 1 - self._objective.target_ratio
        for severity, pairs in _PAIRS.items():
            burns = [self._pair(short, long, factor * budget) for short, long, factor in pairs]
            labels = {"sloth_severity": severity}
            yield {
                "alert": f"{self.id}-{severity}",
                "expr": " or ignoring (sloth_window) ".join(burns),
                "labels": labels,
            }

    def _pair(self, short: str, long: str, threshold: float) -> str:
        return f"({self._burns(short, threshold)} and ignoring (sloth_window) {self._burns(long, threshold)})"

    def _burns(self, window: str, threshold: float) -> str:
        return f"({self._read(f'slo:sli_error:ratio_rate{window}')} > {threshold})"
