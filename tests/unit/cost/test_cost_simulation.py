"""The ledger adds up through crashes, restarts, two leaders and clock steps; and the judge sees it when it does not."""

import random
from dataclasses import replace

import pytest

from modelmonitor_operator.cost.checkpoint import Checkpoint
from modelmonitor_operator.cost.ledger import Ledger
from modelmonitor_operator.cost.ledger_writes import Stored
from modelmonitor_testbed.cost_simulation.operators import Store
from modelmonitor_testbed.cost_simulation.report import judge
from modelmonitor_testbed.cost_simulation.run import Simulation

DAYS_CHARGED = "days charged more than was held"
LARGEST_GAP = "largest gap after a crash, of one checkpoint"
IDENTITY = "told less than the devices' time"


def missed(simulation: Simulation) -> set[str]:
    simulation.run()
    return {goal.name for goal in judge(simulation) if not goal.met}


def test_a_ledger_adds_up_through_sixty_crashes() -> None:
    simulation = Simulation(days=6, crashes=60, seed=4)
    assert missed(simulation) == set()
    assert sum(operator.crashes for operator in simulation.operators) > 40
    assert simulation.store.conflicts > 0
    assert all(ledger.total.spent > 0 for ledger in simulation.ledgers().values())


class TornStore(Store):
    """Totals and checkpoint as two objects: sometimes only the first is written."""

    def put(self, monitor: str, ledger: Ledger, version: str) -> str:
        if self.chance.random() < 0.1:
            ledger = replace(ledger, checkpoint=self.ledger(monitor).checkpoint)
        return super().put(monitor, ledger, version)

    chance = random.Random(1)


class ForgetfulStore(Store):
    """A new process does not know up to where the old one has charged, and begins where it stands."""

    def get(self, monitor: str) -> Stored | None:
        stored = super().get(monitor)
        if stored is None:
            return None
        since = stored.ledger.checkpoint.written
        return replace(stored, ledger=replace(stored.ledger, checkpoint=Checkpoint(), since=since))


class GenerousStore(Store):
    """A new process charges every pod from its beginning."""

    def get(self, monitor: str) -> Stored | None:
        stored = super().get(monitor)
        return stored and replace(stored, ledger=replace(stored.ledger, checkpoint=Checkpoint()))


@pytest.mark.parametrize(
    ("store", "misses"),
    [(TornStore, {DAYS_CHARGED}), (ForgetfulStore, {LARGEST_GAP}), (GenerousStore, {DAYS_CHARGED, IDENTITY})],
    ids=["torn", "forgetful", "generous"],
)
def test_the_judge_sees_a_ledger_that_does_not_add_up(store: type[Store], misses: set[str]) -> None:
    assert misses <= missed(Simulation(days=2, crashes=30, seed=4, store=store()))
