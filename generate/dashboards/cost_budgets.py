"""Budgets: spent, projected, and with which range."""

from generate.dashboards.cost_expressions import bound
from generate.dashboards.pages import COSTS, WHO
from generate.dashboards.panel import Bars, Choice, Color, Column, Graph, Query, Section, Step, Table, Unit

_MONEY = f"{WHO}, currency"
_LEGEND = "{{namespace}}/{{modelmonitor}}"
_STEPS = (Step(0.8, Color.WARNING), Step(1, Color.CRITICAL))
_NONE = "No ModelMonitor has a budget"
_PROVEN = (Choice(1, "proven", Color.GOOD), Choice(0, "guess", Color.UNKNOWN))
_END = "modelmonitor_cost_budget_period_end_timestamp_seconds"
_LINES = (
    ("spent", COSTS.now("budget_spent", _MONEY)),
    ("projected", COSTS.now("projected", _MONEY, bound("expected"))),
    ("at least", COSTS.now("projected", _MONEY, bound("low"))),
    ("at most", COSTS.now("projected", _MONEY, bound("high"))),
    ("budget", COSTS.now("budget", _MONEY)),
)

BUDGETS = Section(
    "Budgets",
    (
        Bars(
            title="Spent of the budget",
            description="In the present period, the ten with the most.",
            queries=(Query(f"topk(10, {COSTS.of_budget('budget_spent', _MONEY)})", _LEGEND),),
            unit=Unit.RATIO,
            minimum=0,
            steps=_STEPS,
            width=8,
            nothing=_NONE,
        ),
        Bars(
            title="Projected of the budget",
            description="At the end of the period, the ten with the most.",
            queries=(Query(f"topk(10, {COSTS.of_budget('projected', _MONEY, bound('expected'))})", _LEGEND),),
            unit=Unit.RATIO,
            minimum=0,
            steps=_STEPS,
            width=8,
            nothing=_NONE,
        ),
        Graph(
            title="Spend and projection",
            description="Spent in the period, and what it will have cost at its end: nine of ten past forecasts ended "
            "between the lines.",
            queries=tuple(Query(expression, f"{_LEGEND} {name} {{{{currency}}}}") for name, expression in _LINES),
            minimum=0,
            nothing=_NONE,
        ),
        Table(
            title="Forecasts",
            description="A range that is a guess is half of what is to come; it is proven once there are enough past "
            "errors.",
            queries=(
                *(Query(expression) for _, expression in _LINES),
                Query(COSTS.now("projection_proven", WHO)),
                Query(f"{COSTS.worst(_END, WHO)} - time()"),
            ),
            columns=(
                Column("cluster", "Cluster", width=120),
                Column("namespace", "Namespace"),
                Column("modelmonitor", "ModelMonitor"),
                Column("currency", "Currency", width=90),
                Column("Value #E", "Budget", Unit.SHORT, width=120, decimals=2),
                Column("Value #A", "Spent", Unit.SHORT, width=120, decimals=2),
                Column("Value #B", "Projected", Unit.SHORT, width=120, decimals=2),
                Column("Value #C", "At least", Unit.SHORT, width=120, decimals=2),
                Column("Value #D", "At most", Unit.SHORT, width=120, decimals=2),
                Column("Value #F", "Range", width=90, choices=_PROVEN),
                Column("Value #G", "Period ends in", Unit.SECONDS, width=130, decimals=1),
            ),
            sort="Projected",
            height=7,
            nothing="No price, so no forecast",
        ),
    ),
)
