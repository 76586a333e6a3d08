"""One object that a ModelMonitor owns: made, kept, restored when touched, removed; never taken over.

What the server has needs not be in memory to see that it is ours: each object carries the fingerprint of what was
wanted when it was written, and its managed fields say whether anybody wrote after us. A restart writes nothing again.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass

from modelmonitor_operator.arrival import ChildFact, ChildState
from modelmonitor_operator.child_object import ChildObject
from modelmonitor_operator.desired.monitor_objects import Action, ChildKind, Wish, build_seed
from modelmonitor_operator.objects import ObjectRef
from modelmonitor_operator.observed import Monitor
from modelmonitor_operator.reconcile.changes import Apply, Change, Create, Delete, Rank
from modelmonitor_operator.settings import Json


@dataclass(frozen=True, slots=True)
class Wanted:
    """One object as it should be.

    Attributes:
        fingerprint: of the whole manifest; the object carries it as an annotation.
        remark: what people must know although it is there.
        objection: why it must not be written; what is there stays as it is.
    """

    ref: ObjectRef
    fingerprint: str
    labels: tuple[tuple[str, str], ...]
    remark: str = ""
    objection: str = ""


@dataclass(frozen=True, slots=True)
class ChildWritten:
    """What our last write of an object wanted, and what the server then had."""

    uid: str
    resource_version: str
    fingerprint: str
    content: str | None


@dataclass(frozen=True, slots=True)
class ChildInput:
    """What there is.

    Attributes:
        build: makes the manifest of what is wanted, with its fingerprint; called only where it is written.
        wanted: None where the wish is not to keep one, or where something stands in the way.
        mine: objects of the kind that name the monitor as their owner, wherever they are.
        occupant: what bears the wanted name.
        obstacle: what stands in the way of the kind as a whole; None where nothing does.
    """

    monitor: Monitor
    kind: ChildKind
    wish: Wish
    build: Callable[[], Json] = dict
    wanted: Wanted | None = None
    mine: tuple[ChildObject, ...] = ()
    occupant: ChildObject | None = None
    obstacle: ChildFact | None = None
    written: ChildWritten | None = None


@dataclass(frozen=True, slots=True)
class ChildDecision:
    """What to do, and how it stands once that is done; no fact where the one before still holds."""

    changes: tuple[Change, ...] = ()
    fact: ChildFact | None = None


def reconcile_child(given: ChildInput) -> ChildDecision:
    """Changes that bring one object of a monitor into the wanted state."""
    if given.wish.action is Action.LEAVE:
        return ChildDecision()
    if given.wish.action is Action.REMOVE:
        return ChildDecision(_remove(given, given.mine), ChildFact(ChildState.DISABLED, given.wish.reason))
    if given.wanted is None or given.obstacle is not None:
        return ChildDecision(fact=given.obstacle)
    if given.wanted.objection:
        return ChildDecision(fact=ChildFact(ChildState.REFUSED, given.wanted.objection))
    elsewhere = _remove(given, (child for child in given.mine if child.ref != given.wanted.ref))
    decision = _keep(given, given.wanted)
    return ChildDecision((*decision.changes, *elsewhere), decision.fact)


def _remove(given: ChildInput, children: Iterable[ChildObject]) -> tuple[Change, ...]:
    if not given.kind.removable:
        return ()
    return tuple(Delete(Rank.CHILD, child.target) for child in children if not child.deleting)


def _keep(given: ChildInput, wanted: Wanted) -> ChildDecision:
    there = given.occupant
    if there is None:
        seed = build_seed(given.kind, given.build())
        return ChildDecision((Create(Rank.CHILD, wanted.ref, seed),), _applied(wanted, there))
    if not is_ours(there, given.monitor):
        return ChildDecision(fact=ChildFact(ChildState.REFUSED, foreign_message(there)))
    if there.deleting:
        return ChildDecision(fact=ChildFact(ChildState.PENDING, f"{there.ref} is being deleted"))
    if is_settled(given.monitor, wanted, there, given.written):
        return ChildDecision(fact=_applied(wanted, there))
    return ChildDecision((Apply(Rank.CHILD, there.target, given.build()),), _applied(wanted, there))


def _applied(wanted: Wanted, there: ChildObject | None) -> ChildFact:
    return ChildFact(ChildState.APPLIED, wanted.remark, wanted.labels, status=there.status if there else None)


def is_ours(child: ChildObject, monitor: Monitor) -> bool:
    """Whether we made the object for this monitor, or for one that bore its name before."""
    if monitor.uid in child.owner_uids:
        return True
    return child.labelled and child.owner in (None, monitor.ref)


def foreign_message(child: ChildObject) -> str:
    """What to tell people where their object bears one of our names."""
    ref = child.ref
    whose = f"belongs to ModelMonitor {child.owner}" if child.owner else "is not the operator's"
    return (
        f"{ref} {whose} and is left alone: rename or delete it "
        f"(kubectl -n {ref.namespace} delete {ref.kind.plural} {ref.name}), or give the ModelMonitor another name"
    )


def is_settled(monitor: Monitor, wanted: Wanted, there: ChildObject, written: ChildWritten | None) -> bool:
    """Whether a write would change nothing: the same is wanted, and nobody has touched the object since.

    Where this process has not written it, the object itself says so.
    """
    if there.digest != wanted.fingerprint:
        return False
    if written is not None and (written.uid, written.fingerprint) == (there.uid, wanted.fingerprint):
        same = written.content is not None and written.content == there.content
        return same or written.resource_version == there.resource_version
    owned = wanted.ref.namespace != monitor.ref.namespace or there.owner_uids == (monitor.uid,)
    return owned and not there.touched and set(wanted.labels) <= set(there.labels)
