"""What a user writes: `ModelMonitor.spec`. The CRD's schema, defaults and refusals are made from this module."""

from typing import Annotated

from pydantic import AfterValidator, Field, StringConstraints

from modelmonitor_api.quantities import RATIO_PATTERN, parse_duration
from modelmonitor_api.spec_cost import CostSpec
from modelmonitor_api.spec_monitoring import AlertsSpec, DashboardsSpec, PrometheusSpec
from modelmonitor_api.spec_objectives import OBJECTIVE_LIST, Objective
from modelmonitor_api.validation import Duration, LabelKey, LabelValue, ModelPattern, cel_rules, duration_rule, within
from modelmonitor_api.wire import Wire


def _check_port(port: int | str) -> int | str:
    if isinstance(port, int) and not 1 <= port <= 65535:
        raise ValueError("write a port from 1 to 65535 or the name of a container port")
    return port


Ratio = Annotated[str, StringConstraints(pattern=RATIO_PATTERN, max_length=8)]

_PORT_RULES = cel_rules(
    (
        "type(self) == int ? self >= 1 && self <= 65535 : self.matches('^[a-z0-9]([-a-z0-9]*[a-z0-9])?$') "
        "&& self.matches('[a-z]') && size(self) <= 15",
        "a port is a number from 1 to 65535 or the name of a container port, for example 8000 or http",
    )
)
Port = Annotated[
    int | str, AfterValidator(_check_port), Field(json_schema_extra={"x-kubernetes-int-or-string": True, **_PORT_RULES})
]


class SelectorRequirement(Wire):
    """One label expression, as in a Kubernetes label selector."""

    key: LabelKey = Field(description="Label key that the expression applies to.")
    operator: str = Field(
        description="In, NotIn, Exists or DoesNotExist.",
        json_schema_extra={"enum": ["In", "NotIn", "Exists", "DoesNotExist"]},
    )
    values: tuple[LabelValue, ...] = Field(
        default=(), max_length=64, description="Values for In and NotIn; empty for Exists and DoesNotExist."
    )


class Selector(Wire):
    """Which pods of the monitor's own namespace are Triton servers to watch."""

    match_labels: dict[LabelKey, LabelValue] = Field(
        default={}, max_length=32, description="Labels that a pod must carry, with these values."
    )
    match_expressions: tuple[SelectorRequirement, ...] = Field(
        default=(), max_length=16, description="Label expressions that a pod must satisfy."
    )


_SELECTOR_RULES = cel_rules(
    (
        "(has(self.matchLabels) && size(self.matchLabels) > 0) || "
        "(has(self.matchExpressions) && size(self.matchExpressions) > 0)",
        "selector is empty and would watch every pod of the namespace: name the labels of your Triton pods, "
        "for example selector: {matchLabels: {app: my-triton}}",
    ),
    (
        "!has(self.matchExpressions) || self.matchExpressions.all(e, e.operator in ['In', 'NotIn'] ? "
        "has(e.values) && size(e.values) > 0 : !has(e.values) || size(e.values) == 0)",
        "matchExpressions: In and NotIn need values; Exists and DoesNotExist take none",
    ),
)


class ModelSelection(Wire):
    """Which models of the selected servers count."""

    include: tuple[ModelPattern, ...] = Field(
        default=("*",), min_length=1, max_length=64, description="Shell patterns of model names to watch."
    )
    exclude: tuple[ModelPattern, ...] = Field(
        default=(), max_length=64, description="Shell patterns of model names to leave out, for example warmup-*."
    )


class Triton(Wire):
    """Where the selected pods serve Triton's HTTP and metrics endpoints."""

    http_port: Port = Field(default=8000, description="Triton's HTTP port: number, or name of a container port.")
    metrics_port: Port = Field(default=8002, description="Triton's metrics port: number, or name of a container port.")
    models: ModelSelection = Field(
        default=ModelSelection(),
        description="Which models count; by default all of them.",
    )


class GpuThresholds(Wire):
    """Limits for the GPUs that the selected pods hold."""

    max_temperature_celsius: int = Field(
        default=85, ge=40, le=120, description="GPU temperature from which GpuHot is reported, in degrees Celsius."
    )


class HealthSpec(Wire):
    """When a model counts as healthy."""

    window: Annotated[Duration, within("1m", "1h")] = Field(
        default="5m",
        description="Sliding window over which ratios and latencies are taken, from 1m to 1h.",
        json_schema_extra=duration_rule(
            "duration(self) >= duration('1m') && duration(self) <= duration('1h')",
            "health.window is a duration from 1m to 1h: write for example 5m",
        ),
    )
    minimum_requests: int = Field(
        default=20,
        ge=1,
        le=1_000_000,
        description="Requests in the window below which ratio and latency findings stay silent.",
    )
    max_failure_ratio: Ratio = Field(
        default="0.01",
        description='Largest share of failed requests, from 0 to 1, as a decimal string such as "0.01".',
        json_schema_extra=cel_rules(
            (
                f"self.matches('{RATIO_PATTERN.replace(chr(92), chr(92) * 2)}')",
                'health.maxFailureRatio is a share from 0 to 1, in quotes: write for example "0.01" for one percent',
            )
        ),
    )
    max_latency: Duration | None = Field(
        default=None,
        description="Largest request latency, for example 50ms: the 99th percentile where Triton publishes "
        "summary_latencies, else the mean. Without it latency is shown but never a finding.",
        json_schema_extra=duration_rule(
            "duration(self) > duration('0s')",
            "health.maxLatency is a duration longer than zero: write for example 50ms or 1s500ms",
        ),
    )
    gpu: GpuThresholds = Field(default=GpuThresholds(), description="Limits for the GPUs that the pods hold.")

    @property
    def window_seconds(self) -> int:
        """Length of the window, in whole seconds."""
        return int(parse_duration(self.window))

    @property
    def max_latency_seconds(self) -> float | None:
        """Largest latency in seconds, or None where none is asked for."""
        return None if self.max_latency is None else parse_duration(self.max_latency)


class ModelMonitorSpec(Wire):
    """What a team asks for: what to watch, and when it counts as healthy."""

    selector: Selector = Field(
        description="Labels of the Triton pods to watch, in the monitor's own namespace.",
        json_schema_extra={"x-kubernetes-map-type": "atomic", **_SELECTOR_RULES},
    )
    triton: Triton = Field(default=Triton(), description="Where the pods serve Triton's endpoints.")
    interval: Annotated[Duration, within("5s", "30s")] = Field(
        default="15s",
        description="How often the sidecars read the pods, from 5s to 30s. The smallest wins where two monitors select "
        "one pod.",
        json_schema_extra=duration_rule(
            "duration(self) >= duration('5s') && duration(self) <= duration('30s')",
            "interval is a duration from 5s to 30s: write for example 15s",
        ),
    )
    health: HealthSpec = Field(default=HealthSpec(), description="When a model counts as healthy.")
    objectives: tuple[Objective, ...] = Field(
        default=(),
        max_length=8,
        description="What the models promise: availability and latency, each with an error budget over 30 days.",
        json_schema_extra=OBJECTIVE_LIST,
    )
    prometheus: PrometheusSpec = Field(
        default=PrometheusSpec(), description="How Prometheus scrapes this monitor's pages."
    )
    alerts: AlertsSpec = Field(default=AlertsSpec(), description="The alert rules of this monitor.")
    dashboards: DashboardsSpec = Field(default=DashboardsSpec(), description="The Grafana dashboard of this monitor.")
    cost: CostSpec | None = Field(default=None, description="What the GPUs cost, and the budget.")
    suspend: bool = Field(
        default=False, description="True stops watching without losing the object; Ready says Suspended."
    )

    @property
    def interval_seconds(self) -> int:
        """How often a sidecar reads, in whole seconds."""
        return int(parse_duration(self.interval))
