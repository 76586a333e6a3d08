"""What a leader sees of the pods and meters of one ModelMonitor, for its ledger.

What it sees must be complete: a pod that is in a ledger and is not seen counts as gone. So nothing is observed before
the pods of the namespace are listed and the sidecars have been asked once, nor while the pods may not be listed.
"""

from collections.abc import Iterator, Mapping

from modelmonitor_api.cost_summary import CostReading, PodMeter
from modelmonitor_operator.clock import Clock
from modelmonitor_operator.cost.advance import FORGET_SECONDS
from modelmonitor_operator.cost.checkpoint import Axis, PodMark
from modelmonitor_operator.cost.ledger import Ledger
from modelmonitor_operator.cost.observations import NodeObservation, Observation, PodLife
from modelmonitor_operator.observed import Monitor, Pod, PollState
from modelmonitor_operator.pod_lives import EndedPod
from modelmonitor_operator.rollup.inputs import Index
from modelmonitor_operator.world import World

FAR_OFF_SECONDS = 86400.0
"""A node whose wall clock is further off than this is charged by the operator's: its days would be others'."""


class CostObserver:
    """Remembers when each sidecar answered last."""

    def __init__(self, world: World, clock: Clock) -> None:
        self._world = world
        self._clock = clock
        self._began = clock.monotonic()
        self._index: Index | None = None
        self._heard: dict[str, float] = {}

    def begin_cycle(self, index: Index) -> None:
        """The sidecars have been asked."""
        now = self._clock.monotonic()
        self._index = index
        for node, view in index.items():
            if view.summary is not None and view.summary.cost is not None and view.reading.state is PollState.OK:
                self._heard[node] = now
        for node in self._heard.keys() - index.keys():
            if now - self._heard[node] > FORGET_SECONDS:
                del self._heard[node]

    def observe(self, monitor: Monitor, ledger: Ledger) -> Observation | None:
        """Everything about one ModelMonitor; None while it is not known whether that would be everything."""
        namespace = monitor.ref.namespace
        complete = namespace in self._world.listed_namespaces and namespace not in self._world.unlistable
        if self._index is None or not complete:
            return None
        marks = ledger.checkpoint.pods
        lives = {life.uid: life for life in self._lives(monitor, marks)}
        names = {life.node for life in lives.values()} | {mark.node for mark in marks.values()}
        return Observation(
            tuple(lives.values()),
            {node: self._node(node) for node in names},
            self._clock.monotonic() - self._began,
        )

    def _lives(self, monitor: Monitor, marks: Mapping[str, PodMark]) -> Iterator[PodLife]:
        """Pods that are gone first, so that one that is there again counts as it is."""
        for gone in self._world.lives.ended(monitor.ref.namespace, self._clock.monotonic()):
            if monitor.uid in gone.followers or gone.uid in marks:
                yield self._ended(monitor, gone)
        for uid in marks:
            pod = self._world.pod(monitor.ref.namespace, uid)
            if pod is not None and (life := self._life(monitor, pod, owned=False)):
                yield life
        old = self._clock.time() - FORGET_SECONDS
        for pod in self._world.selected_pods(monitor.ref):
            life = self._life(monitor, pod, owned=self._pays(monitor, pod))
            if life is None:
                continue
            mark = marks.get(pod.uid)
            if life.finished_at is None or life.finished_at > old or (mark is not None and not mark.done):
                yield life

    def _pays(self, monitor: Monitor, pod: Pod) -> bool:
        """Whether it is the oldest of those that select a pod."""
        mine = monitor.created_at, monitor.ref
        others = (self._world.monitors[ref] for ref in self._world.selecting(pod.namespace, pod.uid))
        return all(mine <= (other.created_at, other.ref) for other in others)

    def _life(self, monitor: Monitor, pod: Pod, *, owned: bool) -> PodLife | None:
        if pod.node is None or pod.started_at is None:
            return None
        since = self._world.lives.since(monitor.uid, pod.uid)
        return PodLife(
            pod.uid,
            pod.node,
            pod.started_at - self._ahead(pod.node),
            self._end(pod.node, pod.finished_at, self._world.lives.ended_at(pod)),
            owned,
            None if since is None else self._on_clock_of(pod.node, since),
        )

    def _ended(self, monitor: Monitor, gone: EndedPod) -> PodLife:
        since = self._world.lives.since(monitor.uid, gone.uid)
        return PodLife(
            gone.uid,
            gone.node,
            gone.started_at - self._ahead(gone.node),
            self._end(gone.node, gone.finished_at, None if gone.finished_at is not None else self._seen_end(gone)),
            gone.payer == monitor.uid,
            None if since is None else self._on_clock_of(gone.node, since),
        )

    def _end(self, node: str, finished_at: float | None, seen: float | None) -> float | None:
        """When a pod ended: as its kubelet says, else as it was seen."""
        return seen if finished_at is None else finished_at - self._ahead(node)

    def _ahead(self, node: str) -> float:
        """How far a node's wall clock is ahead of ours, where that is too far to be believed; else 0."""
        view = (self._index or {}).get(node)
        told = view.summary.cost if view is not None and view.summary is not None else None
        if view is None or told is None or view.reading.received_at is None:
            return 0.0
        ahead = told.time - view.reading.received_at
        return ahead if abs(ahead) > FAR_OFF_SECONDS else 0.0

    def _seen_end(self, gone: EndedPod) -> float:
        """When it was seen to be gone: by us, or before that by its sidecar."""
        seen = self._on_clock_of(gone.node, gone.seen_at)
        reading = self._reading(gone.node)
        meter = _meter(reading, gone.uid)
        if reading is None or meter is None or not meter.departed:
            return seen
        return min(seen, Axis.of_reading(reading).time_at(meter.until_us))

    def _on_clock_of(self, node: str, time: float) -> float:
        """A time by our clock as the node's clock shows it: they need not agree."""
        reading = self._reading(node)
        view = (self._index or {}).get(node)
        if reading is None or view is None or view.reading.received_at is None:
            return time
        return time + reading.time - view.reading.received_at

    def _reading(self, node: str) -> CostReading | None:
        view = (self._index or {}).get(node)
        told = view.summary.cost if view is not None and view.summary is not None else None
        ahead = self._ahead(node)
        return told.model_copy(update={"time": told.time - ahead}) if told is not None and ahead else told

    def _node(self, node: str) -> NodeObservation:
        silent = self._clock.monotonic() - self._heard.get(node, self._began)
        return NodeObservation(self._reading(node), silent)


def _meter(reading: CostReading | None, uid: str) -> PodMeter | None:
    return next((one for one in reading.pods if one.pod_uid == uid), None) if reading is not None else None
