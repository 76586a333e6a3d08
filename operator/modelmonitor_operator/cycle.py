"""The operator's beat: ask every sidecar, judge every monitor, write what changed."""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Mapping
from typing import Protocol

from modelmonitor_operator.clock import Clock
from modelmonitor_operator.keys import Key, StatusKey
from modelmonitor_operator.objects import DAEMON_SET, NODE_PLAN, POD
from modelmonitor_operator.observed import Monitor, NodeReading, SidecarPod
from modelmonitor_operator.telemetry import Telemetry
from modelmonitor_operator.verdicts import Verdicts
from modelmonitor_operator.world import World

_LOG = logging.getLogger(__name__)
_NOT_YET_SECONDS = 0.25
_SLICE_SECONDS = 0.02
_OBJECTS_SECONDS = 5.0


class Poller(Protocol):
    """Asks sidecars."""

    async def poll(self, sidecars: Mapping[str, SidecarPod], keys: tuple[bytes, ...]) -> Mapping[str, NodeReading]:
        """Ask each once."""


class Cycle:
    """Poll and judge, every `cycle_seconds`."""

    def __init__(self, world: World, verdicts: Verdicts, poller: Poller, clock: Clock, telemetry: Telemetry) -> None:
        self._world = world
        self._verdicts = verdicts
        self._poller = poller
        self._clock = clock
        self._telemetry = telemetry

    async def run(
        self,
        every_seconds: float,
        keys: Callable[[], tuple[bytes, ...]],
        before: Callable[[], Awaitable[None]],
        enqueue: Callable[[Key], None],
    ) -> None:
        """Beat until cancelled; `before` runs at the start of each beat."""
        self._verdicts.reset()
        while not self._may_start():
            await self._clock.sleep(_NOT_YET_SECONDS)
        await self._wait_for_objects()
        while True:
            started = self._clock.monotonic()
            await before()
            await self.beat(keys(), enqueue)
            took = self._clock.monotonic() - started
            self._telemetry.cycle_seconds.set(took)
            self._telemetry.cycles.inc()
            await self._clock.sleep(max(0.0, every_seconds - took))

    async def beat(self, keys: tuple[bytes, ...], enqueue: Callable[[Key], None]) -> None:
        """One cycle."""
        readings = await self._poller.poll(self._world.sidecars(), keys)
        self._verdicts.begin_cycle(readings)
        yielded = self._clock.monotonic()
        for monitor in tuple(self._world.monitors.values()):
            if self._wants_write(monitor):
                enqueue(StatusKey(monitor.ref))
            if self._clock.monotonic() - yielded > _SLICE_SECONDS:
                await asyncio.sleep(0)
                yielded = self._clock.monotonic()

    def _wants_write(self, monitor: Monitor) -> bool:
        """Whether a status has to be written; a monitor that cannot be judged is left to its own reconciliation.

        That one fails in the same way, which is logged and counted there, and holds up no other monitor.
        """
        try:
            return self._verdicts.judge(monitor)
        except Exception:
            return True

    async def _wait_for_objects(self) -> None:
        """A while, until the objects of the monitors have been listed, so that no verdict calls them pending."""
        given_up = self._clock.monotonic() + _OBJECTS_SECONDS
        while not self._world.children.complete and self._clock.monotonic() < given_up:
            await self._clock.sleep(_NOT_YET_SECONDS)

    def _may_start(self) -> bool:
        return self._world.monitors_listed and self._world.listed_kinds >= {POD, NODE_PLAN, DAEMON_SET}
