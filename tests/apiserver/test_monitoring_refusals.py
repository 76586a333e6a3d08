"""Objectives, scraping and alerts that cannot work are refused by the API server, with words that say what to write."""

import pytest

from modelmonitor_testbed.kubectl import Kubectl
from modelmonitor_testbed.process import CommandError
from tests.apiserver.test_refusals import TRITON_PODS, dry_run, monitor

LATENCY = {"name": "fast", "type": "Latency", "target": "99.9", "threshold": "50ms"}
AVAILABLE = {"name": "up", "type": "Availability", "target": "99.9"}


def objective(**changed: object) -> dict[str, object]:
    return {"objectives": [{**LATENCY, **changed}]}


def override(**changed: object) -> dict[str, object]:
    return {"alerts": {"overrides": [{"name": "ModelMonitorGpuHot", **changed}]}}


def relabel(**step: object) -> dict[str, object]:
    return {"prometheus": {"metricRelabelings": [step]}}


def refused(kubectl: Kubectl, spec: dict[str, object]) -> str:
    with pytest.raises(CommandError) as error:
        dry_run(kubectl, monitor({"selector": TRITON_PODS, **spec}))
    return str(error.value)


@pytest.mark.parametrize("target", ["100", "0", "99,9", "-1", "1e1", "99.99999", "NaN", "", "0.0", "100.0", " 99"])
def test_a_target_that_is_no_percentage_between_is_refused(kubectl: Kubectl, target: str) -> None:
    said = refused(kubectl, objective(target=target))
    assert "spec.objectives[0].target" in said
    assert 'in quotes and with a point: write "99.9"' in said


@pytest.mark.parametrize(
    ("spec", "field", "advice"),
    [
        pytest.param(
            objective(target=99.9), "objectives[0].target", "must be of type string", id="a target as a float"
        ),
        pytest.param(
            objective(threshold="0s"), "objectives[0].threshold", "from 1ms to 1h: write for example 50ms", id="no time"
        ),
        pytest.param(
            objective(type="Availability"),
            "objectives[0]",
            "needs a threshold, for example 50ms",
            id="a threshold too many",
        ),
        pytest.param(objective(name="Fast"), "objectives[0].name", "lower-case letters", id="a name in capitals"),
        pytest.param(
            objective(type="Speed"), "objectives[0].type", 'supported values: "Availability"', id="a type of ours"
        ),
        pytest.param(objective(models=[]), "objectives[0].models", "at least 1 items", id="an objective about nothing"),
        pytest.param(
            {"objectives": [AVAILABLE, AVAILABLE]}, "objectives[1]", "Duplicate value", id="the same name twice"
        ),
        pytest.param(
            {"alerts": {"overrides": [{"name": "GpuHot"}]}},
            "alerts.overrides[0].name",
            '"ModelMonitorGpuHot"',
            id="an alert that there is not",
        ),
        pytest.param(override(**{"for": "soon"}), "overrides[0].for", "write for example 10m", id="a for that is none"),
        pytest.param(override(**{"for": "25h"}), "overrides[0].for", "up to 24h", id="a for of more than a day"),
        pytest.param(
            override(severity="page"), "overrides[0].severity", 'supported values: "critical"', id="a severity"
        ),
        pytest.param(
            override(labels={"my-team": "a"}),
            "overrides[0].labels",
            "letters, digits and underscores",
            id="a label name",
        ),
        pytest.param(
            override(labels={"__team": "a"}), "overrides[0].labels", "not with __", id="a label of Prometheus"
        ),
        pytest.param(
            {"alerts": {"labels": {"severity": "a"}}},
            "alerts.labels",
            "for severity use the override",
            id="a label of the operator",
        ),
        pytest.param(
            {"alerts": {"runbookBaseUrl": "ftp://books"}}, "alerts.runbookBaseUrl", "https?", id="runbooks by FTP"
        ),
        pytest.param(
            relabel(action="replace", regex="a"),
            "metricRelabelings[0].action",
            'supported values: "keep"',
            id="renaming",
        ),
        pytest.param(
            relabel(action="labeldrop", regex="pod"), "metricRelabelings[0]", "metrics.md", id="a label of ours"
        ),
        pytest.param(
            relabel(action="labeldrop", regex=".*"), "metricRelabelings[0]", "metrics.md", id="every label of ours"
        ),
        pytest.param(relabel(action="drop", regex="nv_.*"), "metricRelabelings[0]", "need sourceLabels", id="of what"),
        pytest.param(
            relabel(action="labeldrop", regex="("), "metricRelabelings[0].regex", "missing closing )", id="regex"
        ),
        pytest.param(
            {"prometheus": {"interval": "10s", "scrapeTimeout": "20s"}},
            "spec.prometheus",
            "may not be longer than prometheus.interval",
            id="a deadline after the next scrape",
        ),
        pytest.param({"prometheus": {"interval": "1s"}}, "prometheus.interval", "from 5s to 5m", id="too often"),
        pytest.param(
            {"prometheus": {"labels": {"app.kubernetes.io/name": "a"}}},
            "prometheus.labels",
            "the operator's own",
            id="a label that finds our objects",
        ),
        pytest.param(
            {"prometheus": {"labels": {"bad name": "a"}}}, "prometheus.labels", "Kubernetes label", id="a space"
        ),
        pytest.param({"prometheus": {"sampleLimit": 5}}, "prometheus.sampleLimit", "equal to 100", id="no room"),
        pytest.param(
            {"dashboards": {"configMap": "Yes"}}, "dashboards.configMap", 'supported values: "Auto"', id="a mode"
        ),
        *(
            pytest.param({"dashboards": {"folder": folder}}, "dashboards.folder", "begins with no slash", id=folder)
            for folder in ("/etc/grafana", "../../etc", "a/..", "./a", "a//b", "a/", "a\\b", "a\nb", "\t")
        ),
    ],
)
def test_what_cannot_work_is_refused_with_advice(
    kubectl: Kubectl, spec: dict[str, object], field: str, advice: str
) -> None:
    said = refused(kubectl, spec)
    assert field in said
    assert advice in said


def test_what_the_words_advise_is_accepted(kubectl: Kubectl) -> None:
    good = {
        "objectives": [LATENCY, AVAILABLE, {**AVAILABLE, "name": "low", "target": "0.5"}],
        "alerts": {
            "labels": {"team": "fraud"},
            "runbookBaseUrl": "https://books.example.com/a",
            "overrides": [
                {"name": "ModelMonitorGpuHot", "for": "10m", "severity": "critical", "labels": {"page": "yes"}}
            ],
        },
        "prometheus": {
            "labels": {"release": "kps", "example.com/team": "a"},
            "metricRelabelings": [
                {"action": "drop", "sourceLabels": ["__name__"], "regex": "nv_cpu_.*"},
                {"action": "labeldrop", "regex": "_tag"},
            ],
        },
        "dashboards": {"folder": "Équipe 1/Fraud & co. ..."},
    }
    dry_run(kubectl, monitor({"selector": TRITON_PODS, **good}))
