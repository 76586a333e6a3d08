"""Values that cannot work are refused with what to write instead; a parent chart can pass its own."""

from pathlib import Path

import pytest

from tests.chart.rendering import CHART, Chart, Manifest, RefusedError


@pytest.mark.parametrize(
    ("values", "advice"),
    [
        pytest.param({"replica": 2}, "replica", id="a misspelt value"),
        pytest.param({"sidecar": {"gpuAcces": {}}}, "gpuAcces", id="a misspelt value inside"),
        pytest.param({"sidecar": {"gpuAccess": {"preset": "magic"}}}, "runtimeClass", id="an unknown preset"),
        pytest.param({"replicas": "two"}, "replicas", id="a number in words"),
        pytest.param({"watchNamespaces": ["a", "a"]}, "watchNamespaces", id="a namespace twice"),
        pytest.param({"image": {"digest": "latest"}}, "digest", id="a digest that is none"),
        pytest.param(
            {"podDisruptionBudget": {"enabled": True}}, "set replicas to 2 or more", id="a budget with one replica"
        ),
        pytest.param(
            {"serviceAccount": {"create": False}}, "in serviceAccount.name", id="no ServiceAccount for the operator"
        ),
        pytest.param(
            {"sidecar": {"serviceAccount": {"create": False}}},
            "in sidecar.serviceAccount.name",
            id="no ServiceAccount for the sidecar",
        ),
        pytest.param(
            {"serviceAccount": {"name": "one"}, "sidecar": {"serviceAccount": {"name": "one"}}},
            "give them different names",
            id="one ServiceAccount for both",
        ),
        pytest.param(
            {"sidecar": {"gpuAccess": {"runtimeClassName": ""}}},
            "set sidecar.gpuAccess.runtimeClassName",
            id="a runtime class without a name",
        ),
        pytest.param(
            {"settings": {"logLevel": "DEBUG"}},
            "settings.logLevel: the chart has a value of its own for it",
            id="a setting that is a value",
        ),
    ],
)
def test_values_that_cannot_work_are_refused_with_advice(chart: Chart, values: Manifest, advice: str) -> None:
    with pytest.raises(RefusedError, match=advice):
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
