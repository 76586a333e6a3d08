"""The objects that each ModelMonitor owns, on a real API server: made, owned, restored, left alone, taken away."""

import json
import shlex
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from modelmonitor_api.names import object_name
from modelmonitor_testbed.kubectl import Kubectl, wait_until
from tests.apiserver.children import (
    ALL_KINDS,
    WITH_GRAFANA,
    addresses,
    all_children,
    child,
    children,
    optional_crds,
    owner_uids,
)
from tests.apiserver.installation import Installation, OperatorProcess, condition
from tests.apiserver.sidecar import run_sidecar_pod

SLOW_SECONDS = 60.0
"""What passes in a second may take long on a busy machine; waiting ends as soon as it is there."""


@pytest.fixture(scope="module")
def installed(kubectl: Kubectl, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Installation]:
    """One installation for the module, with the CRDs of both other operators and one operator."""
    with optional_crds(kubectl):
        installation = Installation(kubectl, tmp_path_factory.mktemp("children"), "children")
        installation.prepare()
        installation.start()
        yield installation
        installation.stop()


def running(installed: Installation) -> OperatorProcess:
    return next(each for each in installed.operators if each.child.poll() is None)


def owned_by(installed: Installation, monitor: str) -> dict[str, Any]:
    """All objects of a monitor once each has exactly this monitor as its owner."""
    uid = installed.kubectl.get("modelmonitor", monitor, installed.tenant)["metadata"]["uid"]

    def look() -> dict[str, Any] | None:
        found = all_children(installed, monitor)
        return found if found and all(owner_uids(each) == [uid] for each in found.values()) else None

    return dict(wait_until(look, SLOW_SECONDS, f"{monitor} owns its objects"))


def test_a_monitor_brings_its_objects_and_they_go_with_it(installed: Installation) -> None:
    installed.kubectl.apply(installed.monitor("made", **WITH_GRAFANA))
    found = owned_by(installed, "made")
    assert [port["name"] for port in found["service"]["spec"]["ports"]] == ["sidecar", "leader"]
    assert "selector" not in found["service"]["spec"]
    path = f"/monitors/{installed.tenant}/made/metrics"
    endpoints = found["servicemonitor"]["spec"]["endpoints"]
    assert [(each["port"], each["path"], each["honorLabels"]) for each in endpoints] == [
        ("sidecar", path, True),
        ("leader", path, True),
    ]
    assert found["prometheusrule"]["spec"]["groups"]
    assert found["configmap"]["metadata"]["labels"]["grafana_dashboard"] == "1"
    assert found["grafanadashboard"]["spec"]["configMapRef"]["name"] == "modelmonitor-made"
    installed.kubectl.delete("modelmonitor", "made", installed.tenant)
    wait_until(lambda: not children(installed, "made"), SLOW_SECONDS, "its objects are collected")


def test_the_command_of_the_runbooks_finds_the_objects_of_a_name_that_is_cut(installed: Installation) -> None:
    page = (Path(__file__).parents[2] / "docs/runbooks/ModelMonitorNotScraped.md").read_text()
    (command,) = (line for line in page.splitlines() if "ownerReferences" in line)
    name = "with.dots-and-" + "x" * 60
    installed.kubectl.apply(installed.monitor("beside"))
    installed.kubectl.apply(installed.monitor(name))
    for each in ("beside", name):
        wait_until(lambda each=each: child(installed, "service", each), SLOW_SECONDS, f"the Service of {each}")
        words = shlex.split(command.replace("NAMESPACE", installed.tenant).replace('"NAME"', f'"{each}"'))
        assert installed.kubectl.run(*words[1:]).strip() == object_name(each)


def test_the_endpoints_follow_pods_and_sidecars(installed: Installation) -> None:
    node = f"{installed.name}-n1"
    installed.node(node)
    installed.kubectl.apply(installed.monitor("follows"))
    wait_until(lambda: addresses(installed, "follows", "leader"), 10, "the leader is among the targets")
    assert addresses(installed, "follows", "sidecar") == []
    run_sidecar_pod(installed, node, "10.77.0.1")
    installed.triton_pod("t1", node, "10.77.0.2")
    there = [("10.77.0.1", node)]
    wait_until(lambda: addresses(installed, "follows", "sidecar") == there, 5, "the node's sidecar is a target")
    slices = installed.kubectl.get(
        "endpointslices", namespace=installed.tenant, selector="kubernetes.io/service-name=modelmonitor-follows"
    )
    assert {each["ports"][0]["name"] for each in slices["items"]} >= {"leader"}
    installed.kubectl.delete("pod", "t1", installed.tenant, wait=False)
    wait_until(lambda: addresses(installed, "follows", "sidecar") == [], 5, "without pods it is none")
    installed.triton_pod("t2", node, "10.77.0.2")
    wait_until(lambda: addresses(installed, "follows", "sidecar") == there, 5, "it is back with the next pod")
    installed.kubectl.delete("pod", "t2", installed.tenant, wait=False)


DRIFTS = {
    "service": {"metadata": {"labels": {"modelmonitor.dev/monitor": "mine"}}},
    "endpoints": {"subsets": []},
    "servicemonitor": {"spec": {"endpoints": [{"port": "nowhere"}]}},
    "prometheusrule": {"spec": {"groups": []}},
    "configmap": {"data": {"mine.json": "{}"}, "metadata": {"labels": {"grafana_dashboard": "0"}}},
    "grafanadashboard": {"spec": {"configMapRef": {"name": "mine"}}},
}


def test_what_somebody_changes_is_restored(installed: Installation) -> None:
    installed.kubectl.apply(installed.monitor("drift", **WITH_GRAFANA))
    before = owned_by(installed, "drift")
    for kind, patch in DRIFTS.items():
        installed.kubectl.run(
            "patch", kind, "modelmonitor-drift", "-n", installed.tenant, "--type=merge", "--patch", json.dumps(patch)
        )

    def restored() -> bool:
        now = children(installed, "drift")
        return all(_wanted(now[kind]) == _wanted(before[kind]) for kind in ALL_KINDS)

    wait_until(restored, 10, "every object is as it was")


def _wanted(found: dict[str, Any]) -> dict[str, Any]:
    """What we write of an object; what somebody adds beside it stays theirs."""
    body = {name: value for name, value in found.items() if name not in {"metadata", "status"}}
    body.get("data", {}).pop("mine.json", None)
    return {**body, "labels": found["metadata"]["labels"]}


@pytest.mark.parametrize("kind", ALL_KINDS)
def test_a_deleted_object_is_made_anew(installed: Installation, kind: str) -> None:
    installed.kubectl.apply(installed.monitor("drift", **WITH_GRAFANA))
    before = owned_by(installed, "drift")[kind]["metadata"]["uid"]
    installed.kubectl.delete(kind, "modelmonitor-drift", installed.tenant, wait=False)
    wait_until(
        lambda: (now := child(installed, kind, "drift")) and now["metadata"]["uid"] != before,
        10,
        "another one is there",
    )


def test_an_object_that_loses_our_labels_gets_them_back(installed: Installation) -> None:
    installed.kubectl.apply(installed.monitor("drift", **WITH_GRAFANA))
    owned_by(installed, "drift")
    for kind in ("service", "prometheusrule"):
        label = "app.kubernetes.io/managed-by"
        installed.kubectl.run("label", kind, "modelmonitor-drift", "-n", installed.tenant, f"{label}-")
        wait_until(
            lambda kind=kind, label=label: (
                label in installed.kubectl.get(kind, "modelmonitor-drift", installed.tenant)["metadata"]["labels"]
            ),
            10,
            "its label is back",
        )


def test_an_object_of_the_users_own_is_left_alone_and_the_status_names_it(installed: Installation) -> None:
    mine = {
        "apiVersion": "monitoring.coreos.com/v1",
        "kind": "ServiceMonitor",
        "metadata": {"name": "modelmonitor-foreign", "namespace": installed.tenant},
        "spec": {"selector": {"matchLabels": {"mine": "yes"}}, "endpoints": [{"port": "mine"}]},
    }
    installed.kubectl.apply(mine)
    installed.kubectl.apply(installed.monitor("foreign"))
    said = wait_until(
        lambda: (
            "left alone" in (text := condition(installed.status("foreign"), "MonitoringSelected").get("message", ""))
            and text
        ),
        15,
        "the status says so",
    )
    assert "delete servicemonitors modelmonitor-foreign" in said
    found = installed.kubectl.get("servicemonitor", "modelmonitor-foreign", installed.tenant)
    assert found["spec"]["endpoints"] == [{"port": "mine"}]
    assert "ownerReferences" not in found["metadata"]
    installed.kubectl.delete("servicemonitor", "modelmonitor-foreign", installed.tenant)
    installed.kubectl.apply(installed.monitor("foreign", interval="20s"))
    wait_until(lambda: child(installed, "servicemonitor", "foreign"), 10, "ours takes the free place")


def test_modes_and_suspension_take_objects_away_and_bring_them_back(installed: Installation) -> None:
    installed.kubectl.apply(installed.monitor("modes", **WITH_GRAFANA))
    owned_by(installed, "modes")
    disabled = {
        "prometheus": {"serviceMonitor": "Disabled"},
        "alerts": {"prometheusRule": "Disabled"},
        "dashboards": {"configMap": "Disabled", "grafanaDashboard": "Enabled"},
    }
    installed.kubectl.apply(installed.monitor("modes", **disabled))
    wait_until(lambda: set(children(installed, "modes")) == {"service", "endpoints"}, 10, "only the targets are left")
    installed.kubectl.apply(installed.monitor("modes", **WITH_GRAFANA))
    owned_by(installed, "modes")
    installed.kubectl.apply(installed.monitor("modes", suspend=True, **WITH_GRAFANA))
    left = {"service", "endpoints", "configmap", "grafanadashboard"}
    wait_until(lambda: set(children(installed, "modes")) == left, 10, "a suspended monitor is not scraped")


def test_labels_of_the_spec_come_and_go(installed: Installation) -> None:
    installed.kubectl.apply(installed.monitor("labels", prometheus={"labels": {"release": "stack"}}))

    def release(kind: str) -> str | None:
        found = child(installed, kind, "labels")
        return str(found["metadata"]["labels"].get("release")) if found else None

    for kind in ("servicemonitor", "prometheusrule"):
        wait_until(lambda kind=kind: release(kind) == "stack", 10, "the label is there")
    installed.kubectl.apply(installed.monitor("labels"))
    for kind in ("servicemonitor", "prometheusrule"):
        wait_until(lambda kind=kind: release(kind) == "None", 10, "the label is gone")


def test_a_monitor_that_is_made_anew_owns_the_objects_of_its_name(installed: Installation) -> None:
    installed.kubectl.apply(installed.monitor("again", **WITH_GRAFANA), installed.monitor("other", **WITH_GRAFANA))
    owned_by(installed, "again")
    owned_by(installed, "other")
    for name in ("again", "other"):
        installed.kubectl.delete("modelmonitor", name, installed.tenant, wait=False)
    installed.kubectl.apply(installed.monitor("other", **WITH_GRAFANA), installed.monitor("again", **WITH_GRAFANA))
    owned_by(installed, "again")
    owned_by(installed, "other")


def test_a_restart_writes_nothing_but_the_leaders_address(installed: Installation) -> None:
    installed.kubectl.apply(installed.monitor("rest", **WITH_GRAFANA))
    before = owned_by(installed, "rest")
    old = addresses(installed, "rest", "leader")
    told = wait_until(lambda: moments(installed, "rest"), SLOW_SECONDS, "the status says that they arrived")
    first = running(installed)
    first.kill()
    operator = installed.start(port=first.port)
    wait_until(
        lambda: addresses(installed, "rest", "leader") not in ([], old),
        SLOW_SECONDS,
        "the new leader's address is there",
    )
    wait_until(lambda: operator.metric("modelmonitor_operator_cycles_total") >= 3, 15, "three cycles have gone")
    after = owned_by(installed, "rest")
    changed = {
        k for k in ALL_KINDS if after[k]["metadata"]["resourceVersion"] != before[k]["metadata"]["resourceVersion"]
    }
    assert changed == {"endpoints"}
    assert writes(operator, "Endpoints") > 0
    assert sum(writes(operator, kind) for kind in KINDS_AT_REST) == 0

    assert moments(installed, "rest") == told


def moments(installed: Installation, monitor: str) -> dict[str, tuple[str, str]] | None:
    """Status and last transition of the conditions that rest on our objects; None before they are settled."""
    status = installed.status(monitor)
    found = {name: condition(status, name) for name in ("DashboardsSynced", "MonitoringSelected")}
    if any(each.get("reason") in (None, "Pending", "ObjectsPending") for each in found.values()):
        return None
    return {name: (each["status"], each["lastTransitionTime"]) for name, each in found.items()}


KINDS_AT_REST = ("Service", "ServiceMonitor", "PrometheusRule", "ConfigMap", "GrafanaDashboard")


def writes(operator: OperatorProcess, kind: str) -> float:
    lines = operator.page("/metrics").splitlines()
    found = [
        line
        for line in lines
        if line.startswith("modelmonitor_operator_api_writes_total{") and f'kind="{kind}"' in line
    ]
    return sum(float(line.rsplit(" ", 1)[1]) for line in found)


def test_dashboards_in_a_namespace_of_their_own_go_with_their_monitor_also_while_nobody_looks(
    kubectl: Kubectl, tmp_path: Path
) -> None:
    installed = Installation(kubectl, tmp_path, "elsewhere")
    installed.prepare()
    installed.overrides = {"dashboards": {"namespace": installed.system}}
    name = f"modelmonitor-{installed.tenant}-fraud"

    def dashboards() -> list[str]:
        found = kubectl.get("configmaps", namespace=installed.system, selector="grafana_dashboard=1")["items"]
        return [each["metadata"]["annotations"]["modelmonitor.dev/owner"] for each in found]

    try:
        operator = installed.start()
        kubectl.apply(installed.monitor())
        uid = kubectl.get("modelmonitor", "fraud", installed.tenant)["metadata"]["uid"]
        wait_until(lambda: dashboards() == [f"{installed.tenant}/fraud/{uid}"], 10, "the dashboard is there")
        assert child(installed, "configmap", "fraud") is None
        operator.kill()
        kubectl.delete("modelmonitor", "fraud", installed.tenant)
        installed.start()
        wait_until(lambda: not dashboards(), 10, f"{name} is swept")
    finally:
        installed.stop()
