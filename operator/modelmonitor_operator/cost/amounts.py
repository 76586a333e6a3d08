"""What the ledger adds up: device time by bucket, the money of each, energy, and what Triton counted."""

import operator
from decimal import Decimal
from typing import NamedTuple

from modelmonitor_operator.cost.money import ZERO

ModelKey = tuple[str, str]
NO_MODEL: ModelKey = ("", "")
"""What a pod held in which Triton showed no model."""
REST: ModelKey = ("", "*")
"""The models that the ledger has no room for, added up."""


class Amounts(NamedTuple):
    """A sum. Times are whole microseconds of one device, money is in the ledger's currency.

    Held, the allocation view, is used - borrowed + idle + other + gap; used is the usage view.

    Attributes:
        used_us: busy with a model.
        borrowed_us: of that, beyond the pod's own share of a time-sliced device.
        idle_us: held, not busy. other_us: held, busy with nothing that Triton counts.
        gap_us: held, as far as can be known, and nobody knows what it did.
        modelled_us, assumed_us: of held, what was not measured.
        unpriced_us: of held, what has no price.
        energy_mj: of the devices' energy, its part.
    """

    used_us: int = 0
    borrowed_us: int = 0
    idle_us: int = 0
    other_us: int = 0
    gap_us: int = 0
    modelled_us: int = 0
    assumed_us: int = 0
    unpriced_us: int = 0
    energy_mj: int = 0
    inferences: int = 0
    succeeded: int = 0
    failed: int = 0
    cached: int = 0
    used: Decimal = ZERO
    borrowed: Decimal = ZERO
    idle: Decimal = ZERO
    other: Decimal = ZERO
    gap: Decimal = ZERO
    energy: Decimal = ZERO

    def plus(self, more: "Amounts") -> "Amounts":
        """Both together."""
        return Amounts._make(map(operator.add, self, more))

    @property
    def held_us(self) -> int:
        """Device time held."""
        return self.used_us - self.borrowed_us + self.idle_us + self.other_us + self.gap_us

    @property
    def held(self) -> Decimal:
        """Money for what was held, without energy."""
        return self.used - self.borrowed + self.idle + self.other + self.gap

    @property
    def spent(self) -> Decimal:
        """All the money."""
        return self.held + self.energy

    def without_money(self) -> "Amounts":
        """The same with no money: what is left when the currency changes, and what it was held for has no price in."""
        bare = self._replace(used=ZERO, borrowed=ZERO, idle=ZERO, other=ZERO, gap=ZERO, energy=ZERO)
        return bare._replace(unpriced_us=self.held_us)


NOTHING = Amounts()


def add_up(*all_of_them: Amounts) -> Amounts:
    """The sum of any number of amounts."""
    total = NOTHING
    for one in all_of_them:
        total = total.plus(one)
    return total
