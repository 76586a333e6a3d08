"""The chart uninstalled before the ModelMonitors and after them: nothing hangs, and what the page names is left."""

import json
import time
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import pytest

from modelmonitor_operator.bookkeeper import OPENING_SECONDS
from modelmonitor_testbed.controlplane import running_control_plane
from modelmonitor_testbed.helm import Helm
from modelmonitor_testbed.kubectl import Kubectl, wait_until
from tests.apiserver.installation import Installation
from tests.chart.rendering import CHART
from tests.docs.pages import ROOT, commands_of

QUICK = {
    "cycleSeconds": 1,
    "resyncSeconds": 10,
    "pollTimeoutSeconds": 1,
    "lease": {"durationSeconds": 3, "renewSeconds": 0.5, "timeoutSeconds": 1},
}
"""What a test has no time for."""
LEDGERS = "app.kubernetes.io/component=ledger"
EVERYTHING = "configmaps,secrets,leases,daemonsets,deployments,services,endpoints,serviceaccounts,roles,rolebindings"
OF_KUBERNETES = {"kube-root-ca.crt", "default"}
(REMOVAL,) = [each for each in commands_of(ROOT / "docs" / "install.md") if LEDGERS in each]


class Installed(Installation):
    """The real chart, and an operator with the settings that the chart gives it."""

    def settings(self, port: int) -> dict[str, Any]:
        """What the chart has written, on a port of its own."""
        data = self.kubectl.get("configmap", "modelmonitor-operator-settings", self.system)["data"]
        given: dict[str, Any] = json.loads(data["settings.json"])
        return {**given, "httpPort": port, "cost": {**given.get("cost", {}), "writeSeconds": 1}}

    def install(self) -> None:
        """By Helm; the Deployment finds no node, an operator beside the control plane takes its place."""
        where = ["--namespace", self.system, "--set-json", f"settings={json.dumps(QUICK)}"]
        Helm(self.kubectl.kubeconfig).run("install", "modelmonitor", CHART, *where)

    def uninstall(self) -> None:
        """By Helm."""
        Helm(self.kubectl.kubeconfig).run("uninstall", "modelmonitor", "--namespace", self.system)

    def ledgers(self) -> dict[str, str]:
        """UIDs of the ledgers by name."""
        found = self.kubectl.get("configmaps", namespace=self.system, selector=LEDGERS)["items"]
        return {each["metadata"]["name"]: each["metadata"]["uid"] for each in found}

    def children(self) -> set[str]:
        """Names of what the ModelMonitor owns in its namespace."""
        found = self.kubectl.get("services,endpoints,configmaps", namespace=self.tenant)["items"]
        return {each["metadata"]["name"] for each in found if each["metadata"].get("ownerReferences")}

    def left(self) -> set[tuple[str, str]]:
        """What is left in the product's namespace, without what Kubernetes itself puts into every one."""
        found = self.kubectl.get(f"{EVERYTHING},nodeplans.modelmonitor.dev", namespace=self.system)["items"]
        names = {(each["kind"], each["metadata"]["name"]) for each in found}
        return {(kind, name) for kind, name in names if name not in OF_KUBERNETES}

    def has_left_only(self, ledgers: Iterable[str]) -> bool:
        """Whether nothing but these ledgers and the Lease is left."""
        return self.left() == {("Lease", "modelmonitor-operator"), *(("ConfigMap", name) for name in ledgers)}


@pytest.fixture
def installed(tmp_path: Path) -> Iterator[Installed]:
    """The chart, an operator, and a ModelMonitor with a pod, sidecars, a plan and a ledger."""
    with running_control_plane() as control_plane:
        kubectl = Kubectl(control_plane.kubeconfig)
        house = Installed(kubectl, tmp_path, "modelmonitor")
        for namespace in (house.system, house.tenant):
            kubectl.run("create", "namespace", namespace)
        house.install()
        house.start()
        try:
            bring_up(house)
            yield house
        finally:
            for operator in house.operators:
                if operator.child.poll() is None:
                    operator.kill()


def bring_up(house: Installed) -> None:
    """A ModelMonitor with all that belongs to it. Its ledger waits a minute for sidecars, of which there are none."""
    house.node("n1")
    house.triton_pod("t1", "n1", "10.0.0.1")
    house.kubectl.apply(house.monitor("fraud"))
    wait_until(house.daemon_set, 30, "the DaemonSet")
    wait_until(lambda: house.plan("n1"), 30, "the plan of the node")
    wait_until(house.children, 30, "what the ModelMonitor owns")
    wait_until(house.ledgers, OPENING_SECONDS + 60, "the ledger")


def delete_monitor(house: Installed) -> float:
    """Delete the ModelMonitor; seconds that it took."""
    begin = time.monotonic()
    house.kubectl.delete("modelmonitor", "fraud", house.tenant)
    assert house.kubectl.find("modelmonitor", "fraud", house.tenant) is None
    return time.monotonic() - begin


def test_the_chart_first_leaves_monitors_children_and_ledgers_and_the_monitors_then_take_their_children(
    installed: Installed,
) -> None:
    ledgers, children = installed.ledgers(), installed.children()
    installed.uninstall()
    wait_until(lambda: not installed.daemon_set(), 60, "no DaemonSet, though an operator still runs")
    installed.operators[0].terminate()
    wait_until(lambda: installed.has_left_only(ledgers), 60, lambda: f"only ledgers are left of {installed.left()}")
    assert installed.ledgers() == ledgers
    assert installed.children() == children
    assert installed.kubectl.find("modelmonitor", "fraud", installed.tenant) is not None
    assert delete_monitor(installed) < 5
    wait_until(lambda: not installed.children(), 60, "Kubernetes has removed what it owned")
    assert installed.ledgers() == ledgers
    remove_the_rest(installed)


def test_the_monitors_first_leave_definitions_and_ledgers(installed: Installed) -> None:
    ledgers = installed.ledgers()
    assert delete_monitor(installed) < 5
    wait_until(lambda: not installed.children(), 60, "what it owned is gone")
    wait_until(lambda: not installed.daemon_set() and not installed.plan("n1"), 60, "the sidecars go with the last")
    installed.operators[0].terminate()
    installed.uninstall()
    wait_until(lambda: installed.has_left_only(ledgers), 60, lambda: f"only ledgers are left of {installed.left()}")
    assert installed.ledgers() == ledgers
    remove_the_rest(installed)


def remove_the_rest(house: Installed) -> None:
    """The definitions are there; the page's commands remove them, the ledgers and the namespace."""
    definitions = ["crd", "modelmonitors.modelmonitor.dev", "nodeplans.modelmonitor.dev"]
    house.kubectl.run("get", *definitions)
    house.kubectl.run(*REMOVAL.split()[1:])
    assert house.ledgers() == {}
    house.kubectl.run("delete", *definitions, "--timeout=30s")
    house.kubectl.run("delete", "namespace", house.system, "--timeout=60s")
