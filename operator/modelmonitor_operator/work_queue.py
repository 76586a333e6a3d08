"""A queue of keys with deadlines: each key at most once, never twice at a time, back-off after failures.

It holds no clock: every call is told what time it is, so that tests need not wait.
"""

import heapq
from collections.abc import Callable, Hashable
from typing import Generic, TypeVar

K = TypeVar("K", bound=Hashable)

FIRST_BACKOFF_SECONDS = 0.5
LARGEST_BACKOFF_SECONDS = 60.0


class WorkQueue(Generic[K]):
    """Keys that wait for their time, and keys that are being worked on.

    Args:
        is_patient: which keys are taken only while no other is due.
    """

    def __init__(self, is_patient: Callable[[K], bool] = lambda _: False) -> None:
        self._is_patient = is_patient
        self._due: dict[K, float] = {}
        self._heaps: tuple[list[tuple[float, int, K]], ...] = ([], [])
        self._active: set[K] = set()
        self._again: dict[K, float] = {}
        self._failures: dict[K, int] = {}
        self._not_before: dict[K, float] = {}
        self._serial = 0

    def __len__(self) -> int:
        """Keys that wait, those that will run again included."""
        return len(self._due) + len(self._again)

    def add(self, key: K, now: float, delay_seconds: float = 0.0) -> None:
        """Ask for work on a key; an earlier request for it stands, a later one is brought forward.

        What the API server asked for stands too: a key that it throttled runs no earlier.
        """
        due = max(now + delay_seconds, self._not_before.get(key, now))
        if key in self._active:
            self._again[key] = min(due, self._again.get(key, due))
        elif due < self._due.get(key, float("inf")):
            self._push(key, due)

    def take(self, now: float) -> K | None:
        """The key that has been due the longest, the patient ones last, now active; None where none is due."""
        for heap in self._heaps:
            while heap and heap[0][0] <= now:
                due, _, key = heapq.heappop(heap)
                if self._due.get(key) == due:
                    del self._due[key]
                    self._active.add(key)
                    return key
        return None

    def succeeded(self, key: K, now: float) -> None:
        """Work on the key is done; a request that came meanwhile makes it wait again."""
        self._failures.pop(key, None)
        self._not_before.pop(key, None)
        self._finish(key, now, None)

    def failed(self, key: K, now: float, jitter: float, at_least_seconds: float = 0.0) -> float:
        """Work on the key failed: it waits twice as long as the last time; return how long.

        Args:
            jitter: from 0 to 1; spreads the waiting from half to all of the back-off.
            at_least_seconds: what the API server asked for.
        """
        failures = self._failures.get(key, 0)
        self._failures[key] = failures + 1
        backoff: float = min(LARGEST_BACKOFF_SECONDS, FIRST_BACKOFF_SECONDS * 2 ** min(failures, 16))
        delay = max(at_least_seconds, backoff * (0.5 + jitter / 2))
        if at_least_seconds > 0:
            self._not_before[key] = now + delay
        self._finish(key, now, now + delay)
        return delay

    def next_due(self) -> float | None:
        """When the next waiting key is due; None where none waits."""
        for heap in self._heaps:
            while heap and self._due.get(heap[0][2]) != heap[0][0]:
                heapq.heappop(heap)
        return min((heap[0][0] for heap in self._heaps if heap), default=None)

    def _finish(self, key: K, now: float, retry_at: float | None) -> None:
        self._active.discard(key)
        again = self._again.pop(key, None)
        if retry_at is not None:
            self._push(key, retry_at)
        elif again is not None:
            self._push(key, max(again, now))

    def _push(self, key: K, due: float) -> None:
        self._serial += 1
        self._due[key] = due
        heapq.heappush(self._heaps[self._is_patient(key)], (due, self._serial, key))
