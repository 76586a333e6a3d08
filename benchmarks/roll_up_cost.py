"""The roll-up of one ModelMonitor with 50 models and a full ledger, and the status that is made of the ledger.

The roll-up runs every cycle, the status of cost once for each write of the ledger: they are measured apart.
"""

import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from statistics import median

from benchmarks.manifests import build_monitor, build_running_status, build_triton_pod, stored
from benchmarks.synthetic import Identity, Load, build_summary
from benchmarks.table import Row
from modelmonitor_api.cost_summary import CostMethod, Holding, PodMeter
from modelmonitor_api.plan import PlannedMonitor, PlannedPod
from modelmonitor_api.spec_cost import CostSpec, Currency
from modelmonitor_api.spec_objectives import Objective
from modelmonitor_api.status import HealthState
from modelmonitor_api.status_cost import MAX_COST_MODELS
from modelmonitor_operator.adapters.monitors import parse_monitor
from modelmonitor_operator.adapters.pods import parse_pod
from modelmonitor_operator.cost.amounts import Amounts, add_up
from modelmonitor_operator.cost.budget import view_budget
from modelmonitor_operator.cost.checkpoint import Checkpoint, PodMark
from modelmonitor_operator.cost.facts import NOTHING_CHARGED, CostFacts, CostState
from modelmonitor_operator.cost.ledger import KEPT_DAYS, KEPT_HOURS, Ledger, new_ledger
from modelmonitor_operator.cost.ledger_document import render_ledger
from modelmonitor_operator.cost.money import HOUR_US
from modelmonitor_operator.cost.prices import PriceList
from modelmonitor_operator.cost.report import build_cost_status
from modelmonitor_operator.observed import Fleet, NodeReading, PlanState, PollState, SidecarPod
from modelmonitor_operator.rollup import RollupInput, index_nodes, roll_up, seed_state

MODELS = 50
LEDGER_MODELS = 40
ROUNDS = 41
GOAL_MS = 3.0
_NOW = datetime(2027, 3, 15, 12, tzinfo=UTC).timestamp()
_COST = CostSpec.model_validate({"currency": "EUR", "pricePerGpuHour": "2.50", "budget": {"amount": "9000"}})
_OBJECTIVES = tuple(
    Objective.model_validate({"name": f"up-{number}", "type": "Availability", "target": "99.9"}) for number in range(8)
)


def _day(number: int) -> Amounts:
    """A day of four GPUs, none alike."""
    us = (96 + number % 7) * HOUR_US
    hours = Decimal(us) / HOUR_US
    return Amounts(
        used_us=us // 3,
        idle_us=us - us // 3,
        energy_mj=us // 9,
        inferences=100_000 + number,
        used=hours * Decimal("0.833333333333"),
        idle=hours * Decimal("1.666666666667"),
    )


def build_ledger() -> Ledger:
    """A ledger as large as one gets: all its days, hours, models and objectives."""
    today = date(2027, 3, 15)
    past = [today - timedelta(days=back) for back in range(KEPT_DAYS)]
    models = {
        (f"model-{number:03d}", "1"): add_up(*map(_day, range(number, number + 3))) for number in range(LEDGER_MODELS)
    }
    holding = Holding(gpu="GPU-1", gpu_model="NVIDIA A100-SXM4-80GB", parts=1, of=1)
    meter = PodMeter(pod_uid="pod-0", method=CostMethod.EXCLUSIVE, holdings=(holding,), until_us=1)
    return replace(
        new_ledger("monitor-0", _NOW - KEPT_DAYS * 86400),
        currency=Currency.EUR,
        models=models,
        days={str(day): _day(day.toordinal()) for day in past},
        hours={int(_NOW // 3600) - back: Decimal(back % 5 + 8) for back in range(KEPT_HOURS)},
        objectives={one.name: {str(day): (99_990, 100_000) for day in past} for one in _OBJECTIVES},
        checkpoint=Checkpoint(pods={"pod-0": PodMark("node-0", "boot", 0, 1, _NOW, meter)}),
    )


def build_facts(ledger: Ledger) -> CostFacts:
    """What the operator makes of a ledger once it is written."""
    assert _COST.budget is not None
    status = build_cost_status(ledger, _COST, PriceList(_COST), _NOW)
    return CostFacts(CostState.COMMITTED, ledger, status, view_budget(ledger, _COST.budget, _NOW))


def build_input() -> RollupInput:
    """One monitor with one pod of 50 busy models, freshly read."""
    monitor = parse_monitor(stored(build_monitor("team", "busy"), "monitor-0"))
    assert monitor.spec is not None
    monitor = replace(monitor, spec=monitor.spec.model_copy(update={"objectives": _OBJECTIVES, "cost": _COST}))
    pod = parse_pod(
        stored(
            build_triton_pod("team", "triton-0", "busy", "node-0"),
            "pod-0",
            status=build_running_status("triton", "10.0.0.1"),
        )
    )
    planned = PlannedPod(
        name="triton-0", uid="pod-0", ip="10.0.0.1", container="triton", http_port=8000, metrics_port=8002
    )
    plan = PlannedMonitor(
        namespace="team", name="busy", uid="monitor-0", interval_seconds=15, window_seconds=300, pods=(planned,)
    )
    who = Identity("node-0", "sidecar-0")
    summary = build_summary(who, (plan,), Load(MODELS), reading=1, plan_generation=1)
    sidecar = SidecarPod("node-0", "sidecar-0", "sidecar-0", "10.0.0.2", ready=True)
    readings = {"node-0": NodeReading(sidecar, PollState.OK, "", 1, _NOW, summary)}
    return RollupInput(
        monitor=monitor,
        pods=(pod,),
        nodes=index_nodes(readings),
        fleet=Fleet(exists=True, wanted=1, ready=1, updated=1),
        plans={"node-0": PlanState("node-0", 1)},
        older_selectors={},
        runbook_base_url="https://runbooks.example",
        cycle_seconds=10.0,
    )


def _milliseconds(work: Callable[[], object]) -> float:
    """CPU of some work, the median of many times."""
    taken = []
    for _ in range(ROUNDS):
        began = time.process_time()
        work()
        taken.append((time.process_time() - began) * 1000)
    return median(taken)


def _judge(given: RollupInput) -> Callable[[], object]:
    """The roll-up of a monitor that has been judged before."""
    _, state = roll_up(seed_state(None), given, _NOW - 10)
    return lambda: roll_up(state, given, _NOW)


def measure(report: Callable[[str], None]) -> Sequence[Row]:
    """CPU of a roll-up with cost against one without, and of a status of cost against the ledger's own document."""
    ledger = build_ledger()
    priced, bare = replace(build_input(), cost=build_facts(ledger)), replace(build_input(), cost=NOTHING_CHARGED)
    status, _ = roll_up(seed_state(None), priced, _NOW)
    assert status.health.state is HealthState.HEALTHY, status.health.summary
    assert status.cost is not None
    assert len(status.cost.models) == MAX_COST_MODELS
    assert all(one.budget_remaining for one in status.objectives)
    report(f"a ledger of {len(render_ledger(ledger).encode())} bytes; {status.cost.spent}, {status.cost.projected}")
    return (
        Row(
            f"roll-up of a monitor with {MODELS} models, 8 objectives and cost: CPU",
            _milliseconds(_judge(priced)),
            "ms",
            GOAL_MS,
            _milliseconds(_judge(bare)),
            "the same without cost",
        ),
        Row(
            f"status of cost from a ledger of {LEDGER_MODELS} models and {KEPT_DAYS} days, once a write: CPU",
            _milliseconds(lambda: build_facts(ledger)),
            "ms",
            None,
            _milliseconds(lambda: render_ledger(ledger)),
            "the ledger as text",
        ),
    )
