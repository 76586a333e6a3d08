"""What one ModelMonitor costs, in few words; the dashboard of cost has the rest."""

from generate.dashboards.cost_expressions import CostScope, bound
from generate.dashboards.expressions import MONITOR
from generate.dashboards.pages import PART_COLORS
from generate.dashboards.panel import Color, Graph, Number, Query, Section, Step, Unit

_OWN = CostScope(MONITOR.matchers, "1d")
_MODEL = "model, version"

COST = Section(
    "Cost",
    (
        Number(
            title="Spent of the budget",
            description="In the present period of spec.cost.budget.",
            queries=(Query(_OWN.of_budget("budget_spent", "currency"), "{{currency}}"),),
            unit=Unit.RATIO,
            steps=(Step(0.8, Color.WARNING), Step(1, Color.CRITICAL)),
            width=4,
            height=7,
            nothing="No budget",
        ),
        Number(
            title="Projected",
            description="What the budget's period, or the month, will have cost at its end.",
            queries=(Query(_OWN.now("projected", "currency", bound("expected")), "{{currency}}"),),
            decimals=2,
            width=4,
            height=7,
            nothing="No price",
        ),
        Graph(
            title="GPUs by use",
            description="GPUs that the pods hold, by what they do; a share of a GPU counts as its share.",
            queries=(Query(_OWN.speed("gpu_seconds", "part"), "{{part}}"),),
            colors=PART_COLORS,
            stacked=True,
            minimum=0,
            height=7,
        ),
        Graph(
            title="Money an hour, by model",
            description="Allocation: what each model version holds costs so much in an hour.",
            queries=(Query(_OWN.hourly("model_spend", f"{_MODEL}, currency"), "{{model}}:{{version}} {{currency}}"),),
            stacked=True,
            minimum=0,
            height=7,
            nothing="No price",
        ),
    ),
)
