"""What goes first when a page has reached its limit: pods, then their GPUs, then models, then Triton's own series.

A page beyond `sample_limit` would be refused whole by Prometheus. So whole models are left out, the last first, and
what is there stays consistent.
"""

from enum import IntEnum
from typing import Protocol

from modelmonitor_sidecar.collectors.families import FamilyBuilder


class Rank(IntEnum):
    """Which lines are left out last, first of all."""

    PODS = 0
    GPUS = 1
    MODELS = 2
    TRITON = 3


class Parts(Protocol):
    """Where collectors put their lines: lines of one rank and one owner stay or go together."""

    def part(self, rank: Rank, owner: str) -> FamilyBuilder:
        """The builder for one owner, a pod or a model of it."""


class OnePart:
    """Everything in one builder: what is wanted of a page that is within its limit."""

    def __init__(self) -> None:
        self.builder = FamilyBuilder()

    def part(self, rank: Rank, owner: str) -> FamilyBuilder:  # noqa: ARG002
        """The one builder."""
        return self.builder


class RankedParts:
    """A builder for each owner, so that some can be left out."""

    def __init__(self) -> None:
        self._builders: dict[tuple[Rank, str], FamilyBuilder] = {}

    def part(self, rank: Rank, owner: str) -> FamilyBuilder:
        """The builder of one owner at one rank."""
        return self._builders.setdefault((rank, owner), FamilyBuilder())

    def within(self, limit: int) -> tuple[FamilyBuilder, int]:
        """The lines by rank up to the first owner whose lines do not fit, and how many lines are left out."""
        kept, room, left_out = FamilyBuilder(), limit, 0
        for _, builder in sorted(self._builders.items(), key=lambda item: item[0][0]):
            if left_out or builder.series > room:
                left_out += builder.series
            else:
                room -= builder.series
                kept.merge(builder)
        return kept, left_out
