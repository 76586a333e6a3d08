"""promtool's checks fail on what is wrong, and on nothing at all: a check that cannot fail proves nothing."""

from __future__ import annotations

import pytest

from modelmonitor_testbed.process import CommandError
from modelmonitor_testbed.promtool import check_metrics, check_rules, run_rule_tests

RULES = """groups:
- name: group
  rules:
  - {record: "job:up", expr: "up"}
  - {alert: Down, expr: "up == 0", labels: {severity: page}}
"""
TESTS = """rule_files: [rules.yaml]
tests:
- interval: 1m
  input_series: [{series: 'up{job="a"}', values: '0x10'}]
  alert_rule_test:
  - {eval_time: 5m, alertname: Down, exp_alerts: [{exp_labels: {severity: page, job: a}}]}
"""
PAGE = "# HELP a_total What it counts.\n# TYPE a_total counter\na_total 1\n"


def test_what_is_right_passes() -> None:
    check_rules(RULES)
    run_rule_tests(RULES, TESTS)
    check_metrics(PAGE)


@pytest.mark.parametrize(
    ("rules", "words"),
    [
        (RULES.replace("up == 0", "up =="), "could not parse expression"),
        (RULES + '  - {record: "job:up", expr: "up"}\n', "duplicate rule"),
        (RULES.replace("alert:", "alarm:"), "field alarm not found"),
        ("", "there is no rule"),
    ],
    ids=["an expression that does not parse", "a rule that is there twice", "an unknown field", "no rule"],
)
def test_rules_are_refused_for(rules: str, words: str) -> None:
    with pytest.raises(CommandError, match=words):
        check_rules(rules)


@pytest.mark.parametrize(
    ("page", "words"),
    [
        ("a{ 1\n", "parsing error"),
        (PAGE.replace("a_total", "a"), "_total"),
        (PAGE.partition("\n")[2], "no help text"),
        ("\n", "the page is empty"),
    ],
    ids=["a line that does not parse", "a counter without its suffix", "a series without help", "an empty page"],
)
def test_a_metrics_page_is_refused_for(page: str, words: str) -> None:
    with pytest.raises(CommandError, match=words):
        check_metrics(page)


def test_an_alert_that_does_not_fire_fails_its_test_with_what_came() -> None:
    with pytest.raises(CommandError, match=r"(?s)exp:.*Down.*got:\[\]"):
        run_rule_tests(RULES, TESTS.replace("0x10", "1x10"))
