"""From one ledger to the next: everything is charged that is known by now.

Time is charged on each node's own clock, from where that pod was charged to where its meters are settled, so that it
does not matter how often, by whom or after how long a pause this is done: no operator's wall clock is read for what a
sidecar has seen.
"""

from collections.abc import Mapping
from dataclasses import replace

from modelmonitor_api.cost_summary import CostReading, PodMeter
from modelmonitor_operator.cost.checkpoint import Axis, Checkpoint, NodeMark, PodMark
from modelmonitor_operator.cost.ledger import MAX_MODELS, Ledger, in_currency, keep_largest, shorten
from modelmonitor_operator.cost.measure import GapReason, Stretch, measure, unseen
from modelmonitor_operator.cost.observations import NodeObservation, Observation, PodLife
from modelmonitor_operator.cost.tally import Tally, Terms

PATIENCE_SECONDS = 3600.0
"""A node that has not answered for so long is charged as a gap; before that its sidecar may still know."""
FORGET_SECONDS = 3 * 3600.0
"""How long a pod that ended is remembered: longer than sidecars keep its meters, or it could be charged again."""


def advance(ledger: Ledger, seen: Observation, terms: Terms, now: float) -> Ledger:
    """The ledger with everything charged that is known by now.

    Args:
        now: seconds since the epoch by the operator's clock; only for nodes that have been silent for an hour.
    """
    terms = replace(terms, prices=terms.prices.keeping(ledger.currency))
    ledger = in_currency(ledger, terms.prices.currency, now)
    tally = Tally(
        terms,
        dict(ledger.models),
        dict(ledger.days),
        dict(ledger.hours),
        {name: dict(days) for name, days in ledger.objectives.items()},
        dict(ledger.gaps),
    )
    checkpoint = _Advance(ledger, seen, tally).run(now)
    filled = replace(
        ledger,
        zone=terms.zone,
        models=tally.models,
        days=tally.days,
        hours=tally.hours,
        objectives=tally.objectives,
        gaps=tally.gaps,
        checkpoint=checkpoint,
    )
    kept = replace(filled, models=keep_largest(filled, MAX_MODELS, ledger.models))
    return shorten(kept, [objective.name for objective in terms.objectives])


class _Advance:
    """One pass over pods and nodes."""

    def __init__(self, ledger: Ledger, seen: Observation, tally: Tally) -> None:
        self._ledger, self._seen, self._tally = ledger, seen, tally
        self._lives = {pod.uid: pod for pod in seen.pods}
        self._nodes = dict(ledger.checkpoint.nodes)

    def run(self, now: float) -> Checkpoint:
        """Charge every pod; the checkpoint up to where that was."""
        old = self._ledger.checkpoint
        by_node: dict[str, dict[str, None]] = {}
        for uid, mark in old.pods.items():
            by_node.setdefault(mark.node, {})[uid] = None
        for life in self._seen.pods:
            by_node.setdefault(life.node, {})[life.uid] = None
        marks: dict[str, PodMark] = {}
        for node, uids in by_node.items():
            marks |= self._node(node, uids, now)
        nodes = {node: mark for node, mark in self._nodes.items() if node in by_node}
        return Checkpoint(nodes, marks, old.partial, old.written)

    def _node(self, node: str, uids: Mapping[str, None], now: float) -> dict[str, PodMark]:
        given = self._seen.nodes.get(node, NodeObservation(None, self._seen.watched_seconds))
        reading, known = given.reading, self._nodes.get(node)
        old = self._ledger.checkpoint.pods
        if reading is not None and (known is None or known.is_before(reading)):
            self._nodes[node] = NodeMark(reading.boot_id, reading.at_us, reading.time)
            axis, meters = Axis.of_reading(reading), {meter.pod_uid: meter for meter in reading.pods}
            marks = {uid: _Pod(self, reading, axis, uid, meters.get(uid)).charge() for uid in uids}
        elif given.silent_seconds > PATIENCE_SECONDS:
            marks = {uid: self._charge_silent(old[uid], now) if uid in old else None for uid in uids}
        else:
            marks = {uid: old.get(uid) for uid in uids}
        time = reading.time if reading is not None else now
        return {uid: mark for uid, mark in marks.items() if mark and not self._forgotten(uid, mark, time)}

    def _forgotten(self, uid: str, mark: PodMark, time: float) -> bool:
        """Charged to its end, and gone for so long that no list of pods and no sidecar can bring it back."""
        return mark.done and uid not in self._lives and time - mark.until > FORGET_SECONDS

    def _charge_silent(self, mark: PodMark, now: float) -> PodMark:
        """A gap up to now, or to the pod's end."""
        life = self._lives.get(mark.meter.pod_uid)
        finish = life.finished_at if life else None
        end = now if finish is None else min(now, finish)
        done = life is None or finish is not None
        if mark.done or end <= mark.until:
            return replace(mark, done=mark.done or done)
        length_us = round((end - mark.until) * 1_000_000)
        if mark.owned and (life is None or life.owned):
            use = unseen(mark.meter.holdings, mark.until_us, mark.until_us + length_us)
            reason = GapReason.NODE_SILENT if life else GapReason.POD_VANISHED
            self._tally.book(mark.node, use, (mark.until, end), reason)
        return replace(mark, until_us=mark.until_us + length_us, until=end, done=done)

    def start_of(self, life: PodLife) -> tuple[float, bool]:
        """From when a pod is charged that the checkpoint does not have, and whether it began after all of that."""
        checkpoint, least = self._ledger.checkpoint, max(self._ledger.since, life.owned_since or 0.0)
        if checkpoint.partial:
            node = checkpoint.nodes.get(life.node)
            newest = max([checkpoint.written, *(one.time for one in checkpoint.nodes.values())])
            least = max(least, node.time if node else newest)
        return max(life.started_at, least), life.started_at >= least

    def facts(self, uid: str) -> tuple[PodLife | None, PodMark | None]:
        """What Kubernetes and the checkpoint know of a pod."""
        return self._lives.get(uid), self._ledger.checkpoint.pods.get(uid)

    def book(self, node: str, stretch: Stretch, meter: PodMeter, axis: Axis) -> None:
        """Charge what the meters say of a stretch."""
        span = (axis.time_at(stretch.start_us), axis.time_at(stretch.end_us))
        self._tally.book(node, measure(stretch, meter), span)

    def book_unseen(self, node: str, meter: PodMeter, span_us: tuple[int, int], axis: Axis, reason: GapReason) -> None:
        """Charge a stretch of which nothing is known."""
        span = (axis.time_at(span_us[0]), axis.time_at(span_us[1]))
        self._tally.book(node, unseen(meter.holdings, *span_us), span, reason)


class _Pod:
    """One pod on a node whose sidecar has answered."""

    def __init__(self, work: _Advance, reading: CostReading, axis: Axis, uid: str, meter: PodMeter | None) -> None:
        self._work, self._reading, self._axis, self._meter = work, reading, axis, meter
        self._life, self._mark = work.facts(uid)

    def charge(self) -> PodMark | None:
        """Charge it as far as is known; its next mark, None where there is none yet."""
        mark, life, meter = self._mark, self._life, self._meter
        if mark is not None and mark.done and not (life and life.finished_at is None):
            return mark
        if meter is None:
            return self._charge_without_meter()
        if not meter.departed and (life is None or meter.until_us <= meter.since_us):
            return mark
        finish = self._axis.at(life.finished_at) if life and life.finished_at is not None else None
        if finish is not None:
            end = finish if meter.departed else min(finish, meter.until_us)
            done = meter.departed or meter.until_us >= finish
        else:
            end, done = meter.last_held_us if meter.departed else meter.until_us, life is None
        charged = self._charge_to(end, meter)
        if life is None and charged is not None:
            charged = self._charge_tail(charged, meter)
        return replace(charged, done=True) if charged is not None and done else charged

    def _start(self) -> tuple[int, bool]:
        if self._mark is not None:
            return self._axis.until(self._mark), False
        if self._life is None:
            return self._axis.at_us, False
        start, is_new = self._work.start_of(self._life)
        return self._axis.at(start), is_new

    def _charge_to(self, end_us: int, meter: PodMeter) -> PodMark | None:
        start, is_new = self._start()
        mark = self._mark
        if end_us <= start:
            return mark
        before = mark.meter if mark else None
        continued = mark is not None and mark.goes_on_in(self._reading, meter)
        if self._pays():
            self._work.book(self._node, Stretch(start, end_us, before, continued, is_new), meter, self._axis)
        return self._mark_at(end_us, meter)

    def _owned(self) -> bool:
        return self._life.owned if self._life is not None else self._mark is None or self._mark.owned

    def _pays(self) -> bool:
        """It is ours, and was when it was last charged: a stretch in which it changed hands is nobody's."""
        return self._owned() and (self._mark is None or self._mark.owned)

    def _charge_tail(self, mark: PodMark, meter: PodMeter) -> PodMark:
        """It was deleted at some time between two readings: no longer than to the second."""
        if meter.until_us > mark.until_us and self._pays():
            span = (mark.until_us, meter.until_us)
            self._work.book_unseen(mark.node, meter, span, self._axis, GapReason.POD_VANISHED)
        return mark

    def _charge_without_meter(self) -> PodMark | None:
        """Its end is known, or it is gone; while it runs, its sidecar will say."""
        mark, life = self._mark, self._life
        if mark is None or (life is not None and life.finished_at is None):
            return mark
        start = self._axis.until(mark)
        if life is not None and life.finished_at is not None:
            end, reason = self._axis.at(life.finished_at), GapReason.USE_UNKNOWN
        else:
            end = self._axis.at_us if mark.is_of(self._reading) else self._reading.started_us
            reason = GapReason.POD_VANISHED
        if end <= start or not self._pays():
            return replace(mark, done=True)
        self._work.book_unseen(mark.node, mark.meter, (start, end), self._axis, reason)
        return replace(mark, until_us=end, until=self._axis.time_at(end), boot_id=self._axis.boot_id, done=True)

    def _mark_at(self, end_us: int, meter: PodMeter) -> PodMark:
        reading = self._reading
        time = self._axis.time_at(end_us)
        return PodMark(
            self._node, reading.boot_id, reading.started_us, end_us, time, meter, done=False, owned=self._owned()
        )

    @property
    def _node(self) -> str:
        if self._mark is not None:
            return self._mark.node
        return self._life.node if self._life is not None else ""
