"""Every ModelMonitor that a Prometheus knows."""

from generate.dashboards.expressions import FIRING, INSTALLATION, NAMESPACES, Scope, or_zero
from generate.dashboards.model_objectives import BUDGET_LEFT, SLOTH_NAME
from generate.dashboards.pages import (
    ALERT_COLORS,
    COST_LINK,
    DATASOURCE,
    FLEET_UID,
    GPU_LINK,
    MODELS_LINK,
    OPERATOR_LINK,
    SEVERITY_CHOICES,
    SEVERITY_COLORS,
    TAG,
    TO_MODEL,
    VERDICT_CHOICES,
    VERDICT_COLORS,
    WHO,
    WINDOW,
    cluster,
)
from generate.dashboards.panel import (
    Bars,
    Color,
    Column,
    Graph,
    Number,
    Page,
    Query,
    Section,
    Selection,
    Step,
    Table,
    Text,
    Unit,
    Variable,
)

_LEGEND = "{{namespace}}/{{modelmonitor}}"
_BUDGET_STEPS = (Step(0, Color.WARNING), Step(0.25, Color.GOOD))
_OLD_STEPS = (Step(120, Color.WARNING), Step(600, Color.CRITICAL))

_ALERTS = f'modelmonitor!="",{FIRING}'

_INTRODUCTION = """\
**Begin with the table.** It lists the worst verdict first; a name leads to that monitor's own dashboard. *Stale \
verdicts* are monitors that nobody judges any more: their other numbers are old. *Error budget left* says whom the \
users have noticed; *Failing most* and *Slowest* say who is next."""


def _top(expression: str, function: str = "topk") -> str:
    return f"{function}(10, {expression})"


def _verdicts(scope: Scope) -> str:
    return f"sum by (state) ({scope.worst('modelmonitor_health_state', f'{WHO}, state')})"


def _findings(scope: Scope) -> str:
    return f"sum by (severity) ({scope.worst('modelmonitor_findings', f'{WHO}, severity')})"


def _critical(scope: Scope) -> str:
    return scope.worst("modelmonitor_findings", WHO, 'severity="Critical"')


_TABLE = Table(
    title="ModelMonitors",
    description="The worst first. Latency is the 99th percentile where Triton publishes it, else the mean.",
    queries=(
        Query(NAMESPACES.verdict(WHO)),
        Query(_critical(NAMESPACES)),
        Query(f"max by ({WHO}) ({NAMESPACES.failures(f'{WHO}, model')})"),
        Query(f"max by ({WHO}) ({NAMESPACES.latency(f'{WHO}, model')})"),
        Query(f"min by ({WHO}) ({NAMESPACES.select(BUDGET_LEFT)})"),
        Query(NAMESPACES.age("modelmonitor_health_observed_timestamp_seconds", WHO)),
    ),
    columns=(
        Column("Value #A", "Verdict", choices=VERDICT_CHOICES, width=120),
        Column("cluster", "Cluster", width=120),
        Column("namespace", "Namespace"),
        Column("modelmonitor", "ModelMonitor", link=TO_MODEL, link_title="Dashboard of this ModelMonitor"),
        Column("Value #B", "Critical findings", width=140, decimals=0),
        Column("Value #C", "Worst failure ratio", Unit.RATIO, width=160),
        Column("Value #D", "Worst latency", Unit.SECONDS, width=140),
        Column("Value #E", "Budget left", Unit.RATIO, width=120, base=Color.CRITICAL, steps=_BUDGET_STEPS),
        Column("Value #F", "Verdict's age", Unit.SECONDS, width=130, steps=_OLD_STEPS, decimals=0),
    ),
    sort="Verdict",
    height=9,
    nothing="Prometheus knows no ModelMonitor",
)

_OVERVIEW = Section(
    "",
    (
        Text(title="What to look at first", content=_INTRODUCTION, height=3),
        Number(
            title="Verdicts",
            description="ModelMonitors by verdict.",
            queries=(Query(_verdicts(NAMESPACES), "{{state}}"),),
            colors=VERDICT_COLORS,
            unit=Unit.NONE,
            width=10,
        ),
        Number(
            title="Findings",
            description="Findings that hold, by severity.",
            queries=(Query(_findings(NAMESPACES), "{{severity}}"),),
            colors=SEVERITY_COLORS,
            unit=Unit.NONE,
            width=7,
        ),
        Number(
            title="Firing alerts",
            description="Alerts of ModelMonitors that fire, by severity.",
            queries=(
                Query(
                    or_zero(f"count by (severity) ({NAMESPACES.select('ALERTS', _ALERTS)})", "severity"),
                    "{{severity}}",
                ),
            ),
            colors=ALERT_COLORS,
            unit=Unit.NONE,
            width=7,
        ),
        _TABLE,
    ),
)

_WORST = Section(
    "Who needs attention",
    (
        Bars(
            title="Failing most",
            description="Share of failed requests, the ten worst models.",
            queries=(Query(_top(NAMESPACES.failures(f"{WHO}, model")), f"{_LEGEND} {{{{model}}}}"),),
            unit=Unit.RATIO,
            minimum=0,
            steps=(Step(0.01, Color.WARNING), Step(0.05, Color.CRITICAL)),
        ),
        Bars(
            title="Slowest",
            description="99th percentile where Triton publishes it, else the mean; the ten slowest models.",
            queries=(Query(_top(NAMESPACES.latency(f"{WHO}, model")), f"{_LEGEND} {{{{model}}}} {{{{quantity}}}}"),),
            unit=Unit.SECONDS,
            minimum=0,
        ),
        Bars(
            title="Error budget left",
            description="Of the 30 days' budget, the ten objectives with the least; below 0 it is overspent.",
            queries=(
                Query(
                    _top(f"min by ({WHO}, {SLOTH_NAME}) ({NAMESPACES.select(BUDGET_LEFT)})", "bottomk"),
                    f"{_LEGEND} {{{{{SLOTH_NAME}}}}}",
                ),
            ),
            unit=Unit.RATIO,
            maximum=1,
            base=Color.CRITICAL,
            steps=_BUDGET_STEPS,
            nothing="No ModelMonitor has objectives",
        ),
        Bars(
            title="Stale verdicts",
            description="Time since the verdict was renewed, the ten oldest. Beyond ten minutes nobody judges.",
            queries=(Query(_top(NAMESPACES.age("modelmonitor_health_observed_timestamp_seconds", WHO)), _LEGEND),),
            unit=Unit.SECONDS,
            decimals=0,
            minimum=0,
            steps=_OLD_STEPS,
        ),
    ),
)

_HISTORY = Section(
    "Over time",
    (
        Graph(
            title="Verdicts over time",
            description="ModelMonitors by verdict.",
            queries=(Query(_verdicts(NAMESPACES), "{{state}}"),),
            colors=VERDICT_COLORS,
            stacked=True,
            minimum=0,
            width=12,
        ),
        Graph(
            title="Findings over time",
            description="Findings that hold, by severity.",
            queries=(Query(_findings(NAMESPACES), "{{severity}}"),),
            colors=SEVERITY_COLORS,
            stacked=True,
            minimum=0,
            width=12,
        ),
        Table(
            title="All findings",
            description="What is wrong, the worst first.",
            queries=(Query(NAMESPACES.worst("modelmonitor_finding", f"{WHO}, severity, code, kind, object")),),
            columns=(
                Column("severity", "Severity", width=110, choices=SEVERITY_CHOICES),
                Column("cluster", "Cluster", width=120),
                Column("namespace", "Namespace", width=160),
                Column("modelmonitor", "ModelMonitor", width=180, link=TO_MODEL, link_title="Its dashboard"),
                Column("code", "Finding", width=200),
                Column("kind", "What", width=120),
                Column("object", "Which"),
            ),
            sort="Severity",
            descending=False,
            height=8,
            nothing="No findings",
        ),
    ),
)

FLEET = Page(
    uid=FLEET_UID,
    title="ModelMonitor / Fleet",
    description="Every ModelMonitor: verdicts, findings, the worst models, error budgets.",
    tags=(TAG,),
    variables=(
        DATASOURCE,
        cluster("modelmonitor_health_state"),
        Variable(
            "namespace",
            "Namespace",
            Selection.QUERY,
            f"label_values({INSTALLATION.select('modelmonitor_health_state')}, namespace)",
        ),
        WINDOW,
    ),
    links=(COST_LINK, GPU_LINK, OPERATOR_LINK, MODELS_LINK),
    sections=(_OVERVIEW, _WORST, _HISTORY),
    alerts=f'{NAMESPACES.matchers},modelmonitor!=""',
)
