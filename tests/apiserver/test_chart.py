"""The chart on a real API server: accepted, upgraded, taken away; pod security and rights as the server says."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from modelmonitor_testbed.controlplane import running_control_plane
from modelmonitor_testbed.helm import Helm
from modelmonitor_testbed.kubectl import Kubectl, wait_until
from modelmonitor_testbed.process import CommandError

CHART = Path(__file__).parents[2] / "charts" / "modelmonitor"
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
