"""Triton's statistics of one model version as the counters of a meter.

Source: https://github.com/triton-inference-server/server/blob/main/docs/protocol/extension_statistics.md
"""

from modelmonitor_api.cost_summary import Counters
from modelmonitor_sidecar.windows import StatisticsCounters

_LARGEST = 10**15


def build_counters(statistics: StatisticsCounters) -> Counters:
    """The counters of one model version, in whole microseconds and requests; none is larger than a meter takes."""
    return Counters.model_construct(
        execution_us=min(_LARGEST, (statistics.execution_ns or 0) // 1000),
        succeeded=min(_LARGEST, statistics.successes),
        failed=min(_LARGEST, statistics.failures),
        inferences=min(_LARGEST, statistics.inferences),
        cached=min(_LARGEST, statistics.cache_hits),
    )
