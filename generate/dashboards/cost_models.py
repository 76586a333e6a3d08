"""What each model version costs, on both bases."""

from generate.dashboards.pages import COSTS, WHO
from generate.dashboards.panel import Bars, Color, Column, Graph, Query, Section, Step, Table, Unit

_MODEL = f"{WHO}, model, version"
_MONEY = f"{_MODEL}, currency"
_LEGEND = "{{namespace}}/{{modelmonitor}} {{model}}:{{version}} {{currency}}"
_IDLE_STEPS = (Step(0.5, Color.WARNING), Step(0.8, Color.CRITICAL))

MODELS = Section(
    "Models",
    (
        Table(
            title="Cost by model",
            description="In the time chosen at the top. The ledger keeps forty models of a ModelMonitor apart; the "
            "others are in its totals. A line without a model is what pods held in which no model was loaded.",
            queries=(
                Query(COSTS.added("model_spend", _MONEY)),
                Query(COSTS.added("model_usage_spend", _MONEY)),
                Query(COSTS.idle_share(_MONEY, "model_spend")),
                Query(COSTS.per_thousand("model_spend", _MONEY, _MODEL)),
                Query(COSTS.per_thousand("model_usage_spend", _MONEY, _MODEL)),
                Query(COSTS.watt_hours(_MODEL)),
                Query(f"{COSTS.added('model_gpu_seconds', _MODEL)} / 3600"),
                Query(COSTS.added("model_inferences", _MODEL)),
            ),
            columns=(
                Column("cluster", "Cluster", width=110),
                Column("namespace", "Namespace", width=140),
                Column("modelmonitor", "ModelMonitor", width=140),
                Column("model", "Model"),
                Column("version", "Version", width=80),
                Column("currency", "Currency", width=85),
                Column("Value #A", "Allocation", Unit.SHORT, width=100, decimals=2),
                Column("Value #B", "Usage", Unit.SHORT, width=90, decimals=2),
                Column("Value #C", "Of it idle", Unit.RATIO, width=95, steps=_IDLE_STEPS),
                Column("Value #D", "Allocation for 1 000", Unit.SHORT, width=150, decimals=4),
                Column("Value #E", "Usage for 1 000", Unit.SHORT, width=130, decimals=4),
                Column("Value #F", "Energy for 1 000", Unit.WATT_HOURS, width=130),
                Column("Value #G", "GPU-hours", Unit.SHORT, width=95, decimals=2),
                Column("Value #H", "Inferences", Unit.SHORT, width=95),
            ),
            sort="Allocation",
            height=9,
            nothing="No ledger has been written yet",
        ),
        Bars(
            title="Dearest models",
            description="Allocation in the time chosen at the top, the ten dearest.",
            queries=(Query(f"topk(10, {COSTS.added('model_spend', _MONEY)})", _LEGEND),),
            decimals=2,
            minimum=0,
        ),
        Bars(
            title="Dearest for 1 000 inferences",
            description="Allocation, the ten dearest: what answers little and holds much.",
            queries=(Query(f"topk(10, {COSTS.per_thousand('model_spend', _MONEY, _MODEL)})", _LEGEND),),
            decimals=4,
            minimum=0,
        ),
        Graph(
            title="Money an hour, by model",
            description="Allocation: what each model version holds costs so much in an hour.",
            queries=(Query(COSTS.hourly("model_spend", _MONEY), _LEGEND),),
            minimum=0,
            width=12,
        ),
        Graph(
            title="GPUs in use, by model",
            description="Time that GPUs were busy with a model, its own share of the device alone.",
            queries=(
                Query(
                    COSTS.speed("model_gpu_seconds", _MODEL, 'part="used"'),
                    "{{namespace}}/{{modelmonitor}} {{model}}:{{version}}",
                ),
            ),
            stacked=True,
            minimum=0,
            width=12,
        ),
    ),
)
