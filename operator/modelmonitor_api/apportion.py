"""Splitting a whole number so that the parts add up to it exactly: the arithmetic under every bill of a shared GPU.

The largest-remainder method: each part is its exact share rounded down, and what rounding left over goes, one each, to
the parts that lost most. No part is off by one unit or more, and none is ever negative.
"""

from collections.abc import Sequence


def apportion(total: int, weights: Sequence[int]) -> tuple[int, ...]:
    """Parts of `total` in the ratio of `weights`; equal parts where all weights are zero.

    Raises:
        ValueError: a negative total or weight, or a total other than zero and nobody to take it.
    """
    if total < 0 or any(weight < 0 for weight in weights):
        raise ValueError(f"nothing negative can be split: {total} by {weights}")
    if not weights:
        if total:
            raise ValueError(f"there is nobody to take {total}")
        return ()
    whole = sum(weights)
    if not whole:
        weights, whole = (1,) * len(weights), len(weights)
    parts = [total * weight // whole for weight in weights]
    left = total - sum(parts)
    if left:
        lost = sorted(range(len(weights)), key=lambda i: (-(total * weights[i] % whole), i))
        for index in lost[:left]:
            parts[index] += 1
    return tuple(parts)


def share_between(start: int, end: int, parts: int, of: int) -> int:
    """`parts` of `of` of the span from `start` to `end`, rounded so that spans put together lose nothing.

    The share of a whole is floor(t·parts/of) at its end less the same at its start, so the rounding of one span is
    taken back by the next.
    """
    return end * parts // of - start * parts // of
