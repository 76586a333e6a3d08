"""What the real promtool says of our rules: that they are rules, when they fire, and what leaves their templates."""

from dataclasses import replace
from typing import Any

import pytest
import yaml

from modelmonitor_api.alert_names import AlertName
from modelmonitor_testbed.process import CommandError
from modelmonitor_testbed.promtool import RULES_FILE, check_rules, run_rule_tests
from tests.apiserver.rule_cases import CASES
from tests.apiserver.rule_cases_base import MONITOR, NAMESPACE, OWN, Case, series, written
from tests.unit.rules.specimens import (
    AVAILABLE,
    BUDGET,
    FAST,
    FIRST,
    METHODS,
    UNKNOWN,
    hostile_texts,
    rich_rule,
    rule_of,
)

SPECS: dict[str, dict[str, Any]] = {
    "no objective": {},
    "every way to judge": {"objectives": [AVAILABLE, FAST, FIRST, UNKNOWN]},
    "as many objectives as there may be": {"objectives": [{**AVAILABLE, "name": f"o{n}"} for n in range(8)]},
    "names that end like ours": {"objectives": [{**AVAILABLE, "name": name} for name in ("a", "a-period", "a-alerts")]},
    "the loosest and the tightest target": {
        "objectives": [{**AVAILABLE, "name": f"o{n}", "target": t} for n, t in enumerate(("0.001", "50", "99.9999"))]
    },
    "patterns of models": {"objectives": [{**FAST, "models": ["[a-c]?*", "x[!é]", "[z-a]", "[", "\\d+", "日本"]}]},
    "rare scrapes": {"objectives": [AVAILABLE, FAST], "prometheus": {"interval": "5m"}, "interval": "30s"},
    "everything overridden": {
        "alerts": {
            "labels": {"team": "fraud"},
            "runbookBaseUrl": "https://wiki.example.com/{{x}}",
            "overrides": [
                {"name": n.value, "for": "1h30m", "keepFiringFor": "0s", "severity": "info"} for n in AlertName
            ],
        },
        "objectives": [AVAILABLE, FAST],
    },
    "a budget": {"cost": BUDGET},
    "most alerts disabled": {
        "alerts": {"overrides": [{"name": n.value, "disabled": True} for n in list(AlertName)[1:]]}
    },
}


def text_of(manifest: dict[str, Any]) -> str:
    return yaml.safe_dump({"groups": manifest["spec"]["groups"]}, allow_unicode=True, width=10_000)


@pytest.mark.parametrize("spec", SPECS.values(), ids=SPECS)
def test_prometheus_takes_the_rules_of_every_kind_of_spec(spec: dict[str, Any]) -> None:
    check_rules(text_of(rule_of(METHODS, **spec)))


def document_of(cases: tuple[Case, ...]) -> str:
    """promtool's unit tests of these cases; each names its case, so that a failure does too."""
    return yaml.safe_dump(
        {"rule_files": [RULES_FILE], "evaluation_interval": "1m", "tests": [unit_of(case) for case in cases]},
        allow_unicode=True,
        width=10_000,
    )


def unit_of(case: Case) -> dict[str, Any]:
    ours = {"namespace": NAMESPACE, "modelmonitor": MONITOR, "alertname": case.alert.value, "alertstate": "firing"}
    return {
        "name": f"{case.alert} {case.what}",
        "interval": case.interval,
        "input_series": [{"series": series, "values": values} for series, values in case.series.items()],
        "promql_expr_test": [
            {
                "expr": f'ALERTS{{alertname="{case.alert}",alertstate="firing"}}',
                "eval_time": f"{case.minute}m",
                "exp_samples": [
                    {"labels": written("ALERTS", {**ours, **labels}), "value": 1} for labels in case.firing
                ],
            }
        ],
    }


def rules_for(alert: AlertName) -> str:
    """The rules that an alert needs, and no others: promtool's time is the number of rules times that of minutes."""
    groups = rich_rule()["spec"]["groups"]
    with_it = {group["name"] for group in groups if any(rule.get("alert") == alert for rule in group["rules"])}
    objectives = {name.removesuffix(".alerts") for name in with_it}
    kept = [
        {**group, "rules": [rule for rule in group["rules"] if rule.get("alert", alert) == alert]}
        for group in groups
        if group["name"] in with_it or group["name"].removesuffix(".period") in objectives
    ]
    return text_of({"spec": {"groups": kept}})


@pytest.mark.parametrize("alert", list(AlertName))
def test_it_fires_when_it_should_and_at_no_other_time(alert: AlertName) -> None:
    run_rule_tests(rules_for(alert), document_of(tuple(case for case in CASES if case.alert is alert)))


def test_an_overridden_severity_is_one_alert_while_two_leaders_differ_in_it() -> None:
    alert, override = AlertName.MODEL_FAILING, {"name": AlertName.MODEL_FAILING.value, "severity": "info"}
    about = {"code": "ModelFailing", "kind": "Model", "object": "m"}
    old = series("modelmonitor_finding", **about, severity="Warning", instance="a")
    new = series("modelmonitor_finding", **about, severity="Critical", instance="b")
    fired = ({**about, "severity": "info"},)
    case = Case(alert, "changes its severity with the leader", {old: "1x20 stale _x20", new: "_x18 1x20"}, 19, fired)
    cases = (case, replace(case, minute=30))
    run_rule_tests(text_of(rule_of(alerts={"overrides": [override]})), document_of(cases))


def test_a_case_that_is_not_so_would_be_noticed() -> None:
    (right, *_) = [case for case in CASES if case.firing]
    with pytest.raises(CommandError, match="FAILED"):
        run_rule_tests(rules_for(right.alert), document_of((replace(right, firing=()),)))


@pytest.mark.parametrize("alert", list(AlertName))
def test_the_table_has_cases_that_fire_it_that_do_not_and_one_without_series(alert: AlertName) -> None:
    own = [case for case in CASES if case.alert is alert]
    assert [case for case in own if case.firing]
    assert [case for case in own if case.series and not case.firing]
    assert [case for case in own if not case.series]


def test_hostile_labels_and_addresses_leave_the_template_engine_as_they_were() -> None:
    texts = [text for text in hostile_texts(300, seed=4) if text]
    base = "https://wiki/" + "".join(texts[:40])
    labels = {f"l{number}": text for number, text in enumerate(texts)}
    manifest = rule_of(settings={"monitoring": {"alertLabels": labels}, "runbookBaseUrl": base})
    name = AlertName.LEADER_NOT_SCRAPED.value
    (rule,) = (r for group in manifest["spec"]["groups"] for r in group["rules"] if r.get("alert") == name)
    own = {"namespace": NAMESPACE, "modelmonitor": MONITOR, "severity": "warning"}
    annotations = {**rule["annotations"], "runbook_url": f"{base.rstrip('/')}/{name}"}
    for key in ("summary", "description"):
        text = annotations[key].replace("{{ $labels.namespace }}", NAMESPACE)
        annotations[key] = text.replace("{{ $labels.modelmonitor }}", MONITOR)
    expected = {"exp_labels": {**labels, **own}, "exp_annotations": annotations}
    case = {"interval": "1m", "alert_rule_test": [{"eval_time": "20m", "alertname": name, "exp_alerts": [expected]}]}
    document = {"rule_files": [RULES_FILE], "evaluation_interval": "1m", "tests": [case]}
    only = {"spec": {"groups": [{"name": "g", "rules": [rule]}]}}
    run_rule_tests(text_of(only), yaml.safe_dump(document, allow_unicode=True, width=10_000))


def test_the_series_of_a_budget_have_sloth_s_names_and_the_right_values() -> None:
    good, bad = (
        series("modelmonitor_model_requests_total", pod="t1", model="m", result=r) for r in ("success", "failure")
    )
    sloth = {"sloth_id": "team-a.fraud.available", "sloth_service": "team-a.fraud", "sloth_slo": "available"}
    expected = (
        ("slo:sli_error:ratio_rate5m", "5m", 1000, 1),
        ("slo:sli_error:ratio_rate6h", "6h", 10_000, 5),
        ("slo:sli_error:ratio_rate30d", "30d", 10_000, 5),
        ("slo:objective:ratio", "", 1000, 999),
        ("slo:error_budget:ratio", "", 1000, 1),
        ("slo:time_period:days", "", 1, 30),
        ("slo:current_burn_rate:ratio", "5m", 10, 10),
        ("slo:period_burn_rate:ratio", "30d", 10, 5),
        ("slo:period_error_budget_remaining:ratio", "30d", 10, 5),
    )
    asked = [
        {
            "expr": f"round({name} * {factor})",
            "eval_time": "2h",
            "exp_samples": [
                {
                    "labels": written("", {**OWN, **sloth, **({"sloth_window": window} if window else {})}),
                    "value": value,
                }
            ],
        }
        for name, window, factor, value in expected
    ]
    given = [{"series": good, "values": "0+1000x60 60999+999x60"}, {"series": bad, "values": "0x60 1+1x60"}]
    case = {"interval": "1m", "input_series": given, "promql_expr_test": asked}
    document = {"rule_files": [RULES_FILE], "evaluation_interval": "1m", "tests": [case]}
    run_rule_tests(text_of(rule_of(METHODS, objectives=[AVAILABLE])), yaml.safe_dump(document, width=10_000))
