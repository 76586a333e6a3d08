"""`docs/alerts.md`: every alert, as people read it."""

from generate.tables import render_table
from modelmonitor_api.alert_names import RESERVED_ALERT_LABELS
from modelmonitor_api.alerts import ALERTS, AlertDefinition, AlertInput
from modelmonitor_api.burn_rates import FAST_PAIRS, SLOW_PAIRS, BurnPair

_INTRO = """\
<!-- Derived from operator/modelmonitor_api/alerts.py and burn_rates.py by `make generate`. -->
# Alerts

Each ModelMonitor gets one PrometheusRule with these alerts. Every expression reads the series of that ModelMonitor
alone. Its status says whether Prometheus has [selected and loaded them](reference/conditions.md).

A team changes single alerts in its ModelMonitor; an administrator sets labels of all of them with
`monitoring.alertLabels` of the [settings](reference/settings.md):

```yaml
spec:
  alerts:
    labels: {team: fraud}              # on every alert, for Alertmanager's routes
    runbookBaseUrl: https://wiki.example.com/runbooks
    overrides:
      - name: ModelMonitorGpuHot
        for: 15m
        severity: info
      - name: ModelMonitorSharedTarget
        disabled: true
```

Labels that tell one alert from another are the operator's own and cannot be set: LABELS. Label values are text: what
looks like a template in them reaches Alertmanager as it is.

"""
_COST = """\
Money and time of the [ledger](cost.md), which is written about every five minutes; the three on the budget are there
where `spec.cost.budget` is. A rate is what was spent over the time that the ledger has charged, so an operator that was
away for an hour and charges that hour at once burns no faster than before. Counters outlive their leader in recording
rules; a ledger that begins anew begins at zero, which no alert takes for spending. These alerts, too, outlive their
series for 10 minutes."""
_SECTIONS = {
    AlertInput.FINDING: (
        "Findings",
        "One for each [finding](reference/findings.md); it reads the leader's page. Severity is that of the finding: a "
        "Critical one gives `critical`, so the same alert may be `warning` while other pods still serve. The labels "
        "`kind` and `object` say what it is about. These alerts outlive their series for 10 minutes, so that a change "
        "of leader resolves nothing; the price is that they resolve 10 minutes late.",
    ),
    AlertInput.PIPELINE: (
        "The pipeline",
        "What stands between Triton, the sidecars, the leader and Prometheus.",
    ),
    AlertInput.ABSENCE: (
        "Absence",
        "An alert on a series that is not there looks healthy, so each kind of input has an alert on its absence. None "
        "fires for a suspended ModelMonitor, for one whose pods are scaled to zero, for GPUs where the pods hold none, "
        "or for latency without a latency objective; and none needs the leader in order to fire.",
    ),
    AlertInput.BUDGET: ("Error budgets", "BUDGETS"),
    AlertInput.COST: ("Cost", _COST),
}
_BUDGETS = """\
For each of `spec.objectives`, over 30 days. An alert fires where both windows of a pair burn, and at least
`minimumRequests` requests came in the long one:

{pairs}
Windows and factors are those of the [SRE workbook](https://sre.google/workbook/alerting-on-slos/). A factor times the
budget of a target below some 93 % is more than 1, and no error ratio is above that; there the alert fires where less
than a tenth of the promise is kept. Series have the names and labels that [Sloth](https://sloth.dev) publishes, and
`namespace` and `modelmonitor` besides. A window is the sum of what went wrong over the sum of all, so that each request
counts once, whenever it came.

- **Availability** counts requests by Triton's statistics API, which goes on where Triton's metrics page is frozen. An
  ensemble counts its own requests, and its steps count theirs: `models` of the objective says which of them the promise
  is about. `models: [my-ensemble]` is what clients see.
- **Latency by time slices** (`summary_latencies=true`): each minute of each model in each pod that had requests is a
  slice, bad where the 99th percentile is above the threshold. 99 % of slices is a promise about minutes, not requests:
  quantiles cannot be turned into a share of requests.
- **Latency by histogram** (`histogram_latencies=true`, Triton 24.11 or later, decoupled models): the share of first
  responses above the threshold, which must be a bound of the histogram.
- Where Triton publishes neither, there is no rule on latency, and `ModelMonitorLatencyAbsent` and the condition
  `WithinObjectives` say so.
"""
_HEADS = ("alert", "severity", "for", "keeps firing", "fires when")


def render_alerts() -> str:
    """The page."""
    labels = ", ".join(f"`{name}`" for name in RESERVED_ALERT_LABELS)
    return _INTRO.replace("LABELS", labels) + "\n".join(_section(kind) for kind in AlertInput)


def _section(kind: AlertInput) -> str:
    title, text = _SECTIONS[kind]
    rows = [_row(alert) for alert in ALERTS.values() if alert.input is kind]
    return f"## {title}\n\n{text.replace('BUDGETS', _budgets())}\n\n{render_table(_HEADS, rows)}"


def _row(alert: AlertDefinition) -> tuple[str, ...]:
    severity = alert.severity.value if alert.severity is not None else "that of the finding"
    name = f"[{alert.name.value}](runbooks/{alert.runbook}.md)"
    return (name, severity, alert.for_, alert.keep_firing_for, alert.condition)


def _budgets() -> str:
    rows = [_pair("fast, `critical`", pair) for pair in FAST_PAIRS] + [_pair("slow, `warning`", p) for p in SLOW_PAIRS]
    heads = ("alert", "long window", "short window", "times too fast", "budget gone in the long window")
    return _BUDGETS.format(pairs=render_table(heads, rows)).rstrip()


def _pair(speed: str, pair: BurnPair) -> tuple[str, ...]:
    return (speed, pair.long, pair.short, str(pair.factor), f"{pair.budget_percent} %")
