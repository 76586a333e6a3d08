"""Rules that prometheus-operator would leave out for their length are not written: it says so in its log alone."""

import pytest
import yaml

from modelmonitor_api.status import ObjectiveMethod
from modelmonitor_operator.desired.prometheus_rule import MAX_RULE_BYTES, too_long_message
from tests.unit.rules.specimens import FAST, rich_rule, rule_of

EIGHT = [{**FAST, "name": f"objective-{number}"} for number in range(8)]
SLICES = dict.fromkeys((str(each["name"]) for each in EIGHT), ObjectiveMethod.TIME_SLICES)


def wordy(char: str, length: int) -> dict[str, object]:
    """Eight objectives with as many patterns, and labels, as the API server lets through."""
    objectives = [{**each, "models": [f"{number:02}{char * (length // 2)}" for number in range(16)]} for each in EIGHT]
    labels = {f"label_{number}": char * length for number in range(16)}
    return rule_of(SLICES, objectives=objectives, alerts={"labels": labels})


def test_ordinary_rules_are_far_from_the_limit() -> None:
    assert too_long_message(rich_rule()) == ""
    assert too_long_message(rule_of(SLICES, objectives=EIGHT)) == ""


def test_the_mend_is_told() -> None:
    assert "shorter spec.objectives[].models, labels of spec.alerts" in too_long_message(wordy("é", 250))


@pytest.mark.parametrize("char", ["a", "'", '"', "\\", "é", "日", "🙂", "\n", "\x01", "#"])
def test_the_longest_rules_that_are_written_are_within_the_limit_as_yaml(char: str) -> None:
    """The operator reckons in JSON, prometheus-operator writes YAML."""
    least, most = 0, 251
    while most - least > 1:
        middle = (least + most) // 2
        least, most = (least, middle) if too_long_message(wordy(char, middle)) else (middle, most)
    assert least > 0
    assert len(yaml.safe_dump(wordy(char, least)["spec"], width=2**31).encode()) <= MAX_RULE_BYTES
