"""Two teams, a namespace of all dashboards, and the accounts that try to get from one to the other."""

import json
from pathlib import Path
from typing import Any

from modelmonitor_api.names import object_name
from modelmonitor_testbed.controlplane import ControlPlane
from modelmonitor_testbed.kubectl import Kubectl, wait_until
from tests.apiserver.installation import Installation, OperatorProcess
from tests.apiserver.replicas import write_token_kubeconfig

NODE = "tenants-n1"
PRICES = "prices"
SECRET_LABEL = "wages-of-sin"
LABELS = {"app": "fraud-triton", "project": SECRET_LABEL}
WITHOUT_PODS = {"selector": {"matchLabels": {"app": "nobody"}}}
"""Of a ModelMonitor whose ledger waits for no pod's meters."""
OBJECTS = "services,endpoints,configmaps,secrets,servicemonitors,prometheusrules,grafanadashboards"


class Teams:
    """Two teams, a namespace of all dashboards, and the attacker's own kubectl."""

    def __init__(self, kubectl: Kubectl, control_plane: ControlPlane, folder: Path) -> None:
        self.installed = Installation(kubectl, folder, "tenants")
        self.victim, self.dashboards = "tenants-victim", "tenants-dashboards"
        self.installed.overrides = {
            "watchNamespaces": [self.installed.tenant, self.victim],
            "dashboards": {"namespace": self.dashboards},
            "cost": {"priceTable": PRICES, "writeSeconds": 1},
        }
        self.installed.prepare()
        for namespace in (self.victim, self.dashboards):
            kubectl.apply({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": namespace}})
        self.attacker = self._member(control_plane, "member", "monitors")
        self.editor = self._member(control_plane, "editor", "monitors", "edit")
        self.stranger = self._member(control_plane, "stranger")
        self._fill(kubectl)
        self.operator: OperatorProcess = self.installed.start()
        wait_until(lambda: self.plan_of(self.victim), 15, "the victim's pod is planned")
        wait_until(lambda: self.in_dashboards(f"{self.victim}/fraud"), 15, "the victim has a dashboard")

    def _member(self, control_plane: ControlPlane, name: str, *roles: str) -> Kubectl:
        """kubectl of a ServiceAccount with some roles in the team's namespace, and nothing elsewhere."""
        team, kubectl = self.installed.tenant, self.installed.kubectl
        kubectl.run("create", "serviceaccount", name, "-n", team)
        rules = [{"apiGroups": ["modelmonitor.dev"], "resources": ["modelmonitors"], "verbs": ["*"]}]
        metadata = {"name": "monitors", "namespace": team}
        kubectl.apply(
            {"apiVersion": "rbac.authorization.k8s.io/v1", "kind": "Role", "metadata": metadata, "rules": rules}
        )
        for role in roles:
            kind = "role" if role == "monitors" else "clusterrole"
            account = f"--serviceaccount={team}:{name}"
            kubectl.run("create", "rolebinding", f"{name}-{role}", f"--{kind}={role}", account, "-n", team)
        token = kubectl.run("create", "token", name, "-n", team).strip()
        authority = str(control_plane.plan.authority.pair.certificate)
        path = write_token_kubeconfig(self.installed.folder / name, control_plane.plan.server, authority, token)
        return Kubectl(path)

    def _fill(self, kubectl: Kubectl) -> None:
        self.installed.node(NODE)
        kubectl.apply(self.monitor_of(self.victim), self.monitor_of(self.victim, "billed", **WITHOUT_PODS))
        metadata = {"name": PRICES, "namespace": self.installed.system}
        kubectl.apply({"apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata, "data": {"currency": "EUR"}})
        for namespace, name in ((self.victim, "theirs"), (self.installed.tenant, "mine")):
            pod = {"nodeName": NODE, "containers": [{"name": "triton", "image": "registry.example/triton:test"}]}
            metadata = {"name": name, "namespace": namespace, "labels": LABELS}
            kubectl.apply({"apiVersion": "v1", "kind": "Pod", "metadata": metadata, "spec": pod})
        self.installed.set_running("theirs", self.victim, "10.99.1.1")
        self.installed.set_running("mine", self.installed.tenant, "10.99.1.2")

    def monitor_of(self, namespace: str, name: str = "fraud", **spec: Any) -> dict[str, Any]:
        """A ModelMonitor that selects by a label that both teams' pods have."""
        made = self.installed.monitor(name, **{"selector": {"matchLabels": {"project": SECRET_LABEL}}, **spec})
        return {**made, "metadata": {"name": name, "namespace": namespace}}

    def attack(self, name: str, **spec: Any) -> dict[str, Any]:
        """Apply a ModelMonitor as the attacker; its status once it is judged."""
        self.attacker.apply(self.monitor_of(self.installed.tenant, name, **spec))
        generation = self.attacker.get("modelmonitor", name, self.installed.tenant)["metadata"]["generation"]
        status: dict[str, Any] = wait_until(
            lambda: (s := self.installed.status(name)).get("observedGeneration") == generation and s, 15, "it is judged"
        )
        return status

    def ledger(self, namespace: str, monitor: str = "fraud") -> dict[str, Any] | None:
        """The ledger of a ModelMonitor, in the operator's namespace."""
        uid = self.installed.kubectl.get("modelmonitor", monitor, namespace)["metadata"]["uid"]
        found: dict[str, Any] | None = self.installed.kubectl.find(
            "configmap", f"modelmonitor-ledger-{uid}", self.installed.system
        )
        return found

    def plan_of(self, namespace: str) -> set[tuple[str, str]]:
        """Monitor and pod of everything that is planned for a namespace."""
        plan = self.installed.plan(NODE) or {"spec": {"monitors": []}}
        return {
            (monitor["name"], pod["name"])
            for monitor in plan["spec"]["monitors"]
            if monitor["namespace"] == namespace
            for pod in monitor["pods"]
        }

    def in_dashboards(self, ref: str) -> dict[str, Any] | None:
        """The ConfigMap of a monitor in the namespace of all dashboards."""
        return self.installed.kubectl.find("configmap", object_name(ref), self.dashboards)

    def state(self, namespace: str) -> dict[tuple[str, str], str]:
        """Version of every object of a namespace that the operator could write; ledgers go on by themselves."""
        items = json.loads(self.installed.kubectl.run("get", OBJECTS, "-n", namespace, "-o", "json"))["items"]
        kept = [one["metadata"] | {"kind": one["kind"]} for one in items if not is_ledger(one)]
        return {(one["kind"], one["name"]): one["resourceVersion"] for one in kept}


def is_ledger(one: dict[str, Any]) -> bool:
    """Whether an object is a ledger of the operator's; a forged one lies elsewhere."""
    metadata = one["metadata"]
    return metadata["name"].startswith("modelmonitor-ledger-") and metadata["namespace"].endswith("-system")
