"""The chart takes the values of the examples, and those for Argo CD and Flux say what upgrades need."""

from pathlib import Path

import yaml

from tests.chart.rendering import CHART, Chart, Manifest

ROOT = Path(__file__).parents[2]
EXAMPLES = ROOT / "examples" / "prometheus"
GITOPS = ROOT / "examples" / "gitops"


def documents(path: Path) -> dict[str, Manifest]:
    """The objects of a file, by name; of the same name the last."""
    return {each["metadata"]["name"]: each for each in yaml.safe_load_all(path.read_text()) if each}


def test_the_values_for_kube_prometheus_stack_label_what_every_monitor_owns(chart: Chart) -> None:
    values = yaml.safe_load((EXAMPLES / "kube-prometheus-stack-values.yaml").read_text())
    settings = chart.render(values).settings()
    assert settings.monitoring.labels == {"release": "kube-prometheus-stack"}
    assert settings.dashboards.enabled


def test_the_argo_cd_application_gives_values_that_the_chart_takes_and_applies_server_side(chart: Chart) -> None:
    application = documents(GITOPS / "argocd" / "application.yaml")["modelmonitor"]
    source, sync = application["spec"]["source"], application["spec"]["syncPolicy"]
    assert ROOT / source["path"] == CHART
    rendered = chart.render(source["helm"]["valuesObject"], release=source["helm"]["releaseName"])
    assert len(rendered.all("CustomResourceDefinition")) == 2
    assert {"ServerSideApply=true", "CreateNamespace=true"} <= set(sync["syncOptions"])
    levels = sync["managedNamespaceMetadata"]["labels"]
    assert levels["pod-security.kubernetes.io/enforce"] == "privileged"
    assert source["helm"]["releaseName"] == application["metadata"]["name"]
    assert "ignoreDifferences" not in application["spec"]


def test_the_helm_releases_for_flux_bring_the_definitions_first_once_and_at_each_upgrade(chart: Chart) -> None:
    releases = documents(GITOPS / "flux" / "helmrelease.yaml")
    definitions, operator = releases["modelmonitor-crds"]["spec"], releases["modelmonitor"]["spec"]
    assert operator["dependsOn"] == [{"name": "modelmonitor-crds"}]
    for release in (definitions, operator):
        assert (release["install"]["crds"], release["upgrade"]["crds"]) == ("CreateReplace", "CreateReplace")
    brought = chart.render(definitions.get("values"), chart=ROOT / definitions["chart"]["spec"]["chart"])
    assert len(brought.all("CustomResourceDefinition")) == 2
    rendered = chart.render(operator["values"], chart=ROOT / operator["chart"]["spec"]["chart"])
    assert rendered.all("CustomResourceDefinition") == []
    assert rendered.all("Deployment")
