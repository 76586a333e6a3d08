"""Follows this node's NodePlan. The last plan stays in force while the API server is away or sends no plan."""

import asyncio
import logging
import random
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import replace
from typing import Protocol

from pydantic import ValidationError

from modelmonitor_api.plan import NodePlanSpec
from modelmonitor_api.summary import SourceState
from modelmonitor_sidecar.change_log import log_change
from modelmonitor_sidecar.snapshot import PlanSnapshot, SnapshotStore
from modelmonitor_sidecar.sources.plan_server import Json, WatchError, WatchExpiredError

_LOG = logging.getLogger(__name__)
SHORTEST_PAUSE_SECONDS, LONGEST_PAUSE_SECONDS = 0.5, 30.0


class PlanServer(Protocol):
    """The API server as far as one NodePlan needs it; its calls raise WatchError."""

    async def list_plan(self) -> tuple[Json | None, str]:
        """The plan, or None, and the version to watch from."""

    def watch_plan(self, version: str) -> AsyncIterator[Json]:
        """Events from that version on; ends when the server ends the watch."""


def accept_plan(known: PlanSnapshot, plan: Json | None, node: str) -> PlanSnapshot:
    """The next snapshot. What is no plan for this node leaves the last one in force, and says so."""
    if plan is None:
        return PlanSnapshot(SourceState.OK, "no ModelMonitor has pods on this node", listed=True, errors=known.errors)
    try:
        spec = NodePlanSpec.model_validate(plan.get("spec"))
        generation = int(plan["metadata"]["generation"])
    except (ValidationError, KeyError, TypeError, ValueError, OverflowError) as error:
        first = str(error).splitlines()[0][:200]
        return _failed(known, f"the NodePlan cannot be read by this version of the sidecar: {first}", listed=True)
    if spec.node_name != node:
        return _failed(known, f"the NodePlan {node} is made for node {spec.node_name}", listed=True)
    return PlanSnapshot(SourceState.OK, "", generation, spec, listed=True, errors=known.errors)


def _failed(known: PlanSnapshot, message: str, *, listed: bool) -> PlanSnapshot:
    return replace(
        known, state=SourceState.FAILED, message=message, listed=known.listed or listed, errors=known.errors + 1
    )


def next_pause(pause: float) -> float:
    """The next back-off, in seconds."""
    return min(2 * pause, LONGEST_PAUSE_SECONDS)


class PlanFollower:
    """Lists, watches, lists again. Calls `changed` with each plan that comes into force."""

    def __init__(
        self,
        server: PlanServer,
        store: SnapshotStore,
        node: str,
        changed: Callable[[PlanSnapshot], None],
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        self._server, self._store, self._node, self._changed, self._sleep = server, store, node, changed, sleep
        self._version = ""

    async def run(self) -> None:
        """Follow until cancelled."""
        pause = SHORTEST_PAUSE_SECONDS
        while True:
            try:
                await self.follow_once()
                pause = SHORTEST_PAUSE_SECONDS
            except WatchExpiredError:
                pause = SHORTEST_PAUSE_SECONDS
            except WatchError as error:
                self._publish(_failed(self._store.newest.plan, str(error), listed=False))
                pause = next_pause(pause)
            await self._sleep(pause * random.uniform(0.5, 1.0))

    async def follow_once(self) -> None:
        """List where no version is known, then watch until the server ends the watch.

        Raises:
            WatchError: it did not go well.
        """
        if not self._version:
            plan, version = await self._server.list_plan()
            self._publish(accept_plan(self._store.newest.plan, plan, self._node))
            self._version = version
        version, self._version = self._version, ""
        async for event in self._server.watch_plan(version):
            version = self._take(event) or version
        self._version = version

    def _take(self, event: Json) -> str:
        """Use one event; returns the version that it carries."""
        plan = event.get("object")
        if not isinstance(plan, dict):
            raise WatchError("an event of the watch has no object")
        kind = event.get("type")
        if kind != "BOOKMARK":
            given = None if kind == "DELETED" else plan
            self._publish(accept_plan(self._store.newest.plan, given, self._node))
        metadata = plan.get("metadata")
        return str(metadata.get("resourceVersion", "")) if isinstance(metadata, dict) else ""

    def _publish(self, plan: PlanSnapshot) -> None:
        before = self._store.newest.plan
        self._store.publish_plan(plan)
        if (before.state, before.message) != (plan.state, plan.message):
            log_change(_LOG, "plan", plan.state, plan.message)
        if before.spec != plan.spec:
            _LOG.info("plan generation %s names %d monitors", plan.generation, len(plan.monitors))
            self._changed(plan)
