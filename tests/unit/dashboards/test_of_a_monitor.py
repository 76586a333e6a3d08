"""The dashboard that the operator makes for one ModelMonitor."""

import json
from typing import Any

import pytest

from generate.dashboards.sdk import decode, encode
from modelmonitor_api import names
from modelmonitor_operator.desired.dashboard import (
    MAX_TITLE,
    MAX_UID,
    build_dashboard,
    build_model,
    dashboard_key,
    dashboard_ref,
    dashboard_uid,
)
from modelmonitor_operator.desired.dashboard_panels import ModelPanel
from modelmonitor_operator.desired.grafana_dashboard import build_grafana_dashboard, grafana_dashboard_ref
from modelmonitor_operator.objects import CONFIG_MAP, GRAFANA_DASHBOARD
from modelmonitor_operator.observed import Monitor
from modelmonitor_testbed.preview.queries import panels_of, queries_of
from tests.unit.dashboards.pages import Json
from tests.unit.operator.worlds import monitor, settings

FAST = {"name": "fast", "type": "Latency", "target": "99", "threshold": "50ms", "models": ["fraud-*"]}
UP = {"name": "up", "type": "Availability", "target": "99.9"}


def model(spec: dict[str, Any] | None = None, **given: Any) -> Json:
    return build_model(settings(**given), monitor(spec=spec or {}))


def panel(page: Json, which: ModelPanel) -> Json:
    (found,) = [each for each in panels_of(page) if each["id"] == which]
    return found


def steps(page: Json, which: ModelPanel) -> list[tuple[float | None, str]]:
    thresholds = panel(page, which)["fieldConfig"]["defaults"]["thresholds"]["steps"]
    return [(step["value"], step["color"]) for step in thresholds]


def test_queries_name_the_monitor_and_its_service() -> None:
    expressions = [query.expression for query in queries_of(model())]
    assert all('namespace="team-a"' in expression for expression in expressions)
    assert sum('modelmonitor="fraud"' in expression for expression in expressions) == len(expressions) - 1
    assert sum('service="modelmonitor-fraud"' in expression for expression in expressions) == 1


def test_thresholds_are_drawn_at_the_monitors_own_limits() -> None:
    spec = {"health": {"maxFailureRatio": "0.2", "maxLatency": "1s500ms", "gpu": {"maxTemperatureCelsius": 70}}}
    page = model(spec)
    assert steps(page, ModelPanel.FAILURES) == [(None, "green"), (0.2, "red")]
    assert steps(page, ModelPanel.LATENCY) == [(None, "green"), (1.5, "red")]
    assert steps(page, ModelPanel.TEMPERATURE) == [(None, "green"), (70.0, "red")]


@pytest.mark.parametrize(
    ("limit", "expected"),
    [
        pytest.param({}, [(None, "green"), (0.05, "orange")], id="no limit: the objective alone"),
        pytest.param({"maxLatency": "10ms"}, [(None, "green"), (0.01, "red"), (0.05, "orange")], id="in their order"),
        pytest.param({"maxLatency": "50ms"}, [(None, "green"), (0.05, "red")], id="the same: the limit"),
    ],
)
def test_latency_has_a_line_for_the_limit_and_for_each_objective(limit: dict[str, str], expected: list[Any]) -> None:
    assert steps(model({"health": limit, "objectives": [FAST, UP]}), ModelPanel.LATENCY) == expected


def test_without_limit_and_objective_no_line_is_drawn() -> None:
    page = model()
    assert steps(page, ModelPanel.LATENCY) == [(None, "green")]
    style = panel(page, ModelPanel.LATENCY)["fieldConfig"]["defaults"]["custom"]["thresholdsStyle"]
    assert style == {"mode": "off"}


def test_objectives_are_told_in_words() -> None:
    content = panel(model({"objectives": [FAST, UP]}), ModelPanel.OBJECTIVES)["options"]["content"]
    first, second = content.splitlines()
    assert first == "- **fast**: 99 % within 50ms, over 30 days. Models: fraud&#45;&#42;"
    assert second == "- **up**: 99&#46;9 % of the requests succeed, over 30 days. Models: &#42;"


def test_without_objectives_the_panel_says_where_to_write_them() -> None:
    assert "spec.objectives" in panel(model(), ModelPanel.OBJECTIVES)["options"]["content"]


@pytest.mark.parametrize(
    ("operators", "teams", "url"),
    [
        pytest.param("https://run.example/books/", "", "https://run.example/books/${__value.raw}", id="the operator's"),
        pytest.param("https://a.example", "https://b.example/x", "https://b.example/x/${__value.raw}", id="the team's"),
        pytest.param(
            "https://a.example/$1/[[x]]/${y}",
            "",
            "https://a.example/%241/%5B%5Bx%5D%5D/%24%7By%7D/${__value.raw}",
            id="what reads as a variable is encoded",
        ),
    ],
)
def test_a_finding_leads_to_its_runbook(operators: str, teams: str, url: str) -> None:
    page = model({"alerts": {"runbookBaseUrl": teams}}, runbookBaseUrl=operators)
    properties = {
        each["id"]: each["value"]
        for override in panel(page, ModelPanel.FINDINGS)["fieldConfig"]["overrides"]
        for each in override["properties"]
    }
    assert [link["url"] for link in properties["links"]] == [url]


def test_without_a_place_for_runbooks_there_is_no_link() -> None:
    overrides = panel(model(runbookBaseUrl=""), ModelPanel.FINDINGS)["fieldConfig"]["overrides"]
    assert [each["id"] for override in overrides for each in override["properties"] if each["id"] == "links"] == []


def test_rates_are_taken_over_what_prometheus_scrapes() -> None:
    page = model({"prometheus": {"interval": "2m"}})
    intervals = {target["interval"] for each in panels_of(page) for target in each.get("targets", ())}
    assert intervals == {"2m"}


def test_two_monitors_never_share_a_uid_a_title_or_an_object() -> None:
    everywhere = settings(dashboards={"namespace": "grafana"})
    pairs = [monitor("c", "a-b"), monitor("b-c", "a"), monitor("c", "a")]
    assert len({dashboard_uid(each) for each in pairs}) == 3
    assert len({build_model(everywhere, each)["title"] for each in pairs}) == 3
    assert len({dashboard_ref(everywhere, each) for each in pairs}) == 3
    assert len({dashboard_key(each) for each in pairs}) == 3


def test_a_monitor_that_is_made_again_keeps_its_uid() -> None:
    assert dashboard_uid(monitor(uid="1")) == dashboard_uid(monitor(uid="2"))


@pytest.mark.parametrize("name", ["a", "n" * 253, "n" * 252 + "m"])
def test_the_longest_names_fit_into_grafanas_limits(name: str) -> None:
    long = monitor(name, "n" * 63)
    page = build_model(settings(), long)
    assert len(page["uid"]) <= MAX_UID
    assert len(page["title"]) <= MAX_TITLE
    assert page["title"] != build_model(settings(), monitor(f"{name[:-1]}z", "n" * 63))["title"]


def test_a_filled_in_dashboard_is_still_what_grafanas_models_read() -> None:
    page = model({"objectives": [FAST, UP], "health": {"maxLatency": "10ms"}})
    assert encode(decode(page)) == page


def test_building_twice_gives_the_same_and_leaves_the_template_alone() -> None:
    first = json.dumps(model({"objectives": [FAST]}))
    model({"health": {"maxLatency": "1s"}})
    assert json.dumps(model({"objectives": [FAST]})) == first


def config_map(spec: dict[str, Any] | None = None, **dashboards: Any) -> Json:
    return build_dashboard(settings(dashboards=dashboards), monitor(spec=spec or {}))


def test_the_config_map_is_the_monitors_and_grafanas_sidecar_finds_it() -> None:
    made = config_map()
    metadata = made["metadata"]
    assert (metadata["namespace"], metadata["name"]) == ("team-a", "modelmonitor-fraud")
    assert metadata["ownerReferences"][0]["uid"] == "uid-team-a-fraud"
    assert metadata["labels"]["grafana_dashboard"] == "1"
    assert metadata["annotations"] == {"grafana_folder": "ModelMonitor"}
    ((key, text),) = made["data"].items()
    assert key == f"{json.loads(text)['uid']}.json"
    assert "\n" not in text


def test_label_annotation_and_folder_are_the_administrators_and_the_folder_may_be_the_teams() -> None:
    chosen = {"label": "dash", "labelValue": "yes", "folderAnnotation": "folder", "folder": "All"}
    made = config_map({"dashboards": {"folder": "Fraud"}}, **chosen)["metadata"]
    assert made["labels"]["dash"] == "yes"
    assert made["annotations"] == {"folder": "Fraud"}
    assert config_map(**chosen)["metadata"]["annotations"] == {"folder": "All"}
    assert "annotations" not in config_map(folderAnnotation="")["metadata"]
    assert "annotations" not in config_map(folder="")["metadata"]


def test_a_label_for_grafana_never_replaces_one_of_ours() -> None:
    labels = config_map(label=names.MONITOR_LABEL, labelValue="1")["metadata"]["labels"]
    assert labels[names.MONITOR_LABEL] == "modelmonitor-fraud"


def test_in_a_namespace_of_all_dashboards_a_note_stands_for_the_owner() -> None:
    made = config_map(namespace="grafana")["metadata"]
    assert made["namespace"] == "grafana"
    assert "ownerReferences" not in made
    assert made["annotations"][names.OWNER_ANNOTATION] == "team-a/fraud/uid-team-a-fraud"
    assert made["annotations"]["grafana_folder"] == "ModelMonitor"
    ref = dashboard_ref(settings(dashboards={"namespace": "grafana"}), monitor())
    assert (ref.kind, ref.namespace, ref.name) == (CONFIG_MAP, "grafana", made["name"])


def test_in_its_own_namespace_a_dashboard_has_its_owner_even_where_all_others_lie_there_too() -> None:
    assert config_map(namespace="team-a")["metadata"]["ownerReferences"]


@pytest.mark.parametrize("namespace", ["", "grafana"])
def test_a_grafana_dashboard_refers_to_the_config_map_beside_it(namespace: str) -> None:
    chosen = settings(dashboards={"namespace": namespace, "instanceSelector": {"matchLabels": {"a": "b"}}})
    made, source = build_grafana_dashboard(chosen, monitor()), build_dashboard(chosen, monitor())
    assert (made["apiVersion"], made["kind"]) == (GRAFANA_DASHBOARD.api_version, "GrafanaDashboard")
    assert made["metadata"]["namespace"] == source["metadata"]["namespace"]
    assert made["spec"]["configMapRef"]["name"] == source["metadata"]["name"]
    assert [made["spec"]["configMapRef"]["key"]] == list(source["data"])
    assert made["spec"]["instanceSelector"] == {"matchLabels": {"a": "b"}}
    assert made["spec"]["allowCrossNamespaceImport"] is True
    assert made["spec"]["folder"] == "ModelMonitor"
    ref = grafana_dashboard_ref(chosen, monitor())
    assert (ref.namespace, ref.name) == (made["metadata"]["namespace"], made["metadata"]["name"])


def test_a_grafana_dashboard_is_no_dashboard_for_the_sidecar() -> None:
    assert "grafana_dashboard" not in build_grafana_dashboard(settings(), monitor())["metadata"]["labels"]


def test_a_monitor_that_cannot_be_read_has_no_dashboard() -> None:
    unread = Monitor(monitor().ref, "u", 1, "1", 0.0, None, spec_error="interval is no duration")
    with pytest.raises(ValueError, match="interval is no duration"):
        build_dashboard(settings(), unread)
