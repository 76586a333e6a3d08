"""What the run is held against: the exact integrals, and the bounds that the product promises."""

from collections.abc import Iterable
from dataclasses import dataclass
from fractions import Fraction

from modelmonitor_operator.cost.amounts import REST, Amounts
from modelmonitor_operator.cost.ledger import Ledger
from modelmonitor_testbed.cost_simulation.truth import Truth
from modelmonitor_testbed.cost_simulation.virtual_clock import HOUR, S

EDGE_US = 2 * S
"""Kubernetes says a pod's start and end to the second."""
SAMPLE_US = 20 * S
"""Around a change, up to one reading of a sidecar is of the time before or of the time after."""


@dataclass(frozen=True)
class Goal:
    """One promise, and what came of it."""

    name: str
    value: float
    limit: float
    unit: str = ""

    @property
    def met(self) -> bool:
        """Whether it is kept."""
        return self.value <= self.limit

    def __str__(self) -> str:
        verdict = "met   " if self.met else "MISSED"
        return f"{verdict}  {self.name}: {self.value:.6g}{self.unit} (limit {self.limit:g}{self.unit})"


def sure(amounts: Amounts) -> int:
    """Time that is charged for certain."""
    return amounts.held_us - amounts.gap_us


def identity(ledgers: Iterable[Ledger], rest_us: Fraction, whole_us: int) -> float:
    """How far all that is told is from the devices' time, as a share of it."""
    told = sum((Fraction(ledger.total.held_us) for ledger in ledgers), rest_us)
    return float(abs(told - whole_us) / whole_us)


def excess_of_models(ledger: Ledger, truth: Truth, name: str) -> dict[str, int]:
    """Models that were charged more than they used, by how many microseconds beyond rounding and sampling."""
    found = {}
    edges = sum(number for (monitor, _), number in truth.pod_edges.items() if monitor == name)
    for key, amounts in ledger.models.items():
        integral = truth.used.get((name, *key))
        if key == REST or integral is None:
            continue
        over = amounts.used_us - int(integral.total) - int(integral.total) // 200 - SAMPLE_US * (10 + edges // 4)
        if over > 0:
            found["/".join(key)] = over
    return found


def hours(time_us: float | Fraction) -> float:
    """Microseconds as hours."""
    return float(time_us) / HOUR
