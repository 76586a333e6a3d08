"""What the pods of a node may cost the sidecar together, in bytes and in meters, so that a few of them cannot end it.

The caps of one page leave a pod tens of megabytes, and a tenant may run many pods. So what a reading would keep is
estimated before it is kept. While all fits, every pod keeps all it shows; beyond that nobody keeps more than an equal
share, and those that ask for less than one lose nothing. The meters of cost have a bound of their own: a model whose
windows have no room is charged all the same.
"""

import sys
from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping

from modelmonitor_sidecar.exposition import Series
from modelmonitor_sidecar.windows import POINTS_A_WINDOW, ModelKey

NODE_BYTES = 40 * 2**20
"""The container's limit is 128 MiB, and half of it is taken before the first pod is read."""
WINDOW_BYTES = POINTS_A_WINDOW * 580
"""One window of one model whose counters all move (measured with tracemalloc)."""
REASON_BYTES = POINTS_A_WINDOW * 110
"""What each reason for failures adds to that."""
SERIES_BYTES = 200
METERED_MODELS = 1000
"""Model versions of a node that are metered; what those beyond it execute counts as busy with something else. With
names as long as they may be, the meters of twice as many (of models that went, too) fit into a summary."""
FAILURE_SERIES = "nv_inference_request_failure"


def cost_models(series: Iterable[Series], models: Iterable[ModelKey], windows: int) -> dict[ModelKey, int]:
    """Bytes that a reading costs by model; what no model has is under two empty names."""
    costs: defaultdict[ModelKey, int] = defaultdict(int)
    for one in series:
        failing = windows * REASON_BYTES if one.value and one.name == FAILURE_SERIES else 0
        costs[one.labels.model, one.labels.version] += SERIES_BYTES + 2 * sys.getsizeof(one.labels.text) + failing
    for key in {*models, *costs}:
        costs[key] += windows * WINDOW_BYTES if key[0] else 0
    return dict(costs)


class NodeBudget:
    """What the pods of a node may keep, by UID."""

    def __init__(self, total_bytes: int = NODE_BYTES, metered_models: int = METERED_MODELS) -> None:
        self._bytes, self._meters = _Shares(total_bytes), _Shares(metered_models)

    def keep(self, pod_uid: str, costs: Mapping[ModelKey, int]) -> Collection[ModelKey]:
        """The models whose windows and series a pod may keep, of what they cost in bytes."""
        return self._bytes.keep(pod_uid, costs)

    def meter(self, pod_uid: str, models: Iterable[ModelKey]) -> Collection[ModelKey]:
        """The models of a pod that are metered."""
        return self._meters.keep(pod_uid, dict.fromkeys(models, 1))

    def forget(self, pod_uid: str) -> None:
        """A pod that is read no longer costs nothing."""
        self._bytes.forget(pod_uid)
        self._meters.forget(pod_uid)


class _Shares:
    """Shares an amount over pods."""

    def __init__(self, total: int) -> None:
        self._total = total
        self._wanted: dict[str, int] = {}
        self._granted: dict[str, int] = {}

    def keep(self, pod_uid: str, costs: Mapping[ModelKey, int]) -> Collection[ModelKey]:
        """The models that a pod may keep; where not all, the first by name, so that they stay the same."""
        wanted = self._wanted[pod_uid] = sum(costs.values())
        others = sum(self._granted.values()) - self._granted.get(pod_uid, 0)
        room = min(_largest_share(self._wanted.values(), self._total), self._total - others)
        if wanted <= room:
            self._granted[pod_uid] = wanted
            return costs.keys()
        kept: set[ModelKey] = set()
        spent = 0
        for key in sorted(costs):
            if spent + costs[key] <= room:
                spent += costs[key]
                kept.add(key)
        self._granted[pod_uid] = spent
        return kept

    def forget(self, pod_uid: str) -> None:
        """Give back what a pod had."""
        self._wanted.pop(pod_uid, None)
        self._granted.pop(pod_uid, None)


def _largest_share(wanted: Collection[int], total: int) -> int:
    """The most that one may have where those that want less give what is left to those that want more."""
    left = total
    for place, one in enumerate(sorted(wanted)):
        share = left // (len(wanted) - place)
        if one > share:
            return share
        left -= one
    return total
