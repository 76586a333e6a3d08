"""Service-level objectives of a ModelMonitor: a promise, and the share of the time or the requests that keeps it."""

from decimal import Decimal
from enum import StrEnum
from typing import Annotated

from pydantic import AfterValidator, Field, StringConstraints, model_validator
from pydantic.config import JsonDict

from modelmonitor_api.quantities import parse_duration
from modelmonitor_api.validation import Duration, ModelPattern, cel_rules, duration_rule
from modelmonitor_api.wire import Wire

PERIOD_DAYS = 30
"""Length of the error budget's sliding period. Source of the windows: https://sre.google/workbook/alerting-on-slos/"""

TARGET_PATTERN = r"^(0\.[0-9]{0,3}[1-9]|[1-9][0-9]?(\.[0-9]{1,4})?)$"
"""A percentage above 0 and below 100 with at most four digits behind the point."""

OBJECTIVE_LIST: JsonDict = {"x-kubernetes-list-type": "map", "x-kubernetes-list-map-keys": ["name"]}


class ObjectiveType(StrEnum):
    """What an objective promises."""

    AVAILABILITY = "Availability"
    """A share of the requests succeeds."""
    LATENCY = "Latency"
    """A share of the requests, or of the minutes, is fast enough."""


def _check_target(text: str) -> str:
    if not 0 < float(text) < 100:
        raise ValueError("write a percentage above 0 and below 100")
    return text


Target = Annotated[
    str,
    StringConstraints(pattern=TARGET_PATTERN, max_length=8),
    AfterValidator(_check_target),
]
ObjectiveName = Annotated[str, StringConstraints(pattern=r"^[a-z]([-a-z0-9]*[a-z0-9])?$", max_length=40)]

_OBJECTIVE_RULES = cel_rules(
    (
        "self.type == 'Latency' ? has(self.threshold) : !has(self.threshold)",
        "an objective of type Latency needs a threshold, for example 50ms; one of type Availability has none",
    )
)


class Objective(Wire):
    """One objective, over all the models that it names together."""

    model_config = {"json_schema_extra": _OBJECTIVE_RULES}

    name: ObjectiveName = Field(
        description="Name of the objective, unique in the monitor; `sloth_slo` in Prometheus.",
        json_schema_extra=cel_rules(
            (
                "self.matches('^[a-z]([-a-z0-9]*[a-z0-9])?$')",
                "an objective's name has lower-case letters, digits and dashes, and begins with a letter",
            )
        ),
    )
    type: ObjectiveType = Field(
        description="Availability: requests succeed. Latency: they are faster than the threshold."
    )
    target: Target = Field(
        description='Percentage that keeps the promise, above 0 and below 100, as a decimal string such as "99.9".',
        json_schema_extra=cel_rules(
            (
                "self.matches('" + TARGET_PATTERN.replace("\\", "\\\\") + "')",
                'target is a percentage above 0 and below 100, in quotes and with a point: write "99.9"',
            )
        ),
    )
    threshold: Duration | None = Field(
        default=None,
        description="Latency only: the largest latency that counts as good, for example 50ms.",
        json_schema_extra=duration_rule(
            "duration(self) >= duration('1ms') && duration(self) <= duration('1h')",
            "an objective's threshold is a duration from 1ms to 1h: write for example 50ms",
        ),
    )
    models: tuple[ModelPattern, ...] = Field(
        default=("*",),
        min_length=1,
        max_length=16,
        description="Shell patterns of the models that the objective is about, of those that the monitor watches.",
    )
    minimum_requests: int = Field(
        default=20,
        ge=1,
        le=1_000_000,
        description="Requests in a window below which no alert of this objective fires.",
    )

    @model_validator(mode="after")
    def _check_threshold(self) -> "Objective":
        if (self.type is ObjectiveType.LATENCY) != (self.threshold is not None):
            raise ValueError("an objective of type Latency needs a threshold; one of type Availability has none")
        return self

    @property
    def target_ratio(self) -> float:
        """The share that keeps the promise, from 0 to 1."""
        return float(Decimal(self.target) / 100)

    @property
    def threshold_seconds(self) -> float | None:
        """The largest good latency in seconds; None for an availability objective."""
        return None if self.threshold is None else parse_duration(self.threshold)
