"""Objectives of one ModelMonitor, by the recording rules that bear Sloth's names."""

from generate.dashboards.expressions import MONITOR
from generate.dashboards.panel import Color, Column, Graph, Number, Query, Section, Step, Table, Text, Unit
from modelmonitor_api.burn_rates import SloSeries
from modelmonitor_operator.desired.dashboard_panels import ModelPanel

SLOTH_NAME = "sloth_slo"
"""Label of Sloth's series with the objective's name."""
BUDGET_LEFT = SloSeries.BUDGET_REMAINING.value
BURN_RATE = SloSeries.CURRENT_BURN_RATE.value
_NONE = "No objectives: spec.objectives is empty"

OBJECTIVES = Section(
    "Objectives",
    (
        Text(title="What is promised", id=ModelPanel.OBJECTIVES, content=_NONE, width=8, height=7),
        Number(
            title="Error budget left",
            description="Share of the 30 days' error budget that is left; below 0 it is overspent.",
            queries=(Query(MONITOR.worst(BUDGET_LEFT, SLOTH_NAME), f"{{{{{SLOTH_NAME}}}}}"),),
            unit=Unit.RATIO,
            decimals=1,
            base=Color.CRITICAL,
            steps=(Step(0, Color.WARNING), Step(0.25, Color.GOOD)),
            width=8,
            height=7,
            nothing=_NONE,
        ),
        Graph(
            title="Burn rate",
            description="How many times too fast the budget is spent. Lines: 1 spends it in exactly 30 days, 6 and "
            "14.4 page. Source: https://sre.google/workbook/alerting-on-slos/",
            queries=(Query(MONITOR.worst(BURN_RATE, SLOTH_NAME), f"{{{{{SLOTH_NAME}}}}}"),),
            minimum=0,
            steps=(Step(1, Color.WARNING), Step(6, Color.CRITICAL), Step(14.4, Color.CRITICAL)),
            height=7,
            nothing=_NONE,
        ),
        Table(
            title="How each objective is judged",
            description="By requests, by minutes (time slices), by a histogram, or not at all because Triton publishes "
            "nothing to judge by.",
            queries=(
                Query(MONITOR.worst("modelmonitor_objective_info", "objective, type, method")),
                Query(MONITOR.worst("modelmonitor_objective_target_ratio", "objective")),
            ),
            columns=(
                Column("objective", "Objective"),
                Column("type", "Type"),
                Column("method", "Judged by"),
                Column("Value #B", "Target", Unit.RATIO),
            ),
            height=5,
            nothing=_NONE,
        ),
    ),
)
