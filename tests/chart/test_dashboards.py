"""The chart's own dashboards, and what the operator learns about dashboards."""

import json

import pytest

from tests.chart.rendering import CHART, Chart, Manifest

NAMES = [f"modelmonitor-dashboard-{name}" for name in ("cost", "fleet", "gpu", "operator")]


def dashboards(chart: Chart, values: Manifest) -> list[Manifest]:
    found = chart.render({"dashboards": values}).all("ConfigMap")
    return [each for each in found if "-dashboard-" in each["metadata"]["name"]]


def test_each_dashboard_of_the_chart_is_a_config_map_that_grafanas_sidecar_finds(chart: Chart) -> None:
    found = dashboards(chart, {})
    assert [each["metadata"]["name"] for each in found] == NAMES
    for each in found:
        assert each["metadata"]["namespace"] == "system"
        assert each["metadata"]["labels"]["grafana_dashboard"] == "1"
        assert each["metadata"]["annotations"] == {"grafana_folder": "ModelMonitor"}


def test_the_dashboards_arrive_as_they_are_committed(chart: Chart) -> None:
    for each in dashboards(chart, {}):
        ((name, text),) = each["data"].items()
        assert text == (CHART / "dashboards" / name).read_text()
        assert json.loads(text)["uid"] == name.removesuffix(".json")


def test_label_value_annotation_folder_and_namespace_are_the_installations(chart: Chart) -> None:
    values = {
        "label": "my/dash",
        "labelValue": "yes",
        "folderAnnotation": "my-folder",
        "folder": "GPU: all",
        "namespace": "grafana",
    }
    for each in dashboards(chart, values):
        assert each["metadata"]["namespace"] == "grafana"
        assert each["metadata"]["labels"]["my/dash"] == "yes"
        assert each["metadata"]["annotations"] == {"my-folder": "GPU: all"}


@pytest.mark.parametrize(
    "values",
    [
        pytest.param({"folder": ""}, id="no folder"),
        pytest.param({"folderAnnotation": ""}, id="no annotation for folders"),
    ],
)
def test_no_annotation_is_written_where_none_is_wanted(chart: Chart, values: Manifest) -> None:
    found = dashboards(chart, values)
    assert len(found) == len(NAMES)
    assert all("annotations" not in each["metadata"] for each in found)


def test_dashboards_that_are_switched_off_are_not_there_and_the_operator_makes_none(chart: Chart) -> None:
    assert dashboards(chart, {"enabled": False}) == []
    assert chart.render({"dashboards": {"enabled": False}}).settings().dashboards.enabled is False


def test_the_operator_brings_dashboards_the_same_way_as_the_chart(chart: Chart) -> None:
    values = {"label": "l", "labelValue": "v", "folderAnnotation": "a", "folder": "f", "namespace": "n"}
    chosen = {"instanceSelector": {"matchLabels": {"team": "ml", "dashboards": "x"}}}
    told = chart.render({"dashboards": {**values, **chosen}}).settings().dashboards
    assert (told.label, told.label_value, told.folder_annotation) == ("l", "v", "a")
    assert (told.folder, told.namespace, told.instance_selector) == ("f", "n", chosen["instanceSelector"])
