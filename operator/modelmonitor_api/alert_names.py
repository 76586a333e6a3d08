"""Every alert there is, by name. Names are part of the API: `spec.alerts.overrides` and runbooks refer to them."""

from enum import StrEnum

from modelmonitor_api.finding_codes import FindingCode

FINDING_ALERT_PREFIX = "ModelMonitor"
RESERVED_ALERT_LABELS = (
    "alertname",
    "severity",
    "namespace",
    "modelmonitor",
    "code",
    "kind",
    "object",
    "pod",
    "node",
    "endpoint",
    "service",
    "sloth_id",
    "sloth_service",
    "sloth_slo",
    "sloth_severity",
    "currency",
)
"""Labels that tell one alert from another: a label of a user's by that name would make two of them one."""


class AlertName(StrEnum):
    """Alert names: one for each finding, those of the pipeline itself, and those of error budgets."""

    TARGETS_NOT_FOUND = "ModelMonitorTargetsNotFound"
    POD_NOT_RUNNING = "ModelMonitorPodNotRunning"
    POD_UNWATCHED = "ModelMonitorPodUnwatched"
    POD_NOT_TARGETABLE = "ModelMonitorPodNotTargetable"
    SHARED_TARGET = "ModelMonitorSharedTarget"
    TRITON_UNREACHABLE = "ModelMonitorTritonUnreachable"
    TRITON_NOT_READY = "ModelMonitorTritonNotReady"
    MODEL_NOT_READY = "ModelMonitorModelNotReady"
    MODEL_FAILING = "ModelMonitorModelFailing"
    MODEL_SLOW = "ModelMonitorModelSlow"
    QUEUE_GROWING = "ModelMonitorQueueGrowing"
    COUNTERS_FROZEN = "ModelMonitorCountersFrozen"
    GPU_LOST = "ModelMonitorGpuLost"
    GPU_MISSING = "ModelMonitorGpuMissing"
    GPU_XID = "ModelMonitorGpuXid"
    GPU_THROTTLED = "ModelMonitorGpuThrottled"
    GPU_HOT = "ModelMonitorGpuHot"
    GPU_ECC_UNCORRECTABLE = "ModelMonitorGpuEccUncorrectable"
    GPU_ROW_REMAP_PENDING = "ModelMonitorGpuRowRemapPending"
    SIDECAR_UNREACHABLE = "ModelMonitorSidecarUnreachable"
    READINGS_STALE = "ModelMonitorReadingsStale"
    NVML_UNAVAILABLE = "ModelMonitorNvmlUnavailable"
    POD_RESOURCES_UNAVAILABLE = "ModelMonitorPodResourcesUnavailable"
    PLAN_TRUNCATED = "ModelMonitorPlanTruncated"

    SIDECAR_DOWN = "ModelMonitorSidecarDown"
    """Prometheus cannot scrape a sidecar's page of the monitor."""
    LEADER_DOWN = "ModelMonitorLeaderDown"
    """Prometheus cannot scrape the leader's page of the monitor."""
    TARGET_DOWN = "ModelMonitorTargetDown"
    """A sidecar cannot read an endpoint of a Triton pod."""
    TARGET_STALE = "ModelMonitorTargetStale"
    """The newest reading of a Triton pod is old."""
    SERIES_DROPPED = "ModelMonitorSeriesDropped"
    """A page has reached its largest number of series."""

    NOT_SCRAPED = "ModelMonitorNotScraped"
    """Absence: no sidecar page of the monitor reaches Prometheus."""
    LEADER_NOT_SCRAPED = "ModelMonitorLeaderNotScraped"
    """Absence: the leader's page of the monitor does not reach Prometheus."""
    TRITON_COUNTERS_ABSENT = "ModelMonitorTritonCountersAbsent"
    """Absence: no request counter of Triton's reaches Prometheus, though pods run."""
    GPU_READINGS_ABSENT = "ModelMonitorGpuReadingsAbsent"
    """Absence: no GPU reading reaches Prometheus, though the pods hold GPUs."""
    LATENCY_ABSENT = "ModelMonitorLatencyAbsent"
    """Absence: nothing to judge a latency objective by."""

    AVAILABILITY_BURN_FAST = "ModelMonitorAvailabilityBudgetBurnFast"
    AVAILABILITY_BURN_SLOW = "ModelMonitorAvailabilityBudgetBurnSlow"
    LATENCY_BURN_FAST = "ModelMonitorLatencyBudgetBurnFast"
    LATENCY_BURN_SLOW = "ModelMonitorLatencyBudgetBurnSlow"

    BUDGET_EXCEEDED = "ModelMonitorBudgetExceeded"
    """The money of the period is spent."""
    BUDGET_WILL_BE_EXCEEDED = "ModelMonitorBudgetWillBeExceeded"
    """The projection passes the budget."""
    BUDGET_BURN_FAST = "ModelMonitorBudgetBurnFast"
    """At the rate of the last minutes the rest of the budget is gone far too soon."""
    GPU_IDLE_WASTE = "ModelMonitorGpuIdleWaste"
    """Most of what is held, and paid for, is idle."""
    LEDGER_NOT_WRITTEN = "ModelMonitorLedgerNotWritten"
    """The ledger has not been written for long, though pods hold GPUs."""


def finding_alert(code: FindingCode) -> AlertName:
    """The alert of a finding."""
    return AlertName(f"{FINDING_ALERT_PREFIX}{code}")
