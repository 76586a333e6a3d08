"""Some hours of two monitors' ledgers, as a Prometheus scrapes them off the leaders' pages, one of which takes over."""

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from modelmonitor_api.spec_cost import CostSpec
from modelmonitor_operator.cost.facts import CostFacts
from modelmonitor_operator.cost.ledger import Ledger
from modelmonitor_operator.cost.prices import PriceList
from modelmonitor_operator.cost.tally import Terms
from modelmonitor_operator.leader_metrics import Judgement, render_leader_page
from tests.unit.cost.accounts import HALF, NOW, Book, book, life, meter, model, reading
from tests.unit.leader.costs import SPEC, facts, table
from tests.unit.leader.verdicts import status
from tests.unit.operator.worlds import monitor

WRITE_SECONDS = 300
SCRAPE_SECONDS = 60
SPECS: dict[str, dict[str, Any]] = {
    "fraud": {name: value for name, value in SPEC.items() if name != "pricePerGpuHour"},
    "search": {"currency": "EUR", "pricePerGpuHour": "1.20"},
}
"""One by a price table and with a budget, one by its own price and without."""


@dataclass
class Monitored:
    """One monitor, whose ledger is advanced as its sidecar counts."""

    name: str
    made: Book

    def write(self, at: int) -> CostFacts:
        """What the leader shows after the write at a time in seconds since NOW."""
        busy, blind = 0.5 * at + 900 * math.sin(at / 2400), 600 if at > 7200 else 0
        energy = 200_000 * at
        used = (model("fraud", busy, 0.9 * busy, energy_mj=energy), model("rank", 0.1 * at, 0.09 * at))
        pods = (
            meter(at, at - blind, *used),
            meter(at, at / 2, model("embed", 0.05 * at, 0.04 * at), pod_uid="q", holdings=(HALF,)),
        )
        self.made.take(reading(at, *pods), life(), life(uid="q"))
        return facts(self.made.ledger, SPECS[self.name], self.made.terms.prices, at)


def _monitored(name: str) -> Monitored:
    spec = CostSpec.model_validate(SPECS[name])
    return Monitored(name, book(Terms(PriceList(spec, table=table() if name == "fraud" else None)), since=0))


def write_pages(hours: int, ledgers: dict[str, list[Ledger]]) -> Iterator[str]:
    """Lines of a history in OpenMetrics' format, from NOW on; `ledgers` gets every ledger that was written.

    In the middle another leader takes over, and one scrape of each is missing.
    """
    all_of_them = [_monitored(name) for name in SPECS]
    writes = hours * 3600 // WRITE_SECONDS
    for number in range(1, writes + 1):
        leader = "a" if number <= writes // 2 else "b"
        for one in all_of_them:
            shown = one.write(number * WRITE_SECONDS)
            ledgers.setdefault(one.name, []).append(one.made.ledger)
            who = monitor(one.name, spec={"cost": SPECS[one.name]})
            lines = render_leader_page(Judgement(who, status(), cost=shown)).decode().splitlines()
            samples = [line.replace("{", f'{{instance="{leader}",', 1) for line in lines if not line.startswith("#")]
            begin = NOW + number * WRITE_SECONDS
            for second in range(0, WRITE_SECONDS, SCRAPE_SECONDS):
                if number != writes // 2 + 1 or second:
                    yield from (f"{line} {begin + second:.0f}" for line in samples)
    yield "# EOF"
