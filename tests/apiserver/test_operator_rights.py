"""The operator as the chart's service account, with the chart's settings: what it is granted is what it uses.

Each mode of the chart is installed by Helm, and an operator with its token is led through all that it ever does.
"""

import json
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from modelmonitor_api.names import (
    CHILD_COMPONENT,
    COMPONENT_LABEL,
    MANAGED_BY,
    MANAGED_BY_LABEL,
    OWNER_ANNOTATION,
    object_name,
)
from modelmonitor_operator.desired.ledger_config_map import LEDGER_SELECTOR, WRITTEN_ANNOTATION
from modelmonitor_testbed.audit import Request, Right, read_requests
from modelmonitor_testbed.controlplane import ControlPlane
from modelmonitor_testbed.helm import Helm
from modelmonitor_testbed.kubectl import Kubectl, wait_until
from modelmonitor_testbed.rights import Account, Home, find_refused, find_unused, find_wildcards, read_rbac
from tests.apiserver.children import ALL_KINDS, WITH_GRAFANA, addresses, optional_crds
from tests.apiserver.installation import ROOT, Installation
from tests.apiserver.replicas import write_token_kubeconfig

RELEASE, NODE = "modelmonitor", "rights-n1"
DASHBOARDS, SIDECARS = "rights-dashboards", "rights-sidecars"
TEAM = "rights-team"
PRICES = "prices"
MODES: dict[str, dict[str, Any]] = {
    "the whole cluster": {},
    "one namespace by its name": {"watchNamespaces": [TEAM]},
    "dashboards in a namespace of their own, and a price table": {
        "dashboards": {"namespace": DASHBOARDS},
        "cost": {"priceTable": PRICES},
    },
    "neither dashboards nor cost": {"dashboards": {"enabled": False}, "cost": {"enabled": False}},
    "one namespace by its name, everything else apart, and nodes for their prices": {
        "watchNamespaces": [TEAM],
        "dashboards": {"namespace": DASHBOARDS},
        "sidecar": {"namespace": SIDECARS},
        "cost": {"priceTable": PRICES, "readNodes": "true"},
    },
}
EARLIER_LEDGER = "modelmonitor-ledger-0000"
DASHBOARD_KINDS = ("configmap", "grafanadashboard")
NAMES = ("modelmonitor-operator", "modelmonitor-sidecar", "modelmonitor-sidecar-key", "modelmonitor-anchor", PRICES)


@dataclass
class Installed(Installation):
    """A release of the chart, and an operator that has nothing but its token."""

    values: dict[str, Any] = field(default_factory=dict)
    began: float = 0.0

    @property
    def sidecars(self) -> str:
        """Namespace of the sidecars."""
        return str(self.values.get("sidecar", {}).get("namespace") or self.system)

    @property
    def dashboards(self) -> str:
        """Namespace of the dashboards."""
        return str(self.values.get("dashboards", {}).get("namespace") or self.tenant)

    @property
    def home(self) -> Home:
        """What the release calls its own."""
        apart = {self.dashboards} - {self.tenant}
        return Home(frozenset({self.system, self.sidecars} | apart), frozenset(NAMES))

    @property
    def account(self) -> Account:
        """The operator's."""
        return Account(self.system, "modelmonitor-operator")

    def find(self, kind: str, name: str) -> Any | None:
        """An object of the sidecars' namespace."""
        return self.kubectl.find(kind, name, self.sidecars)

    @property
    def kinds(self) -> tuple[str, ...]:
        """Of the objects that a ModelMonitor has."""
        shown = self.values.get("dashboards", {}).get("enabled", True)
        return tuple(kind for kind in ALL_KINDS if shown or kind not in DASHBOARD_KINDS)

    def owns(self, *kinds: str) -> bool:
        """Whether the ModelMonitor has whole objects of these kinds, and none of the others."""
        return {kind for kind in ALL_KINDS if self._child(kind)} == set(kinds)

    def _child(self, kind: str) -> bool:
        elsewhere = self.dashboards != self.tenant and kind in DASHBOARD_KINDS
        name = object_name(f"{self.tenant}/fraud") if elsewhere else object_name("fraud")
        found = self.kubectl.find(kind, name, self.dashboards if elsewhere else self.tenant)
        return found is not None and "modelmonitor.dev/digest" in found["metadata"].get("annotations", {})

    def take_settings(self) -> None:
        """What the chart wrote for the operator, with short times."""
        found = self.kubectl.get("configmap", "modelmonitor-operator-settings", self.system)
        settings: dict[str, Any] = json.loads(found["data"]["settings.json"])
        self.overrides = {name: value for name, value in settings.items() if name not in ("httpPort", "lease")}
        self.overrides["cycleSeconds"] = 1

    def requests(self, control_plane: ControlPlane) -> list[Request]:
        """What its account asked for."""
        assert control_plane.audit_log is not None
        return list(read_requests(control_plane.audit_log, [self.account.user], self.began))


@pytest.fixture(scope="module")
def grounds(kubectl: Kubectl) -> Iterator[Kubectl]:
    """Namespaces, a node with GPUs, and the CRDs that the operator can do without."""
    namespaces = ("rights-system", TEAM, DASHBOARDS, SIDECARS)
    for namespace in namespaces:
        kubectl.run("create", "namespace", namespace)
    for namespace in ("rights-system", SIDECARS):
        kubectl.run("label", "namespace", namespace, "pod-security.kubernetes.io/enforce=restricted")
    kubectl.run("delete", "modelmonitors", "--all", "--all-namespaces")
    labels = {"nvidia.com/gpu.present": "true", "kubernetes.io/os": "linux"}
    kubectl.apply({"apiVersion": "v1", "kind": "Node", "metadata": {"name": NODE, "labels": labels}})
    with optional_crds(kubectl):
        yield kubectl
    kubectl.delete("node", NODE)
    for namespace in namespaces:
        kubectl.delete("namespace", namespace, wait=False)


@pytest.fixture(params=MODES.values(), ids=MODES.keys())
def installed(
    grounds: Kubectl, control_plane: ControlPlane, tmp_path: Path, request: pytest.FixtureRequest
) -> Iterator[Installed]:
    """The chart in one of its modes."""
    installation = Installed(grounds, tmp_path, "rights", values=request.param, began=time.time())
    values = tmp_path / "values.json"
    cost = {"writeSeconds": 1, **request.param.get("cost", {})}
    values.write_text(json.dumps({**request.param, "crds": {"install": False}, "cost": cost}))
    helm = Helm(control_plane.kubeconfig)
    helm.run("install", RELEASE, ROOT / "charts/modelmonitor", "-n", installation.system, "--values", values)
    installation.take_settings()
    yield installation
    for operator in installation.operators:
        if operator.child.poll() is None:
            operator.kill()
    helm.uninstall(RELEASE, installation.system)
    grounds.run("delete", "leases", "--all", "--namespace", installation.system)
    grounds.run("delete", "modelmonitors", "--all", "--namespace", TEAM)
    grounds.run("delete", "pods", "--all", "--namespace", TEAM, "--force", "--grace-period=0")


def start_with_token(installed: Installed, control_plane: ControlPlane) -> None:
    """An operator that has the rights of the chart's ServiceAccount and no other."""
    account = installed.account
    token = installed.kubectl.run("create", "token", account.name, "-n", account.namespace).strip()
    authority = str(control_plane.plan.authority.pair.certificate)
    installed.start(
        write_token_kubeconfig(installed.folder / "kubeconfig", control_plane.plan.server, authority, token)
    )


def lead_through_targets(installed: Installed) -> None:
    """Everything is made, changed by somebody, and made good again."""
    installed.kubectl.apply(installed.monitor(**WITH_GRAFANA))
    wait_until(lambda: installed.owns(*installed.kinds), 20, "it owns its objects")
    emptied = ("--type=merge", "--patch", '{"subsets":[]}')
    installed.kubectl.run("patch", "endpoints", object_name("fraud"), "-n", TEAM, *emptied)
    wait_until(lambda: addresses(installed, "fraud", "leader"), 10, "the leader is among the targets again")
    installed.triton_pod("t1", NODE, "10.99.6.1")
    wait_until(lambda: installed.plan(NODE), 10, "the node has a plan")
    installed.triton_pod("t2", NODE, "10.99.6.2")
    wait_until(lambda: "t2" in json.dumps(installed.plan(NODE)), 10, "the plan has the second pod")


def lead_through_moved_dashboards(installed: Installed) -> None:
    """Dashboards of earlier settings, beside the ModelMonitor, are removed."""
    owner = installed.kubectl.get("modelmonitor", "fraud", TEAM)
    metadata = {
        "name": "earlier",
        "namespace": TEAM,
        "labels": {MANAGED_BY_LABEL: MANAGED_BY, COMPONENT_LABEL: CHILD_COMPONENT},
        "ownerReferences": [
            {
                "apiVersion": owner["apiVersion"],
                "kind": owner["kind"],
                "name": owner["metadata"]["name"],
                "uid": owner["metadata"]["uid"],
            }
        ],
    }
    installed.kubectl.apply(
        {"apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata},
        {"apiVersion": "grafana.integreatly.org/v1beta1", "kind": "GrafanaDashboard", "metadata": metadata, "spec": {}},
    )
    wait_until(
        lambda: not any(installed.kubectl.find(kind, "earlier", TEAM) for kind in DASHBOARD_KINDS), 20, "they are gone"
    )


def lead_through_endings(installed: Installed) -> None:
    """What is switched off goes, and with the last ModelMonitor goes what all of them share."""
    disabled = {
        "prometheus": {"serviceMonitor": "Disabled"},
        "alerts": {"prometheusRule": "Disabled"},
        "dashboards": {"configMap": "Disabled"},
    }
    installed.kubectl.apply(installed.monitor(interval="20s", **disabled))
    generation = installed.kubectl.get("modelmonitor", "fraud", TEAM)["metadata"]["generation"]
    wait_until(lambda: installed.status().get("observedGeneration") == generation, 10, "the status is written")
    wait_until(lambda: installed.owns("service", "endpoints"), 10, "the others are gone")
    installed.kubectl.delete("modelmonitor", "fraud", TEAM)
    wait_until(
        lambda: not (installed.daemon_set() or installed.key() or installed.plan(NODE)), 15, "nothing of it is left"
    )


def earlier_ledger(namespace: str) -> dict[str, Any]:
    """One that nobody has written for longer than ledgers are kept."""
    labels = dict(pair.split("=") for pair in LEDGER_SELECTOR.split(","))
    annotations = {OWNER_ANNOTATION: f"{TEAM}/gone/0000", WRITTEN_ANNOTATION: "2020-01-01T00:00:00Z"}
    metadata = {"name": EARLIER_LEDGER, "namespace": namespace, "labels": labels, "annotations": annotations}
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata}


def lead_through_ledgers(installed: Installed, control_plane: ControlPlane) -> None:
    """One is made, and written again because its days are others now; one that has had its time is removed."""
    without_pods = {"selector": {"matchLabels": {"app": "nobody"}}}
    installed.kubectl.apply(installed.monitor("bill", **without_pods))
    uid = installed.kubectl.get("modelmonitor", "bill", TEAM)["metadata"]["uid"]
    wait_until(
        lambda: installed.kubectl.find("configmap", f"modelmonitor-ledger-{uid}", installed.system), 20, "its ledger"
    )
    installed.kubectl.apply(installed.monitor("bill", **without_pods, cost={"timeZone": "Asia/Kolkata"}))
    wait_until(lambda: asked(installed, control_plane, "update", "configmaps"), 30, "the ledger is written again")
    installed.kubectl.delete("modelmonitor", "bill", TEAM)
    wait_until(
        lambda: not installed.kubectl.find("configmap", EARLIER_LEDGER, installed.system), 30, "the old ledger is gone"
    )


def asked(installed: Installed, control_plane: ControlPlane, verb: str, resource: str) -> bool:
    """Whether the operator asked for this."""
    whats = (request.what for request in installed.requests(control_plane))
    return any((what.verb, what.resource) == (verb, resource) for what in whats)


def test_what_the_operator_is_granted_is_what_it_uses(installed: Installed, control_plane: ControlPlane) -> None:
    rbac, account = read_rbac(installed.kubectl), installed.account
    granted = rbac.granted(account)
    if installed.overrides["cost"]["enabled"]:
        installed.kubectl.apply(earlier_ledger(installed.system))
    start_with_token(installed, control_plane)
    lead_through_targets(installed)
    wait_until(lambda: asked(installed, control_plane, "list", "events"), 20, "it looked why there are no sidecars")
    if installed.overrides["cost"]["enabled"]:
        lead_through_ledgers(installed, control_plane)
    lead_through_moved_dashboards(installed)
    lead_through_endings(installed)
    installed.operators[0].terminate()
    requests = installed.requests(control_plane)
    used = {request.what for request in requests}
    assert [str(request.what) for request in requests if not request.allowed] == []
    assert find_refused(granted | rbac.granted_to_all(account), used) == []
    assert [str(right) for right in find_unused(granted, used, installed.home)] == []
    assert find_wildcards(granted) == []
    check_secrets(granted, installed.sidecars)
    sidecar = rbac.granted(Account(installed.sidecars, "modelmonitor-sidecar"))
    plans = {Right(verb, "modelmonitor.dev", "nodeplans", installed.sidecars) for verb in ("list", "watch")}
    assert sidecar == plans


def check_secrets(granted: frozenset[Right], namespace: str) -> None:
    """The key is the one Secret that may be read, in the one namespace that has it."""
    secrets = {right for right in granted if right.resource == "secrets"}
    assert {right.namespace for right in secrets} == {namespace}
    assert {right.name for right in secrets if right.verb != "create"} == {"modelmonitor-sidecar-key"}
