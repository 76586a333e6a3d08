"""Statuses of committed ledgers, each made once for a commit, a change of spec or prices, or five minutes."""

from dataclasses import dataclass

from modelmonitor_api.spec_cost import CostSpec
from modelmonitor_operator.clock import Clock
from modelmonitor_operator.cost.budget import budget_of
from modelmonitor_operator.cost.facts import CostFacts, CostState
from modelmonitor_operator.cost.ledger_writes import Stored
from modelmonitor_operator.cost.report import build_cost_status
from modelmonitor_operator.observed import Monitor
from modelmonitor_operator.price_book import PriceBook

KEPT_SECONDS = 300.0
"""A budget's period ends and a forecast shifts also while nothing is written."""


@dataclass(frozen=True, slots=True)
class _Made:
    """Facts, and what they were made of."""

    facts: CostFacts
    stored: Stored
    spec: CostSpec | None
    prices: int
    refusal: str
    until: float

    def is_of(self, spec: CostSpec | None, prices: int, refusal: str) -> bool:
        """Whether they were made of these."""
        return (self.spec, self.prices, self.refusal) == (spec, prices, refusal)


class FactsDesk:
    """Makes facts, and keeps them."""

    def __init__(self, prices: PriceBook, clock: Clock) -> None:
        self._prices = prices
        self._clock = clock
        self._made: dict[str, _Made] = {}

    def facts(self, monitor: Monitor, stored: Stored | None, refusal: str) -> CostFacts:
        """What a committed ledger says; `refusal` is why it cannot be written, empty where it can."""
        state = CostState.UNWRITABLE if refusal else CostState.COMMITTED
        if stored is None:
            return CostFacts(state if refusal else CostState.PENDING, reason=_reason(refusal), message=refusal)
        spec = monitor.spec.cost if monitor.spec is not None else None
        made, version, now = self._made.get(monitor.uid), self._prices.version, self._clock.monotonic()
        if made is not None and made.stored is stored and now < made.until and made.is_of(spec, version, refusal):
            return made.facts
        facts = self._make(stored, spec, state, refusal)
        self._made[monitor.uid] = _Made(facts, stored, spec, version, refusal, now + KEPT_SECONDS)
        return facts

    def forget(self, uid: str) -> None:
        """A ModelMonitor is gone."""
        self._made.pop(uid, None)

    def _make(self, stored: Stored, spec: CostSpec | None, state: CostState, refusal: str) -> CostFacts:
        now, ledger = self._clock.time(), stored.ledger
        status = build_cost_status(ledger, spec, self._prices.prices_for(spec), now)
        budget = budget_of(ledger, spec, now)
        return CostFacts(state, ledger, status, budget, _reason(refusal), refusal)


def _reason(refusal: str) -> str:
    return CostState.UNWRITABLE.value if refusal else ""
