"""Which kinds of other operators the API server serves: their CRDs may come and go while we run."""

import logging
from collections.abc import Callable
from typing import Protocol

from modelmonitor_operator.clock import Clock
from modelmonitor_operator.errors import ClusterError
from modelmonitor_operator.objects import ResourceKind

_LOG = logging.getLogger(__name__)
EVERY_SECONDS = 10.0

OnServed = Callable[[frozenset[ResourceKind]], None]


class Groups(Protocol):
    """What discovery needs of a cluster."""

    async def served_plurals(self, group: str, version: str) -> frozenset[str]:
        """The resources of a group and version, by plural; none where it is not served."""


class Discovery:
    """Asks again and again; an answer that fails changes nothing. Leader and standby do so alike."""

    def __init__(self, groups: Groups, clock: Clock, kinds: frozenset[ResourceKind]) -> None:
        self._groups = groups
        self._clock = clock
        self._kinds = kinds
        self._served: dict[tuple[str, str], frozenset[str]] = {}
        self._failing = False

    async def run(self, on_served: OnServed) -> None:
        """Tell which kinds are served, every time after all groups have answered at least once."""
        wanted = sorted({(kind.group, kind.version) for kind in self._kinds})
        while True:
            for group, version in wanted:
                await self._ask(group, version)
            if len(self._served) == len(wanted):
                on_served(frozenset(kind for kind in self._kinds if self._is_served(kind)))
            await self._clock.sleep(EVERY_SECONDS)

    def _is_served(self, kind: ResourceKind) -> bool:
        return kind.plural in self._served[kind.group, kind.version]

    async def _ask(self, group: str, version: str) -> None:
        try:
            self._served[group, version] = await self._groups.served_plurals(group, version)
            self._failing = False
        except ClusterError as exc:
            if not self._failing:
                _LOG.warning("the API server does not say which kinds it serves", extra={"error": str(exc)})
            self._failing = True
