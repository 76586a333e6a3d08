"""What the objects of a ModelMonitor shall be: built where something has changed, remembered by fingerprint else."""

from collections import defaultdict
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache

from modelmonitor_api import names
from modelmonitor_api.names import MonitorRef
from modelmonitor_api.plan import PlannedPod
from modelmonitor_api.status import ObjectiveMethod
from modelmonitor_operator.desired.endpoints import LeaderAddress
from modelmonitor_operator.desired.monitor_objects import TARGET_KINDS, ChildKind, Ingredients
from modelmonitor_operator.desired.prometheus_rule import rule_names
from modelmonitor_operator.objects import PROMETHEUS_RULE, ObjectRef, ResourceKind, sign
from modelmonitor_operator.observed import Monitor, SidecarPod
from modelmonitor_operator.reconcile.objects import Wanted
from modelmonitor_operator.selection import targetable
from modelmonitor_operator.settings import Json, Settings
from modelmonitor_operator.world import World

Methods = Callable[[Monitor], Mapping[str, ObjectiveMethod]]


@dataclass(frozen=True, slots=True)
class Recipe:
    """What is wanted of one object, and how to make the whole of it: once, and only where it is written."""

    wanted: Wanted
    build: Callable[[], Json]


@dataclass(frozen=True, slots=True)
class _Known:
    """What was wanted the last time, and what it was made of."""

    made_of: object
    wanted: Wanted


class Recipes:
    """The recipes of every monitor.

    Attributes:
        leader: where this process serves the leader's pages; None where it does not know.

    Args:
        methods: by what each objective of a monitor is judged.
    """

    def __init__(self, settings: Settings, world: World, methods: Methods) -> None:
        self._settings = settings
        self._world = world
        self._methods = methods
        self._known: defaultdict[MonitorRef, dict[ResourceKind, _Known]] = defaultdict(dict)
        self.leader: LeaderAddress | None = None

    def of(self, monitor: Monitor, kind: ChildKind) -> Recipe:
        """The recipe of one object; what has the same ingredients as the last time is not built again."""
        ingredients = self._ingredients(monitor, kind)
        build = cache(lambda: sign(kind.build(ingredients))[1])
        made_of = (monitor.uid, monitor.generation, ingredients.methods, ingredients.sidecars)
        known = self._known[monitor.ref].get(kind.kind)
        if known is None or known.made_of != made_of:
            known = _Known(made_of, _describe(kind, build(), kind.remark(ingredients)))
            self._known[monitor.ref][kind.kind] = known
            if kind.kind == PROMETHEUS_RULE:
                self._world.children.rules[monitor.ref] = rule_names(build())
        return Recipe(known.wanted, build)

    def forget(self, ref: MonitorRef) -> None:
        """A monitor is gone."""
        self._known.pop(ref, None)

    def _ingredients(self, monitor: Monitor, kind: ChildKind) -> Ingredients:
        if kind in TARGET_KINDS:
            return Ingredients(self._settings, monitor, sidecars=self._sidecars(monitor), leader=self.leader)
        return Ingredients(self._settings, monitor, self._methods(monitor))

    def _sidecars(self, monitor: Monitor) -> tuple[SidecarPod, ...]:
        """The sidecars of the nodes that have pods of the monitor to read."""
        spec = monitor.spec
        if spec is None or spec.suspend:
            return ()
        pods = self._world.selected_pods(monitor.ref)
        nodes = {pod.node for pod in pods if isinstance(targetable(pod, spec), PlannedPod)}
        found = (self._world.sidecar_on(node) for node in sorted(node for node in nodes if node))
        return tuple(sidecar for sidecar in found if sidecar is not None)


def _describe(kind: ChildKind, manifest: Json, remark: str) -> Wanted:
    mark, metadata = manifest["metadata"]["annotations"][names.DIGEST_ANNOTATION], manifest["metadata"]
    ref = ObjectRef(kind.kind, metadata["namespace"], metadata["name"])
    return Wanted(ref, mark, tuple(sorted(metadata["labels"].items())), remark, kind.objection(manifest))
