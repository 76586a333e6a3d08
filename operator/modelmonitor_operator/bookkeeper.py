"""The leader's ledgers: reads each once, advances it every minute, writes it every five, and says what is committed.

It follows the protocol of `cost/ledger_writes.py`. Advancing more often than writing loses less of what only a sidecar
knows when that one is restarted; what a write did not commit is charged again from what the server has.
"""

import hashlib
from collections.abc import Callable
from dataclasses import dataclass, field, replace

from modelmonitor_api.names import MonitorRef
from modelmonitor_api.spec_cost import CostSpec
from modelmonitor_operator.clock import Clock
from modelmonitor_operator.cost.advance import advance
from modelmonitor_operator.cost.facts import CostFacts, CostState
from modelmonitor_operator.cost.ledger import Ledger, in_currency
from modelmonitor_operator.cost.ledger_document import LedgerProblem
from modelmonitor_operator.cost.ledger_writes import Account, Stored, begin, charged, due_at, loaded, stamped
from modelmonitor_operator.cost.observations import Observation
from modelmonitor_operator.cost.prices import PriceList
from modelmonitor_operator.cost.tally import Terms
from modelmonitor_operator.cost_facts import FactsDesk
from modelmonitor_operator.cost_observer import CostObserver
from modelmonitor_operator.errors import (
    AlreadyExistsError,
    ClusterError,
    ConflictError,
    NotFoundError,
    TerminalError,
)
from modelmonitor_operator.keys import Key, LedgerKey
from modelmonitor_operator.ledgers import Ledgers
from modelmonitor_operator.observed import Monitor
from modelmonitor_operator.rollup.inputs import Index
from modelmonitor_operator.settings import Settings
from modelmonitor_operator.world import World

AGAIN_SECONDS = 60.0
"""A ledger that is not believed is read again this often: somebody may have mended it."""
OPENING_SECONDS = 60.0
"""A new ledger is made once it knows of a pod's meters, or after so long."""
LOOKS = 5
"""A ledger is advanced so many times between two writes."""
_SPREAD = 0.2
"""The first write of a new ledger is put off by up to so much of the time between writes: monitors come in crowds."""
_MOMENT = 0.01
_NEAR = 0.02
"""A look that would be this much of the time between writes too early for one waits for it."""
_TOLD = 300


@dataclass(slots=True)
class _Entry:
    """One ModelMonitor's.

    Attributes:
        told: as last committed; kept while the ledger is read again, for counters must not go back.
        next_at: when to look at it, in seconds of the leader's monotonic clock.
        asked: its key is in the work queue, which also tries again after a failure.
        opening: a ledger that is to be made, and since when.
        is_new: it was made by this process and has not been written since.
        last: of a ModelMonitor that is gone, what was seen of it; the account is closed with that.
    """

    ref: MonitorRef
    account: Account = field(default_factory=Account)
    told: Stored | None = None
    problem: LedgerProblem | None = None
    refusal: str = ""
    next_at: float = 0.0
    asked: bool = False
    opening: Ledger | None = None
    opened_at: float = 0.0
    is_new: bool = False
    last: tuple[Monitor, Observation | None] | None = None


class Bookkeeper:
    """Keeps the accounts of all ModelMonitors, by UID. Lives as long as this process leads."""

    def __init__(
        self,
        settings: Settings,
        world: World,
        ledgers: Ledgers,
        clock: Clock,
        enqueue: Callable[[Key, float], None],
    ) -> None:
        self._settings = settings
        self._world = world
        self._ledgers = ledgers
        self._clock = clock
        self._enqueue = enqueue
        self._observer = CostObserver(world, clock)
        self._facts = FactsDesk(world.price_book, clock)
        self._entries: dict[str, _Entry] = {}

    # What the cycle and the watches say

    def begin_cycle(self, index: Index) -> None:
        """The sidecars have been asked: ask for the ledgers that are due before the next time."""
        if not self._settings.cost.enabled:
            return
        self._observer.begin_cycle(index)
        now = self._clock.monotonic()
        for uid in self._entries.keys() - {monitor.uid for monitor in self._world.monitors.values()}:
            if self._entries[uid].last is None:
                self._close(uid)
        for monitor in self._world.monitors.values():
            entry = self._entries.get(monitor.uid)
            if entry is None:
                entry = self._entries[monitor.uid] = _Entry(monitor.ref)
            wait = entry.next_at - now
            if not entry.asked and wait < self._settings.cycle_seconds:
                self._ask(monitor.uid, entry, max(0.0, wait))

    def monitor_gone(self, monitor: Monitor) -> None:
        """A ModelMonitor is about to be forgotten: its pods are still known, so its account is closed with them."""
        entry = self._entries.get(monitor.uid)
        if entry is None:
            return
        ledger = entry.account.committed or (entry.told.ledger if entry.told is not None else None)
        seen = self._observer.observe(monitor, ledger) if ledger is not None else None
        entry.last = (monitor, seen)
        self._ask(monitor.uid, entry, 0.0)

    def facts(self, monitor: Monitor) -> CostFacts:
        """What is known of a ModelMonitor's cost: what is committed, and why where nothing is."""
        entry = self._entries.get(monitor.uid)
        if entry is None:
            return CostFacts(CostState.PENDING if self._settings.cost.enabled else CostState.DISABLED)
        if entry.problem is not None:
            return CostFacts(CostState.REFUSED, reason=entry.problem.fault, message=entry.problem.message)
        return self._facts.facts(monitor, entry.told, entry.refusal)

    # One look at one ledger

    async def keep(self, ref: MonitorRef, uid: str) -> None:
        """Read, advance, write: whatever is due. Raises ClusterError; the work queue tries again."""
        entry = self._entries.get(uid)
        if entry is None:
            return
        closing = entry.last is not None
        try:
            await self._keep(ref, uid, entry)
        except ClusterError as exc:
            entry.account = Account()
            if isinstance(exc, TerminalError):
                entry.refusal = f"the ledger cannot be read or written, the API server says: {str(exc)[:_TOLD]}"
            raise
        entry.asked, entry.refusal = False, ""
        if closing:
            self._close(uid)

    async def _keep(self, ref: MonitorRef, uid: str, entry: _Entry) -> None:
        monitor = entry.last[0] if entry.last is not None else self._world.monitors.get(ref)
        if monitor is None or monitor.uid != uid:
            return
        if entry.account.stored is None and not await self._load(monitor, entry):
            return
        ledger = self._advance(monitor, entry, entry.account.newest)
        if ledger is None:
            entry.next_at = self._clock.monotonic() + self._settings.cycle_seconds
            return
        entry.account = charged(entry.account, ledger)
        monotonic = self._clock.monotonic()
        if entry.account.pending is not None and (entry.last is not None or monotonic >= self._due_at(uid, entry)):
            await self._write(monitor, entry)
        entry.next_at = self._next_look(uid, entry)

    def _due_at(self, uid: str, entry: _Entry) -> float:
        """When the ledger may be written next."""
        spread = _SPREAD * _place(uid) if entry.is_new else 0.0
        return due_at(entry.account) + spread * entry.account.write_seconds + _MOMENT

    def _next_look(self, uid: str, entry: _Entry) -> float:
        """When to advance the ledger next."""
        account, now = entry.account, self._clock.monotonic()
        look = now + account.write_seconds / LOOKS
        due = self._due_at(uid, entry)
        return look if account.pending is None or due > look + _NEAR * account.write_seconds else max(due, now)

    async def _load(self, monitor: Monitor, entry: _Entry) -> bool:
        """Read the ledger, or make one; whether there is one now that is believed."""
        found = await self._ledgers.read(monitor.uid)
        if isinstance(found, LedgerProblem):
            entry.problem, entry.told = found, None
            entry.next_at = self._clock.monotonic() + min(AGAIN_SECONDS, self._settings.cost.write_seconds)
            return False
        entry.problem = None
        if found is not None:
            entry.opening = None
            age, every = self._clock.time() - found.ledger.checkpoint.written, self._settings.cost.write_seconds
            entry.account, entry.told = loaded(found, self._clock.monotonic(), age, every), found
            return True
        if entry.last is None:
            await self._make(monitor, entry)
        return False

    async def _make(self, monitor: Monitor, entry: _Entry) -> None:
        """POST a ledger that says how far its pods' meters had come: else a crash would lose their first minutes."""
        now = self._clock.time()
        entry.next_at = self._clock.monotonic() + self._settings.cycle_seconds
        if not self._world.price_book.known:
            return
        if entry.opening is None:
            entry.opening, entry.opened_at = self._begin(monitor, entry, now), self._clock.monotonic()
        first = self._advance(monitor, entry, entry.opening) or entry.opening
        waits = self._clock.monotonic() - entry.opened_at < OPENING_SECONDS and self._world.selected_pods(monitor.ref)
        if waits and not first.checkpoint.pods:
            return
        try:
            made = await self._ledgers.make(monitor.ref, stamped(first, now))
        except AlreadyExistsError as exc:
            raise ConflictError("another process has made the ledger", exc.status) from exc
        entry.account, entry.told = loaded(made, self._clock.monotonic(), 0.0, self._settings.cost.write_seconds), made
        entry.opening, entry.is_new = None, True
        entry.next_at = self._next_look(monitor.uid, entry)

    def _begin(self, monitor: Monitor, entry: _Entry, now: float) -> Ledger:
        zone, prices = self._terms(monitor)
        had_one = entry.told is not None or (monitor.status is not None and monitor.status.cost is not None)
        return in_currency(replace(begin(monitor.uid, now, had_one=had_one), zone=zone), prices.currency, now)

    def _advance(self, monitor: Monitor, entry: _Entry, ledger: Ledger | None) -> Ledger | None:
        """The ledger up to now; None where it is not known whether everything is seen."""
        spec, prices = monitor.spec, self._world.price_book
        if ledger is None or spec is None or not prices.known:
            return None
        seen = entry.last[1] if entry.last is not None else self._observer.observe(monitor, ledger)
        if seen is None:
            return None
        zone, listed = self._terms(monitor)
        return advance(ledger, seen, Terms(listed, zone, spec.objectives), self._clock.time())

    def _terms(self, monitor: Monitor) -> tuple[str, PriceList]:
        """Time zone and prices of a ModelMonitor."""
        spec = monitor.spec.cost if monitor.spec is not None else None
        return (spec or CostSpec()).time_zone, self._world.price_book.prices_for(spec)

    async def _write(self, monitor: Monitor, entry: _Entry) -> None:
        stored, pending = entry.account.stored, entry.account.pending
        if stored is None or pending is None:
            return
        try:
            written = await self._ledgers.write(monitor.ref, stored, stamped(pending, self._clock.time()))
        except NotFoundError as exc:
            raise ConflictError("the ledger is gone", exc.status) from exc
        every = self._settings.cost.write_seconds
        entry.account, entry.told = loaded(written, self._clock.monotonic(), 0.0, every), written
        entry.is_new = False

    def _close(self, uid: str) -> None:
        """The account of a ModelMonitor that is gone; the ledger stays."""
        del self._entries[uid]
        self._facts.forget(uid)

    def _ask(self, uid: str, entry: _Entry, delay_seconds: float) -> None:
        entry.asked = True
        self._enqueue(LedgerKey(entry.ref, uid), delay_seconds)


def _place(uid: str) -> float:
    """A number from 0 to 1, other for each ModelMonitor and always the same for one."""
    return int.from_bytes(hashlib.sha256(uid.encode()).digest()[:4], "big") / 2**32
