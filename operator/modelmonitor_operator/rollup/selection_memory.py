"""What was said about selection, kept until the Prometheus objects change: a thousand monitors ask in every cycle."""

from collections.abc import Callable

from modelmonitor_operator.arrival import PrometheusObjects
from modelmonitor_operator.objects import ResourceKind
from modelmonitor_operator.rollup.claim import Claim

MOST_REMEMBERED = 10_000
"""Claims that are kept, some kilobytes each at most; beyond it all are worked out anew."""

Labelled = tuple[tuple[ResourceKind, tuple[tuple[str, str], ...]], ...]
"""Our objects that are there to be selected, with their labels."""
Question = tuple[str, int, Labelled]
"""Everything of one monitor that a claim rests on: its namespace, its sample limit, its objects."""


class SelectionMemory:
    """The claims about one set of Prometheus objects, which is told from another by identity alone."""

    def __init__(self) -> None:
        self._objects: PrometheusObjects | None = None
        self._claims: dict[Question, Claim] = {}

    def recall(self, objects: PrometheusObjects, question: Question, judge: Callable[[], Claim]) -> Claim:
        """The claim of the last time, where nothing that it rests on has changed; else a new one."""
        if objects is not self._objects:
            self._objects = objects
            self._claims = {}
        claim = self._claims.get(question)
        if claim is None:
            if len(self._claims) >= MOST_REMEMBERED:
                self._claims.clear()
            claim = self._claims[question] = judge()
        return claim
