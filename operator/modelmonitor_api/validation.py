"""How fields of a spec are checked: by the API server's CEL rules, and by pydantic for objects older than a rule."""

from typing import Annotated

from pydantic import AfterValidator, StringConstraints
from pydantic.config import JsonDict

from modelmonitor_api.quantities import DURATION_PATTERN, parse_duration


def cel_rules(*rules: tuple[str, str]) -> JsonDict:
    """CEL rules for the API server, each an expression and the message that says what to write instead."""
    return {"x-kubernetes-validations": [{"rule": rule, "message": message} for rule, message in rules]}


def duration_rule(condition: str, message: str) -> JsonDict:
    """A rule that also says how a duration is written, where the text is none."""
    return cel_rules((f"self.matches('{DURATION_PATTERN}') && {condition}", message))


def within(least: str, most: str) -> AfterValidator:
    """Refuses a duration out of range, as the CRD's rule does, for an object that is older than the rule."""

    def check(text: str) -> str:
        if not parse_duration(least) <= parse_duration(text) <= parse_duration(most):
            raise ValueError(f"write a duration from {least} to {most}")
        return text

    return AfterValidator(check)


Duration = Annotated[str, StringConstraints(pattern=DURATION_PATTERN, min_length=2, max_length=16)]
LabelKey = Annotated[str, StringConstraints(min_length=1, max_length=317)]
LabelValue = Annotated[str, StringConstraints(max_length=63, pattern=r"^(([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9])?$")]
ModelPattern = Annotated[str, StringConstraints(min_length=1, max_length=128)]
