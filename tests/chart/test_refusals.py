"""Values that cannot work are refused with what to write instead; a parent chart can pass its own."""

import re
from pathlib import Path

import pytest

from tests.chart.rendering import CHART, Chart, Manifest, RefusedError

GUARDS: dict[str, tuple[Manifest, str]] = {
    "a budget with one replica": ({"podDisruptionBudget": {"enabled": True}}, "set replicas to 2 or more"),
    "no ServiceAccount for the operator": ({"serviceAccount": {"create": False}}, "in serviceAccount.name"),
    "no ServiceAccount for the sidecar": (
        {"sidecar": {"serviceAccount": {"create": False}}},
        "in sidecar.serviceAccount.name",
    ),
    "one ServiceAccount for both": (
        {"serviceAccount": {"name": "one"}, "sidecar": {"serviceAccount": {"name": "one"}}},
        "give them different names",
    ),
    "a runtime class without a name": (
        {"sidecar": {"gpuAccess": {"runtimeClassName": ""}}},
        "set sidecar.gpuAccess.runtimeClassName",
    ),
    "alerts about metrics that nobody scrapes": (
        {"metrics": {"serviceMonitor": {"enabled": False}, "prometheusRule": {"enabled": True}}},
        "set metrics.serviceMonitor.enabled to true or auto",
    ),
    "an alert that there is none of": (
        {"metrics": {"serviceMonitor": {"enabled": True}, "prometheusRule": {"enabled": True, "disabled": ["None"]}}},
        "no alert is called None; there are ModelMonitor",
    ),
    "readers who are everybody": (
        {"networkPolicy": {"enabled": True, "metricsFrom": []}},
        "name who may read metrics pages",
    ),
    "locked prices and nobody else who says one": (
        {"watchNamespaces": ["a"], "cost": {"lockPrices": True}},
        "name a price table in cost.priceTable, or set cost.readNodes to true",
    ),
    "a setting that is a value": (
        {"settings": {"logLevel": "DEBUG"}},
        "settings.logLevel: the chart has a value of its own for it",
    ),
}
"""Values for each `fail` of the templates, with the advice that they are refused with."""


@pytest.mark.parametrize(("values", "advice"), GUARDS.values(), ids=GUARDS)
def test_values_that_cannot_work_together_are_refused_with_advice(chart: Chart, values: Manifest, advice: str) -> None:
    with pytest.raises(RefusedError, match=re.escape(advice)):
        chart.render(values)


def test_every_guard_of_the_templates_is_met_by_one_of_these_values(chart: Chart) -> None:
    text = "\n".join(path.read_text() for path in (CHART / "templates").rglob("*") if path.is_file())
    guards = re.findall(r'\bfail \(?(?:printf )?"([^"]+)"', text)
    assert len(guards) == len(re.findall(r"\{\{-? *fail\b", text))
    refusals = [refusal(chart, values) for values, _ in GUARDS.values()]
    patterns = [".*".join(map(re.escape, guard.split("%s"))) for guard in guards]
    assert [pattern for pattern in patterns if not any(re.search(pattern, each) for each in refusals)] == []


def refusal(chart: Chart, values: Manifest) -> str:
    """What Helm says to the values."""
    with pytest.raises(RefusedError) as refused:
        chart.render(values)
    return str(refused.value)


@pytest.mark.parametrize(
    ("values", "named"),
    [
        pytest.param({"replica": 2}, "replica", id="a misspelt value"),
        pytest.param({"sidecar": {"gpuAcces": {}}}, "gpuAcces", id="a misspelt value inside"),
        pytest.param({"sidecar": {"gpuAccess": {"preset": "magic"}}}, "runtimeClass", id="an unknown preset"),
        pytest.param({"replicas": "two"}, "replicas", id="a number in words"),
        pytest.param({"watchNamespaces": ["a", "a"]}, "watchNamespaces", id="a namespace twice"),
        pytest.param({"image": {"digest": "latest"}}, "digest", id="a digest that is none"),
    ],
)
def test_values_of_another_shape_are_refused_by_the_schema(chart: Chart, values: Manifest, named: str) -> None:
    with pytest.raises(RefusedError, match=named):
        chart.render(values)


def test_a_parent_chart_can_switch_the_chart_on_and_pass_its_globals(chart: Chart, tmp_path: Path) -> None:
    parent = tmp_path / "parent"
    (parent / "charts").mkdir(parents=True)
    (parent / "charts" / "modelmonitor").symlink_to(CHART)
    (parent / "Chart.yaml").write_text(
        "apiVersion: v2\nname: parent\nversion: 0.1.0\n"
        "dependencies: [{name: modelmonitor, version: 0.1.0, condition: modelmonitor.enabled}]\n"
    )
    values = {"global": {"imageRegistry": "mirror", "ofTheParent": 1}, "modelmonitor": {"enabled": True}}
    rendered = chart.render(values, release="whole", chart=parent)
    assert "image: mirror/modelmonitor-operator:0.1.0" in rendered.text
    off = chart.render({"modelmonitor": {"enabled": False}}, release="whole", chart=parent)
    assert off.objects == ()


@pytest.mark.parametrize(
    "values",
    [
        pytest.param({"podDisruptionBudget": {"enabled": True}, "replicas": 2}, id="a budget with two replicas"),
        pytest.param(
            {"serviceAccount": {"name": "one"}, "sidecar": {"namespace": "other", "serviceAccount": {"name": "one"}}},
            id="one name for ServiceAccounts of two namespaces",
        ),
        pytest.param({"cost": {"lockPrices": True}}, id="locked prices where nodes are read"),
        pytest.param(
            {"watchNamespaces": ["a"], "cost": {"lockPrices": True, "priceTable": "x"}}, id="and with a table"
        ),
        pytest.param({"watchNamespaces": ["a"], "cost": {"lockPrices": True, "readNodes": True}}, id="and by a role"),
        pytest.param({"cost": {"enabled": False, "lockPrices": True}, "watchNamespaces": ["a"]}, id="and no cost"),
        pytest.param({"sidecar": {"gpuAccess": {"preset": "none", "runtimeClassName": ""}}}, id="no runtime class"),
        pytest.param({"networkPolicy": {"metricsFrom": []}}, id="no policies and nobody named"),
    ],
)
def test_what_is_nearly_refused_and_works_is_accepted(chart: Chart, values: Manifest) -> None:
    assert chart.render(values).all("Deployment")
