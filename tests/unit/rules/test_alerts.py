"""What the table of alerts says, and what teams and administrators may change about it."""

import json

import pytest
from pydantic import ValidationError

from modelmonitor_api.alert_names import RESERVED_ALERT_LABELS, AlertName, finding_alert
from modelmonitor_api.alerts import ALERTS, AlertInput
from modelmonitor_api.findings import FindingCode
from modelmonitor_api.promql import template_text
from modelmonitor_operator.desired.dashboard import dashboard_uid
from modelmonitor_operator.desired.prometheus_rule import rule_names
from tests.unit.operator.worlds import monitor, settings
from tests.unit.rules.specimens import AVAILABLE, BUDGET, FAST, alerts, hostile_texts, rich_rule, rule_of, rules

HOT = AlertName.GPU_HOT.value


def test_the_table_and_the_names_are_one() -> None:
    assert set(ALERTS) == set(AlertName)


def test_a_monitor_with_every_kind_of_objective_and_a_budget_has_every_alert() -> None:
    assert set(alerts(rich_rule())) == {name.value for name in AlertName}


@pytest.mark.parametrize("code", list(FindingCode))
def test_the_alert_of_a_finding_takes_its_severity_and_outlives_a_change_of_leader(code: FindingCode) -> None:
    alert = alerts(rich_rule())[finding_alert(code)]
    assert alert["labels"]["severity"] == "{{ $labels.severity | toLower }}"
    assert alert["keep_firing_for"] == "10m"
    assert alert["annotations"]["runbook_url"].endswith(f"/{code}")


@pytest.mark.parametrize("name", list(AlertName))
def test_every_alert_says_whose_it_is_how_bad_it_is_and_where_its_runbook_is(name: AlertName) -> None:
    alert = alerts(rich_rule())[name]
    assert (alert["labels"]["namespace"], alert["labels"]["modelmonitor"]) == ("team-a", "fraud")
    assert alert["labels"]["severity"] in {"critical", "warning", "info", "{{ $labels.severity | toLower }}"}
    assert set(alert["annotations"]) >= {"summary", "description", "runbook_url"}


def test_without_objectives_there_is_no_rule_about_them() -> None:
    names = set(rule_names(rule_of()))
    assert not [name for name in names if name.startswith(("slo", "modelmonitor:slo"))]
    of_objectives = {name.value for name, alert in ALERTS.items() if alert.input is AlertInput.BUDGET}
    assert names.isdisjoint({*of_objectives, AlertName.LATENCY_ABSENT.value})


def test_without_a_budget_there_is_no_rule_about_one_and_waste_is_told_all_the_same() -> None:
    budget = {AlertName.BUDGET_EXCEEDED, AlertName.BUDGET_WILL_BE_EXCEEDED, AlertName.BUDGET_BURN_FAST}
    for spec in ({}, {"cost": {name: value for name, value in BUDGET.items() if name != "budget"}}):
        names = set(rule_names(rule_of(**spec)))
        assert names.isdisjoint({name.value for name in budget})
        assert {AlertName.GPU_IDLE_WASTE.value, AlertName.LEDGER_NOT_WRITTEN.value} <= names


def test_where_cost_is_switched_off_there_is_no_rule_about_it() -> None:
    names = set(rule_names(rule_of(settings={"cost": {"enabled": False}}, cost=BUDGET)))
    assert not [name for name in names if "cost" in name]
    assert names.isdisjoint({name.value for name, alert in ALERTS.items() if alert.input is AlertInput.COST})


@pytest.mark.parametrize("name", [name for name, alert in ALERTS.items() if alert.input is AlertInput.COST])
def test_an_alert_on_the_ledger_outlives_a_change_of_leader(name: AlertName) -> None:
    assert alerts(rich_rule())[name]["keep_firing_for"] == "10m"


def test_a_suspended_monitor_has_no_rule() -> None:
    assert rule_of(suspend=True, objectives=[AVAILABLE, FAST])["spec"]["groups"] == []


def test_an_alert_names_the_monitor_s_dashboard_where_there_is_one() -> None:
    def uid(**spec: object) -> str | None:
        return alerts(rule_of(**spec))[AlertName.NOT_SCRAPED]["annotations"].get("dashboard_uid")

    assert uid() == dashboard_uid(monitor())
    assert uid(dashboards={"configMap": "Disabled"}) is None
    assert uid(settings={"dashboards": {"enabled": False}}) is None


def test_an_override_disables_an_alert_and_no_other() -> None:
    without = rule_of(alerts={"overrides": [{"name": HOT, "disabled": True}]})
    assert set(rule_names(rule_of())) - set(rule_names(without)) == {HOT}


def test_an_override_changes_times_severity_and_labels() -> None:
    override = {"name": HOT, "for": "15m", "keepFiringFor": "1h", "severity": "info", "labels": {"team": "metal"}}
    manifest = rule_of(alerts={"labels": {"team": "fraud", "tier": "1"}, "overrides": [override]})
    hot, other = alerts(manifest)[HOT], alerts(manifest)[AlertName.GPU_LOST]
    assert (hot["for"], hot["keep_firing_for"], hot["labels"]["severity"]) == ("15m", "1h", "info")
    assert (hot["labels"]["team"], hot["labels"]["tier"]) == ("metal", "1")
    assert (other["labels"]["team"], other["for"]) == ("fraud", "1m")


def test_an_override_of_zero_is_not_the_default() -> None:
    hot = alerts(rule_of(alerts={"overrides": [{"name": HOT, "for": "0s", "keepFiringFor": "0s"}]}))[HOT]
    assert (hot["for"], hot["keep_firing_for"]) == ("0s", "0s")


def test_the_administrator_s_labels_are_on_every_alert_and_the_team_s_win() -> None:
    given = {"monitoring": {"alertLabels": {"cluster": "c1", "team": "platform"}}}
    manifest = rule_of(settings=given, alerts={"labels": {"team": "fraud"}}, objectives=[AVAILABLE])
    assert {(a["labels"]["cluster"], a["labels"]["team"]) for a in alerts(manifest).values()} == {("c1", "fraud")}


def test_a_label_that_prometheus_would_refuse_is_refused_in_the_settings() -> None:
    with pytest.raises(ValidationError, match="alertLabels"):
        settings(monitoring={"alertLabels": {"cost-center": "7"}})


def test_labels_that_tell_alerts_apart_cannot_be_replaced() -> None:
    given = {"monitoring": {"alertLabels": dict.fromkeys(RESERVED_ALERT_LABELS, "mine")}}
    assert alerts(rule_of(settings=given)) == alerts(rule_of())


def test_the_base_of_runbooks_is_the_spec_s_or_else_the_operator_s_or_none() -> None:
    def url(**spec: object) -> str | None:
        return alerts(rule_of(**spec))[AlertName.NOT_SCRAPED]["annotations"].get("runbook_url")

    assert url(settings={"runbookBaseUrl": "https://a/"}) == "https://a/ModelMonitorNotScraped"
    assert url(alerts={"runbookBaseUrl": "https://b"}) == "https://b/ModelMonitorNotScraped"
    assert url(settings={"runbookBaseUrl": ""}) is None


def test_labels_for_the_selectors_of_prometheus_are_on_the_object_and_never_replace_ours() -> None:
    given = {"monitoring": {"labels": {"release": "kps", "app.kubernetes.io/managed-by": "x"}}}
    labels = rule_of(settings=given, prometheus={"labels": {"release": "mine"}})["metadata"]["labels"]
    assert labels["release"] == "mine"
    assert labels["app.kubernetes.io/managed-by"] == "modelmonitor-operator"


def test_text_of_a_user_s_opens_no_template() -> None:
    for text in hostile_texts(2000, seed=3):
        escaped = template_text(text)
        assert "{{" not in escaped.replace('{{"{{"}}', "\0")
        assert escaped.replace('{{"{{"}}', "{{") == text


def test_the_same_monitor_gives_the_same_bytes() -> None:
    assert json.dumps(rich_rule()) == json.dumps(rich_rule())


def test_recording_rules_carry_no_template_since_prometheus_does_not_expand_them() -> None:
    assert not [rule for rule in rules(rich_rule()) if "record" in rule and "{{" in json.dumps(rule["labels"])]
