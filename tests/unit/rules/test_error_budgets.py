"""Objectives become error ratios, budgets and alerts by how they can be judged."""

from decimal import Decimal

import pytest

from modelmonitor_api.burn_rates import FAST_PAIRS, PERIOD, SLOW_PAIRS, BurnPair, burn_threshold, error_budget
from modelmonitor_api.quantities import parse_duration
from modelmonitor_api.status import ObjectiveMethod
from modelmonitor_operator.desired.prometheus_rule import rule_names
from tests.unit.rules.specimens import AVAILABLE, FAST, FIRST, METHODS, UNKNOWN, alerts, matchers, rule_of, rules
from tests.unit.rules.specimens import selectors as read

SLOTH_SERIES = {
    *(f"slo:sli_error:ratio_rate{window}" for window in ("5m", "30m", "1h", "2h", "6h", "1d", "3d", "30d")),
    "slo:objective:ratio",
    "slo:error_budget:ratio",
    "slo:time_period:days",
    "slo:current_burn_rate:ratio",
    "slo:period_burn_rate:ratio",
    "slo:period_error_budget_remaining:ratio",
    "sloth_slo_info",
}
"""As https://github.com/slok/sloth/blob/main/pkg/common/conventions names them."""


def recorded(objective: dict[str, object], **spec: object) -> dict[str, str]:
    found = rules(rule_of(objectives=[objective], **spec))
    return {rule["record"]: rule["expr"] for rule in found if "slo" in rule.get("record", "")}


@pytest.mark.parametrize("objective", [AVAILABLE, FAST, FIRST], ids=lambda objective: objective["name"])
def test_an_objective_has_every_series_that_sloth_publishes(objective: dict[str, object]) -> None:
    assert set(recorded(objective)) >= SLOTH_SERIES


def test_the_labels_are_sloth_s_and_tell_every_objective_of_the_cluster_from_the_others() -> None:
    labels = [
        rule["labels"]
        for rule in rules(rule_of(objectives=[AVAILABLE, FAST]))
        if rule.get("record") == "slo:sli_error:ratio_rate1h"
    ]
    assert labels[0] == {
        "namespace": "team-a",
        "modelmonitor": "fraud",
        "sloth_id": "team-a.fraud.available",
        "sloth_service": "team-a.fraud",
        "sloth_slo": "available",
        "sloth_window": "1h",
    }
    assert labels[1]["sloth_id"] != labels[0]["sloth_id"]


def test_the_information_says_the_target_as_it_was_written() -> None:
    (info,) = (r["labels"] for r in rules(rule_of(objectives=[AVAILABLE])) if r.get("record") == "sloth_slo_info")
    assert info["sloth_objective"] == "99.9"


def test_no_rule_pretends_to_judge_what_cannot_be_judged() -> None:
    assert recorded(UNKNOWN) == {}
    assert set(rule_names(rule_of(objectives=[UNKNOWN]))) - set(rule_names(rule_of())) == {"ModelMonitorLatencyAbsent"}


def test_an_availability_objective_is_judged_before_anything_is_read_and_a_latency_objective_is_not() -> None:
    assert rule_names(rule_of({}, objectives=[AVAILABLE])) == rule_names(rule_of(objectives=[AVAILABLE]))
    assert rule_names(rule_of({}, objectives=[FAST])) == rule_names(rule_of(objectives=[UNKNOWN]))


def test_a_method_of_the_other_type_judges_nothing() -> None:
    methods = {"available": ObjectiveMethod.TIME_SLICES, "fast": ObjectiveMethod.REQUESTS}
    names = rule_names(rule_of(methods, objectives=[AVAILABLE, FAST]))
    assert not [name for name in names if name.startswith("slo:")]


def test_availability_counts_failures_of_triton_s_statistics() -> None:
    (failed,) = read(recorded(AVAILABLE)["modelmonitor:slo_bad_requests:rate5m"])
    assert (failed.name, matchers(failed)["result"]) == ("modelmonitor_model_requests_total", "failure")


def test_models_of_an_objective_are_one_regular_expression_and_all_models_none() -> None:
    assert {matchers(one)["model"] for one in read(recorded(FAST)["modelmonitor:slo_slices:count1m"])} == {
        "fraud-.*|rank."
    }
    assert "model" not in matchers(read(recorded(AVAILABLE)["modelmonitor:slo_requests:rate5m"])[0])


def test_a_slice_is_bad_above_the_threshold_in_triton_s_microseconds() -> None:
    assert recorded(FAST)["modelmonitor:slo_bad_slices:count1m"].endswith("> bool 50000)")


@pytest.mark.parametrize(
    ("threshold", "bounds"),
    [
        ("500ms", r"500|500\.0"),
        ("1ms", r"1|1\.0"),
        ("1s500ms", r"1500|1500\.0"),
        ("1h", r"3600000|3600000\.0|3\.6e\+06"),
    ],
)
def test_the_bucket_of_a_threshold_is_found_as_triton_and_as_prometheus_write_it(threshold: str, bounds: str) -> None:
    good = read(recorded({**FIRST, "threshold": threshold})["modelmonitor:slo_bad_requests:rate5m"])[1]
    assert matchers(good)["le"] == bounds


@pytest.mark.parametrize(
    ("scrape", "reading", "spans"),
    [
        ("15s", "15s", ("5m", "1m")),
        ("30s", "15s", ("5m", "2m")),
        ("5s", "30s", ("5m", "2m")),
        ("5m", "5s", ("20m",) * 2),
    ],
)
def test_a_rate_spans_at_least_four_scrapes_and_readings(scrape: str, reading: str, spans: tuple[str, str]) -> None:
    made = recorded(FAST, prometheus={"interval": scrape}, interval=reading)
    assert f"[{spans[0]}]" in made["modelmonitor:slo_requests:rate5m"]
    assert f"[{spans[1]}]" in made["modelmonitor:slo_slices:count1m"]


def test_the_factors_spend_what_the_workbook_says() -> None:
    hours = {"d": 24, "h": 1}
    for pair in (*FAST_PAIRS, *SLOW_PAIRS):
        long = int(pair.long[:-1]) * hours[pair.long[-1]]
        assert pair.factor * long / (int(PERIOD[:-1]) * 24) * 100 == pair.budget_percent


@pytest.mark.parametrize("pair", [*FAST_PAIRS, *SLOW_PAIRS], ids=lambda pair: pair.long)
@pytest.mark.parametrize("target", ["0.001", "50", "90", "93", "99", "99.9", "99.9999"])
def test_a_complete_failure_is_above_every_threshold_and_an_even_burn_is_not(pair: BurnPair, target: str) -> None:
    assert error_budget(target) <= burn_threshold(pair, target) < 1


def test_a_usual_target_has_the_workbook_s_thresholds() -> None:
    assert [burn_threshold(pair, "99.9") for pair in FAST_PAIRS] == [Decimal("0.0144"), Decimal("0.006")]


def test_alerts_stay_silent_below_the_objective_s_own_least_traffic() -> None:
    alert = alerts(rule_of(objectives=[{**AVAILABLE, "minimumRequests": 321}]))[
        "ModelMonitorAvailabilityBudgetBurnFast"
    ]
    assert alert["expr"].count(">= 321") == 2
    assert "[1h]) * 60 >= 321" in alert["expr"]
    assert "[6h]) * 60 >= 321" in alert["expr"]


def test_pages_and_tickets_have_sloth_s_severity_and_ours() -> None:
    made = alerts(rule_of(objectives=[AVAILABLE]))
    fast, slow = (made[f"ModelMonitorAvailabilityBudgetBurn{speed}"]["labels"] for speed in ("Fast", "Slow"))
    assert (fast["severity"], fast["sloth_severity"]) == ("critical", "page")
    assert (slow["severity"], slow["sloth_severity"]) == ("warning", "ticket")


def test_only_the_shortest_rules_read_the_pods_own_series() -> None:
    for objective in (AVAILABLE, FAST, FIRST):
        reading = [
            name for name, expr in recorded(objective).items() if any(":" not in (s.name or "") for s in read(expr))
        ]
        assert all(name.startswith("modelmonitor:slo_") for name in reading)
        assert 2 <= len(reading) <= 3


def test_groups_are_evaluated_often_enough_that_prometheus_does_not_forget() -> None:
    groups = rule_of(METHODS, objectives=[AVAILABLE, FAST, FIRST])["spec"]["groups"]
    assert all(parse_duration(group["interval"]) <= 150 for group in groups)
