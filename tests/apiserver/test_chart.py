"""The chart on a real API server: accepted, upgraded, taken away; pod security and rights as the server says."""

import json
from collections.abc import Iterator
from typing import Any

import pytest

from modelmonitor_testbed.controlplane import running_control_plane
from modelmonitor_testbed.helm import Helm
from modelmonitor_testbed.kubectl import Kubectl, render_list, wait_until
from modelmonitor_testbed.process import CommandError
from modelmonitor_testbed.prometheus.operator import install_crds
from modelmonitor_testbed.tools import HELM, tool
from tests.chart.rendering import CHART, CRD_CHART, Chart, Manifest, Rendered

NAMESPACE = "restricted-system"
OPERATOR = f"system:serviceaccount:{NAMESPACE}:modelmonitor-operator"
SIDECAR = f"system:serviceaccount:{NAMESPACE}:modelmonitor-sidecar"


@pytest.fixture(scope="module")
def administrator() -> Iterator[Kubectl]:
    """A control plane of its own, with a namespace of pod-security level restricted and the chart in it."""
    with running_control_plane() as control_plane:
        kubectl = Kubectl(control_plane.kubeconfig)
        kubectl.run("create", "namespace", NAMESPACE)
        kubectl.run("create", "namespace", "team-a")
        kubectl.run("label", "namespace", NAMESPACE, "pod-security.kubernetes.io/enforce=restricted")
        Helm(control_plane.kubeconfig).run("install", "modelmonitor", CHART, "--namespace", NAMESPACE)
        yield kubectl


def test_the_operator_is_admitted_where_pod_security_is_restricted(administrator: Kubectl) -> None:
    pods = wait_until(lambda: administrator.get("pods", namespace=NAMESPACE)["items"], 30, "the operator's pod is made")
    assert pods[0]["metadata"]["name"].startswith("modelmonitor-operator-")


def accounts_first(rendered: Rendered) -> tuple[list[Manifest], list[Manifest]]:
    """Service accounts, which pods need even in a dry run, and the rest."""
    accounts = [each for each in rendered.objects if each["kind"] == "ServiceAccount"]
    return accounts, [each for each in rendered.objects if each["kind"] != "ServiceAccount"]


def pods_of(rendered: Rendered) -> list[Manifest]:
    """The pods that the chart asks for, those of its Deployments as pods: only a pod meets pod-security admission."""
    deployments = rendered.all("Deployment")
    made = [
        {
            "apiVersion": "v1",
            "kind": "Pod",
            "metadata": {**each["spec"]["template"]["metadata"], **place(each)},
            "spec": each["spec"]["template"]["spec"],
        }
        for each in deployments
    ]
    return [*made, *rendered.all("Pod")]


def place(manifest: Manifest) -> dict[str, str]:
    return {"name": manifest["metadata"]["name"], "namespace": manifest["metadata"]["namespace"]}


ON = {"serviceMonitor": {"enabled": True, "labels": {"release": "kps"}}, "prometheusRule": {"enabled": True}}
VARIANTS: list[Any] = [
    pytest.param({}, id="as it comes"),
    pytest.param({"metrics": ON, "networkPolicy": {"enabled": True}}, id="scraped, alerted on and fenced in"),
    pytest.param(
        {"networkPolicy": {"enabled": True, "apiServer": {"cidrs": ["10.0.0.1/32", "fd00::/64"]}}},
        id="fenced in by addresses",
    ),
    pytest.param({"watchNamespaces": ["team-a"], "metrics": ON}, id="of one team"),
    pytest.param({"sidecar": {"namespace": "gpu"}, "metrics": ON, "networkPolicy": {"enabled": True}}, id="apart"),
    pytest.param(
        {
            "replicas": 2,
            "podDisruptionBudget": {"enabled": True, "minAvailable": "50%"},
            "updateStrategy": {"type": "RollingUpdate", "rollingUpdate": {"maxSurge": 1, "maxUnavailable": 0}},
            "topologySpreadConstraints": [
                {
                    "maxSkew": 1,
                    "topologyKey": "kubernetes.io/hostname",
                    "whenUnsatisfiable": "ScheduleAnyway",
                    "labelSelector": {"matchLabels": {"app.kubernetes.io/component": "operator"}},
                }
            ],
            "podLabels": {"team": "platform"},
            "commonLabels": {"cost-centre": "42"},
            "imagePullSecrets": ["registry"],
            "extraEnv": [{"name": "A", "value": "b"}],
            "extraVolumes": [{"name": "v", "emptyDir": {}}],
            "extraVolumeMounts": [{"name": "v", "mountPath": "/v"}],
            "extraObjects": [
                {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "more", "namespace": NAMESPACE}}
            ],
        },
        id="highly available, with every knob",
    ),
    pytest.param({"rbac": {"create": False}, "crds": {"install": False}, "helmTest": {"enabled": False}}, id="bare"),
]


@pytest.fixture(scope="module")
def renderer(tmp_path_factory: pytest.TempPathFactory, administrator: Kubectl) -> Chart:
    """Helm's renderer; the cluster serves the optional kinds."""
    install_crds(administrator, "servicemonitors", "prometheusrules")
    administrator.run("create", "namespace", "gpu")
    return Chart(tool(HELM, "helm"), tmp_path_factory.mktemp("renders"))


@pytest.mark.parametrize("values", VARIANTS)
def test_the_api_server_takes_every_object_of_every_variant(
    administrator: Kubectl, renderer: Chart, values: Manifest
) -> None:
    rendered = renderer.render({"namespaceOverride": NAMESPACE, **values}, release="variant")
    accounts, rest = accounts_first(rendered)
    administrator.apply(*accounts)
    how = ["apply", "--server-side", "--force-conflicts", "--validate=strict", "--dry-run=server", "-f", "-"]
    said = administrator.run(*how, input_text=render_list(rest))
    assert said.count("serverside-applied") == len(rest)


@pytest.mark.parametrize("values", VARIANTS)
def test_every_pod_of_the_chart_is_admitted_where_pod_security_is_restricted(
    administrator: Kubectl, renderer: Chart, values: Manifest
) -> None:
    rendered = renderer.render({"namespaceOverride": NAMESPACE, **values}, release="variant")
    administrator.apply(*accounts_first(rendered)[0])
    pods = pods_of(rendered)
    assert pods
    for pod in pods:
        pod["metadata"]["namespace"] = NAMESPACE
        pod["spec"].pop("serviceAccountName")
        administrator.run("create", "--dry-run=server", "-f", "-", input_text=json.dumps(pod))


def test_a_pod_that_is_not_restricted_would_be_refused_there(administrator: Kubectl, renderer: Chart) -> None:
    pod = pods_of(renderer.render({"namespaceOverride": NAMESPACE, "securityContext": {"runAsUser": 0}}))[0]
    pod["spec"].pop("serviceAccountName")
    with pytest.raises(CommandError, match="violates PodSecurity"):
        administrator.run("create", "--dry-run=server", "-f", "-", input_text=json.dumps(pod))


def test_the_crds_can_be_handed_over_to_the_chart_of_their_own(administrator: Kubectl, renderer: Chart) -> None:
    rendered = renderer.render(release="crds", chart=CRD_CHART)
    how = ["apply", "--server-side", "--force-conflicts", "--validate=strict", "--dry-run=server", "-f", "-"]
    assert administrator.run(*how, input_text=render_list(rendered.objects)).count("serverside-applied") == 2


def may(administrator: Kubectl, account: str, verb: str, resource: str, namespace: str) -> bool:
    try:
        where = ["--namespace", namespace] if namespace else ["--all-namespaces"]
        return administrator.run("auth", "can-i", verb, resource, "--as", account, *where).strip() == "yes"
    except CommandError:
        return False


@pytest.mark.parametrize(
    ("account", "verb", "resource", "namespace", "granted"),
    [
        pytest.param(OPERATOR, "watch", "modelmonitors.modelmonitor.dev", "team-a", True, id="it watches monitors"),
        pytest.param(OPERATOR, "list", "pods", "team-a", True, id="it lists pods"),
        pytest.param(OPERATOR, "create", "nodeplans.modelmonitor.dev", NAMESPACE, True, id="it writes plans"),
        pytest.param(OPERATOR, "watch", "secrets/modelmonitor-sidecar-key", NAMESPACE, True, id="it reads its key"),
        pytest.param(OPERATOR, "watch", "secrets/another", NAMESPACE, False, id="it reads no other Secret"),
        pytest.param(OPERATOR, "list", "secrets", "team-a", False, id="it reads no Secret of a team"),
        pytest.param(OPERATOR, "update", "modelmonitors.modelmonitor.dev", "team-a", False, id="it edits no monitor"),
        pytest.param(OPERATOR, "delete", "pods", "team-a", False, id="it deletes no pod"),
        pytest.param(
            OPERATOR, "create", "daemonsets.apps", "team-a", False, id="it puts nothing in a team's namespace"
        ),
        pytest.param(SIDECAR, "watch", "nodeplans.modelmonitor.dev", NAMESPACE, True, id="a sidecar reads plans"),
        pytest.param(SIDECAR, "list", "pods", NAMESPACE, False, id="a sidecar lists no pods"),
        pytest.param(SIDECAR, "get", "secrets", NAMESPACE, False, id="a sidecar reads no Secret"),
        pytest.param(SIDECAR, "list", "nodeplans.modelmonitor.dev", "team-a", False, id="a sidecar stays at home"),
    ],
)
def test_the_server_grants_what_the_docs_say(
    administrator: Kubectl, account: str, verb: str, resource: str, namespace: str, *, granted: bool
) -> None:
    assert may(administrator, account, verb, resource, namespace) is granted


def test_an_upgrade_changes_what_its_values_change_and_an_uninstall_keeps_the_monitors(administrator: Kubectl) -> None:
    helm = Helm(administrator.kubeconfig)
    administrator.run("apply", "-f", CHART.parents[1] / "examples" / "demo")
    helm.run("upgrade", "modelmonitor", CHART, "--namespace", NAMESPACE, "--set", "logLevel=DEBUG,replicas=2")
    settings = administrator.get("configmap", "modelmonitor-operator-settings", NAMESPACE)["data"]["settings.json"]
    assert json.loads(settings)["logLevel"] == "DEBUG"
    assert administrator.get("deployment", "modelmonitor-operator", NAMESPACE)["spec"]["replicas"] == 2
    helm.uninstall("modelmonitor", NAMESPACE)
    assert administrator.find("deployment", "modelmonitor-operator", NAMESPACE) is None
    assert administrator.find("configmap", "modelmonitor-anchor", NAMESPACE) is None
    assert administrator.find("modelmonitor", "fraud", "team-a") is not None


def test_watching_fewer_namespaces_asks_for_no_right_beyond_them(administrator: Kubectl) -> None:
    helm = Helm(administrator.kubeconfig)
    helm.run("install", "modelmonitor", CHART, "--namespace", NAMESPACE, "--set", "watchNamespaces={team-a}")
    try:
        assert may(administrator, OPERATOR, "watch", "modelmonitors.modelmonitor.dev", "team-a")
        assert not may(administrator, OPERATOR, "watch", "modelmonitors.modelmonitor.dev", "default")
        assert not may(administrator, OPERATOR, "list", "pods", "")
    finally:
        helm.uninstall("modelmonitor", NAMESPACE)
