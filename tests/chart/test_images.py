"""Which images the chart names, and with which credentials they are pulled."""

import pytest

from tests.chart.rendering import Chart, Manifest


@pytest.mark.parametrize(
    ("values", "image"),
    [
        pytest.param({}, "modelmonitor-operator:0.1.0", id="the tag is the version of the application"),
        pytest.param(
            {"image": {"registry": "registry.example.com", "tag": "dev"}},
            "registry.example.com/modelmonitor-operator:dev",
            id="registry and tag",
        ),
        pytest.param(
            {"global": {"imageRegistry": "mirror"}, "image": {"registry": "registry.example.com"}},
            "mirror/modelmonitor-operator:0.1.0",
            id="the registry of all charts wins",
        ),
        pytest.param(
            {"image": {"digest": "sha256:" + "0" * 64, "tag": "dev"}},
            "modelmonitor-operator@sha256:" + "0" * 64,
            id="a digest wins over a tag",
        ),
    ],
)
def test_the_image_is_named_as_the_values_say(chart: Chart, values: Manifest, image: str) -> None:
    pod = chart.render(values).one("Deployment", "modelmonitor-operator")["spec"]["template"]["spec"]
    assert pod["containers"][0]["image"] == image


@pytest.mark.parametrize(
    ("values", "image"),
    [
        pytest.param({}, "modelmonitor-sidecar:0.1.0", id="the tag is the version of the application"),
        pytest.param(
            {"global": {"imageRegistry": "mirror"}, "sidecar": {"image": {"registry": "registry.example.com"}}},
            "mirror/modelmonitor-sidecar:0.1.0",
            id="the registry of all charts wins",
        ),
        pytest.param(
            {"sidecar": {"image": {"digest": "sha256:" + "0" * 64, "tag": "dev"}}},
            "modelmonitor-sidecar@sha256:" + "0" * 64,
            id="a digest wins over a tag",
        ),
    ],
)
def test_the_sidecars_image_is_named_as_the_values_say(chart: Chart, values: Manifest, image: str) -> None:
    assert chart.render(values).settings().sidecar.image == image


def test_pull_secrets_of_all_charts_and_of_this_one_reach_both_workloads(chart: Chart) -> None:
    rendered = chart.render({"global": {"imagePullSecrets": ["a"]}, "imagePullSecrets": ["b", "a"]})
    pod = rendered.one("Deployment", "modelmonitor-operator")["spec"]["template"]["spec"]
    assert pod["imagePullSecrets"] == [{"name": "a"}, {"name": "b"}]
    assert rendered.settings().sidecar.image_pull_secrets == ("a", "b")
