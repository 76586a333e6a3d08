"""The product's own metrics and alerts: who scrapes them, and that each alert fires when it should."""

import json
from pathlib import Path
from typing import Any

import pytest
import yaml

from modelmonitor_operator.desired.daemonset import COMPONENT, selector_labels
from modelmonitor_operator.desired.ownership import build_labels
from modelmonitor_operator.settings import Settings
from modelmonitor_operator.telemetry import Telemetry
from modelmonitor_testbed import promtool
from modelmonitor_testbed.process import CommandError
from tests.chart.rendering import CHART, Chart, Manifest, RefusedError, Rendered

MONITOR, RULE = "monitoring.coreos.com/v1/ServiceMonitor", "monitoring.coreos.com/v1/PrometheusRule"
RUNBOOKS = Path(__file__).parents[2] / "docs" / "runbooks"
OPERATOR = 'namespace="system",job="modelmonitor-operator",pod="a"'
SIDECAR = 'namespace="system",job="modelmonitor-sidecar"'


def monitors(rendered: Rendered) -> list[str]:
    return sorted(each["metadata"]["name"] for each in rendered.all("ServiceMonitor"))


@pytest.mark.parametrize(
    ("enabled", "served", "made"),
    [
        pytest.param("auto", (MONITOR,), True, id="auto, and the cluster serves the kind"),
        pytest.param("auto", (), False, id="auto, and it does not"),
        pytest.param(True, (), True, id="a renderer that does not ask the cluster"),
        pytest.param("true", (), True, id="the same as a word"),
        pytest.param(False, (MONITOR,), False, id="not wanted"),
    ],
)
def test_service_monitors_are_made_where_the_kind_is_served_or_asked_for(
    chart: Chart, enabled: object, served: tuple[str, ...], *, made: bool
) -> None:
    rendered = chart.render({"metrics": {"serviceMonitor": {"enabled": enabled}}}, served=served)
    assert monitors(rendered) == (["modelmonitor-operator", "modelmonitor-sidecar"] if made else [])


def test_rules_come_with_the_service_monitors_alone(chart: Chart) -> None:
    assert len(chart.render(served=(MONITOR, RULE)).all("PrometheusRule")) == 1
    off = {"metrics": {"serviceMonitor": {"enabled": False}}}
    assert chart.render(off, served=(MONITOR, RULE)).all("PrometheusRule") == []


def test_each_service_monitor_finds_a_service_whose_pods_serve_the_port(chart: Chart) -> None:
    rendered = chart.render({"sidecar": {"namespace": "gpu"}}, served=(MONITOR,))
    operator = rendered.one("Deployment", "modelmonitor-operator")["spec"]["template"]
    ports = {port["name"]: port["containerPort"] for port in operator["spec"]["containers"][0]["ports"]}
    settings = rendered.settings()
    pods = {
        "modelmonitor-operator": (operator["metadata"]["labels"], ports),
        "modelmonitor-sidecar": (build_labels(settings, COMPONENT), {"sidecar": 9402}),
    }
    for monitor in rendered.all("ServiceMonitor"):
        metadata = monitor["metadata"]
        service = rendered.one("Service", metadata["name"], metadata["namespace"])
        wanted = monitor["spec"]["selector"]["matchLabels"]
        found = [s for s in rendered.all("Service") if wanted.items() <= s["metadata"]["labels"].items()]
        assert [each["metadata"]["name"] for each in found] == [metadata["name"]]
        labels, container_ports = pods[metadata["name"]]
        assert service["spec"]["selector"].items() <= labels.items()
        (port,) = service["spec"]["ports"]
        assert port["name"] == monitor["spec"]["endpoints"][0]["port"]
        assert port["port"] == container_ports[port["targetPort"]]


def test_the_service_of_the_sidecars_selects_what_the_daemon_set_selects(chart: Chart) -> None:
    rendered = chart.render(release="another")
    service = rendered.one("Service", rendered.settings().sidecar_name)
    assert selector_labels(rendered.settings()).items() <= service["spec"]["selector"].items()


def test_labels_for_prometheus_are_given_once_for_all_and_never_replace_the_charts_own(chart: Chart) -> None:
    values = {
        "monitoring": {"labels": {"release": "kps"}, "alertLabels": {"team": "platform"}},
        "metrics": {
            "serviceMonitor": {"labels": {"shard": "1", "app.kubernetes.io/name": "mine"}},
            "prometheusRule": {"labels": {"shard": "1"}},
        },
    }
    rendered = chart.render(values, served=(MONITOR, RULE))
    assert {rule["labels"]["team"] for rule in rules(rendered).values()} == {"platform"}
    for each in [*rendered.all("ServiceMonitor"), *rendered.all("PrometheusRule")]:
        assert each["metadata"]["labels"]["release"] == "kps"
        assert each["metadata"]["labels"]["shard"] == "1"
        assert each["metadata"]["labels"]["app.kubernetes.io/name"] == "modelmonitor"


def test_every_knob_of_a_scrape_reaches_its_endpoint(chart: Chart) -> None:
    given: Manifest = {
        "interval": "1m",
        "scrapeTimeout": "20s",
        "relabelings": [{"action": "labeldrop", "regex": "pod"}],
        "metricRelabelings": [{"action": "drop", "sourceLabels": ["__name__"], "regex": "python_.*"}],
    }
    for monitor in chart.render({"metrics": {"serviceMonitor": given}}, served=(MONITOR,)).all("ServiceMonitor"):
        (endpoint,) = monitor["spec"]["endpoints"]
        assert (endpoint["interval"], endpoint["scrapeTimeout"]) == ("1m", "20s")
        assert endpoint["relabelings"][-1] == given["relabelings"][0]
        assert endpoint["metricRelabelings"] == given["metricRelabelings"]


def rules(rendered: Rendered) -> dict[str, Manifest]:
    (group,) = rendered.all("PrometheusRule")[0]["spec"]["groups"]
    return {rule["alert"]: rule for rule in group["rules"]}


def test_alerts_can_be_left_out_and_labelled(chart: Chart) -> None:
    values = {
        "metrics": {
            "prometheusRule": {"disabled": ["ModelMonitorOperatorCycleSlow"], "alertLabels": {"team": "platform"}}
        }
    }
    found = rules(chart.render(values, served=(MONITOR, RULE)))
    assert "ModelMonitorOperatorCycleSlow" not in found
    assert {rule["labels"]["team"] for rule in found.values()} == {"platform"}
    assert {rule["labels"]["severity"] for rule in found.values()} == {"critical", "warning"}


def test_a_misspelt_alert_is_named(chart: Chart) -> None:
    values = {"metrics": {"prometheusRule": {"disabled": ["NoSuchAlert"]}}}
    with pytest.raises(RefusedError, match="no alert is called NoSuchAlert"):
        chart.render(values, served=(MONITOR, RULE))


def test_every_alert_has_a_runbook_of_ours(chart: Chart) -> None:
    for name, rule in rules(chart.render(served=(MONITOR, RULE))).items():
        assert rule["annotations"]["runbook_url"] == f"https://modelmonitor.dev/runbooks/{name}"
        assert (RUNBOOKS / f"{name}.md").exists()


def test_the_beat_that_a_cycle_is_held_against_is_the_operators(chart: Chart) -> None:
    default = Settings.model_fields["cycle_seconds"].default
    found = rules(chart.render(served=(MONITOR, RULE)))["ModelMonitorOperatorCycleSlow"]
    assert found["expr"].endswith(f"> {default:g}")
    slower = rules(chart.render({"settings": {"cycleSeconds": 30}}, served=(MONITOR, RULE)))
    assert slower["ModelMonitorOperatorCycleSlow"]["expr"].endswith("> 30")


def test_alerts_rest_on_metrics_that_the_operator_serves(chart: Chart) -> None:
    page = Telemetry("test").render().decode()
    text = json.dumps([rule["expr"] for rule in rules(chart.render(served=(MONITOR, RULE))).values()])
    names = {word for word in text.replace("(", " ").replace("{", " ").split() if word.startswith("modelmonitor_")}
    assert len(names) == 7
    assert {name for name in names if f"# TYPE {name} " not in page} == set()


def series(text: str, values: str) -> Manifest:
    return {"series": text, "values": values}


UP = series(f"up{{{OPERATOR}}}", "1x60")
LEADS = series(f"modelmonitor_operator_leader{{{OPERATOR}}}", "1x60")
FIRES: dict[str, tuple[list[Manifest], list[Manifest]]] = {
    "ModelMonitorOperatorDown": ([series(f"up{{{OPERATOR}}}", "0x60")], [UP]),
    "ModelMonitorOperatorNotLeading": ([series(f"modelmonitor_operator_leader{{{OPERATOR}}}", "0x60")], [LEADS]),
    "ModelMonitorOperatorReconcileErrors": (
        [
            series(
                f'modelmonitor_operator_reconcile_errors_total{{{OPERATOR},key="status",error="ForbiddenError"}}',
                "0+1x60",
            )
        ],
        [
            series(
                f'modelmonitor_operator_reconcile_errors_total{{{OPERATOR},key="status",error="ConflictError"}}',
                "0+1x60",
            )
        ],
    ),
    "ModelMonitorOperatorWatchRestarts": (
        [series(f'modelmonitor_operator_watch_restarts_total{{{OPERATOR},kind="Pod"}}', "0+1x60")],
        [series(f'modelmonitor_operator_watch_restarts_total{{{OPERATOR},kind="Pod"}}', "3x60")],
    ),
    "ModelMonitorOperatorCycleSlow": (
        [LEADS, series(f"modelmonitor_operator_cycle_duration_seconds{{{OPERATOR}}}", "12x60")],
        [LEADS, series(f"modelmonitor_operator_cycle_duration_seconds{{{OPERATOR}}}", "2x60")],
    ),
    "ModelMonitorOperatorCycleStopped": (
        [
            series(f"modelmonitor_operator_cycles_total{{{OPERATOR}}}", "7x60"),
            series(f"modelmonitor_operator_monitors{{{OPERATOR}}}", "2x60"),
        ],
        [
            series(f"modelmonitor_operator_cycles_total{{{OPERATOR}}}", "7x60"),
            series(f"modelmonitor_operator_monitors{{{OPERATOR}}}", "0x60"),
        ],
    ),
    "ModelMonitorSidecarsNotAnswering": (
        [
            series(f'modelmonitor_operator_sidecar_polls_total{{{OPERATOR},result="Ok"}}', "0+6x60"),
            series(f'modelmonitor_operator_sidecar_polls_total{{{OPERATOR},result="Timeout"}}', "0+2x60"),
        ],
        [
            series(f'modelmonitor_operator_sidecar_polls_total{{{OPERATOR},result="Ok"}}', "0+60x60"),
            series(f'modelmonitor_operator_sidecar_polls_total{{{OPERATOR},result="Timeout"}}', "0+1x60"),
        ],
    ),
    "ModelMonitorSidecarsNotScraped": (
        [series(f'up{{{SIDECAR},instance="a"}}', "0x60"), series(f'up{{{SIDECAR},instance="b"}}', "1x60")],
        [series(f'up{{{SIDECAR},instance="a"}}', "1x60"), series(f'up{{{SIDECAR},instance="b"}}', "1x60")],
    ),
}


def promtool_test(alert: str, given: list[Manifest], *, fires: bool) -> Manifest:
    """One unit test of promtool's: `count` of the firing alerts, so that labels and texts stay out of it."""
    query = f'count(ALERTS{{alertname="{alert}",alertstate="firing"}}) or vector(0)'
    samples = [{"labels": "{}", "value": int(fires)}]
    return {
        "interval": "1m",
        "input_series": given,
        "promql_expr_test": [{"expr": query, "eval_time": "50m", "exp_samples": samples}],
    }


def rule_files(chart: Chart) -> tuple[str, dict[str, Any]]:
    rendered = chart.render(served=(MONITOR, RULE))
    spec = rendered.all("PrometheusRule")[0]["spec"]
    return yaml.safe_dump(spec), {"rule_files": [promtool.RULES_FILE], "evaluation_interval": "1m"}


def test_every_alert_fires_on_what_it_is_about_and_rests_otherwise(chart: Chart) -> None:
    text, head = rule_files(chart)
    assert set(FIRES) == set(rules(chart.render(served=(MONITOR, RULE))))
    tests = [promtool_test(alert, given, fires=True) for alert, (given, _) in FIRES.items()]
    tests += [promtool_test(alert, given, fires=False) for alert, (_, given) in FIRES.items()]
    promtool.check_rules(text)
    promtool.run_rule_tests(text, yaml.safe_dump({**head, "tests": tests}))


def test_a_wrong_expectation_would_be_noticed(chart: Chart) -> None:
    text, head = rule_files(chart)
    wrong = promtool_test("ModelMonitorOperatorDown", [UP], fires=True)
    with pytest.raises(CommandError):
        promtool.run_rule_tests(text, yaml.safe_dump({**head, "tests": [wrong]}))


def test_the_rules_are_read_from_the_charts_own_file() -> None:
    names = [alert["alert"] for alert in yaml.safe_load((CHART / "rules" / "operator.yaml").read_text())]
    assert len(names) == len(set(names)) == len(FIRES)
