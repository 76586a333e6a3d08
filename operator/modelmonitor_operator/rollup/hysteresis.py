"""When a candidate becomes a finding and when a finding goes: distinct readings are counted, not cycles."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace

from modelmonitor_api.findings import FINDINGS, HARD, FindingCode
from modelmonitor_operator.rollup.candidates import WATCH, Candidate, FindingKey, Readings, Source, SourceKind

Counted = tuple[tuple[Source, int | None], ...]

SEEDED_SOURCES: Mapping[FindingCode, SourceKind] = {
    FindingCode.TRITON_UNREACHABLE: SourceKind.TARGET,
    FindingCode.TRITON_NOT_READY: SourceKind.TARGET,
    FindingCode.MODEL_NOT_READY: SourceKind.TARGET,
    FindingCode.MODEL_FAILING: SourceKind.TARGET,
    FindingCode.MODEL_SLOW: SourceKind.TARGET,
    FindingCode.QUEUE_GROWING: SourceKind.TARGET,
    FindingCode.COUNTERS_FROZEN: SourceKind.TARGET,
    FindingCode.READINGS_STALE: SourceKind.TARGET,
    FindingCode.GPU_LOST: SourceKind.NVML,
    FindingCode.GPU_MISSING: SourceKind.NVML,
    FindingCode.GPU_THROTTLED: SourceKind.NVML,
    FindingCode.GPU_HOT: SourceKind.NVML,
    FindingCode.GPU_ECC_UNCORRECTABLE: SourceKind.NVML,
    FindingCode.GPU_ROW_REMAP_PENDING: SourceKind.NVML,
    FindingCode.GPU_XID: SourceKind.POD_RESOURCES,
    FindingCode.SIDECAR_UNREACHABLE: SourceKind.POLL,
    FindingCode.NVML_UNAVAILABLE: SourceKind.POLL,
    FindingCode.POD_RESOURCES_UNAVAILABLE: SourceKind.POLL,
}
"""Whose readings may clear a finding that was read back from a status, where its own evidence is not known."""


@dataclass(frozen=True, slots=True)
class Tracked:
    """A candidate on its way to a finding, or a finding on its way out.

    Attributes:
        active: whether it is a finding.
        since: when it was first seen, in seconds since the epoch.
        count: distinct readings in a row that speak against `active`.
        counted: the readings that were counted last.
        seeded: read back from a status, and not seen again since.
    """

    candidate: Candidate
    active: bool
    since: float
    count: int = 0
    counted: Counted = ()
    seeded: bool = False


def _observe(sources: Iterable[Source], readings: Readings) -> Counted:
    return tuple((source, readings[source]) for source in sources if source in readings)


def _all_new(seen: Counted, counted: Counted) -> bool:
    """Whether each source has another reading than the one that was counted; the watch always has."""
    before = dict(counted)
    return all(source == WATCH or source not in before or before[source] != reading for source, reading in seen)


def _present(previous: Tracked | None, candidate: Candidate, readings: Readings, now: float) -> Tracked:
    seen = _observe(candidate.sources, readings)
    if previous is not None and previous.active:
        return Tracked(candidate, active=True, since=previous.since, counted=seen)
    count = previous.count if previous else 0
    since = previous.since if previous else now
    if previous is None or _all_new(seen, previous.counted):
        count, counted = count + 1, seen
    else:
        counted = previous.counted
    enough = count >= FINDINGS[candidate.key.code].readings and now - since >= candidate.persist_seconds
    if enough:
        return Tracked(candidate, active=True, since=candidate.since or since, counted=seen)
    return Tracked(candidate, active=False, since=since, count=count, counted=counted)


def _evidence(previous: Tracked, readings: Readings) -> tuple[Source, ...]:
    """The sources of a finding that still exist."""
    kind = SEEDED_SOURCES.get(previous.candidate.key.code)
    if previous.seeded and kind is not None:
        return tuple(source for source in readings if source.kind is kind)
    return tuple(source for source in previous.candidate.sources if source in readings)


def _absent(previous: Tracked, readings: Readings) -> Tracked | None:
    evidence = _evidence(previous, readings)
    if not evidence:
        return None
    if any(readings[source] is None for source in evidence):
        return previous
    if not previous.active or FINDINGS[previous.candidate.key.code].readings == HARD:
        return None
    seen = _observe(evidence, readings)
    if not _all_new(seen, previous.counted):
        return previous
    count = previous.count + 1
    if count >= FINDINGS[previous.candidate.key.code].readings:
        return None
    return replace(previous, count=count, counted=seen)


def advance(
    tracked: Mapping[FindingKey, Tracked],
    candidates: Mapping[FindingKey, Candidate],
    readings: Readings,
    undecided: Callable[[Candidate], bool],
    now: float,
) -> dict[FindingKey, Tracked]:
    """The next state of every finding.

    Args:
        undecided: whether the readings, though fresh, say nothing about a finding yet; it then stays as it is.
    """
    following = {key: _present(tracked.get(key), candidate, readings, now) for key, candidate in candidates.items()}
    for key, previous in tracked.items():
        if key in following:
            continue
        kept = previous if undecided(previous.candidate) else _absent(previous, readings)
        if kept is not None:
            following[key] = kept
    return following
