"""The sidecars' DaemonSet and key: there with the first ModelMonitor, gone after the last, restored when touched."""

from collections.abc import Mapping
from dataclasses import dataclass

from modelmonitor_operator.desired.daemonset import build_daemon_set, build_daemon_set_seed, daemon_set_ref
from modelmonitor_operator.desired.key_secret import build_key_secret, key_secret_ref, parse_key
from modelmonitor_operator.desired.ownership import foreign_problem, is_ours, owned_by, owned_by_another
from modelmonitor_operator.objects import ObjectRef, StoredObject, sign
from modelmonitor_operator.reconcile.changes import Apply, Change, Create, Delete, Rank, Written, is_settled
from modelmonitor_operator.settings import Settings


@dataclass(frozen=True, slots=True)
class FleetInput:
    """What there is.

    Attributes:
        wanted: whether at least one ModelMonitor exists.
        fresh_key: used where a new key is needed, random for each call.
    """

    settings: Settings
    wanted: bool
    anchor: StoredObject | None
    daemon_set: StoredObject | None
    key_secret: StoredObject | None
    fresh_key: bytes
    written: Mapping[ObjectRef, Written]


@dataclass(frozen=True, slots=True)
class FleetDecision:
    """What to do, and what people must know; `problem` is empty when nothing is in the way."""

    changes: tuple[Change, ...] = ()
    problem: str = ""


def reconcile_fleet(given: FleetInput) -> FleetDecision:
    """Changes that bring the DaemonSet and its key into the wanted state."""
    if not given.wanted:
        return FleetDecision(_remove(given))
    if given.anchor is None or given.anchor.deleting:
        settings = given.settings
        return FleetDecision(
            problem=f"ConfigMap {settings.sidecar_namespace}/{settings.anchor_name} is missing, so no sidecars are "
            "created: it belongs to the chart and owns what the operator makes. Run helm upgrade to restore it"
        )
    for stored in (given.key_secret, given.daemon_set):
        if stored is not None and not is_ours(stored, given.settings):
            return FleetDecision(problem=foreign_problem(stored, given.settings))
    return FleetDecision((*_key_changes(given, given.anchor), *_daemon_set_changes(given, given.anchor)))


def _remove(given: FleetInput) -> tuple[Change, ...]:
    mine = [
        (rank, stored)
        for rank, stored in ((Rank.KEY, given.daemon_set), (Rank.WORKLOAD, given.key_secret))
        if stored is not None and not stored.deleting and is_ours(stored, given.settings)
    ]
    return tuple(Delete(rank, stored) for rank, stored in mine)


def _key_changes(given: FleetInput, anchor: StoredObject) -> tuple[Change, ...]:
    stored = given.key_secret
    if stored is None:
        manifest = build_key_secret(given.settings, anchor, given.fresh_key)
        return (Create(Rank.KEY, key_secret_ref(given.settings), manifest),)
    if stored.deleting or (owned_by(stored, anchor) and parse_key(stored) is not None):
        return ()
    return (Delete(Rank.KEY, stored),)


def _daemon_set_changes(given: FleetInput, anchor: StoredObject) -> tuple[Change, ...]:
    stored = given.daemon_set
    ref = daemon_set_ref(given.settings)
    if stored is None:
        return (Create(Rank.WORKLOAD, ref, build_daemon_set_seed(given.settings, anchor)),)
    if stored.deleting:
        return ()
    if owned_by_another(stored, anchor) or _selector_differs(given.settings, anchor, stored):
        return (Delete(Rank.WORKLOAD, stored),)
    manifest = sign(build_daemon_set(given.settings, anchor))[1]
    if is_settled(manifest, stored, given.written.get(ref)):
        return ()
    return (Apply(Rank.WORKLOAD, stored, manifest),)


def _selector_differs(settings: Settings, anchor: StoredObject, stored: StoredObject) -> bool:
    """A DaemonSet's selector cannot be changed: another one needs another DaemonSet."""
    wanted = build_daemon_set_seed(settings, anchor)["spec"]["selector"]
    return bool(stored.manifest["spec"]["selector"] != wanted)
