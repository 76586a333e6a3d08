"""The objects that ModelMonitors own, as the watches and our own writes tell of them, and how it stands with each."""

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import replace

from modelmonitor_api.names import MonitorRef
from modelmonitor_operator.arrival import ChildFact
from modelmonitor_operator.child_object import ChildObject
from modelmonitor_operator.objects import (
    GRAFANA_DASHBOARD,
    PROMETHEUS,
    PROMETHEUS_RULE,
    SERVICE_MONITOR,
    ObjectRef,
    ResourceKind,
    is_newer,
)

OPTIONAL_KINDS = frozenset({SERVICE_MONITOR, PROMETHEUS_RULE, PROMETHEUS, GRAFANA_DASHBOARD})
"""Kinds of other operators: their CRDs come and go."""

_NO_FACTS: Mapping[ResourceKind, ChildFact] = {}


class Children:
    """Objects by owner, what could be listed, and one fact for each monitor and kind.

    Attributes:
        served: the optional kinds that the API server serves; None before it has been asked.
        rules: names of the rules that each monitor's PrometheusRule holds.
    """

    def __init__(self) -> None:
        self.served: frozenset[ResourceKind] | None = None
        self.rules: dict[MonitorRef, tuple[str, ...]] = {}
        self._objects: dict[ObjectRef, ChildObject] = {}
        self._owned: defaultdict[MonitorRef, set[ObjectRef]] = defaultdict(set)
        self._facts: dict[MonitorRef, Mapping[ResourceKind, ChildFact]] = {}
        self._listed: set[tuple[ResourceKind, str | None]] = set()
        self._refused: dict[tuple[ResourceKind, str | None], str] = {}
        self._expected: set[tuple[ResourceKind, str | None]] = set()

    # Objects

    def put(self, child: ChildObject) -> bool:
        """Remember an object as the server has it now; False where that is no news."""
        known = self._objects.get(child.ref)
        if (
            known is not None
            and known.uid == child.uid
            and not is_newer(child.resource_version, known.resource_version)
        ):
            return False
        self._disown(known)
        self._objects[child.ref] = child
        if child.owner is not None:
            self._owned[child.owner].add(child.ref)
        return True

    def drop(self, ref: ObjectRef, uid: str) -> bool:
        """Forget an object, unless another of the same name has taken its place; False where it was not known."""
        known = self._objects.get(ref)
        if known is None or known.uid != uid:
            return False
        self._disown(known)
        del self._objects[ref]
        return True

    def get(self, ref: ObjectRef) -> ChildObject | None:
        """One object."""
        return self._objects.get(ref)

    def owned(self, owner: MonitorRef, kind: ResourceKind | None = None) -> tuple[ChildObject, ...]:
        """The objects that name this monitor as their owner, of one kind or of all."""
        refs = sorted(self._owned.get(owner, ()))
        return tuple(self._objects[ref] for ref in refs if kind in (None, ref.kind))

    def owners(self) -> frozenset[MonitorRef]:
        """Every monitor that an object names, whether it exists or not."""
        return frozenset(self._owned)

    def _disown(self, known: ChildObject | None) -> None:
        if known is None or known.owner is None:
            return
        self._owned[known.owner].discard(known.ref)
        if not self._owned[known.owner]:
            del self._owned[known.owner]

    # What can be known

    def expect(self, kind: ResourceKind, namespace: str | None) -> None:
        """A kind is about to be listed."""
        self._expected.add((kind, namespace))

    @property
    def complete(self) -> bool:
        """Whether all that can be known is known."""
        return self.served is not None and self._expected <= self._listed | self._refused.keys()

    def note_listed(self, kind: ResourceKind, namespace: str | None) -> bool:
        """All objects of a kind are known, in a namespace or (None) in all; False where that is no news."""
        healed = self._refused.pop((kind, namespace), None) is not None
        if (kind, namespace) in self._listed:
            return healed
        self._listed.add((kind, namespace))
        return True

    def note_refused(self, kind: ResourceKind, namespace: str | None, why: str) -> bool:
        """The API server refuses to list a kind; False where that is no news."""
        known = (kind, namespace) in self._refused
        self._refused[kind, namespace] = why
        return not known

    def knows(self, kind: ResourceKind, namespace: str) -> bool:
        """Whether all objects of a kind in a namespace are known."""
        return not self._listed.isdisjoint({(kind, None), (kind, namespace)})

    def refusal(self, kind: ResourceKind, namespace: str | None) -> str:
        """Why a kind cannot be listed there; empty where it can."""
        return self._refused.get((kind, None)) or self._refused.get((kind, namespace), "")

    def forget_kind(self, kind: ResourceKind) -> None:
        """The kind is served no longer: there are no objects of it."""
        for child in [child for ref, child in self._objects.items() if ref.kind == kind]:
            self.drop(child.ref, child.uid)
        self._expected = {pair for pair in self._expected if pair[0] != kind}
        self._listed = {pair for pair in self._listed if pair[0] != kind}
        self._refused = {pair: why for pair, why in self._refused.items() if pair[0] != kind}

    # Facts

    def facts(self, owner: MonitorRef) -> Mapping[ResourceKind, ChildFact]:
        """How it stands with a monitor's objects, by kind; what is not in it is pending."""
        return self._facts.get(owner, _NO_FACTS)

    def note_facts(self, owner: MonitorRef, facts: Mapping[ResourceKind, ChildFact]) -> bool:
        """Remember facts; False where they are no news."""
        before = self.facts(owner)
        if all(before.get(kind) == fact for kind, fact in facts.items()):
            return False
        self._facts[owner] = {**before, **facts}
        return True

    def refresh_fact(self, child: ChildObject) -> bool:
        """Take labels and status of an object into its fact; False where that is no news."""
        fact = self.facts(child.owner).get(child.ref.kind) if child.owner is not None else None
        if fact is None or child.owner is None or not fact.labels:
            return False
        return self.note_facts(child.owner, {child.ref.kind: replace(fact, labels=child.labels, status=child.status)})

    def forget_monitor(self, owner: MonitorRef) -> None:
        """A monitor is gone; its objects are not yet."""
        self._facts.pop(owner, None)
        self.rules.pop(owner, None)
