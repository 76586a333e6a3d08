"""What the operator and the sidecars are granted is what they asked for, in all that ran before in this ring.

Last in the ring, after the product was uninstalled: the API server's audit log has every request since the ring began.
What no other test makes the operator do is done here first.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest

from modelmonitor_api.names import OWNER_ANNOTATION, object_name
from modelmonitor_api.status import HealthState
from modelmonitor_operator.desired.ledger_config_map import LEDGER_SELECTOR, WRITTEN_ANNOTATION
from modelmonitor_testbed.audit import Request, Right, read_requests
from modelmonitor_testbed.installation import SYSTEM_NAMESPACE, Installation
from modelmonitor_testbed.kubectl import wait_until
from modelmonitor_testbed.node.cluster import NodeCluster
from modelmonitor_testbed.progress import say
from modelmonitor_testbed.prometheus.operator import install_crds
from modelmonitor_testbed.rights import Account, Home, Rbac, find_refused, find_unused, find_wildcards, read_rbac
from tests.apiserver.grafana_crd import GRAFANA_CRD, build_grafana_crd
from tests.cluster.conftest import CLUSTER_NAME
from tests.cluster.scenario import MonitorView, monitor_manifest
from tests.cluster.workloads import TEAM, TRITON

NAME = "rights"
KINDS = ("servicemonitor", "prometheusrule", "configmap", "grafanadashboard")
NAMES = ("modelmonitor-operator", "modelmonitor-sidecar", "modelmonitor-sidecar-key", "modelmonitor-anchor")
HOME = Home(frozenset({SYSTEM_NAMESPACE}), frozenset(NAMES))
ACCOUNTS = tuple(Account(SYSTEM_NAMESPACE, f"modelmonitor-{part}") for part in ("operator", "sidecar"))
EARLIER_LEDGER = "modelmonitor-ledger-0000"


@dataclass(frozen=True)
class Ring:
    """The roles as they are installed, and what was asked for since the ring began."""

    rbac: Rbac
    requests: tuple[Request, ...]

    def used(self, account: Account) -> set[Right]:
        """What an account asked for."""
        return {request.what for request in self.requests if request.user == account.user}


@pytest.fixture(scope="module")
def ring(house: Installation, triton: Installation, ring_began: float) -> Iterator[Ring]:
    """Everything up to now, with the product installed again and led through what no other test does."""
    house.kubectl.apply(build_grafana_crd())
    install_crds(house.kubectl, "servicemonitors", "prometheusrules", "prometheuses")
    house.kubectl.run("wait", "--for=condition=Established", f"crd/{GRAFANA_CRD}", "--timeout=30s")
    house.install_chart(cost__writeSeconds="1")
    house.kubectl.apply(earlier_ledger(SYSTEM_NAMESPACE))
    lead_through(house)
    log = NodeCluster(CLUSTER_NAME).audit_log
    yield Ring(read_rbac(house.kubectl), tuple(read_requests(log, [one.user for one in ACCOUNTS], ring_began)))
    house.kubectl.delete("crd", GRAFANA_CRD)


def lead_through(house: Installation) -> None:
    """Dashboards of grafana-operator, everything switched off again, an old ledger, and the last monitor's end."""
    view = MonitorView(house.kubectl, TEAM, NAME)
    house.kubectl.apply(monitor_manifest(NAME, TEAM, TRITON, dashboards={"grafanaDashboard": "Enabled"}))
    wait_until(lambda: len(children(house)) == len(KINDS), 60, "it has its objects")
    view.wait_state(HealthState.HEALTHY)
    wait_until(
        lambda: not house.kubectl.find("configmap", EARLIER_LEDGER, SYSTEM_NAMESPACE), 60, "the old ledger is gone"
    )
    disabled = {
        "prometheus": {"serviceMonitor": "Disabled"},
        "alerts": {"prometheusRule": "Disabled"},
        "dashboards": {"configMap": "Disabled"},
    }
    house.kubectl.apply(monitor_manifest(NAME, TEAM, TRITON, **disabled))
    wait_until(lambda: not children(house), 60, "its objects are gone")
    house.kubectl.run("delete", "modelmonitors", "--all", "--all-namespaces")
    wait_until(lambda: not house.kubectl.get("nodeplans")["items"], 60, "no NodePlan is left")
    wait_until(
        lambda: not house.kubectl.find("secret", "modelmonitor-sidecar-key", SYSTEM_NAMESPACE), 60, "the key is gone"
    )


def children(house: Installation) -> list[str]:
    """Kinds of the monitor's objects that are there and whole."""
    found = {kind: house.kubectl.find(kind, object_name(NAME), TEAM) for kind in KINDS}
    annotations = {kind: one["metadata"].get("annotations", {}) for kind, one in found.items() if one is not None}
    return [kind for kind, each in annotations.items() if "modelmonitor.dev/digest" in each]


def earlier_ledger(namespace: str) -> dict[str, Any]:
    """One that nobody has written for longer than ledgers are kept."""
    labels = dict(pair.split("=") for pair in LEDGER_SELECTOR.split(","))
    annotations = {OWNER_ANNOTATION: f"{TEAM}/gone/0000", WRITTEN_ANNOTATION: "2020-01-01T00:00:00Z"}
    metadata = {"name": EARLIER_LEDGER, "namespace": namespace, "labels": labels, "annotations": annotations}
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata}


def test_the_audit_log_has_lost_nothing(house: Installation, ring: Ring) -> None:
    page = house.kubectl.run("get", "--raw", "/metrics")
    errors = [line for line in page.splitlines() if line.startswith("apiserver_audit_error_total")]
    assert [line for line in errors if not line.endswith(" 0")] == []
    assert all(ring.used(account) for account in ACCOUNTS)
    say("audit", f"{len(ring.requests)} requests of operator and sidecars")


@pytest.mark.parametrize("account", ACCOUNTS, ids=lambda account: account.name)
def test_nothing_is_granted_that_was_not_asked_for(ring: Ring, account: Account) -> None:
    granted = ring.rbac.granted(account)
    assert granted
    assert [str(right) for right in find_unused(granted, ring.used(account), HOME)] == []


@pytest.mark.parametrize("account", ACCOUNTS, ids=lambda account: account.name)
def test_nothing_was_asked_for_that_is_not_granted(ring: Ring, account: Account) -> None:
    """Requests that came while a test had taken the roles away are among them: they are granted otherwise."""
    granted = ring.rbac.granted(account) | ring.rbac.granted_to_all(account)
    assert [str(right) for right in find_refused(granted, ring.used(account))] == []


@pytest.mark.parametrize("account", ACCOUNTS, ids=lambda account: account.name)
def test_no_right_is_on_everything_and_the_one_secret_is_the_key(ring: Ring, account: Account) -> None:
    granted = ring.rbac.granted(account)
    assert find_wildcards(granted) == []
    secrets = {right for right in granted if right.resource == "secrets"}
    assert {right.namespace for right in secrets} <= {SYSTEM_NAMESPACE}
    assert {right.name for right in secrets if right.verb != "create"} <= {"modelmonitor-sidecar-key"}


def test_a_sidecar_reads_the_plan_of_its_own_node_and_nothing_else(house: Installation, ring: Ring) -> None:
    nodes = {node["metadata"]["name"] for node in house.kubectl.get("nodes")["items"]}
    wanted = {
        Right(verb, "modelmonitor.dev", "nodeplans", SYSTEM_NAMESPACE, node)
        for verb in ("list", "watch")
        for node in nodes
    }
    assert ring.used(ACCOUNTS[1]) == wanted
