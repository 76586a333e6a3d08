"""What all ModelMonitors cost, or one of them: budgets, what the money went to, and how sure that is."""

from generate.dashboards.cost_budgets import BUDGETS
from generate.dashboards.cost_expressions import IDLE, CostScope
from generate.dashboards.cost_models import MODELS
from generate.dashboards.cost_sources import SOURCES
from generate.dashboards.expressions import FIRING, NAMESPACES, or_zero
from generate.dashboards.pages import (
    COST_ALERTS,
    COST_UID,
    COSTS,
    DATASOURCE,
    FLEET_LINK,
    GPU_LINK,
    MODELS_LINK,
    OPERATOR_LINK,
    PART_COLORS,
    TAG,
    TO_MODEL,
    WHO,
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

_INTRODUCTION = """\
**Allocation is what was held, usage what of it was used.** Budgets count allocation, and energy where it has a price. \
Begin with *Spent of the budget* and the table; *Money on idle GPUs* says where to save, *How sure* what to make of a \
figure: gaps, prices and their age, and ledgers that stand still. Everything is as of the last write of each ledger, \
about every five minutes. Choose a ModelMonitor at the top to see it alone."""
_MONEY = f"{WHO}, currency"
_IDLE_STEPS = (Step(0.5, Color.WARNING), Step(0.8, Color.CRITICAL))
_BUDGET_STEPS = (Step(0.8, Color.WARNING), Step(1, Color.CRITICAL))
_OLD_STEPS = (Step(1800, Color.WARNING),)
_LEGEND = "{{namespace}}/{{modelmonitor}} {{currency}}"


def _age(scope: CostScope) -> str:
    return scope.age("modelmonitor_cost_ledger_written_timestamp_seconds", WHO)


_TABLE = Table(
    title="ModelMonitors",
    description="What each has spent in the time chosen at the top, dearest first, and how it stands with its budget.",
    queries=(
        Query(COSTS.added("spend", _MONEY)),
        Query(COSTS.idle_share(_MONEY)),
        Query(COSTS.of_budget("budget_spent", _MONEY)),
        Query(COSTS.of_budget("projected", _MONEY, 'bound="expected"')),
        Query(f"{COSTS.added('gpu_seconds', WHO)} / 3600"),
        Query(_age(COSTS)),
    ),
    columns=(
        Column("cluster", "Cluster", width=120),
        Column("namespace", "Namespace"),
        Column("modelmonitor", "ModelMonitor", link=TO_MODEL, link_title="Dashboard of this ModelMonitor"),
        Column("currency", "Currency", width=90),
        Column("Value #A", "Spent", Unit.SHORT, width=120, decimals=2),
        Column("Value #B", "Of it idle", Unit.RATIO, width=110, steps=_IDLE_STEPS),
        Column("Value #C", "Budget spent", Unit.RATIO, width=120, steps=_BUDGET_STEPS),
        Column("Value #D", "Budget projected", Unit.RATIO, width=140, steps=_BUDGET_STEPS),
        Column("Value #E", "GPU-hours", Unit.SHORT, width=110, decimals=2),
        Column("Value #F", "Ledger's age", Unit.SECONDS, width=120, steps=_OLD_STEPS, decimals=0),
    ),
    sort="Spent",
    height=9,
    nothing="No ledger has been written yet",
)

_OVERVIEW = Section(
    "",
    (
        Text(title="What to look at first", content=_INTRODUCTION, height=3),
        Number(
            title="Spent",
            description="Money in the time chosen at the top, by currency.",
            queries=(Query(COSTS.added("spend", "currency"), "{{currency}}"),),
            decimals=2,
            width=7,
            nothing="No price: GPU-hours alone",
        ),
        Number(
            title="Money on idle GPUs",
            description="Share of the money that went to GPUs that were held and not busy.",
            queries=(Query(COSTS.idle_share("currency"), "{{currency}}"),),
            unit=Unit.RATIO,
            steps=_IDLE_STEPS,
            width=5,
        ),
        Number(
            title="GPU-hours without a price",
            description="They are in no money: fill in spec.cost, or ask for a price table.",
            queries=(Query(f"sum({COSTS.added('unpriced_gpu_seconds', WHO)}) / 3600", "GPU-hours"),),
            decimals=2,
            steps=(Step(0.01, Color.WARNING),),
            width=5,
        ),
        Number(
            title="Firing alerts on cost",
            description="Budgets, idle GPUs, and ledgers that are not written.",
            queries=(
                Query(
                    or_zero(
                        f"count by (alertname) ({NAMESPACES.select('ALERTS', f'{COST_ALERTS},{FIRING}')})", "alertname"
                    ),
                    "{{alertname}}",
                ),
            ),
            unit=Unit.NONE,
            width=7,
        ),
        _TABLE,
    ),
)

_SPENT_ON = Section(
    "What it is spent on",
    (
        Graph(
            title="GPUs by use",
            description="GPUs that are held, by what they do; a share of a GPU counts as its share.",
            queries=(Query(COSTS.speed("gpu_seconds", "part"), "{{part}}"),),
            colors=PART_COLORS,
            stacked=True,
            minimum=0,
        ),
        Graph(
            title="Money an hour, by use",
            description="What the GPUs cost in an hour, by what they do, and energy that has a price. "
            "Currencies are never added up.",
            queries=(Query(COSTS.hourly("spend", "currency, part"), "{{part}} {{currency}}"),),
            minimum=0,
        ),
        Graph(
            title="Money an hour, by ModelMonitor",
            description="What each costs in an hour.",
            queries=(Query(COSTS.hourly("spend", _MONEY), _LEGEND),),
            minimum=0,
        ),
        Bars(
            title="Spent most",
            description="Money in the time chosen at the top, the ten dearest.",
            queries=(Query(f"topk(10, {COSTS.added('spend', _MONEY)})", _LEGEND),),
            decimals=2,
            minimum=0,
        ),
        Bars(
            title="Idle for most",
            description="Money for GPUs that were held and not busy, in the time chosen at the top.",
            queries=(Query(f"topk(10, {COSTS.added('spend', _MONEY, IDLE)})", _LEGEND),),
            decimals=2,
            minimum=0,
        ),
    ),
)

COST = Page(
    uid=COST_UID,
    title="ModelMonitor / Cost",
    description="What ModelMonitors and their models cost, what they will cost, and how sure that is.",
    tags=(TAG,),
    variables=(
        DATASOURCE,
        cluster("modelmonitor_cost_ledger_state"),
        Variable(
            "namespace",
            "Namespace",
            Selection.QUERY,
            'label_values(modelmonitor_cost_ledger_state{cluster=~"$cluster"}, namespace)',
        ),
        Variable(
            "modelmonitor",
            "ModelMonitor",
            Selection.QUERY,
            f"label_values({NAMESPACES.select('modelmonitor_cost_ledger_state')}, modelmonitor)",
        ),
        Variable("window", "Added up over", Selection.INTERVAL, "1d,6h,7d,30d"),
    ),
    links=(FLEET_LINK, GPU_LINK, OPERATOR_LINK, MODELS_LINK),
    sections=(_OVERVIEW, BUDGETS, _SPENT_ON, MODELS, SOURCES),
    alerts=f"{COSTS.matchers},{COST_ALERTS}",
    span="now-24h",
)
