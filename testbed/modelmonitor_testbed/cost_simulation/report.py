"""The figures of a run, and whether the goals are met."""

from collections.abc import Sequence
from statistics import median

from modelmonitor_operator.cost.amounts import add_up
from modelmonitor_operator.cost.ledger_document import render_ledger
from modelmonitor_testbed.cost_simulation.goals import Goal, hours, identity
from modelmonitor_testbed.cost_simulation.run import Simulation
from modelmonitor_testbed.cost_simulation.virtual_clock import HOUR

CHECKPOINT_HOURS = 300 / 3600


def judge(simulation: Simulation) -> list[Goal]:
    """Every goal, with its figure."""
    found, ledgers = simulation.found, simulation.ledgers()
    whole = simulation.clock.now * len(simulation.world.gpus)
    held = hours(sum(one.total for one in simulation.world.truth.held.values()))
    holding = held / (simulation.clock.now / HOUR)
    books = max(
        abs(one.total.spent - add_up(one.earlier, *one.months.values(), *one.days.values()).spent)
        for one in ledgers.values()
    )
    largest = max(len(render_ledger(one).encode()) for one in ledgers.values())
    drawn = sum(gpu.drawn_mj for gpu in simulation.world.gpus.values())
    energy = sum(one.total.energy_mj for one in ledgers.values())
    checkpoint = CHECKPOINT_HOURS * holding
    goals = [
        Goal("told less than the devices' time", identity(ledgers.values(), simulation.rest_us(), whole), 0.001),
        Goal("days charged more than was held", len(found.day_excess), 0),
        Goal("models charged more than they used", len(found.model_excess), 0),
        Goal("mean gap after a crash, of one checkpoint", _mean(found.crash_gaps) / checkpoint, 1),
        Goal("largest gap after a crash, of one checkpoint", max(found.crash_gaps, default=0) / checkpoint, 1),
        Goal("energy charged, of energy drawn", energy / drawn, 1),
        Goal("money in models less money in days", float(books), 1e-6, " EUR"),
        Goal("largest ledger", largest, 64 * 1024, " bytes"),
    ]
    errors = [one.error for one in found.forecasts if one.came is not None]
    if errors:
        goals.append(Goal("largest error of a forecast at mid-period", max(errors), 0.15))
        outside = sum(1 for one in found.forecasts if one.came is not None and not one.low <= one.came <= one.high)
        goals.append(Goal("months that ended outside their range", outside / len(errors), 0.15))
    return goals


def _mean(numbers: Sequence[float]) -> float:
    return sum(numbers) / len(numbers) if numbers else 0.0


def print_report(simulation: Simulation, goals: Sequence[Goal], cpu_seconds: float) -> None:
    """All figures, the goals last."""
    ledgers, truth = simulation.ledgers(), simulation.world.truth
    print(f"{simulation.days} days, {cpu_seconds:.0f} s of CPU")
    print(f"{sum(one.crashes for one in simulation.operators)} crashes, {simulation.store.writes} writes,", end=" ")
    print(f"{simulation.store.conflicts} conflicts")
    for name, ledger in ledgers.items():
        total = ledger.total
        used = sum(hours(one.total) for key, one in truth.used.items() if key[0] == name)
        print(f"  {name:8} {total.spent:11.2f} EUR; held {hours(total.held_us):.2f} h, in truth", end=" ")
        print(f"{hours(truth.held[name].total):.2f}; used {hours(total.used_us):.2f} h, in truth {used:.2f};", end=" ")
        print(
            f"idle {hours(total.idle_us):.2f}, other {hours(total.other_us):.2f}, gap {hours(total.gap_us):.2f},",
            end=" ",
        )
        print(f"modelled {hours(total.modelled_us):.2f}, never seen {hours(truth.unseen[name]):.2f} h")
        for reason, gap in sorted(ledger.gaps.items()):
            print(f"           {reason} {hours(gap.time_us):.3f} h")
    errors = sorted(one.error for one in simulation.found.forecasts if one.came is not None)
    if errors:
        inside = sum(1 for o in simulation.found.forecasts if o.came is not None and o.low <= o.came <= o.high)
        print(f"forecasts at mid-period: {len(errors)}, median error {median(errors):.3f}, within their range {inside}")
    for goal in goals:
        print(goal)
