"""The virtual clock: events in order of time, whole microseconds."""

import heapq
from collections.abc import Callable
from itertools import count

S = 1_000_000
HOUR = 3600 * S
DAY = 24 * HOUR


class VirtualClock:
    """Runs what is due, in order; of two at the same time the lower rank first, then the one that was planned first."""

    def __init__(self) -> None:
        self.now = 0
        self._queue: list[tuple[int, int, int, Callable[[], object]]] = []
        self._number = count()

    def at(self, time_us: int, action: Callable[[], object], rank: int = 5) -> None:
        """Plan an action; one that is late runs at once."""
        heapq.heappush(self._queue, (max(time_us, self.now), rank, next(self._number), action))

    def every(self, period_us: int, action: Callable[[], object], first_us: int = 0, rank: int = 5) -> None:
        """Plan an action again and again."""

        def run() -> None:
            action()
            self.at(self.now + period_us, run, rank)

        self.at(first_us, run, rank)

    def run_until(self, end_us: int) -> None:
        """Run everything before a time, and stop there."""
        while self._queue and self._queue[0][0] < end_us:
            self.now, _, _, action = heapq.heappop(self._queue)
            action()
        self.now = end_us
