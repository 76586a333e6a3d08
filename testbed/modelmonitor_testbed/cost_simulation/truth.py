"""What really happened, integrated exactly: the judge. It shares no code with what it judges."""

from collections import defaultdict
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from fractions import Fraction
from functools import lru_cache
from zoneinfo import ZoneInfo

from modelmonitor_testbed.cost_simulation.virtual_clock import S

EPOCH = datetime(2027, 10, 1, tzinfo=UTC).timestamp()
"""Virtual time 0: a run of 400 days has a leap day, two changes to and from daylight saving time, and a new year."""


def wall(time_us: int) -> float:
    """Seconds since the epoch of a virtual time."""
    return EPOCH + time_us / S


@lru_cache(maxsize=8192)
def _midnight_after(zone: str, day: date) -> int:
    following = datetime(day.year, day.month, day.day, tzinfo=ZoneInfo(zone)) + timedelta(days=1)
    return round((following.timestamp() - EPOCH) * S)


def local_day(zone: str, time_us: int) -> date:
    """The local day of a virtual time."""
    return datetime.fromtimestamp(EPOCH + time_us // S, ZoneInfo(zone)).date()


@dataclass
class Integral:
    """Device time of one thing, at a rate that changes now and then."""

    zone: str
    rate: Fraction = Fraction(0)
    since_us: int = 0
    total: Fraction = Fraction(0)
    days: defaultdict[date, Fraction] = field(default_factory=lambda: defaultdict(Fraction))

    def change(self, now_us: int, rate: Fraction) -> None:
        """Go on at another rate."""
        self.settle(now_us)
        self.rate = rate

    def settle(self, now_us: int) -> Fraction:
        """The integral up to now."""
        start = self.since_us
        self.since_us = now_us
        if not self.rate:
            return self.total
        day = local_day(self.zone, start)
        while start < now_us:
            end = min(now_us, _midnight_after(self.zone, day))
            self.days[day] += self.rate * (end - start)
            self.total += self.rate * (end - start)
            start, day = end, day + timedelta(days=1)
        return self.total


class Truth:
    """All integrals: what each monitor held, what each model used, what strangers held."""

    def __init__(self, zones: dict[str, str]) -> None:
        self.held = {monitor: Integral(zone) for monitor, zone in zones.items()}
        self.used: dict[tuple[str, str, str], Integral] = {}
        self.strangers = Integral("UTC")
        self.unseen: defaultdict[str, Fraction] = defaultdict(Fraction)
        """Held by pods that came and went while nobody was there to see them."""
        self.late = Fraction(0)
        """Held by pods before their sidecar knew that they are somebody's: its page calls it unplanned."""
        self.pod_edges: defaultdict[tuple[str, date], int] = defaultdict(int)
        """Starts and ends of pods by monitor and day: Kubernetes says them to the second only."""

    def hold(self, monitor: str | None, now_us: int, change: Fraction) -> None:
        """A pod begins to hold a share of the devices, or lets go."""
        integral = self.held[monitor] if monitor else self.strangers
        integral.change(now_us, integral.rate + change)
        if monitor:
            self.pod_edges[monitor, local_day(integral.zone, now_us)] += 1

    def use(self, model: tuple[str, str, str], zone: str, now_us: int, change: Fraction) -> None:
        """A model of a pod begins to use so much more, or less, of the devices."""
        if model not in self.used:
            self.used[model] = Integral(zone, since_us=now_us)
        integral = self.used[model]
        integral.change(now_us, integral.rate + change)
