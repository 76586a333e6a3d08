"""kind's cluster and ours are one thing to the product: labels, settings of the kubelet, images."""

from pathlib import Path
from typing import Any

import yaml

from modelmonitor_testbed.images import product_images
from modelmonitor_testbed.installation import CHART_VALUES
from modelmonitor_testbed.node import configuration

ROOT = Path(__file__).parents[2]
CONFIG = yaml.safe_load((ROOT / "kind-config.yaml").read_text())
MANIFESTS = ROOT / "testbed" / "manifests"


def documents(path: Path) -> list[dict[str, Any]]:
    return [each for each in yaml.safe_load_all(path.read_text()) if each]


def test_there_are_two_nodes_with_the_label_of_our_own_node() -> None:
    key, _, value = configuration.GPU_LABEL.partition("=")
    assert [node["labels"] for node in CONFIG["nodes"]] == [{key: value}] * 2


def test_pods_run_on_both_the_control_planes_taint_is_taken_away() -> None:
    (patch,) = CONFIG["nodes"][0]["kubeadmConfigPatches"]
    assert yaml.safe_load(patch)["nodeRegistration"]["taints"] == []


def test_the_label_is_one_that_the_sidecars_and_the_simulator_select_by() -> None:
    key, _, value = configuration.GPU_LABEL.partition("=")
    values = yaml.safe_load((ROOT / "charts" / "modelmonitor" / "values.yaml").read_text())
    terms = values["sidecar"]["affinity"]["nodeAffinity"]["requiredDuringSchedulingIgnoredDuringExecution"]
    wanted = {"key": key, "operator": "In", "values": [value]}
    assert wanted in [expression for term in terms["nodeSelectorTerms"] for expression in term["matchExpressions"]]
    (simulator,) = [each for each in documents(MANIFESTS / "gpu-simulator.yaml") if each["kind"] == "DaemonSet"]
    assert simulator["spec"]["template"]["spec"]["nodeSelector"] == {key: value}


def test_the_kubelet_has_the_settings_of_our_own_node() -> None:
    (patch,) = CONFIG["kubeadmConfigPatches"]
    given = yaml.safe_load(patch)
    ours = Path(str(configuration.__file__)).read_text()
    for name in ("syncFrequency", "imageGCHighThresholdPercent"):
        assert f'"{name}": {given[name]!r}'.replace("'", '"') in ours


def test_the_images_that_are_loaded_are_those_that_chart_and_manifests_name() -> None:
    loaded = {recipe.tag for recipe in product_images().values()}
    for part in ("", "sidecar."):
        registry, repository, tag = (CHART_VALUES[f"{part}image.{each}"] for each in ("registry", "repository", "tag"))
        assert f"{registry}/{repository}:{tag}" in loaded
    named = {
        word.strip('",')
        for path in (MANIFESTS / "gpu-simulator.yaml", MANIFESTS / "demo-triton.yaml")
        for word in path.read_text().split()
        if word.startswith("localhost/")
    }
    assert named
    assert named <= loaded
