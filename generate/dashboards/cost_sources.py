"""How sure the figures are: gaps, prices, and the ledgers themselves."""

from generate.dashboards.expressions import or_zero
from generate.dashboards.pages import COSTS, WHO
from generate.dashboards.panel import Bars, Choice, Color, Column, Graph, Query, Section, Step, Table, Unit

_PRICE = "gpu_model, source, where"
_LEGEND = "{{namespace}}/{{modelmonitor}}"
_STATES = (
    Choice("LedgerCommitted", "Committed", Color.GOOD),
    Choice("LedgerPending", "Pending", Color.UNKNOWN),
    Choice("LedgerRefused", "Refused", Color.CRITICAL),
    Choice("LedgerUnwritable", "Unwritable", Color.CRITICAL),
)

SOURCES = Section(
    "How sure",
    (
        Graph(
            title="Gaps",
            description="GPUs that were held and of which nobody knows what they did, by why. They are charged.",
            queries=(Query(or_zero(COSTS.speed("gap_gpu_seconds", "reason"), "reason"), "{{reason}}"),),
            stacked=True,
            minimum=0,
        ),
        Bars(
            title="Oldest ledgers",
            description="Time since the ledger was written, the ten oldest. While nothing runs none is written.",
            queries=(
                Query(f"topk(10, {COSTS.age('modelmonitor_cost_ledger_written_timestamp_seconds', WHO)})", _LEGEND),
            ),
            unit=Unit.SECONDS,
            decimals=0,
            minimum=0,
            steps=(Step(1800, Color.WARNING),),
            width=8,
        ),
        Table(
            title="Ledgers",
            description="Whether each is believed and can be written; the condition WithinBudget says why not.",
            queries=(
                Query(f"{COSTS.now('ledger_state', f'{WHO}, state')} == 1"),
                Query(COSTS.age("modelmonitor_cost_ledger_start_timestamp_seconds", WHO)),
            ),
            columns=(
                Column("state", "State", width=110, choices=_STATES),
                Column("namespace", "Namespace"),
                Column("modelmonitor", "ModelMonitor"),
                Column("Value #B", "Begun", Unit.SECONDS, width=90, decimals=1),
            ),
            sort="State",
            width=8,
            height=8,
        ),
        Table(
            title="Prices in force",
            description="Of a whole GPU for an hour; where is the field, table or node that says so.",
            queries=(
                Query(COSTS.now("price_per_gpu_hour", f"{_PRICE}, currency")),
                Query(COSTS.now("price_age_seconds", _PRICE)),
            ),
            columns=(
                Column("gpu_model", "GPU"),
                Column("currency", "Currency", width=90),
                Column("Value #A", "Price", Unit.SHORT, width=110, decimals=4),
                Column("source", "Source", width=130),
                Column("where", "Where"),
                Column("Value #B", "Age", Unit.SECONDS, width=110, decimals=0),
            ),
            sort="Price",
            height=6,
            nothing="No price: set spec.cost, or a price table",
        ),
    ),
)
