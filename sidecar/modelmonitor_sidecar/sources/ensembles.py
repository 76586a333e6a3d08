"""Which models of a pod are ensembles, so that what their parts execute is not charged twice.

An ensemble's statistics show the execution of the models that it calls, which count it too; only its configuration
says what it is. So each model version is asked for its configuration when it first appears, and again when its counters
begin anew, a bounded number at each reading.
"""

from collections.abc import Iterable, Mapping

from modelmonitor_sidecar.windows import ModelKey, StatisticsCounters

ASKED_A_READING = 32
TRIES = 3
"""After so many readings without an answer a model is taken for one that executes by itself: charging an ensemble with
what its parts do is wrong by less than charging nobody on a server that keeps its configurations to itself."""
READINGS_BETWEEN_TRIES = 20
KNOWN_MODELS = 4000
"""What is remembered for all pods of a node; each has an equal share, and what is beyond it stays unknown."""


class Ensembles:
    """What is known of the models of one pod.

    Attributes:
        most_models: how many are remembered; those that are first by name.
    """

    def __init__(self) -> None:
        self.most_models = KNOWN_MODELS
        self._known: dict[ModelKey, bool] = {}
        self._missed: dict[ModelKey, int] = {}
        self._inferences: dict[ModelKey, int] = {}

    def follow(self, statistics: Mapping[ModelKey, StatisticsCounters]) -> tuple[ModelKey, ...]:
        """Forget what is gone or began anew; the models to ask for now, those that execute first."""
        if len(statistics) > self.most_models:
            statistics = {key: statistics[key] for key in sorted(statistics)[: self.most_models]}
        fell = {key for key, one in statistics.items() if one.inferences < self._inferences.get(key, 0)}
        self._known = {key: one for key, one in self._known.items() if key in statistics and key not in fell}
        self._missed = {key: n for key, n in self._missed.items() if key in statistics and key not in fell}
        self._inferences = {key: one.inferences for key, one in statistics.items()}
        due = [key for key in statistics if key not in self._known and self._is_due(key)]
        due.sort(key=lambda key: (self._missed.get(key, 0), not statistics[key].executions, key))
        return tuple(due[:ASKED_A_READING])

    def _is_due(self, key: ModelKey) -> bool:
        missed = self._missed.get(key, 0)
        if missed >= TRIES and missed % READINGS_BETWEEN_TRIES:
            self._missed[key] = missed + 1
            return False
        return _can_be_asked(key)

    def learn(self, asked: Iterable[ModelKey], answers: Mapping[ModelKey, bool]) -> None:
        """Take what the configurations said; a model that was asked for and has no answer is one try further."""
        self._known |= answers
        for key in asked:
            if key not in answers:
                self._missed[key] = self._missed.get(key, 0) + 1

    def among(self, models: Iterable[ModelKey]) -> frozenset[ModelKey]:
        """The ensembles, and those of which it is not known yet: until it is, what they execute is nobody's."""
        return frozenset(key for key in models if self._known.get(key, self._is_awaited(key)))

    def _is_awaited(self, key: ModelKey) -> bool:
        return _can_be_asked(key) and self._missed.get(key, 0) < TRIES


def _can_be_asked(key: ModelKey) -> bool:
    """A version that is no number is none of Triton's, and would go into a path as it is."""
    version = key[1]
    return version == "" or (version.isascii() and version.isdigit())
