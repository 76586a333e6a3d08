"""Triton's statistics of one model version as the counters of a meter.

Source: https://github.com/triton-inference-server/server/blob/main/docs/protocol/extension_statistics.md
"""

from collections.abc import Mapping

from modelmonitor_api.cost_summary import Counters

_LARGEST = 10**15
_MAX_BATCH_SIZES = 4096


def parse_counters(item: Mapping[str, object]) -> Counters:
    """The counters of one entry of `model_stats`; what is no count is 0.

    `batch_stats` adds the time of an execution once, `inference_stats.compute_infer` once for each request in its
    batch. An ensemble shows the execution of the models that it calls, which count it too.
    """
    batches = item.get("batch_stats")
    listed = batches[:_MAX_BATCH_SIZES] if isinstance(batches, list) else []
    stats = item.get("inference_stats")
    return Counters.model_construct(
        execution_us=min(_LARGEST, sum(_number(batch, "compute_infer", "ns") for batch in listed) // 1000),
        succeeded=_number(stats, "success", "count"),
        failed=_number(stats, "fail", "count"),
        inferences=_number(item, "inference_count"),
        cached=_number(stats, "cache_hit", "count"),
    )


def _number(item: object, *path: str) -> int:
    for name in path:
        item = item.get(name) if isinstance(item, dict) else None
    return item if isinstance(item, int) and not isinstance(item, bool) and 0 <= item <= _LARGEST else 0
