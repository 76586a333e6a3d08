"""The words of findings: their codes, severities and what they are about. Names are part of the API."""

from enum import StrEnum


class Severity(StrEnum):
    """What a finding does to the verdict: critical makes it Unhealthy, warning Degraded, info nothing."""

    CRITICAL = "Critical"
    WARNING = "Warning"
    INFO = "Info"


class FindingCode(StrEnum):
    """Every finding there is. Names are part of the API."""

    TARGETS_NOT_FOUND = "TargetsNotFound"
    POD_NOT_RUNNING = "PodNotRunning"
    POD_UNWATCHED = "PodUnwatched"
    POD_NOT_TARGETABLE = "PodNotTargetable"
    SHARED_TARGET = "SharedTarget"
    TRITON_UNREACHABLE = "TritonUnreachable"
    TRITON_NOT_READY = "TritonNotReady"
    MODEL_NOT_READY = "ModelNotReady"
    MODEL_FAILING = "ModelFailing"
    MODEL_SLOW = "ModelSlow"
    QUEUE_GROWING = "QueueGrowing"
    COUNTERS_FROZEN = "CountersFrozen"
    GPU_LOST = "GpuLost"
    GPU_MISSING = "GpuMissing"
    GPU_XID = "GpuXid"
    GPU_THROTTLED = "GpuThrottled"
    GPU_HOT = "GpuHot"
    GPU_ECC_UNCORRECTABLE = "GpuEccUncorrectable"
    GPU_ROW_REMAP_PENDING = "GpuRowRemapPending"
    SIDECAR_UNREACHABLE = "SidecarUnreachable"
    READINGS_STALE = "ReadingsStale"
    NVML_UNAVAILABLE = "NvmlUnavailable"
    POD_RESOURCES_UNAVAILABLE = "PodResourcesUnavailable"
    PLAN_TRUNCATED = "PlanTruncated"


class ObjectKind(StrEnum):
    """What a finding is about."""

    MONITOR = "ModelMonitor"
    POD = "Pod"
    MODEL = "Model"
    GPU = "GPU"
    NODE = "Node"


CAUSE_ORDER = (
    FindingCode.GPU_LOST,
    FindingCode.GPU_MISSING,
    FindingCode.GPU_XID,
    FindingCode.GPU_ECC_UNCORRECTABLE,
    FindingCode.TARGETS_NOT_FOUND,
    FindingCode.POD_NOT_RUNNING,
    FindingCode.TRITON_UNREACHABLE,
    FindingCode.TRITON_NOT_READY,
    FindingCode.MODEL_NOT_READY,
    FindingCode.MODEL_FAILING,
    FindingCode.GPU_ROW_REMAP_PENDING,
    FindingCode.GPU_HOT,
    FindingCode.GPU_THROTTLED,
    FindingCode.QUEUE_GROWING,
    FindingCode.MODEL_SLOW,
    FindingCode.COUNTERS_FROZEN,
    FindingCode.SIDECAR_UNREACHABLE,
    FindingCode.POD_UNWATCHED,
    FindingCode.READINGS_STALE,
    FindingCode.NVML_UNAVAILABLE,
    FindingCode.POD_RESOURCES_UNAVAILABLE,
    FindingCode.POD_NOT_TARGETABLE,
    FindingCode.PLAN_TRUNCATED,
    FindingCode.SHARED_TARGET,
)
"""Findings of one severity, causes before their effects: the first is the reason that the verdict names."""


def runbook_url(base_url: str, code: FindingCode) -> str:
    """Address of a finding's runbook page; empty where no base is set."""
    return f"{base_url.rstrip('/')}/{code}" if base_url else ""
