"""The run: everything together, judged every day and at the end."""

import random
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import date, timedelta
from decimal import Decimal
from fractions import Fraction

from modelmonitor_api.spec_cost import BudgetPeriod
from modelmonitor_operator.cost.budget import spending_of
from modelmonitor_operator.cost.forecast import forecast
from modelmonitor_operator.cost.ledger import Ledger
from modelmonitor_operator.cost.measure import GapReason
from modelmonitor_operator.cost.periods import Period, period_of
from modelmonitor_testbed.cost_simulation.goals import excess_of_models, sure
from modelmonitor_testbed.cost_simulation.operators import Operator, Store, fate
from modelmonitor_testbed.cost_simulation.sidecars import TICK, Sidecar, misfortunes
from modelmonitor_testbed.cost_simulation.truth import local_day, wall
from modelmonitor_testbed.cost_simulation.virtual_clock import DAY, HOUR, S, VirtualClock
from modelmonitor_testbed.cost_simulation.world import MONITORS, World

WARM_UP_DAYS = 28


@dataclass
class MidPeriod:
    """A forecast at the middle of a month, and what came."""

    monitor: str
    period: Period
    expected: Decimal
    low: Decimal
    high: Decimal
    came: Decimal | None = None

    @property
    def error(self) -> float:
        """As a share of what came."""
        return float(abs(self.expected - self.came) / self.came) if self.came else 0.0


@dataclass
class Findings:
    """What was seen during the run."""

    day_excess: dict[tuple[str, date], int] = field(default_factory=dict)
    model_excess: dict[tuple[str, str], int] = field(default_factory=dict)
    forecasts: list[MidPeriod] = field(default_factory=list)
    daily: list[tuple[float, dict[str, float]]] = field(default_factory=list)
    crash_gaps: list[float] = field(default_factory=list)
    """By how much gaps grew in the time after each crash, in hours of devices."""


class Simulation:
    """One run."""

    def __init__(
        self,
        days: int,
        crashes: int,
        seed: int,
        progress: Callable[[str], None] | None = None,
        store: Store | None = None,
    ) -> None:
        self.days, self.chance = days, random.Random(seed)
        self.clock = VirtualClock()
        self.world = World(self.clock, self.chance)
        self.sidecars = [Sidecar(self.clock, self.world, node) for node in ("n1", "n2", "n3")]
        self.store = store or Store()
        self.operators = [Operator(self.clock, self.world, self.sidecars, self.store) for _ in range(2)]
        self.operators[0].leads = True
        self.found = Findings()
        self._progress = progress
        for number, operator in enumerate(self.operators):
            self.clock.every(TICK, operator.tick, first_us=(7 + 60 * number) * S)
        misfortunes(self.clock, self.world, self.sidecars, random.Random(seed + 1))
        end = days * DAY
        times = sorted(self.chance.randrange(HOUR, end) for _ in range(crashes))
        fate(self.clock, self.operators, random.Random(seed + 2), times)
        for time in times:
            self.clock.at(time, self._watch_gap, rank=4)
        self.clock.every(TICK, self._scrape, first_us=S, rank=2)
        self.clock.every(DAY, self._judge_day, first_us=DAY, rank=9)

    def run(self) -> Findings:
        """Run to the end, let the operators finish, and judge."""
        self.clock.run_until(self.days * DAY)
        for operator in self.operators:
            operator.armed = None
        self._judge_day()
        return self.found

    def ledgers(self) -> dict[str, Ledger]:
        """What is committed."""
        return {monitor: self.store.ledger(monitor) for monitor in MONITORS}

    def rest_us(self) -> Fraction:
        """What nobody of ours held, by the sidecars' pages; while a sidecar was away, as before and after.

        What pods held before they were planned is in their ledger, and not here once more.
        """
        rest = -self.world.truth.late
        for sidecar in self.sidecars:
            sums = sidecar.page.sums
            number = sum(1 for gpu in self.world.gpus.values() if gpu.node == sidecar.node)
            seen = sums["wall_us"] - sums["planned_us"]
            rest += Fraction(seen * number * self.clock.now, max(1, sums["wall_us"]))
        return rest

    def _scrape(self) -> None:
        for sidecar in self.sidecars:
            sidecar.scrape()

    def _watch_gap(self) -> None:
        """Compare the gaps before a crash with those after everybody is back and has written."""
        before = self._unknown_hours()
        later = self.clock.now + HOUR + 2 * TICK
        self.clock.at(later, lambda: self.found.crash_gaps.append(self._unknown_hours() - before))

    def _unknown_hours(self) -> float:
        known = (self.store.ledger(monitor) for monitor in MONITORS if self.store.has(monitor))
        return sum(gap_hours(one, GapReason.USE_UNKNOWN, GapReason.POD_VANISHED) for one in known)

    def _judge_day(self) -> None:
        now = self.clock.now
        for integral in [*self.world.truth.held.values(), *self.world.truth.used.values()]:
            integral.settle(now)
        for monitor, ledger in self.ledgers().items():
            self._judge_excess(monitor, ledger)
            self._judge_forecast(monitor, ledger)
        whole = {name: float(ledger.total.spent) for name, ledger in self.ledgers().items()}
        self.found.daily.append((now / DAY, whole))
        if self._progress and (now // DAY) % 20 == 0:
            self._progress(f"day {now // DAY}: {sum(whole.values()):.2f} EUR, {self.store.writes} writes")

    def _judge_excess(self, monitor: str, ledger: Ledger) -> None:
        truth = self.world.truth
        integral = truth.held[monitor]
        for back in (0, 1, 2):
            day = local_day(integral.zone, self.clock.now) - timedelta(days=back)
            amounts = ledger.days.get(str(day))
            allowed = 2 * S * (truth.pod_edges.get((monitor, day), 0) + 2)
            over = sure(amounts) - int(integral.days.get(day, 0)) - allowed if amounts else 0
            if over > 0:
                self.found.day_excess[monitor, day] = over
        for model, over in excess_of_models(ledger, truth, monitor).items():
            self.found.model_excess[monitor, model] = over

    def _judge_forecast(self, monitor: str, ledger: Ledger) -> None:
        now = wall(self.clock.now)
        period = period_of(BudgetPeriod.MONTH, ledger.zone, now)
        day = local_day(ledger.zone, self.clock.now)
        if self.clock.now >= WARM_UP_DAYS * DAY and day == period.first + timedelta(days=len(period.days()) // 2):
            made = forecast(spending_of(ledger), period, now)
            self.found.forecasts.append(MidPeriod(monitor, period, made.expected, made.low, made.high))
        for old in self.found.forecasts:
            if old.monitor == monitor and old.came is None and day > old.period.after:
                spent = spending_of(ledger).days
                old.came = sum((spent.get(one, Decimal(0)) for one in old.period.days()), Decimal(0))


def gap_hours(ledger: Ledger, *reasons: GapReason) -> float:
    """Gaps of some reasons, in hours of devices."""
    return sum(ledger.gaps[reason].time_us for reason in reasons if reason in ledger.gaps) / HOUR
