"""What is remembered of pods for their cost: those that are gone, and since when others belong to a ModelMonitor.

Kubernetes forgets a pod when it is deleted; a ledger is advanced minutes later, and has to know when that was.
"""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from modelmonitor_operator.cost.advance import FORGET_SECONDS
from modelmonitor_operator.observed import Monitor, Pod

MAX_ENDED = 2000
"""Pods of a namespace that are gone and remembered; the oldest give way."""


@dataclass(frozen=True, slots=True)
class EndedPod:
    """A pod that is gone.

    Attributes:
        finished_at: when its last container ended; None where nobody says.
        seen_at: when it was seen to be gone, by this process' wall clock.
        payer: UID of the ModelMonitor that paid for it, the oldest of those that selected it; empty without one.
        followers: UIDs of all that selected it.
    """

    uid: str
    node: str
    started_at: float
    finished_at: float | None
    seen_at: float
    payer: str = ""
    followers: frozenset[str] = frozenset()


class PodLives:
    """Changed by watches, on a leader and on its standbys; read when a ledger is advanced."""

    def __init__(self) -> None:
        self._ended: defaultdict[str, dict[str, tuple[float, EndedPod]]] = defaultdict(dict)
        self._joined: dict[str, dict[str, float]] = {}
        self._strays: dict[str, None] = {}
        self._first_ended: dict[str, float] = {}

    def saw(self, pod: Pod, now: float) -> None:
        """A pod is there; where it has ended and nobody says when, it did so now."""
        if pod.finished_at is None and pod.phase in ("Succeeded", "Failed"):
            self._first_ended.setdefault(pod.uid, now)

    def joined(self, monitor_uid: str, pod: Pod, now: float) -> None:
        """A ModelMonitor selects a pod that it did not select before, though both were there."""
        if pod.started_at is not None:
            self._joined.setdefault(pod.uid, {})[monitor_uid] = now

    def left(self, monitor_uid: str, pod: Pod) -> None:
        """A ModelMonitor no longer selects a pod that is still there."""
        self._joined.get(pod.uid, {}).pop(monitor_uid, None)
        self._strays[pod.uid] = None

    def dropped(self, pod: Pod, selecting: Sequence[Monitor], now: float, monotonic: float) -> None:
        """A pod is gone; `selecting` are the ModelMonitors that selected it, the oldest first."""
        first_ended = self._first_ended.pop(pod.uid, None)
        is_stray = pod.uid in self._strays
        self._strays.pop(pod.uid, None)
        if not (selecting or is_stray) or pod.node is None or pod.started_at is None:
            self._joined.pop(pod.uid, None)
            return
        gone = EndedPod(
            pod.uid,
            pod.node,
            pod.started_at,
            pod.finished_at,
            now if first_ended is None else first_ended,
            selecting[0].uid if selecting else "",
            frozenset(monitor.uid for monitor in selecting),
        )
        ended = self._ended[pod.namespace]
        ended[pod.uid] = (monotonic + FORGET_SECONDS, gone)
        self._shorten(pod.namespace, monotonic)

    def ended(self, namespace: str, monotonic: float) -> Iterable[EndedPod]:
        """The pods of a namespace that went in the last three hours."""
        self._shorten(namespace, monotonic)
        return tuple(gone for _, gone in self._ended.get(namespace, {}).values())

    def ended_at(self, pod: Pod) -> float | None:
        """When a pod that is still there has ended, as Kubernetes says or as it was first seen."""
        return pod.finished_at if pod.finished_at is not None else self._first_ended.get(pod.uid)

    def since(self, monitor_uid: str, pod_uid: str) -> float | None:
        """When a pod came to a ModelMonitor; None where that was before this process saw it."""
        return self._joined.get(pod_uid, {}).get(monitor_uid)

    def forget_namespace(self, namespace: str, pods: Iterable[str]) -> None:
        """Its last ModelMonitor is gone, so nobody asks any more."""
        for uid in (*pods, *self._ended.pop(namespace, {})):
            self._joined.pop(uid, None)
            self._strays.pop(uid, None)
            self._first_ended.pop(uid, None)

    def _shorten(self, namespace: str, monotonic: float) -> None:
        ended = self._ended.get(namespace)
        while ended:
            uid = next(iter(ended))
            if len(ended) <= MAX_ENDED and ended[uid][0] > monotonic:
                return
            del ended[uid]
            self._joined.pop(uid, None)
