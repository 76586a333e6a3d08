"""What the operator answers: `ModelMonitor.status`. Numbers are decimal strings, lists are bounded."""

from enum import StrEnum

from pydantic import Field

from modelmonitor_api.findings import FindingCode, ObjectKind, Severity
from modelmonitor_api.spec_objectives import ObjectiveType
from modelmonitor_api.status_cost import CostStatus
from modelmonitor_api.wire import Wire

MAX_MODELS = 20
MAX_FINDINGS = 20
MAX_EVENTS = 16
MAX_MESSAGE = 512
MAX_STATUS_BYTES = 32 * 1024
UNSEEN_STATUS = {"observedGeneration": -1}
"""The status that a ModelMonitor is born with: of no generation, so that kstatus (`helm --wait`, Flux) waits for us.

Source: https://github.com/kubernetes-sigs/cli-utils/blob/master/pkg/kstatus/README.md, "The Ready Condition".
"""


class HealthState(StrEnum):
    """The verdict."""

    HEALTHY = "Healthy"
    DEGRADED = "Degraded"
    UNHEALTHY = "Unhealthy"
    UNKNOWN = "Unknown"


class LatencyKind(StrEnum):
    """Which latency a number is: Triton publishes quantiles only with summary_latencies."""

    P99 = "P99"
    MEAN = "Mean"


class ConditionType(StrEnum):
    """The conditions that this version can know."""

    READY = "Ready"
    RECONCILING = "Reconciling"
    STALLED = "Stalled"
    SIDECARS_READY = "SidecarsReady"
    TARGETS_FOUND = "TargetsFound"
    MONITORING_SELECTED = "MonitoringSelected"
    SCRAPE_VERIFIED = "ScrapeVerified"
    DASHBOARDS_SYNCED = "DashboardsSynced"
    WITHIN_OBJECTIVES = "WithinObjectives"
    WITHIN_BUDGET = "WithinBudget"
    HEALTHY = "Healthy"


class ConditionStatus(StrEnum):
    """Kubernetes' three values."""

    TRUE = "True"
    FALSE = "False"
    UNKNOWN = "Unknown"


class Condition(Wire):
    """One condition, as in Kubernetes' `metav1.Condition`."""

    type: ConditionType = Field(description="Which condition.")
    status: ConditionStatus = Field(description="True, False or Unknown.")
    reason: str = Field(max_length=128, description="One word for programs.")
    message: str = Field(default="", max_length=MAX_MESSAGE, description="A sentence for people, with the next step.")
    observed_generation: int = Field(default=0, description="Generation of the spec that the condition speaks of.")
    last_transition_time: str = Field(
        description="When status last changed.", json_schema_extra={"format": "date-time"}
    )


class FindingObject(Wire):
    """What a finding is about."""

    kind: ObjectKind = Field(description="ModelMonitor, Pod, Model, GPU or Node.")
    name: str = Field(max_length=320, description="Its name: pod, model and version, GPU UUID, node.")


class Finding(Wire):
    """One thing that is wrong, with its numbers and the next step."""

    code: FindingCode = Field(description="Which finding; docs/reference/findings.md has them all.")
    severity: Severity = Field(description="Critical, Warning or Info.")
    object: FindingObject = Field(description="What it is about.")
    message: str = Field(max_length=MAX_MESSAGE, description="What was seen, with the numbers, and the next step.")
    runbook: str = Field(default="", max_length=512, description="Page that says how to confirm and mend it.")
    since: str = Field(description="When it appeared.", json_schema_extra={"format": "date-time"})


class ModelHealth(Wire):
    """One model version, over all the pods that serve it."""

    name: str = Field(max_length=256, description="Name of the model.")
    version: str = Field(default="", max_length=64, description="Version of the model.")
    state: HealthState = Field(description="The verdict for this model.")
    ready: str = Field(max_length=16, description="Pods in which the model is ready, of those that list it.")
    requests_per_second: str | None = Field(default=None, max_length=24, description="Requests a second in the window.")
    failure_ratio: str | None = Field(
        default=None, max_length=24, description="Share of failed requests in the window; absent without requests."
    )
    latency: str | None = Field(default=None, max_length=24, description="Request latency in the window.")
    latency_kind: LatencyKind | None = Field(default=None, description="P99 or Mean.")
    queue_share: str | None = Field(
        default=None, max_length=24, description="Share of the requests' time that was waiting in Triton's queue."
    )


class ObjectiveMethod(StrEnum):
    """By what an objective is judged."""

    REQUESTS = "Requests"
    """Failed requests of all requests."""
    TIME_SLICES = "TimeSlices"
    """Minutes in which the 99th percentile was within the threshold, of the minutes with requests."""
    HISTOGRAM = "Histogram"
    """Requests faster than a bucket's bound, of all requests."""
    NONE = "None"
    """Triton publishes nothing to judge it by."""


class ObjectiveStatus(Wire):
    """How it stands with one objective over its 30 days."""

    name: str = Field(max_length=40, description="Name of the objective.")
    type: ObjectiveType = Field(description="Availability or Latency.")
    target: str = Field(max_length=8, description="Percentage that keeps the promise.")
    method: ObjectiveMethod = Field(description="Requests, TimeSlices, Histogram or None.")
    budget_remaining: str | None = Field(
        default=None, max_length=24, description="Share of the error budget that is left; negative once overspent."
    )
    burn_rate: str | None = Field(
        default=None, max_length=24, description="How many times too fast the error budget is spent now."
    )
    message: str = Field(default="", max_length=MAX_MESSAGE, description="What stands in the way, with the next step.")


class GpuEvent(Wire):
    """An Xid that was seen: kept here because nothing else on the node remembers it."""

    gpu: str = Field(max_length=96, description="UUID of the GPU.")
    code: int = Field(description="Xid number.")
    node: str = Field(max_length=253, description="Node of the GPU.")
    time: str = Field(description="When it was last seen.", json_schema_extra={"format": "date-time"})


class GpuCount(Wire):
    """GPUs that the selected pods hold."""

    total: int = Field(default=0, description="Physical GPUs that the pods hold, wholly or a share of.")
    healthy: int = Field(default=0, description="Those without a critical or warning finding.")


class PodCount(Wire):
    """Pods that the selector matches."""

    selected: int = Field(default=0, description="Pods that match.")
    running: int = Field(default=0, description="Of these, running.")
    watched: int = Field(default=0, description="Of these, read freshly by a sidecar.")


class NodeCount(Wire):
    """Nodes of the selected pods."""

    total: int = Field(default=0, description="Nodes with selected pods.")
    observed: int = Field(default=0, description="Those whose sidecar answered in this cycle.")


class Health(Wire):
    """The verdict and its reasons."""

    state: HealthState = Field(default=HealthState.UNKNOWN, description="Healthy, Degraded, Unhealthy or Unknown.")
    reason: str = Field(default="", max_length=128, description="Code of the worst finding, or why it is well.")
    summary: str = Field(
        default="", max_length=MAX_MESSAGE, description="One line with the numbers, and with what is not judged."
    )
    observed_at: str | None = Field(
        default=None, description="When this verdict was last renewed.", json_schema_extra={"format": "date-time"}
    )
    models_ready: str = Field(default="0/0", max_length=16, description="Model versions ready, of all.")
    gpus_healthy: str = Field(default="0/0", max_length=16, description="GPUs healthy, of those that the pods hold.")
    findings: tuple[Finding, ...] = Field(
        default=(), max_length=MAX_FINDINGS, description="What is wrong, the worst first."
    )
    findings_total: int = Field(default=0, description="How many there are in all.")
    models: tuple[ModelHealth, ...] = Field(
        default=(), max_length=MAX_MODELS, description="Models, those in trouble first, then the busiest."
    )
    models_total: int = Field(default=0, description="How many there are in all.")
    gpus: GpuCount = Field(default=GpuCount(), description="GPUs that the pods hold.")
    pods: PodCount = Field(default=PodCount(), description="Pods that match the selector.")
    nodes: NodeCount = Field(default=NodeCount(), description="Nodes of those pods.")
    events: tuple[GpuEvent, ...] = Field(
        default=(), max_length=MAX_EVENTS, description="The newest Xid of each GPU and code."
    )


class ModelMonitorStatus(Wire):
    """Everything that the operator says about a ModelMonitor."""

    observed_generation: int = Field(default=0, description="Generation of the spec that this status speaks of.")
    conditions: tuple[Condition, ...] = Field(
        default=(),
        max_length=24,
        description="Ready, Reconciling, Stalled, SidecarsReady, TargetsFound, MonitoringSelected, ScrapeVerified, "
        "DashboardsSynced, WithinObjectives, WithinBudget, Healthy.",
        json_schema_extra={"x-kubernetes-list-type": "map", "x-kubernetes-list-map-keys": ["type"]},
    )
    health: Health = Field(default=Health(), description="The verdict and its reasons.")
    objectives: tuple[ObjectiveStatus, ...] = Field(
        default=(), max_length=8, description="How it stands with the objectives."
    )
    cost: CostStatus | None = Field(
        default=None, description="What the models have cost and will cost; absent before a ledger has been read."
    )
