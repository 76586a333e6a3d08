"""What cannot work is refused by the API server, with words that say what to write instead."""

import json
from pathlib import Path

import pytest
import yaml

from modelmonitor_testbed.kubectl import Kubectl
from modelmonitor_testbed.process import CommandError

EXAMPLES = Path(__file__).parents[2] / "examples"

TRITON_PODS = {"matchLabels": {"app": "triton"}}


def monitor(spec: dict[str, object]) -> str:
    return json.dumps(
        {
            "apiVersion": "modelmonitor.dev/v1alpha1",
            "kind": "ModelMonitor",
            "metadata": {"name": "refused", "namespace": "default"},
            "spec": spec,
        }
    )


def dry_run(kubectl: Kubectl, manifest: str) -> str:
    return kubectl.run("apply", "--dry-run=server", "-o", "yaml", "-f", "-", input_text=manifest)


@pytest.mark.parametrize(
    ("spec", "field", "advice"),
    [
        pytest.param({}, "spec.selector", "Required value", id="no selector"),
        pytest.param(
            {"selector": {}}, "spec.selector", "selector: {matchLabels: {app: my-triton}}", id="empty selector"
        ),
        pytest.param(
            {"selector": {"matchLabels": {}}}, "spec.selector", "name the labels of your Triton pods", id="empty labels"
        ),
        pytest.param(
            {"selector": {"matchExpressions": [{"key": "app", "operator": "In"}]}},
            "spec.selector",
            "In and NotIn need values",
            id="In without values",
        ),
        pytest.param(
            {"selector": {"matchExpressions": [{"key": "app", "operator": "Exists", "values": ["a"]}]}},
            "spec.selector",
            "Exists and DoesNotExist take none",
            id="Exists with values",
        ),
        pytest.param(
            {"selector": {"matchExpressions": [{"key": "app", "operator": "Like"}]}},
            "spec.selector.matchExpressions[0].operator",
            'supported values: "In", "NotIn", "Exists", "DoesNotExist"',
            id="unknown operator",
        ),
        pytest.param(
            {"triton": {"httpPort": 0}},
            "spec.triton.httpPort",
            "a port is a number from 1 to 65535 or the name of a container port",
            id="port 0",
        ),
        pytest.param(
            {"triton": {"metricsPort": 70000}}, "spec.triton.metricsPort", "from 1 to 65535", id="port beyond the last"
        ),
        pytest.param(
            {"triton": {"metricsPort": "Metrics Port"}},
            "spec.triton.metricsPort",
            "for example 8000 or http",
            id="a port name that no container can have",
        ),
        pytest.param({"interval": "1s"}, "spec.interval", "from 5s to 30s: write for example 15s", id="interval short"),
        pytest.param({"interval": "1h"}, "spec.interval", "from 5s to 30s: write for example 15s", id="interval long"),
        pytest.param({"interval": "15"}, "spec.interval", "write for example 15s", id="interval without a unit"),
        pytest.param({"interval": "soon"}, "spec.interval", "write for example 15s", id="interval that is no duration"),
        pytest.param({"interval": 15}, "spec.interval", "must be of type string", id="interval as a number"),
        pytest.param(
            {"health": {"window": "10s"}},
            "spec.health.window",
            "from 1m to 1h: write for example 5m",
            id="window short",
        ),
        pytest.param(
            {"health": {"maxFailureRatio": 0.01}},
            "spec.health.maxFailureRatio",
            "must be of type string",
            id="a ratio as a float",
        ),
        pytest.param(
            {"health": {"maxFailureRatio": "1%"}},
            "spec.health.maxFailureRatio",
            'in quotes: write for example "0.01" for one percent',
            id="a ratio as percent",
        ),
        pytest.param(
            {"health": {"maxLatency": "0s"}}, "spec.health.maxLatency", "write for example 50ms", id="latency zero"
        ),
        pytest.param(
            {"health": {"minimumRequests": 0}},
            "spec.health.minimumRequests",
            "should be greater than or equal to 1",
            id="no minimum of requests",
        ),
        pytest.param(
            {"health": {"gpu": {"maxTemperatureCelsius": 850}}},
            "spec.health.gpu.maxTemperatureCelsius",
            "should be less than or equal to 120",
            id="a temperature that no GPU survives",
        ),
        pytest.param({"intervall": "5s"}, "spec.intervall", "unknown field", id="a misspelt field"),
    ],
)
def test_a_monitor_that_cannot_work_is_refused_with_advice(
    kubectl: Kubectl, spec: dict[str, object], field: str, advice: str
) -> None:
    whole = {"selector": TRITON_PODS, **spec} if "selector" not in spec and spec else spec
    with pytest.raises(CommandError) as refused:
        dry_run(kubectl, monitor(whole))
    assert field in str(refused.value)
    assert advice in str(refused.value)


def test_a_selector_alone_is_accepted_and_every_nested_default_appears(kubectl: Kubectl) -> None:
    said = dry_run(kubectl, monitor({"selector": TRITON_PODS}))
    assert yaml.safe_load(said)["spec"] == {
        "selector": TRITON_PODS,
        "triton": {"httpPort": 8000, "metricsPort": 8002, "models": {"include": ["*"]}},
        "interval": "15s",
        "health": {
            "window": "5m",
            "minimumRequests": 20,
            "maxFailureRatio": "0.01",
            "gpu": {"maxTemperatureCelsius": 85},
        },
        "prometheus": {"serviceMonitor": "Auto", "interval": "15s", "scrapeTimeout": "5s", "sampleLimit": 20000},
        "alerts": {"prometheusRule": "Auto"},
        "dashboards": {"configMap": "Auto", "grafanaDashboard": "Disabled"},
        "suspend": False,
    }


def test_ports_can_be_named_and_durations_combined(kubectl: Kubectl) -> None:
    spec = {
        "selector": {"matchExpressions": [{"key": "app", "operator": "In", "values": ["a", "b"]}]},
        "triton": {"httpPort": "http", "metricsPort": "metrics"},
        "health": {"maxLatency": "1s500ms", "window": "1h", "maxFailureRatio": "0"},
    }
    assert yaml.safe_load(dry_run(kubectl, monitor(spec)))["spec"]["triton"]["httpPort"] == "http"


def test_the_columns_and_the_short_name_are_those_that_people_read(kubectl: Kubectl) -> None:
    kubectl.run("apply", "-f", "-", input_text=monitor({"selector": TRITON_PODS}).replace("refused", "columns"))
    status = (
        '{"status":{"conditions":[{"type":"Ready","status":"True","reason":"Watching","message":"","observedGeneration":1,'
        '"lastTransitionTime":"2026-01-01T00:00:00Z"}],"health":{"state":"Unhealthy","reason":"ModelFailing",'
        '"modelsReady":"3/4","gpusHealthy":"2/2","observedAt":"2026-01-01T00:00:00Z"}}}'
    )
    kubectl.run("patch", "mm", "columns", "--subresource=status", "--type=merge", "-p", status)
    head, row = kubectl.run("get", "mm", "columns", "-o", "wide").splitlines()
    assert head.split() == [
        "NAME",
        "READY",
        "HEALTH",
        "MODELS",
        "GPUS",
        "SPENT",
        "PROJECTED",
        "OBSERVED",
        "AGE",
        "REASON",
    ]
    assert row.split()[:5] == ["columns", "True", "Unhealthy", "3/4", "2/2"]
    assert row.split()[-1] == "ModelFailing"
    for name in ("mm", "modelmonitor", "modelmonitors"):
        assert "columns" in kubectl.run("get", name, "columns", "-o", "name")
    assert "columns" in kubectl.run("get", "model-monitoring", "-o", "name")


def test_a_status_may_say_what_this_schema_does_not_know(kubectl: Kubectl) -> None:
    kubectl.run("apply", "-f", "-", input_text=monitor({"selector": TRITON_PODS}).replace("refused", "newer"))
    status = (
        '{"status":{"conditions":[{"type":"OfTomorrow","status":"True","reason":"New",'
        '"lastTransitionTime":"2026-01-01T00:00:00Z"}]}}'
    )
    kubectl.run("patch", "mm", "newer", "--subresource=status", "--type=merge", "-p", status)
    assert "OfTomorrow" in kubectl.run("get", "mm", "newer", "-o", "jsonpath={.status.conditions[*].type}")


@pytest.mark.parametrize("example", ["minimal.yaml", "full.yaml", "demo"])
def test_the_examples_are_accepted_as_they_stand(kubectl: Kubectl, example: str) -> None:
    kubectl.run("apply", "-f", "-", input_text='{"apiVersion":"v1","kind":"Namespace","metadata":{"name":"team-a"}}')
    assert "created" in kubectl.run("apply", "--dry-run=server", "-f", EXAMPLES / example)
