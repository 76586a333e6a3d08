"""One condition without its times: what every judge of a condition returns."""

from dataclasses import dataclass

from modelmonitor_api.status import ConditionStatus, ConditionType


@dataclass(frozen=True, slots=True)
class Claim:
    """A condition without its times."""

    type: ConditionType
    status: ConditionStatus
    reason: str
    message: str = ""
