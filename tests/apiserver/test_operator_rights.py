"""The operator as the chart's service account, with the chart's settings: what it is granted is what it uses."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from modelmonitor_testbed.controlplane import ControlPlane
from modelmonitor_testbed.helm import Helm
from modelmonitor_testbed.kubectl import Kubectl, wait_until
from tests.apiserver.children import WITH_GRAFANA, addresses, all_children, children, optional_crds
from tests.apiserver.installation import ROOT, Installation

Right = tuple[str, str, str]
LOOKING = {"get": "look", "list": "look", "watch": "look"}


@pytest.fixture
def installed(kubectl: Kubectl, control_plane: ControlPlane, tmp_path: Path) -> Iterator[Installation]:
    installation = Installation(kubectl, tmp_path, "rights")
    for namespace in (installation.system, installation.tenant):
        kubectl.run("create", "namespace", namespace)
    kubectl.run("delete", "modelmonitors", "--all", "--all-namespaces")
    helm = Helm(control_plane.kubeconfig)
    helm.run(
        "install", "modelmonitor", ROOT / "charts/modelmonitor", "-n", installation.system, "--set=crds.install=false"
    )
    with optional_crds(kubectl):
        yield installation
    helm.uninstall("modelmonitor", installation.system)
    installation.stop()


def write_token_kubeconfig(installed: Installation, control_plane: ControlPlane) -> Path:
    token = installed.kubectl.run("create", "token", "modelmonitor-operator", "-n", installed.system).strip()
    cluster = {
        "server": control_plane.plan.server,
        "certificate-authority": str(control_plane.plan.authority.pair.certificate),
    }
    path = installed.folder / "kubeconfig.json"
    path.write_text(
        json.dumps(
            {
                "apiVersion": "v1",
                "kind": "Config",
                "clusters": [{"name": "c", "cluster": cluster}],
                "users": [{"name": "u", "user": {"token": token}}],
                "contexts": [{"name": "x", "context": {"cluster": "c", "user": "u"}}],
                "current-context": "x",
            }
        )
    )
    return path


def chart_settings(installed: Installation) -> dict[str, Any]:
    found = installed.find("configmap", "modelmonitor-operator-settings")
    assert found is not None
    settings: dict[str, Any] = json.loads(found["data"]["settings.json"])
    for name in ("httpPort", "lease"):
        settings.pop(name, None)
    return {**settings, "cycleSeconds": 1, "watchNamespaces": []}


def granted(installed: Installation) -> set[Right]:
    rules: list[dict[str, Any]] = []
    for kind in ("role", "clusterrole"):
        for item in installed.kubectl.get(kind, selector="app.kubernetes.io/instance=modelmonitor")["items"]:
            if "operator" in item["metadata"]["name"]:
                rules += item["rules"]
    return {
        (group, resource, LOOKING.get(verb, verb))
        for rule in rules
        for group in rule["apiGroups"]
        for resource in rule["resources"]
        for verb in rule["verbs"]
    }


def requests(control_plane: ControlPlane, user: str) -> list[dict[str, Any]]:
    assert control_plane.audit_log is not None
    lines = control_plane.audit_log.read_text().splitlines()
    return [event for event in map(json.loads, lines) if event["user"]["username"] == user and "objectRef" in event]


def used(events: list[dict[str, Any]]) -> set[Right]:
    rights = set()
    for event in events:
        ref = event["objectRef"]
        resource = "/".join(filter(None, (ref.get("resource"), ref.get("subresource"))))
        rights.add((ref.get("apiGroup", ""), resource, LOOKING.get(event["verb"], event["verb"])))
    return rights


def test_what_the_operator_is_granted_is_what_it_uses(installed: Installation, control_plane: ControlPlane) -> None:
    user = f"system:serviceaccount:{installed.system}:modelmonitor-operator"
    installed.overrides = chart_settings(installed)
    node = "rights-n1"
    installed.node(node)
    installed.kubectl.run("label", "node", node, "nvidia.com/gpu.present=true", "--overwrite")
    installed.kubectl.run("label", "namespace", installed.system, "pod-security.kubernetes.io/enforce=restricted")
    operator = installed.start(write_token_kubeconfig(installed, control_plane))
    installed.kubectl.apply(installed.monitor(**WITH_GRAFANA))
    wait_until(lambda: all_children(installed, "fraud"), 20, "it owns its objects")
    installed.kubectl.run(
        "patch", "endpoints", "modelmonitor-fraud", "-n", installed.tenant, "--type=merge", "--patch", '{"subsets":[]}'
    )
    wait_until(lambda: addresses(installed, "fraud", "leader"), 10, "the leader is among the targets again")
    installed.triton_pod("t1", node, "10.99.6.1")
    wait_until(lambda: installed.plan(node), 10, "the node has a plan")
    installed.triton_pod("t2", node, "10.99.6.2")
    wait_until(lambda: "t2" in json.dumps(installed.plan(node)), 10, "the plan has the second pod")
    wait_until(installed.daemon_set, 10, "the DaemonSet is there")
    wait_until(
        lambda: any(
            e["objectRef"]["resource"] == "events" and e["verb"] == "list" for e in requests(control_plane, user)
        ),
        20,
        "it looked for the reason why there are no pods",
    )
    disabled = {
        "prometheus": {"serviceMonitor": "Disabled"},
        "alerts": {"prometheusRule": "Disabled"},
        "dashboards": {"configMap": "Disabled"},
    }
    installed.kubectl.apply(installed.monitor(interval="20s", **disabled))
    wait_until(lambda: installed.status().get("observedGeneration") == 2, 10, "the status is written")
    wait_until(lambda: set(children(installed, "fraud")) == {"service", "endpoints"}, 10, "the others are gone")
    installed.kubectl.delete("modelmonitor", "fraud", installed.tenant)
    wait_until(
        lambda: not installed.daemon_set() and not installed.key() and not installed.plan(node), 10, "all is gone"
    )
    wait_until(lambda: installed.find("lease", "modelmonitor-operator"), 10, "it leads by a Lease")
    operator.terminate()
    events = requests(control_plane, user)
    refused = [e for e in events if e["annotations"].get("authorization.k8s.io/decision") != "allow"]
    assert refused == []
    everybody = {("authorization.k8s.io", "selfsubjectaccessreviews", "create")}
    assert used(events) - everybody == granted(installed)
