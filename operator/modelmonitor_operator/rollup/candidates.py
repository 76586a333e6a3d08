"""What one cycle says might be wrong, before hysteresis decides what is said."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import NamedTuple

from modelmonitor_api.findings import FINDINGS, FindingCode, ObjectKind, Severity


class SourceKind(StrEnum):
    """Where a finding's evidence comes from, and so whose readings are counted."""

    WATCH = "Watch"
    """Kubernetes objects and what the roll-up remembers: always current."""
    POLL = "Poll"
    """Attempts to ask a node's sidecar."""
    TARGET = "Target"
    """Readings of one Triton pod."""
    NVML = "Nvml"
    POD_RESOURCES = "PodResources"


class Source(NamedTuple):
    """One source of readings: its kind, and a pod's UID or a node's name."""

    kind: SourceKind
    name: str


WATCH = Source(SourceKind.WATCH, "")

Readings = Mapping[Source, int | None]
"""Number of the fresh reading of each source; None while a source that was read lately gives none.

A source that is not in the map is gone: nothing is known by it any more.
"""


class FindingKey(NamedTuple):
    """What makes two findings the same finding."""

    code: FindingCode
    kind: ObjectKind
    name: str


@dataclass(frozen=True, slots=True)
class Candidate:
    """One thing that looks wrong in this cycle.

    Attributes:
        sources: the evidence; a reading counts once each of them has a new one.
        weight: how large it is among findings of its code: failed requests, degrees.
        persist_seconds: how long it must look wrong before it is said.
        since: when it began, in seconds since the epoch, where the evidence says so.
    """

    key: FindingKey
    severity: Severity
    message: str
    sources: tuple[Source, ...] = (WATCH,)
    weight: float = 0.0
    persist_seconds: float = 0.0
    since: float | None = None


def default_severity(code: FindingCode) -> Severity:
    """The severity of the table."""
    return FINDINGS[code].severity


def render_count(count: float, noun: str) -> str:
    """A number with its noun: `1 GPU`, `2 GPUs`."""
    return f"{count:.0f} {noun}" if count == 1 else f"{count:.0f} {noun}s"


def join_names(names: list[str], most: int = 5) -> str:
    """A list of names that stays short: `a, b, c and 4 more`."""
    shown = ", ".join(names[:most])
    return f"{shown} and {len(names) - most} more" if len(names) > most else shown
