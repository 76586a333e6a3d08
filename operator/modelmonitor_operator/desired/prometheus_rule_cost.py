"""Alerts on cost: the budget, what is idle, and the ledger that all of it comes from.

Spend rises in steps, one for each write of the ledger, and after a pause one step holds the whole pause. So a rate is
what was spent over what the ledger has *charged* in the window, by the times of its writes, and not over the window:
the step after an operator's hour away looks like the hour that it is.
"""

from collections.abc import Iterator

from modelmonitor_api import names
from modelmonitor_api.alert_names import AlertName
from modelmonitor_api.cost_alerts import (
    BURN_FACTOR,
    BURN_WINDOWS,
    FIRST_DAY_SECONDS,
    IDLE_GPU_HOURS,
    IDLE_RATIO,
    IDLE_WINDOWS,
    LEAST_COVERED_SECONDS,
    LEDGER_OLD_SECONDS,
    CostSeries,
)
from modelmonitor_api.finding_codes import FindingCode
from modelmonitor_api.metrics_cost import LABEL_CURRENCY, CostPart, ProjectionBound
from modelmonitor_api.names import MonitorRef
from modelmonitor_api.promql import equals
from modelmonitor_api.spec import ModelMonitorSpec
from modelmonitor_operator.desired.prometheus_rule_parts import BY_MONITOR, AlertRule, RecordingRule, RuleGroup, select

_BY_CURRENCY = f"{BY_MONITOR}, {LABEL_CURRENCY}"
_EACH_MONITOR = f"on ({BY_MONITOR})"
_HOUR = 3600
_LEAST_SECONDS_LEFT = 60
_COMMITTED = "LedgerCommitted"


def build_cost_groups(monitor: MonitorRef, spec: ModelMonitorSpec) -> Iterator[RuleGroup]:
    """Rules on the ledger and on waste; those of a budget only where there is one."""
    rules = _CostRules(monitor)
    yield RuleGroup("modelmonitor.cost", tuple(rules.ledger()))
    if spec.cost is not None and spec.cost.budget is not None:
        yield RuleGroup("modelmonitor.budget", tuple(rules.budget()))


class _CostRules:
    """One monitor's."""

    def __init__(self, monitor: MonitorRef) -> None:
        self._monitor = monitor
        self._own = {names.LABEL_NAMESPACE: monitor.namespace, names.LABEL_MONITOR: monitor.name}

    def ledger(self) -> Iterator[RecordingRule | AlertRule]:
        """What needs no budget."""
        held = self._select("modelmonitor_cost_gpu_seconds_total")
        yield self._record(CostSeries.GPU_SECONDS, f"max by ({BY_MONITOR}, part) ({held})")
        yield AlertRule(AlertName.GPU_IDLE_WASTE, self._idle_waste())
        yield AlertRule(AlertName.LEDGER_NOT_WRITTEN, self._not_written())

    def budget(self) -> Iterator[RecordingRule | AlertRule]:
        """What does."""
        spend = self._select("modelmonitor_cost_spend_total")
        largest = f"max by ({_BY_CURRENCY}, part) ({spend})"
        yield self._record(CostSeries.SPEND, f"sum by ({_BY_CURRENCY}) ({largest})")
        yield self._record(CostSeries.WRITTEN, self._gauge("cost_ledger_written_timestamp_seconds"))
        for series, window in zip((CostSeries.RATE_LONG, CostSeries.RATE_SHORT), BURN_WINDOWS, strict=True):
            yield self._record(series, self._rate(window))
        amount, spent = (self._money(name) for name in ("cost_budget", "cost_budget_spent"))
        start, end = (self._gauge(f"cost_budget_period_{edge}_timestamp_seconds") for edge in ("start", "end"))
        length, remaining = f"({end} - {start})", f"clamp_min({end} - time(), {_LEAST_SECONDS_LEFT})"
        yield self._record(CostSeries.EVEN_RATE, f"{amount} / {_EACH_MONITOR} group_left () {length}")
        yield self._record(CostSeries.LEFT_RATE, f"({amount} - {spent}) / {_EACH_MONITOR} group_left () {remaining}")
        low = self._money("cost_projected", equals("bound", ProjectionBound.LOW))
        yield AlertRule(AlertName.BUDGET_EXCEEDED, f"{spent} >= {amount}")
        age = f"time() - {self._gauge('cost_ledger_start_timestamp_seconds')}"
        sure = f"and {_EACH_MONITOR} ({age} >= {FIRST_DAY_SECONDS})"
        yield AlertRule(AlertName.BUDGET_WILL_BE_EXCEEDED, f"{low} > {amount} and {spent} < {amount} {sure}")
        yield AlertRule(AlertName.BUDGET_BURN_FAST, self._burns())

    def _select(self, series: str, *matchers: str) -> str:
        return select(self._monitor, series, *matchers)

    def _record(self, series: CostSeries, expr: str) -> RecordingRule:
        return RecordingRule(series, expr, self._own)

    def _gauge(self, name: str, *matchers: str) -> str:
        return f"max by ({BY_MONITOR}) ({self._select(f'modelmonitor_{name}', *matchers)})"

    def _money(self, name: str, *matchers: str) -> str:
        return f"max by ({_BY_CURRENCY}) ({self._select(f'modelmonitor_{name}', *matchers)})"

    def _rate(self, window: str) -> str:
        """Both series are recorded at the same moments, so what `increase` adds at the edges cancels out."""
        covered = f"increase({self._select(CostSeries.WRITTEN)}[{window}])"
        least = f" >= {LEAST_COVERED_SECONDS}" if window == BURN_WINDOWS[0] else " > 0"
        spent = f"increase({self._select(CostSeries.SPEND)}[{window}])"
        return f"{spent} / {_EACH_MONITOR} group_left () ({covered}{least})"

    def _burns(self) -> str:
        """Faster than the whole budget, and than what is left of it, would last; an hour's money as value."""
        rates = [f"{self._select(rate)} * {_HOUR}" for rate in (CostSeries.RATE_LONG, CostSeries.RATE_SHORT)]
        limits = [self._select(limit) for limit in (CostSeries.EVEN_RATE, CostSeries.LEFT_RATE)]
        return " and ".join(f"{rate} > {BURN_FACTOR * _HOUR} * {limit}" for rate in rates for limit in limits)

    def _held(self, window: str, *matchers: str) -> str:
        return f"sum by ({BY_MONITOR}) (increase({self._select(CostSeries.GPU_SECONDS, *matchers)}[{window}]))"

    def _idle_waste(self) -> str:
        idle = equals("part", CostPart.IDLE)
        mostly = [f"{self._held(window, idle)} / {self._held(window)} > {IDLE_RATIO}" for window in IDLE_WINDOWS]
        much = f"{self._held(IDLE_WINDOWS[0], idle)} >= {IDLE_GPU_HOURS * _HOUR}"
        return " and ".join((*mostly, much))

    def _not_written(self) -> str:
        """Silent where no GPU is held, or where an older ModelMonitor pays for everything: then nothing is written."""
        old = f"time() - {self._gauge('cost_ledger_written_timestamp_seconds')} > {LEDGER_OLD_SECONDS}"
        faulty = f"{self._gauge('cost_ledger_state', f'state!={_quoted(_COMMITTED)}')} == 1"
        held = f"{self._gauge('gpus', equals('state', 'held'))} > 0"
        shared = self._gauge("finding", equals("code", FindingCode.SHARED_TARGET))
        theirs = f"{shared} and {self._gauge('cost_charged_pods')} == 0"
        return f"(({old} or {faulty}) and {held}) unless ({theirs})"


def _quoted(text: str) -> str:
    return f'"{text}"'
