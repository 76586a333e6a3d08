"""ModelMonitors applied by a GitOps tool, server-side: no fight, no drift, no mark of its on children."""

import itertools
import json
from collections.abc import Iterator
from typing import Any

import pytest

from modelmonitor_testbed.kubectl import Kubectl, wait_until
from tests.apiserver.installation import Installation

MARKS = {
    "argocd-controller": {
        "labels": {"argocd.argoproj.io/instance": "fraud-app", "app.kubernetes.io/instance": "fraud-app"},
        "annotations": {"argocd.argoproj.io/tracking-id": "fraud-app:modelmonitor.dev/ModelMonitor:x/fraud"},
    },
    "kustomize-controller": {
        "labels": {"kustomize.toolkit.fluxcd.io/name": "fraud-app", "kustomize.toolkit.fluxcd.io/namespace": "flux"},
        "annotations": {},
    },
}
"""What each tool writes on what it applies, by its field manager.

Sources: https://argo-cd.readthedocs.io/en/stable/user-guide/resource_tracking/,
https://fluxcd.io/flux/components/kustomize/kustomizations/
"""
OTHER_TEAM = "gitops-other-team"
CHILDREN = "services,endpoints,configmaps,secrets,daemonsets,nodeplans"


@pytest.fixture(scope="module")
def installed(kubectl: Kubectl, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Installation]:
    """An operator, a node and a Triton pod."""
    watched = {"watchNamespaces": ["gitops-team", OTHER_TEAM]}
    installation = Installation(kubectl, tmp_path_factory.mktemp("gitops"), "gitops", overrides=watched)
    installation.prepare()
    kubectl.run("create", "namespace", OTHER_TEAM)
    installation.start()
    installation.node("gitops-1")
    installation.triton_pod("t1", "gitops-1", "10.0.0.1")
    yield installation
    installation.stop()
    kubectl.delete("namespace", OTHER_TEAM, wait=False)


def marked(installed: Installation, manager: str, name: str) -> dict[str, Any]:
    manifest = installed.monitor(name, interval="10s")
    manifest["metadata"].update(MARKS[manager])
    return manifest


def apply(installed: Installation, manager: str, manifest: dict[str, Any], *more: str) -> str:
    """Apply as the tool does: under its name, and without force, so that a fight would be refused."""
    how = ["apply", "--server-side", f"--field-manager={manager}", *more, "-f", "-"]
    return installed.kubectl.run(*how, input_text=json.dumps(manifest))


def seen(installed: Installation, name: str) -> dict[str, Any]:
    """The ModelMonitor once the operator has spoken of its newest generation."""

    def look() -> dict[str, Any] | None:
        found = installed.kubectl.get("modelmonitor", name, installed.tenant)
        current = found["status"]["observedGeneration"] == found["metadata"]["generation"]
        return found if current and found["status"].get("conditions") else None

    return dict(wait_until(look, 20, f"the operator has looked at {name}"))


@pytest.mark.parametrize("manager", MARKS)
def test_what_is_applied_twice_is_neither_fought_over_nor_changed(installed: Installation, manager: str) -> None:
    manifest = marked(installed, manager, manager)
    apply(installed, manager, manifest)
    seen(installed, manager)
    apply(installed, manager, manifest)
    after = seen(installed, manager)
    assert after["metadata"]["generation"] == 1
    assert after["spec"]["interval"] == "10s"
    for kind in ("labels", "annotations"):
        assert MARKS[manager][kind].items() <= (after["metadata"].get(kind) or {}).items()


@pytest.mark.parametrize("manager", MARKS)
def test_the_operator_owns_the_status_alone_and_the_tool_all_the_rest(installed: Installation, manager: str) -> None:
    apply(installed, manager, marked(installed, manager, manager))
    seen(installed, manager)
    shown = ["get", "modelmonitor", manager, "--namespace", installed.tenant, "--show-managed-fields", "-o", "json"]
    entries = json.loads(installed.kubectl.run(*shown))["metadata"]["managedFields"]
    assert {entry["manager"]: entry.get("subresource", "") for entry in entries} == {
        manager: "",
        "modelmonitor-operator": "status",
    }
    (ours,) = [entry["fieldsV1"] for entry in entries if entry["manager"] == "modelmonitor-operator"]
    assert set(ours) == {"f:status"}


@pytest.mark.parametrize("manager", MARKS)
def test_there_is_no_drift_between_what_is_wanted_and_what_is_there(installed: Installation, manager: str) -> None:
    manifest = marked(installed, manager, manager)
    apply(installed, manager, manifest)
    before = seen(installed, manager)
    planned = json.loads(apply(installed, manager, manifest, "--dry-run=server", "-o", "json"))
    assert planned["spec"] == before["spec"]
    assert planned["metadata"]["labels"] == before["metadata"]["labels"]
    assert planned["metadata"]["generation"] == before["metadata"]["generation"]


def test_nothing_that_the_operator_makes_carries_a_mark_of_the_tools(installed: Installation) -> None:
    for manager in MARKS:
        apply(installed, manager, marked(installed, manager, manager))
        seen(installed, manager)
    wait_until(lambda: installed.plan("gitops-1"), 20, "the plan of the node")
    wait_until(installed.daemon_set, 20, "the DaemonSet")
    found = [
        each
        for namespace in (installed.system, installed.tenant)
        for each in installed.kubectl.get(CHILDREN, namespace=namespace)["items"]
    ]
    ours = [each for each in found if is_made_by_the_operator(each)]
    assert len(ours) >= 3
    marks = {*MARKS["argocd-controller"]["labels"], *MARKS["kustomize-controller"]["labels"]}
    for each in ours:
        labels, annotations = (each["metadata"].get(kind) or {} for kind in ("labels", "annotations"))
        assert "fraud-app" not in json.dumps([labels, annotations]), each["metadata"]["name"]
        assert (marks & labels.keys()) <= {"app.kubernetes.io/instance"}


def is_made_by_the_operator(manifest: dict[str, Any]) -> bool:
    labels = manifest["metadata"].get("labels") or {}
    return labels.get("app.kubernetes.io/managed-by") == "modelmonitor-operator"


def test_a_monitor_that_is_renamed_in_one_commit_leaves_nothing_of_the_old_name(installed: Installation) -> None:
    apply(installed, "argocd-controller", installed.monitor("before"))
    seen(installed, "before")
    wait_until(lambda: children_of(installed, installed.tenant, "before"), 20, "it has objects of its own")
    apply(installed, "argocd-controller", installed.monitor("after"))
    installed.kubectl.delete("modelmonitor", "before", installed.tenant)
    seen(installed, "after")
    wait_until(
        lambda: planned_names(installed) >= {"after"} and "before" not in planned_names(installed), 20, "renamed"
    )
    wait_until(lambda: not children_of(installed, installed.tenant, "before"), 20, "nothing of the old name is left")
    assert children_of(installed, installed.tenant, "after")


def test_a_monitor_that_is_moved_to_another_namespace_leaves_nothing_in_the_old_one(installed: Installation) -> None:
    there = installed.monitor("mover")
    there["metadata"]["namespace"] = OTHER_TEAM
    apply(installed, "argocd-controller", installed.monitor("mover"))
    wait_until(lambda: children_of(installed, installed.tenant, "mover"), 20, "it has objects where it was")
    wait_until(lambda: "mover" in planned_names(installed), 20, "its pod is planned")
    apply(installed, "argocd-controller", there)
    installed.kubectl.delete("modelmonitor", "mover", installed.tenant)
    wait_until(lambda: not children_of(installed, installed.tenant, "mover"), 20, "nothing is left where it was")
    wait_until(lambda: children_of(installed, OTHER_TEAM, "mover"), 20, "it has objects where it is")
    wait_until(lambda: "mover" not in planned_names(installed), 20, "the pods of the old namespace are not its own")


def children_of(installed: Installation, namespace: str, *monitors: str) -> set[tuple[str, str, str]]:
    """Kind, name and UID of what these ModelMonitors own in a namespace; empty while one of them owns nothing."""
    items = installed.kubectl.get(CHILDREN, namespace=namespace)["items"]
    found = {name: [each for each in items if is_of(each, name)] for name in monitors}
    if not all(found.values()):
        return set()
    return {
        (each["kind"], each["metadata"]["name"], each["metadata"]["uid"]) for each in itertools.chain(*found.values())
    }


def is_of(manifest: dict[str, Any], monitor: str) -> bool:
    owners = manifest["metadata"].get("ownerReferences") or []
    return any(owner["kind"] == "ModelMonitor" and owner["name"] == monitor for owner in owners)


def planned_names(installed: Installation) -> set[str]:
    plan = installed.plan("gitops-1") or {"spec": {}}
    return {monitor["name"] for monitor in plan["spec"].get("monitors", ())}


def test_two_monitors_that_swap_their_selectors_in_one_commit_swap_their_pods(installed: Installation) -> None:
    kubectl = installed.kubectl
    pods = {"one": ("s1", {"app": "one"}), "two": ("s2", {"app": "two"})}
    for pod, labels in pods.values():
        installed.triton_pod(pod, "gitops-1", "10.0.0.9")
        kubectl.run("label", "pod", pod, "--namespace", installed.tenant, "--overwrite", f"app={labels['app']}")

    def select(name: str, app: str) -> dict[str, Any]:
        manifest = installed.monitor(name)
        manifest["spec"]["selector"] = {"matchLabels": {"app": app}}
        return manifest

    for name, app in (("x", "one"), ("y", "two")):
        apply(installed, "argocd-controller", select(name, app))
    wait_until(lambda: planned_pods(installed) >= {("x", "s1"), ("y", "s2")}, 20, "each has its pod")
    owned = wait_until(lambda: children_of(installed, installed.tenant, "x", "y"), 20, "each has its objects")
    both = {"apiVersion": "v1", "kind": "List", "items": [select("x", "two"), select("y", "one")]}
    apply(installed, "argocd-controller", both)
    swapped = {("x", "s2"), ("y", "s1")}
    wait_until(lambda: {p for p in planned_pods(installed) if p[0] in "xy"} == swapped, 20, "they have swapped")
    assert children_of(installed, installed.tenant, "x", "y") == owned


def planned_pods(installed: Installation) -> set[tuple[str, str]]:
    plan = installed.plan("gitops-1") or {"spec": {}}
    return {(monitor["name"], pod["name"]) for monitor in plan["spec"].get("monitors", ()) for pod in monitor["pods"]}
