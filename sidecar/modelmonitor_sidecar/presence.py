"""Which pods of the plan the kubelet runs. A plan outlives the operator, and its addresses become other pods'.

The kubelet's pod-resources list names every pod that it runs, with devices or without (`List` in
pkg/kubelet/apis/podresources/server_v1.go of kubernetes/kubernetes). A list that lacks the sidecar's own pod is of a
kubelet that has just started, and says nothing. Where the kubelet cannot be asked, all pods are read.
"""

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from modelmonitor_api.plan import PlannedPod
from modelmonitor_api.summary import EndpointReading, EndpointState
from modelmonitor_sidecar.scrape import Reader
from modelmonitor_sidecar.snapshot import Target
from modelmonitor_sidecar.sources.pod_resources import PodName
from modelmonitor_sidecar.sources.triton import HttpReading, PageReading

LISTS_TO_BE_GONE = 2
FIRST_LIST_SECONDS = 3.0
"""So long a new pod waits for the kubelet's list at most; the list has a deadline of its own."""
_GONE = (
    "the kubelet of this node does not list the pod, so its address may be another pod's and is not asked; "
    "compare with kubectl get pod -o wide"
)


@dataclass(slots=True)
class _Watched:
    """What the lists since it was planned say of one pod."""

    pod: PodName
    seen: bool = False
    missed: int = 0
    answered: asyncio.Event = field(default_factory=asyncio.Event)

    def note(self, listed: frozenset[PodName]) -> None:
        there = self.pod in listed
        self.seen, self.missed = self.seen or there, 0 if there else self.missed + 1

    @property
    def gone(self) -> bool:
        """A pod that was seen may be missing once; one that never was need not have run here at all."""
        return self.missed >= (LISTS_TO_BE_GONE if self.seen else 1)


class Presence:
    """Compares the plan with the kubelet's lists.

    Args:
        own: the sidecar's own pod; without a name no list is trusted.
        ask_now: called where a new pod waits for a list.
    """

    def __init__(self, own: PodName, ask_now: Callable[[], object]) -> None:
        self._own, self._ask_now = own, ask_now
        self._watched: dict[str, _Watched] = {}

    def follow(self, targets: Mapping[str, Target]) -> None:
        """Compare these pods, by UID, with the lists from now on; new ones wait for the next list."""
        kept = {uid: known for uid, known in self._watched.items() if uid in targets}
        new = targets.keys() - kept.keys()
        added = {uid: _Watched(PodName(targets[uid].namespace, targets[uid].pod.name)) for uid in new}
        self._watched = kept | added
        if added:
            self._ask_now()

    def note(self, listed: frozenset[PodName] | None) -> None:
        """The kubelet's newest list; None where it gave none."""
        for watched in self._watched.values():
            if listed is not None and self._own in listed:
                watched.note(listed)
            watched.answered.set()

    async def is_gone(self, uid: str) -> bool:
        """Whether a pod is asked no more. Waits for the first list since it was planned, or for that it failed."""
        watched = self._watched.get(uid)
        if watched is None:
            return False
        try:
            async with asyncio.timeout(FIRST_LIST_SECONDS):
                await watched.answered.wait()
        except TimeoutError:
            return False
        return watched.gone


class PresentReader:
    """Reads the pods that the kubelet runs; of the others it says why not, and connects to nothing."""

    def __init__(self, reader: Reader, presence: Presence) -> None:
        self._reader, self._presence = reader, presence

    async def read(self, pod: PlannedPod) -> tuple[HttpReading, PageReading]:
        """Both endpoints."""
        if await self._presence.is_gone(pod.uid):
            said = EndpointReading(state=EndpointState.UNREACHABLE, message=_GONE)
            return HttpReading(endpoint=said), PageReading(endpoint=said)
        return await self._reader.read(pod)
