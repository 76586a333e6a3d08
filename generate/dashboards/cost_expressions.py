"""PromQL about cost: spend rises in steps, so rates are taken over an hour; currencies are never mixed."""

from dataclasses import dataclass

from generate.dashboards.expressions import Scope

HOUR = 3600
JOULES_PER_WATT_HOUR = 3600
IDLE = 'part="idle"'
_WRITTEN = "modelmonitor_cost_ledger_written_timestamp_seconds"
_PAGE = "cluster, namespace, modelmonitor, job, instance"
_LEAST_CHARGED = "0.9"


@dataclass(frozen=True, slots=True)
class CostScope(Scope):
    """Series about cost, and over which window they are added up."""

    def added(self, series: str, by: str, more: str = "") -> str:
        """Increase of a counter."""
        total = f"increase({self.select(f'modelmonitor_cost_{series}_total', more)}[{self.window}])"
        return f"sum by ({by}) ({total})"

    def hourly(self, series: str, by: str, more: str = "") -> str:
        """Increase of a counter in an hour, at the rate of the last."""
        return f"{self.speed(series, by, more)} * {HOUR}"

    def speed(self, series: str, by: str, more: str = "") -> str:
        """Increase of a counter a second of what the ledger has charged in the last hour.

        An hour holds eleven to thirteen writes, and after a pause one write holds the pause: divided by how far the
        writes reach, neither is seen. Where nothing is written any more, the hour itself counts.
        """
        rise = f"rate({self.select(f'modelmonitor_cost_{series}_total', more)}[1h])"
        charged = f"clamp_min(rate({self.select(_WRITTEN)}[1h]), {_LEAST_CHARGED})"
        return f"sum by ({by}) ({rise} / on ({_PAGE}) group_left () {charged})"

    def idle_share(self, by: str, of: str = "spend") -> str:
        """Share of the money that went to idle GPUs; nothing where none was spent."""
        return f"{self.added(of, by, IDLE)} / ({self.added(of, by)} > 0)"

    def per_thousand(self, series: str, by: str, inferences_by: str) -> str:
        """Money for 1000 inferences; nothing where there was none."""
        made = f"({self.added('model_inferences', inferences_by)} > 0)"
        return f"1000 * {self.added(series, by)} / on ({inferences_by}) group_left () {made}"

    def watt_hours(self, by: str) -> str:
        """Energy of 1000 inferences."""
        made = f"({self.added('model_inferences', by)} > 0)"
        return f"1000 / {JOULES_PER_WATT_HOUR} * {self.added('model_energy_joules', by)} / {made}"

    def now(self, gauge: str, by: str, more: str = "") -> str:
        """A gauge, as the leader shows it."""
        return self.worst(f"modelmonitor_cost_{gauge}", by, more)

    def of_budget(self, gauge: str, by: str, more: str = "") -> str:
        """A gauge as a share of the budget."""
        return f"{self.now(gauge, by, more)} / {self.now('budget', by)}"


def bound(name: str) -> str:
    """One end of the forecast's range."""
    return f'bound="{name}"'
