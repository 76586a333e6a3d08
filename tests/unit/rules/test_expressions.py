"""Every expression names series that exist, and reads one ModelMonitor alone."""

from collections import Counter

import promql_parser
import pytest

from modelmonitor_api.metrics import METRICS, sample_names
from modelmonitor_operator.desired.prometheus_rule import rule_names
from tests.unit.rules.specimens import matchers, rich_rule, rules, selectors

CATALOGUE = {name for metric in METRICS.values() for name in sample_names(metric)}
RULES = list(rules(rich_rule()))
IDS = [f"{rule.get('alert') or rule['record']}-{rule['labels'].get('sloth_slo', '')}" for rule in RULES]


@pytest.mark.parametrize("rule", RULES, ids=IDS)
def test_it_names_only_series_of_the_catalogue_or_of_rules_of_the_same_object(rule: dict[str, str]) -> None:
    recorded = {one["record"] for one in RULES if "record" in one}
    assert {found.name for found in selectors(rule["expr"])} <= CATALOGUE | recorded | {"up"}


@pytest.mark.parametrize("rule", RULES, ids=IDS)
def test_it_reads_its_own_monitor_alone(rule: dict[str, str]) -> None:
    for found in selectors(rule["expr"]):
        asked = matchers(found)
        own = {"service": "modelmonitor-fraud"} if found.name == "up" else {"modelmonitor": "fraud"}
        assert {"namespace": "team-a", **own}.items() <= asked.items()
        assert all(matcher.op == promql_parser.MatchOp.Equal for matcher in found.matchers.matchers[:2])


@pytest.mark.parametrize("rule", [rule for rule in RULES if "alert" in rule], ids=lambda rule: rule["alert"])
def test_an_alert_keeps_no_label_that_changes_with_the_pod_that_serves_the_page(rule: dict[str, str]) -> None:
    parsed = promql_parser.parse(rule["expr"])
    assert aggregated(parsed), rule["expr"]


def aggregated(expression: promql_parser.Expr) -> bool:
    """Whether nothing that an expression lets through is a page's own series."""
    match expression:
        case promql_parser.VectorSelector():
            return expression.name is not None and ":" in expression.name
        case promql_parser.BinaryExpr():
            return aggregated(expression.lhs)
        case promql_parser.ParenExpr():
            return aggregated(expression.expr)
        case promql_parser.Call():
            return expression.func.name in {"absent", "vector", "time"} or aggregated(expression.args[0])
    return isinstance(expression, promql_parser.AggregateExpr | promql_parser.MatrixSelector)


def test_a_page_s_own_series_would_be_noticed() -> None:
    assert not aggregated(promql_parser.parse("modelmonitor_finding == 1"))


def test_a_series_that_is_not_in_the_catalogue_would_be_noticed() -> None:
    assert selectors('rate(nv_inference_request_sucess{namespace="a"}[5m])')[0].name not in CATALOGUE


def test_names_of_groups_are_unique_and_groups_are_of_a_bounded_size() -> None:
    groups = rich_rule()["spec"]["groups"]
    assert max(Counter(group["name"] for group in groups).values()) == 1
    assert max(len(group["rules"]) for group in groups) <= 25


def test_the_names_of_all_rules_are_told_once_each() -> None:
    told = rule_names(rich_rule())
    assert set(told) == {rule.get("alert") or rule["record"] for rule in RULES}
    assert len(told) == len(set(told))
