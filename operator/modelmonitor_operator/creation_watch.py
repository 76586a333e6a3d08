"""Looks for the reason when the DaemonSet's pods are not created; asks no more often than every few seconds."""

import logging

from modelmonitor_operator.adapters.cluster import Cluster
from modelmonitor_operator.clock import Clock
from modelmonitor_operator.desired.daemonset import daemon_set_ref
from modelmonitor_operator.errors import ClusterError
from modelmonitor_operator.objects import EVENT, ObjectRef
from modelmonitor_operator.reconcile.creation import explain_missing_pods, lacks_pods
from modelmonitor_operator.settings import Settings
from modelmonitor_operator.world import World

_LOG = logging.getLogger(__name__)
_PATIENCE_SECONDS = 15.0


class CreationWatch:
    """Puts the reason among the world's problems, and takes it away once the pods are there."""

    def __init__(self, settings: Settings, world: World, cluster: Cluster, clock: Clock) -> None:
        self._settings = settings
        self._world = world
        self._cluster = cluster
        self._clock = clock
        self._asked_at = float("-inf")
        self._key = ObjectRef(EVENT, settings.sidecar_namespace, settings.sidecar_name)

    async def look(self) -> None:
        """Ask for Events where pods are missing."""
        daemon_set = self._world.stored.get(daemon_set_ref(self._settings))
        if daemon_set is None or not lacks_pods(daemon_set, len(self._world.sidecar_uids())):
            self._world.problems.pop(self._key, None)
            return
        if self._clock.monotonic() - self._asked_at < _PATIENCE_SECONDS:
            return
        self._asked_at = self._clock.monotonic()
        selector = f"involvedObject.uid={daemon_set.uid},reason=FailedCreate"
        try:
            events = await self._cluster.list_objects(
                EVENT, self._settings.sidecar_namespace, {"fieldSelector": selector}
            )
        except ClusterError as exc:
            _LOG.warning("events of the DaemonSet cannot be listed", extra={"error": str(exc)})
            return
        if problem := explain_missing_pods(daemon_set, events):
            self._world.problems[self._key] = problem
