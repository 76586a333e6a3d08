"""How often Python looks for reference cycles.

A cycle of the roll-up makes hundreds of thousands of small frozen values that hold no reference cycles. With Python's
own thresholds the collector walks them again and again: half of the CPU of a cycle with 1 000 nodes
(`python -m benchmarks roll-up`).
"""

import gc

_NEW_OBJECTS = 50_000
_YOUNGER_COLLECTIONS = 20


def tune_garbage_collection() -> None:
    """Look for reference cycles after 50 000 new objects instead of 700; memory does not grow measurably."""
    gc.set_threshold(_NEW_OBJECTS, _YOUNGER_COLLECTIONS, _YOUNGER_COLLECTIONS)
