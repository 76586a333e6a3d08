"""How it stands with a monitor's objects by what is known of them, before this process has looked after any.

A leader that has just begun must not say that everything is pending: its predecessor left the objects as they should
be, and they say so themselves.
"""

from collections.abc import Mapping

from modelmonitor_operator.arrival import ChildFact, ChildState
from modelmonitor_operator.desired.monitor_objects import OBJECT_KINDS, TARGET_KINDS, Action, ChildKind, home_of
from modelmonitor_operator.objects import ResourceKind
from modelmonitor_operator.observed import Monitor
from modelmonitor_operator.settings import Settings
from modelmonitor_operator.world import World


def find_obstacle(settings: Settings, world: World, monitor: Monitor, kind: ChildKind) -> ChildFact | None:
    """What stands in the way of a kind as a whole; None where nothing does."""
    children = world.children
    if kind.provider and children.served is None:
        return ChildFact()
    if kind.provider and children.served is not None and kind.kind not in children.served:
        return ChildFact(ChildState.KIND_MISSING, _missing_message(kind))
    namespace = home_of(settings, monitor, kind.kind)
    if refusal := children.refusal(kind.kind, namespace):
        return ChildFact(ChildState.FORBIDDEN, refusal)
    return None if children.knows(kind.kind, namespace) else ChildFact()


def know_facts(settings: Settings, world: World, monitor: Monitor) -> Mapping[ResourceKind, ChildFact]:
    """How it stands with each kind: as the last look at it found, else as the objects themselves say."""
    known = world.children.facts(monitor.ref)
    missing = [kind for kind in (*TARGET_KINDS, *OBJECT_KINDS) if kind.kind not in known]
    if not missing:
        return known
    return {**{kind.kind: _presume(settings, world, monitor, kind) for kind in missing}, **known}


def _presume(settings: Settings, world: World, monitor: Monitor, kind: ChildKind) -> ChildFact:
    wish = kind.wish(settings, monitor)
    if wish.action is Action.REMOVE:
        return ChildFact(ChildState.DISABLED, wish.reason)
    if obstacle := find_obstacle(settings, world, monitor, kind):
        return obstacle
    home = home_of(settings, monitor, kind.kind)
    known = world.children.owned(monitor.ref, kind.kind)
    written = [child for child in known if child.digest and child.ref.namespace == home]
    if not written:
        return ChildFact()
    return ChildFact(ChildState.APPLIED, labels=written[0].labels, status=written[0].status)


def _missing_message(kind: ChildKind) -> str:
    crd = f"{kind.kind.plural}.{kind.kind.group}"
    return f"the CustomResourceDefinition {crd} is not installed: it comes with {kind.provider}"
