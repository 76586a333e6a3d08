"""The picture of a run: what each monitor has cost, and its forecasts at mid-period."""

import importlib
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from modelmonitor_testbed.cost_simulation.run import Simulation


def draw(simulation: "Simulation", path: str) -> None:
    """Draw it into a PNG file. matplotlib is imported by name, since only this needs it."""
    importlib.import_module("matplotlib").use("Agg")
    plots = importlib.import_module("matplotlib.pyplot")
    figure, (left, right) = plots.subplots(1, 2, figsize=(14, 5))
    days = [day for day, _ in simulation.found.daily]
    for monitor in simulation.ledgers():
        left.plot(days, [spent[monitor] for _, spent in simulation.found.daily], label=monitor)
        made = [one for one in simulation.found.forecasts if one.monitor == monitor and one.came is not None]
        right.plot([float(one.came or 0) for one in made], [float(one.expected) for one in made], "o", label=monitor)
    left.set(xlabel="day", ylabel="EUR", title="spent, as committed")
    low, high = right.get_xlim()
    right.plot([low, high], [low, high], "k-", linewidth=0.8)
    right.plot(
        [low, high], [low * 1.15, high * 1.15], "k--", [low, high], [low * 0.85, high * 0.85], "k--", linewidth=0.5
    )
    right.set(
        xlabel="EUR at the end of the month", ylabel="EUR forecast at its middle", title="forecasts; dashed: 15 %"
    )
    left.legend()
    right.legend()
    figure.tight_layout()
    figure.savefig(path)
