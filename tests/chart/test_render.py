"""What the chart installs, by values."""

import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from modelmonitor_api.spec import ModelMonitorSpec
from modelmonitor_operator.settings import GpuAccessPreset
from tests.chart.rendering import CHART, CRD_CHART, Chart, Manifest

LONG = "a-release-name-that-is-as-long-as-helm-allows-names"


EVERYTHING: Manifest = {
    "replicas": 2,
    "watchNamespaces": ["team-b", "team-a"],
    "commonLabels": {"b": "1", "a": "2"},
    "podDisruptionBudget": {"enabled": True},
    "networkPolicy": {"enabled": True},
    "metrics": {"serviceMonitor": {"enabled": True}, "prometheusRule": {"enabled": True}},
    "sidecar": {"namespace": "gpu", "gpuAccess": {"preset": "dra"}, "podLabels": {"z": "1", "y": "2"}},
}


@pytest.mark.parametrize(
    ("values", "folder"),
    [
        pytest.param({}, CHART, id="as it comes"),
        pytest.param(EVERYTHING, CHART, id="with every object"),
        pytest.param({}, CRD_CHART, id="the chart of the definitions"),
    ],
)
def test_two_renders_are_equal_byte_for_byte(chart: Chart, values: Manifest, folder: Path) -> None:
    first = chart.render(values, chart=folder).text
    assert first == chart.render(values, chart=folder).text
    assert len(first) > 10_000


@pytest.mark.parametrize("folder", [CHART, CRD_CHART], ids=lambda folder: folder.name)
def test_no_template_asks_the_cluster_or_makes_up_a_secret(folder: Path) -> None:
    text = "".join(path.read_text() for path in (folder / "templates").rglob("*") if path.is_file())
    assert text
    assert re.findall(r"\b(lookup|gen[A-Z]\w+|rand[A-Z]\w+|now|uuidv4)\b", re.sub(r"description: .*", "", text)) == []


def test_a_long_release_name_gives_names_of_at_most_63_characters(chart: Chart) -> None:
    rendered = chart.render(release=LONG)
    settings = rendered.settings()
    names = [each["metadata"]["name"] for each in rendered.objects]
    names += [settings.sidecar_name, settings.key_secret_name, settings.anchor_name, settings.lease.name]
    assert max(len(name) for name in names) <= 63
    assert all(len(value) <= 63 for each in rendered.objects for value in each["metadata"].get("labels", {}).values())


@pytest.mark.parametrize(
    ("values", "prefix"),
    [
        pytest.param({"nameOverride": "mm"}, "mine-mm", id="the chart's part of the names"),
        pytest.param({"fullnameOverride": "watch"}, "watch", id="the whole first part"),
    ],
)
def test_names_begin_with_what_the_values_say(chart: Chart, values: Manifest, prefix: str) -> None:
    rendered = chart.render(values, release="mine")
    names = [each["metadata"]["name"] for each in rendered.objects if each["kind"] != "CustomResourceDefinition"]
    assert [name for name in names if not name.startswith(f"{prefix}-")] == []
    assert rendered.settings().sidecar_name == f"{prefix}-sidecar"


def test_every_object_of_a_namespace_goes_to_the_one_that_the_values_say(chart: Chart) -> None:
    rendered = chart.render({"namespaceOverride": "elsewhere"})
    placed = {each["metadata"]["namespace"] for each in rendered.objects if "namespace" in each["metadata"]}
    assert placed == {"elsewhere"}
    subjects = [subject for each in rendered.objects for subject in each.get("subjects", ())]
    assert {subject["namespace"] for subject in subjects} == {"elsewhere"}
    assert (rendered.settings().namespace, rendered.settings().sidecar_namespace) == ("elsewhere", "elsewhere")


def test_every_object_carries_the_common_labels_and_those_of_the_release(chart: Chart) -> None:
    for each in chart.render({"commonLabels": {"team": "ml"}}).objects:
        labels = each["metadata"]["labels"]
        assert labels["team"] == "ml"
        assert labels["app.kubernetes.io/instance"] == "modelmonitor"


def test_the_settings_name_what_the_chart_installs(chart: Chart) -> None:
    rendered = chart.render({"sidecar": {"namespace": "gpu-agents"}, "logLevel": "DEBUG"}, release="mine")
    settings = rendered.settings()
    assert (settings.namespace, settings.sidecar_namespace) == ("system", "gpu-agents")
    rendered.one("ConfigMap", settings.anchor_name, "system")
    rendered.one("ConfigMap", settings.anchor_name, "gpu-agents")
    rendered.one("ServiceAccount", settings.sidecar.service_account_name, "gpu-agents")
    assert settings.log_level == "DEBUG"
    assert settings.sidecar.affinity["nodeAffinity"]


def test_a_changed_setting_restarts_the_operator(chart: Chart) -> None:
    def checksum(values: Manifest) -> str:
        deployment = chart.render(values).one("Deployment", "modelmonitor-operator")
        return str(deployment["spec"]["template"]["metadata"]["annotations"]["checksum/settings"])

    assert checksum({}) == checksum({"replicas": 2})
    assert checksum({}) != checksum({"settings": {"cycleSeconds": 5}})


def test_settings_beyond_the_values_reach_the_operator(chart: Chart) -> None:
    settings = chart.render({"settings": {"cycleSeconds": 5, "lease": {"durationSeconds": 30}}}).settings()
    assert (settings.cycle_seconds, settings.lease.duration_seconds) == (5, 30)
    assert settings.lease.name == "modelmonitor-operator"


@pytest.mark.parametrize("preset", list(GpuAccessPreset))
def test_every_preset_of_gpu_access_can_be_chosen(chart: Chart, preset: GpuAccessPreset) -> None:
    settings = chart.render({"sidecar": {"gpuAccess": {"preset": preset.value}}}).settings()
    assert settings.sidecar.gpu_access.preset is preset


def test_the_crds_can_be_left_out_and_are_kept_by_default(chart: Chart) -> None:
    kept = chart.render().all("CustomResourceDefinition")
    assert [each["metadata"]["annotations"] for each in kept] == [{"helm.sh/resource-policy": "keep"}] * 2
    assert "annotations" not in chart.render({"crds": {"keep": False}}).all("CustomResourceDefinition")[0]["metadata"]
    assert chart.render({"crds": {"install": False}}).all("CustomResourceDefinition") == []


def test_the_crds_of_the_chart_are_those_of_the_folder(chart: Chart) -> None:
    for each in chart.render().all("CustomResourceDefinition"):
        file = CHART.parents[1] / "crds" / f"modelmonitor.dev_{each['spec']['names']['plural']}.yaml"
        assert each["spec"] == yaml.safe_load(file.read_text())["spec"]


def test_the_chart_of_the_crds_alone_brings_the_same_and_nothing_else(chart: Chart) -> None:
    whole = {e["metadata"]["name"]: e["spec"] for e in chart.render().all("CustomResourceDefinition")}
    alone = chart.render({"commonLabels": {"team": "ml"}}, release="crds", chart=CRD_CHART).objects
    assert {each["kind"] for each in alone} == {"CustomResourceDefinition"}
    assert {each["metadata"]["name"]: each["spec"] for each in alone} == whole
    assert {each["metadata"]["annotations"]["helm.sh/resource-policy"] for each in alone} == {"keep"}
    assert {each["metadata"]["labels"]["team"] for each in alone} == {"ml"}
    assert "annotations" not in chart.render({"keep": False}, chart=CRD_CHART).objects[0]["metadata"]


def test_both_charts_are_of_one_version() -> None:
    versions = [yaml.safe_load((folder / "Chart.yaml").read_text()) for folder in (CHART, CRD_CHART)]
    assert versions[0]["version"] == versions[1]["version"]
    assert versions[0]["appVersion"] == versions[1]["appVersion"]


def test_what_a_catalogue_shows_of_the_crds_is_what_the_chart_brings(chart: Chart) -> None:
    annotations = yaml.safe_load((CHART / "Chart.yaml").read_text())["annotations"]
    shown = {(each["name"], each["kind"]) for each in yaml.safe_load(annotations["artifacthub.io/crds"])}
    crds = chart.render().all("CustomResourceDefinition")
    assert shown == {(each["metadata"]["name"], each["spec"]["names"]["kind"]) for each in crds}
    (example,) = yaml.safe_load(annotations["artifacthub.io/crdsExamples"])
    parse_spec = ModelMonitorSpec.model_validate(example["spec"])
    assert parse_spec.selector.match_labels == {"app": "my-triton"}


def test_more_objects_are_installed_as_objects_and_as_templates(chart: Chart) -> None:
    text = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: '{{ .Release.Name }}-b', labels: {}}"
    objects: list[Any] = [{"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "a"}}, text]
    rendered = chart.render({"extraObjects": objects})
    rendered.one("ConfigMap", "a")
    rendered.one("ConfigMap", "modelmonitor-b")


def test_a_budget_is_made_for_two_replicas(chart: Chart) -> None:
    values = {"replicas": 2, "podDisruptionBudget": {"enabled": True}}
    assert chart.render(values).one("PodDisruptionBudget", "modelmonitor-operator")["spec"]["minAvailable"] == 1
    assert chart.render().all("PodDisruptionBudget") == []


def test_every_knob_of_the_operator_reaches_its_pod(chart: Chart) -> None:
    values: Manifest = {
        "nodeSelector": {"a": "b"},
        "tolerations": [{"operator": "Exists"}],
        "affinity": {"nodeAffinity": {}},
        "topologySpreadConstraints": [{"maxSkew": 1}],
        "priorityClassName": "high",
        "updateStrategy": {"type": "Recreate"},
        "podLabels": {"x": "y"},
        "podAnnotations": {"x": "y"},
        "extraEnv": [{"name": "A", "value": "b"}],
        "extraArgs": ["--more"],
        "extraVolumes": [{"name": "v", "emptyDir": {}}],
        "extraVolumeMounts": [{"name": "v", "mountPath": "/v"}],
    }
    deployment = chart.render(values).one("Deployment", "modelmonitor-operator")["spec"]
    assert deployment["strategy"] == {"type": "Recreate"}
    template = deployment["template"]
    pod, container = template["spec"], template["spec"]["containers"][0]
    for field in ("nodeSelector", "tolerations", "affinity", "topologySpreadConstraints", "priorityClassName"):
        assert pod[field] == values[field]
    assert template["metadata"]["labels"]["x"] == template["metadata"]["annotations"]["x"] == "y"
    assert values["extraEnv"][0] in container["env"]
    assert container["args"][-1] == "--more"
    assert values["extraVolumes"][0] in pod["volumes"]
    assert values["extraVolumeMounts"][0] in container["volumeMounts"]


def test_every_knob_of_the_sidecars_reaches_the_operators_settings(chart: Chart) -> None:
    values: Manifest = {
        "nodeSelector": {"a": "b"},
        "tolerations": [{"key": "x", "operator": "Exists"}],
        "affinity": {"nodeAffinity": {"x": "y"}},
        "priorityClassName": "system-node-critical",
        "podLabels": {"x": "y"},
        "podAnnotations": {"x": "y"},
        "resources": {"limits": {"memory": "1Gi"}},
        "updateStrategy": {"type": "OnDelete"},
        "logLevel": "DEBUG",
        "extraEnv": [{"name": "A", "value": "b"}],
        "extraVolumes": [{"name": "v", "emptyDir": {}}],
        "extraVolumeMounts": [{"name": "v", "mountPath": "/v"}],
        "podSecurityContext": {"seLinuxOptions": {"type": "spc_t"}},
        "securityContext": {"procMount": "Default"},
    }
    given = chart.render({"sidecar": values}).settings().sidecar.model_dump(mode="json", by_alias=True)
    changed = {**values, "resources": {"limits": {"memory": "1Gi"}, "requests": {"cpu": "10m", "memory": "64Mi"}}}
    for name in values.keys() - {"affinity"}:
        assert given[name] == changed[name], name
    assert given["affinity"]["nodeAffinity"]["x"] == "y"


def test_what_prometheus_needs_reaches_the_operator(chart: Chart) -> None:
    values = {"monitoring": {"labels": {"release": "stack"}}, "prometheus": {"url": "http://prometheus:9090"}}
    settings = chart.render(values).settings()
    assert settings.monitoring.labels == {"release": "stack"}
    assert settings.prometheus.url == "http://prometheus:9090"


def test_the_leader_knows_where_its_pages_are(chart: Chart) -> None:
    pod = chart.render().one("Deployment", "modelmonitor-operator")["spec"]["template"]["spec"]
    env = {each["name"]: each["valueFrom"]["fieldRef"]["fieldPath"] for each in pod["containers"][0]["env"]}
    assert (env["POD_IP"], env["NODE_NAME"]) == ("status.podIP", "spec.nodeName")
