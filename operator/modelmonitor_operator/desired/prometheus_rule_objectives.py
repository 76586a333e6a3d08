"""Recording rules and alerts of error budgets, under the names and labels that Sloth publishes.

Sources: https://sre.google/workbook/alerting-on-slos/ for windows and factors,
https://github.com/slok/sloth/tree/main/internal/plugin/slo/core for names and labels.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from modelmonitor_api import names
from modelmonitor_api.alert_names import AlertName
from modelmonitor_api.burn_rates import (
    FAR_INTERVAL_SECONDS,
    FAR_WINDOWS,
    FAST_PAIRS,
    LABEL_SLOTH_SEVERITY,
    LABEL_SLOTH_WINDOW,
    NEAR_INTERVAL_SECONDS,
    NEAR_WINDOWS,
    PERIOD,
    SHORTEST_WINDOW,
    SLOW_PAIRS,
    BurnPair,
    SliSeries,
    SloSeries,
    burn_threshold,
    error_budget,
    sli_error,
    slo_labels,
)
from modelmonitor_api.names import MonitorRef
from modelmonitor_api.promql import equals, number
from modelmonitor_api.spec import ModelMonitorSpec
from modelmonitor_api.spec_objectives import PERIOD_DAYS, Objective, ObjectiveType
from modelmonitor_api.status import ObjectiveMethod
from modelmonitor_operator.desired.prometheus_rule_parts import BY_MONITOR, AlertRule, RecordingRule, RuleGroup, select
from modelmonitor_operator.desired.prometheus_rule_sli import (
    REQUESTS_METRIC,
    Sli,
    build_sli,
    latency_input,
    model_matchers,
)

_DEFAULT_METHODS = {
    ObjectiveType.AVAILABILITY: ObjectiveMethod.REQUESTS,
    ObjectiveType.LATENCY: ObjectiveMethod.NONE,
}
"""Before anything is known: Triton counts requests in any case, latencies only where it is told to."""


def build_objective_groups(
    monitor: MonitorRef, spec: ModelMonitorSpec, methods: Mapping[str, ObjectiveMethod]
) -> Iterator[RuleGroup]:
    """Groups of every objective; one without a method has no error ratio, and only says that it cannot be judged."""
    for objective in spec.objectives:
        method = methods.get(objective.name, _DEFAULT_METHODS[objective.type])
        rules = _ObjectiveRules(monitor, objective)
        sli = build_sli(monitor, spec, objective, method)
        prefix = f"slo.{objective.name}"
        if sli is not None:
            near = tuple(_near(rules, sli))
            yield RuleGroup(prefix, near, NEAR_INTERVAL_SECONDS)
            yield RuleGroup(f"{prefix}.period", tuple(_far(rules, sli)), FAR_INTERVAL_SECONDS)
        alerts = tuple(_alerts(rules, method, judged=sli is not None))
        if alerts:
            yield RuleGroup(f"{prefix}.alerts", alerts)


@dataclass(frozen=True, slots=True)
class _ObjectiveRules:
    """One objective, and how its series are recorded and read."""

    monitor: MonitorRef
    objective: Objective

    @property
    def sloth(self) -> dict[str, str]:
        return slo_labels(self.monitor, self.objective.name)

    def record(self, series: str, expr: str, **labels: str) -> RecordingRule:
        own = {names.LABEL_NAMESPACE: self.monitor.namespace, names.LABEL_MONITOR: self.monitor.name}
        return RecordingRule(series, expr, {**own, **self.sloth, **labels})

    def read(self, series: str) -> str:
        return select(self.monitor, series, equals("sloth_slo", self.objective.name))

    def error_ratio(self, sli: Sli, window: str) -> RecordingRule:
        bad, total = (f"sum_over_time({self.read(series)}[{window}])" for series in (sli.bad, sli.total))
        return self.record(sli_error(window), f"{bad} / ({total} > 0)", **{LABEL_SLOTH_WINDOW: window})


def _near(rules: _ObjectiveRules, sli: Sli) -> Iterator[RecordingRule]:
    for series, expr in sli.records:
        yield rules.record(series, expr)
    yield _shortest(rules, sli)
    for window in NEAR_WINDOWS:
        yield rules.error_ratio(sli, window)
    yield from _metadata(rules)


def _shortest(rules: _ObjectiveRules, sli: Sli) -> RecordingRule:
    """Rates already span five minutes; slices are of one minute each."""
    if sli.total is SliSeries.SLICES:
        return rules.error_ratio(sli, SHORTEST_WINDOW)
    expr = f"{rules.read(sli.bad)} / ({rules.read(sli.total)} > 0)"
    return rules.record(sli_error(SHORTEST_WINDOW), expr, **{LABEL_SLOTH_WINDOW: SHORTEST_WINDOW})


def _metadata(rules: _ObjectiveRules) -> Iterator[RecordingRule]:
    target, budget = rules.objective.target, number(error_budget(rules.objective.target))
    yield rules.record(SloSeries.OBJECTIVE, f"vector({number(1 - error_budget(target))})")
    yield rules.record(SloSeries.ERROR_BUDGET, f"vector({budget})")
    yield rules.record(SloSeries.PERIOD_DAYS, f"vector({PERIOD_DAYS})")
    yield rules.record(SloSeries.CURRENT_BURN_RATE, f"{rules.read(sli_error(SHORTEST_WINDOW))} / {budget}")
    info = {
        "sloth_version": names.VERSION,
        "sloth_mode": names.FIELD_MANAGER,
        "sloth_spec": names.API_VERSION,
        "sloth_objective": target,
    }
    yield rules.record(SloSeries.INFO, "vector(1)", **info)


def _far(rules: _ObjectiveRules, sli: Sli) -> Iterator[RecordingRule]:
    for window in FAR_WINDOWS:
        yield rules.error_ratio(sli, window)
    budget = number(error_budget(rules.objective.target))
    yield rules.record(SloSeries.PERIOD_BURN_RATE, f"{rules.read(sli_error(PERIOD))} / {budget}")
    yield rules.record(SloSeries.BUDGET_REMAINING, f"1 - {rules.read(SloSeries.PERIOD_BURN_RATE)}")


def _alerts(rules: _ObjectiveRules, method: ObjectiveMethod, *, judged: bool) -> Iterator[AlertRule]:
    latency = rules.objective.type is ObjectiveType.LATENCY
    if judged:
        fast = AlertName.LATENCY_BURN_FAST if latency else AlertName.AVAILABILITY_BURN_FAST
        slow = AlertName.LATENCY_BURN_SLOW if latency else AlertName.AVAILABILITY_BURN_SLOW
        yield AlertRule(fast, _burns(rules, FAST_PAIRS), {**rules.sloth, LABEL_SLOTH_SEVERITY: "page"})
        yield AlertRule(slow, _burns(rules, SLOW_PAIRS), {**rules.sloth, LABEL_SLOTH_SEVERITY: "ticket"})
    if latency:
        yield AlertRule(AlertName.LATENCY_ABSENT, _latency_absent(rules, method), rules.sloth)


def _burns(rules: _ObjectiveRules, pairs: tuple[BurnPair, ...]) -> str:
    return " or ".join(f"({_pair_burns(rules, pair)})" for pair in pairs)


def _pair_burns(rules: _ObjectiveRules, pair: BurnPair) -> str:
    threshold = number(burn_threshold(pair, rules.objective.target))
    long, short = (
        f"max without ({LABEL_SLOTH_WINDOW}) ({rules.read(sli_error(window))}) > {threshold}"
        for window in (pair.long, pair.short)
    )
    requests = f"sum_over_time({rules.read(SliSeries.REQUESTS)}[{pair.long}]) * {NEAR_INTERVAL_SECONDS}"
    return f"{long} and {short} and {requests} >= {rules.objective.minimum_requests}"


def _latency_absent(rules: _ObjectiveRules, method: ObjectiveMethod) -> str:
    counters = select(rules.monitor, REQUESTS_METRIC, *model_matchers(rules.objective))
    traffic = f"sum by ({BY_MONITOR}) (increase({counters}[1h]))"
    there = f"count by ({BY_MONITOR}) ({latency_input(rules.monitor, rules.objective, method)})"
    return f"({traffic} >= {rules.objective.minimum_requests}) unless {there}"
