"""When a ledger is written, and how the one object on the server stays the only truth.

The protocol, for whoever does the calls. One ConfigMap for each ModelMonitor, named by its UID, without an owner:
1. A leader reads the object before it charges anything. Absent: `begin` says since when, and once the meters of its
   pods are known they go into the object that is made by POST; AlreadyExists means to read again. Not believed
   (`LedgerProblem`): it charges nothing and writes nothing.
2. When `may_write`, it advances the last *committed* ledger, or the pending one that came of it, in memory. Doing it
   more often changes nothing: meters are cumulative.
3. When `is_due`, it replaces the object by PUT with the resourceVersion and the UID that it read. The answer 200
   commits: the pending ledger becomes the committed one. A 409, a 404, a timeout or any answer that leaves open
   whether it was written means `forget`: drop what is pending, read again (1), go on from what is there.
4. Metrics and status are made from the committed ledger alone.

Why that is safe. Totals and checkpoint are one object, so a write is whole or it is not there; what was pending when a
process died is charged again from the same checkpoint, once. Of two leaders the second writer's resourceVersion is
stale: its PUT fails and it takes over what the first has committed. A lost answer changes nothing, for reading again
tells. An object that somebody deleted makes the PUT fail by its UID; the new one says that the old one was lost.
There is no write at once but the first, and the last of a ModelMonitor that is deleted: nothing that is pending can be
lost for good, since every source still has it.
"""

from dataclasses import dataclass, replace

from modelmonitor_operator.cost.ledger import Beginning, Ledger, new_ledger

WRITE_SECONDS = 300.0
"""At most one write of a ledger in this time, unless the settings say another."""


@dataclass(frozen=True, slots=True)
class Stored:
    """A ledger as the server has it.

    Attributes:
        resource_version, uid: of the ConfigMap, for the next PUT.
    """

    ledger: Ledger
    resource_version: str
    uid: str


@dataclass(frozen=True, slots=True)
class Account:
    """One ModelMonitor's ledger in a leader's memory.

    Attributes:
        stored: what is committed; None before it has been read.
        pending: what the next write will say; None where nothing has been charged since.
        written_at: seconds of the leader's monotonic clock.
        write_seconds: at most one write in this time.
    """

    stored: Stored | None = None
    pending: Ledger | None = None
    written_at: float = 0.0
    write_seconds: float = WRITE_SECONDS

    @property
    def committed(self) -> Ledger | None:
        """The ledger that metrics and status are made from."""
        return self.stored.ledger if self.stored else None

    @property
    def newest(self) -> Ledger | None:
        """The ledger to advance from."""
        return self.pending or self.committed


def begin(monitor_uid: str, now: float, *, had_one: bool) -> Ledger:
    """The first ledger of a ModelMonitor, for the POST.

    Args:
        now: seconds since the epoch; nothing before it is charged.
        had_one: its status already tells of cost, so there was a ledger and somebody deleted it.
    """
    return new_ledger(monitor_uid, now, Beginning.LOST if had_one else Beginning.NEW)


def loaded(stored: Stored, monotonic: float, age_seconds: float, write_seconds: float = WRITE_SECONDS) -> Account:
    """A ledger that was read, or that a write has just returned; what was pending is dropped.

    Args:
        age_seconds: how long ago it was written, by the document; a new leader writes no earlier than the old would.
    """
    return Account(stored, None, monotonic - min(max(age_seconds, 0.0), write_seconds), write_seconds)


def charged(account: Account, ledger: Ledger) -> Account:
    """The ledger has been advanced; nothing is pending where nothing ran."""
    committed = account.committed
    return replace(account, pending=None if committed is not None and _says_the_same(committed, ledger) else ledger)


def due_at(account: Account) -> float:
    """From when on there may be another write, in seconds of the leader's monotonic clock."""
    return account.written_at + account.write_seconds


def may_write(account: Account, monotonic: float) -> bool:
    """Whether the last write is long enough ago for another one: worth advancing the ledger."""
    return monotonic >= due_at(account)


def is_due(account: Account, monotonic: float) -> bool:
    """Whether to write now: long enough after the last write, and something was charged."""
    return account.pending is not None and may_write(account, monotonic)


def stamped(ledger: Ledger, now: float) -> Ledger:
    """The ledger as it is written: it says when."""
    return replace(ledger, checkpoint=replace(ledger.checkpoint, written=now))


def _says_the_same(left: Ledger, right: Ledger) -> bool:
    """Whether nothing was charged between the two, and no pod came, went or changed hands."""
    if (left.currency, left.zone, left.days) != (right.currency, right.zone, right.days):
        return False
    before, after = left.checkpoint.pods, right.checkpoint.pods
    if before.keys() != after.keys():
        return False
    return all((before[uid].done, before[uid].owned) == (after[uid].done, after[uid].owned) for uid in after)
