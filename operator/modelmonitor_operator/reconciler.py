"""One key, one sentence: look at the world, decide purely, execute, remember what the server answered."""

import secrets
from dataclasses import replace

from modelmonitor_api.names import MonitorRef
from modelmonitor_api.plan import PlannedPod
from modelmonitor_api.status import ModelMonitorStatus
from modelmonitor_operator.adapters.monitors import parse_status
from modelmonitor_operator.announcer import Announcer
from modelmonitor_operator.bookkeeper import Bookkeeper
from modelmonitor_operator.child_recipes import Recipes
from modelmonitor_operator.child_reconciler import ChildReconciler, Cluster
from modelmonitor_operator.clock import Clock
from modelmonitor_operator.desired.daemonset import daemon_set_ref
from modelmonitor_operator.desired.key_secret import key_secret_ref
from modelmonitor_operator.desired.node_plan import MAX_PODS, build_planned_monitor, node_plan_ref
from modelmonitor_operator.errors import ForbiddenError, InvalidError, NotFoundError
from modelmonitor_operator.execute import execute
from modelmonitor_operator.keys import FleetKey, Key, LedgerKey, ObjectsKey, PlanKey, StatusKey, TargetsKey
from modelmonitor_operator.objects import CONFIG_MAP, DAEMON_SET, NODE_PLAN, SECRET, ObjectRef, StoredObject, is_newer
from modelmonitor_operator.observed import Monitor, Pod
from modelmonitor_operator.reconcile.changes import Apply, ApplyStatus, Change, Create, Delete, Written, remember
from modelmonitor_operator.reconcile.fleet import FleetInput, reconcile_fleet
from modelmonitor_operator.reconcile.monitor import announce, reconcile_status
from modelmonitor_operator.reconcile.plans import PlanInput, reconcile_plan
from modelmonitor_operator.selection import targetable
from modelmonitor_operator.settings import Json, Settings
from modelmonitor_operator.verdicts import Verdicts
from modelmonitor_operator.world import World

_KEY_BYTES = 32
_TOLD = 300
"""Characters of the API server's own words that a status has room for."""


class Reconciler:
    """Brings one thing at a time into the wanted state. Raises ClusterError; the work queue tries again."""

    def __init__(self, settings: Settings, world: World, verdicts: Verdicts, writer: Cluster, clock: Clock) -> None:
        self._settings = settings
        self._world = world
        self._verdicts = verdicts
        self._writer = writer
        self._clock = clock
        self._written: dict[ObjectRef, Written] = {}
        self.announcer = Announcer()
        self.bookkeeper: Bookkeeper | None = None
        self.children = ChildReconciler(settings, world, writer, Recipes(settings, world, verdicts.methods))

    async def __call__(self, key: Key) -> None:
        """Reconcile what the key names."""
        match key:
            case FleetKey():
                await self._fleet()
            case PlanKey(node=node):
                await self._plan(node)
            case StatusKey(monitor=ref):
                await self._status(ref)
            case TargetsKey(monitor=ref):
                await self.children.targets(ref)
            case ObjectsKey(monitor=ref):
                await self.children.objects(ref)
            case LedgerKey(monitor=ref, uid=uid) if self.bookkeeper is not None:
                await self.bookkeeper.keep(ref, uid)

    async def _fleet(self) -> None:
        if not self._world.monitors_listed or not self._world.listed_kinds >= {CONFIG_MAP, DAEMON_SET, SECRET}:
            return
        decision = reconcile_fleet(
            FleetInput(
                settings=self._settings,
                wanted=any(not monitor.deleting for monitor in self._world.monitors.values()),
                anchor=self._anchor(),
                daemon_set=self._world.stored.get(daemon_set_ref(self._settings)),
                key_secret=self._world.stored.get(key_secret_ref(self._settings)),
                fresh_key=secrets.token_hex(_KEY_BYTES).encode(),
                written=self._written,
            )
        )
        await self._bring(daemon_set_ref(self._settings), decision.changes, decision.problem)

    async def _plan(self, node: str) -> None:
        if not self._world.monitors_listed or not self._world.listed_kinds >= {CONFIG_MAP, NODE_PLAN}:
            return
        ref = node_plan_ref(self._settings, node)
        wanted = (build_planned_monitor(m, _planned(m, pods)) for m, pods in self._world.selected_on(node))
        decision = reconcile_plan(
            PlanInput(
                settings=self._settings,
                node=node,
                anchor=self._anchor(),
                monitors=tuple(planned for planned in wanted if planned is not None),
                crowded=any(len(pods) > MAX_PODS for _, pods in self._world.selected_on(node)),
                unknown=self._unknown(),
                stored=self._world.stored.get(ref),
                written=self._written,
            )
        )
        await self._bring(ref, decision.changes, decision.problem)

    async def _status(self, ref: MonitorRef) -> None:
        monitor = self._world.monitors.get(ref)
        if monitor is None:
            return
        wanted = self._verdicts.judge(monitor)
        pending = self._verdicts.pending(monitor)
        if not wanted or pending is None:
            return
        before, status = pending
        self._world.our_statuses[ref] = status
        try:
            await execute((reconcile_status(monitor, status),), self._writer, self._remember)
        except NotFoundError:
            return
        self._verdicts.wrote(ref, monitor.uid, status)
        await self._announce(monitor, before, status)

    async def _announce(self, monitor: Monitor, before: ModelMonitorStatus | None, after: ModelMonitorStatus) -> None:
        events = self.announcer.admit(monitor, announce(before, after), self._clock.time())
        await execute(events, self._writer, self._remember)

    async def _bring(self, ref: ObjectRef, changes: tuple[Change, ...], problem: str) -> None:
        """Do the changes about an object of ours; what the API server refuses is told in the statuses."""
        try:
            await execute(changes, self._writer, self._remember)
        except (ForbiddenError, InvalidError) as exc:
            self._note_problem(ref, f"{ref} cannot be written, the API server says: {str(exc)[:_TOLD]}")
            raise
        self._note_problem(ref, problem)

    def _anchor(self) -> StoredObject | None:
        return self._world.stored.get(
            ObjectRef(CONFIG_MAP, self._settings.sidecar_namespace, self._settings.anchor_name)
        )

    def _unknown(self) -> frozenset[MonitorRef]:
        listed = self._world.listed_namespaces
        return frozenset(
            ref for ref, monitor in self._world.monitors.items() if ref.namespace not in listed and not monitor.deleting
        )

    def _note_problem(self, ref: ObjectRef, problem: str) -> None:
        if problem:
            self._world.problems[ref] = problem
        else:
            self._world.problems.pop(ref, None)

    def _remember(self, change: Change, stored: StoredObject | None) -> None:
        match change:
            case Create(manifest=manifest) | Apply(manifest=manifest) if stored is not None:
                self._written[stored.ref] = remember(manifest, stored)
                self._world.put_stored(stored)
            case Delete(target=target):
                self._written.pop(target.ref, None)
                self._world.drop_stored(target.ref, target.uid)
            case ApplyStatus(status=written) if stored is not None:
                self._remember_version(stored, written)

    def _remember_version(self, stored: StoredObject, written: Json) -> None:
        """A status that was written gives the monitor a new version, which the next write has to name."""
        ref = MonitorRef(stored.ref.namespace, stored.ref.name)
        monitor = self._world.monitors.get(ref)
        answered = stored.manifest.get("status")
        status = self._world.our_statuses.get(ref) if answered == written else parse_status(answered)
        self._verdicts.stored(ref, stored.uid, status)
        if monitor is None or (monitor.uid, monitor.generation) != (stored.uid, stored.generation):
            return
        if is_newer(stored.resource_version, monitor.resource_version):
            self._world.put_monitor(replace(monitor, resource_version=stored.resource_version, status=status))


def _planned(monitor: Monitor, pods: list[Pod]) -> list[PlannedPod]:
    if monitor.spec is None:
        return []
    found = (targetable(pod, monitor.spec) for pod in pods)
    return [planned for planned in found if isinstance(planned, PlannedPod)]
