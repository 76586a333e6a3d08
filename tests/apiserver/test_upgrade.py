"""Upgrade, rollback, and an older operator under newer definitions: what a real API server keeps and what it loses."""

import json
import tarfile
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

import pytest
import yaml

from modelmonitor_testbed.controlplane import running_control_plane
from modelmonitor_testbed.helm import Helm
from modelmonitor_testbed.kubectl import Kubectl, wait_until
from modelmonitor_testbed.process import CommandError
from tests.apiserver.installation import Installation
from tests.chart.rendering import CHART, CRD_CHART

ROOT = Path(__file__).parents[2]
RELEASES = ROOT / "tests" / "fixtures" / "charts"
EARLIER = RELEASES / "modelmonitor-0.1.0.tgz"
EARLIER_OPERATOR = RELEASES / "modelmonitor-operator-0.1.0.tar.gz"
SYSTEM, TEAM, CRD = "modelmonitor-system", "team-a", "modelmonitors.modelmonitor.dev"
NEWER_FIELDS = {
    *("spec.alerts", "spec.cost", "spec.dashboards", "spec.objectives", "spec.prometheus"),
    *("status.cost", "status.objectives"),
}
"""Fields that the release in tests/fixtures/charts does not know. A release that adds one adds it here."""


@pytest.fixture(scope="module")
def cluster() -> Iterator[Kubectl]:
    """A control plane of its own: the definitions come and go."""
    with running_control_plane() as control_plane:
        kubectl = Kubectl(control_plane.kubeconfig)
        for namespace in (SYSTEM, TEAM):
            kubectl.run("create", "namespace", namespace)
        yield kubectl


@pytest.fixture(scope="module")
def helm(cluster: Kubectl) -> Helm:
    return Helm(cluster.kubeconfig)


def known_fields(cluster: Kubectl) -> set[str]:
    """The fields of spec and status that the API server knows now, at every depth."""
    schema = cluster.get("crd", CRD)["spec"]["versions"][0]["schema"]["openAPIV3Schema"]
    return {each for part in ("spec", "status") for each in below(schema["properties"][part], part)}


def below(schema: dict[str, Any], path: str) -> Iterator[str]:
    """The paths of every field under this one."""
    for name, inner in schema.get("properties", {}).items():
        yield f"{path}.{name}"
        yield from below(inner, f"{path}.{name}")
    if "items" in schema:
        yield from below(schema["items"], path)


def monitor(name: str) -> dict[str, Any]:
    """The example with every field, under another name."""
    manifest = yaml.safe_load((ROOT / "examples" / "full.yaml").read_text())
    spec = {**manifest["spec"], "alerts": {"labels": {"team": "fraud"}}, "prometheus": {"interval": "30s"}}
    spec["dashboards"] = {"folder": "Fraud"}
    spec["objectives"] = [{"name": "available", "type": "Availability", "target": "99.9"}]
    spec["cost"] = {"currency": "EUR", "pricePerGpuHour": "2.50"}
    return {**manifest, "metadata": {"name": name, "namespace": TEAM}, "spec": spec}


STATUS = {
    "cost": {"currency": "EUR", "since": "2026-01-01T00:00:00Z", "spent": "12.34 EUR"},
    "objectives": [{"name": "available", "type": "Availability", "target": "99.9", "method": "Requests"}],
}
"""What an operator would have written of the newer fields."""


def values_of(cluster: Kubectl, name: str) -> dict[str, Any]:
    """What the ModelMonitor holds in the newer fields, by path."""
    found = cluster.get("modelmonitor", name, TEAM)
    paths = ((path, path.split(".")) for path in NEWER_FIELDS)
    return {path: found[part][field] for path, (part, field) in paths if field in found.get(part, {})}


def upgrade(helm: Helm, release: str, chart: Path, *more: str) -> None:
    helm.run("upgrade", "--install", release, chart, "--namespace", SYSTEM, *more)


def test_an_upgrade_brings_the_newer_definitions_and_keeps_the_monitors(cluster: Kubectl, helm: Helm) -> None:
    upgrade(helm, "modelmonitor", EARLIER)
    earlier = known_fields(cluster)
    old = {"selector": {"matchLabels": {"app": "x"}}, "interval": "10s"}
    before = {"apiVersion": "modelmonitor.dev/v1alpha1", "kind": "ModelMonitor", "spec": old}
    cluster.apply({**before, "metadata": {"name": "earlier", "namespace": TEAM}})
    uid = cluster.get("modelmonitor", "earlier", TEAM)["metadata"]["uid"]
    upgrade(helm, "modelmonitor", CHART)
    assert outermost(known_fields(cluster) - earlier) == NEWER_FIELDS
    after = cluster.get("modelmonitor", "earlier", TEAM)
    assert (after["metadata"]["uid"], after["metadata"]["generation"]) == (uid, 1)
    assert old.items() <= after["spec"].items()


def outermost(fields: set[str]) -> set[str]:
    """The fields whose parents are not among them."""
    return {each for each in fields if each.rpartition(".")[0] not in fields}


def test_a_rollback_with_templated_definitions_hides_newer_fields_and_a_write_then_loses_them(
    cluster: Kubectl, helm: Helm
) -> None:
    cluster.apply(monitor("untouched"), monitor("written"))
    for name in ("untouched", "written"):
        write_status(cluster, (name, TEAM), "modelmonitor-operator", STATUS)
    assert values_of(cluster, "untouched").keys() == NEWER_FIELDS
    helm.run("rollback", "modelmonitor", "1", "--namespace", SYSTEM)
    assert known_fields(cluster) & NEWER_FIELDS == set()
    for name in ("untouched", "written"):
        assert values_of(cluster, name) == {}
    cluster.run("annotate", "modelmonitor", "written", "--namespace", TEAM, "touched=1")
    upgrade(helm, "modelmonitor", CHART)
    wait_until(lambda: values_of(cluster, "untouched").keys() == NEWER_FIELDS, 15, "what nobody wrote is whole again")
    kept, whole = values_of(cluster, "written"), values_of(cluster, "untouched")
    assert {field for field in NEWER_FIELDS if kept.get(field) != whole[field]} == NEWER_FIELDS


def test_the_page_on_upgrades_lists_what_a_rollback_loses() -> None:
    page = (ROOT / "UPGRADE.md").read_text()
    assert {field for field in NEWER_FIELDS if f"`{field}`" not in page} == set()


def test_the_definitions_can_be_handed_over_to_the_chart_of_their_own(cluster: Kubectl, helm: Helm) -> None:
    uid = cluster.get("modelmonitor", "untouched", TEAM)["metadata"]["uid"]
    upgrade(helm, "modelmonitor", CHART, "--reset-then-reuse-values", "--set", "crds.install=false")
    upgrade(helm, "modelmonitor-crds", CRD_CHART, "--take-ownership")
    owner = cluster.get("crd", CRD)["metadata"]["annotations"]["meta.helm.sh/release-name"]
    assert owner == "modelmonitor-crds"
    assert cluster.get("modelmonitor", "untouched", TEAM)["metadata"]["uid"] == uid


def test_a_rollback_beside_the_chart_of_the_definitions_loses_nothing(cluster: Kubectl, helm: Helm) -> None:
    upgrade(helm, "modelmonitor", EARLIER, "--reset-values", "--set", "crds.install=false")
    upgrade(helm, "modelmonitor", CHART, "--reset-then-reuse-values")
    cluster.apply(monitor("untouched"))
    write_status(cluster, ("untouched", TEAM), "modelmonitor-operator", STATUS)
    before = values_of(cluster, "untouched")
    helm.run("rollback", "modelmonitor", "--namespace", SYSTEM)
    assert known_fields(cluster) >= NEWER_FIELDS
    cluster.run("annotate", "modelmonitor", "untouched", "--namespace", TEAM, "touched=1")
    assert values_of(cluster, "untouched") == before
    assert before.keys() == NEWER_FIELDS


def test_an_uninstall_keeps_the_definitions_and_the_monitors_whichever_chart_brought_them(
    cluster: Kubectl, helm: Helm
) -> None:
    for release in ("modelmonitor", "modelmonitor-crds"):
        helm.run("uninstall", release, "--namespace", SYSTEM)
    assert cluster.find("modelmonitor", "untouched", TEAM) is not None
    assert cluster.find("deployment", "modelmonitor-operator", SYSTEM) is None


def test_values_of_an_earlier_release_are_kept_by_reset_then_reuse_and_refused_by_reuse(
    cluster: Kubectl, helm: Helm
) -> None:
    upgrade(helm, "values", EARLIER, "--set", "logLevel=DEBUG,crds.install=false")
    with pytest.raises(CommandError):
        upgrade(helm, "values", CHART, "--reuse-values")
    upgrade(helm, "values", CHART, "--reset-then-reuse-values")
    settings = cluster.get("configmap", "values-modelmonitor-operator-settings", SYSTEM)["data"]["settings.json"]
    assert json.loads(settings)["logLevel"] == "DEBUG"
    helm.run("uninstall", "values", "--namespace", SYSTEM)


@pytest.fixture(scope="module")
def earlier_operator(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Source root of the operator of the earlier release."""
    folder = tmp_path_factory.mktemp("earlier")
    with tarfile.open(EARLIER_OPERATOR) as archive:
        archive.extractall(folder, filter="data")
    return folder / "operator"


def test_the_operator_of_the_earlier_release_takes_over_a_monitor_and_gives_it_back_whole(
    cluster: Kubectl, tmp_path: Path, earlier_operator: Path
) -> None:
    cluster.apply(ROOT / "crds")
    installation = Installation(cluster, tmp_path, "back")
    installation.prepare()
    given = {key: value for key, value in monitor("fraud")["spec"].items() if key != "selector"}
    cluster.apply(installation.monitor("fraud", **given))
    before = cluster.get("modelmonitor", "fraud", installation.tenant)
    today, where = installation.source, ["--namespace", installation.tenant]
    steps = [
        (today, lambda: installation.triton_pod("t1", "nowhere", "10.0.0.1"), 1),
        (earlier_operator, lambda: cluster.run("delete", "pod", "t1", *where, "--grace-period=0", "--force"), 0),
        (today, lambda: installation.triton_pod("t2", "nowhere", "10.0.0.2"), 1),
    ]
    ledgers = set()
    try:
        for source, change, count in steps:
            installation.source = source
            operator = installation.start()
            change()
            wait_until(partial(has_seen, installation, count), 20, f"{source} has seen the change")
            ledgers.add(wait_until(partial(ledger_of, installation, before), 20, "the ledger"))
            found = cluster.get("modelmonitor", "fraud", installation.tenant)
            assert ("objectives" in found["status"]) == (source == today)
            assert found["spec"] == before["spec"]
            for name in ("uid", "generation"):
                assert found["metadata"][name] == before["metadata"][name]
            operator.terminate()
        assert len(ledgers) == 1
    finally:
        installation.stop()


def ledger_of(installation: Installation, monitor: dict[str, Any]) -> tuple[str, str] | None:
    """UID and beginning of the ledger of a ModelMonitor."""
    found = installation.find("configmap", f"modelmonitor-ledger-{monitor['metadata']['uid']}")
    return (found["metadata"]["uid"], found["metadata"]["creationTimestamp"]) if found else None


def has_seen(installation: Installation, pods: int) -> bool:
    """Whether the ModelMonitor's status counts that many pods."""
    health = installation.status().get("health", {})
    return health.get("pods", {}).get("selected") == pods


def with_newer_definition(cluster: Kubectl) -> None:
    """The definition of a later release: a field more in spec and in status."""
    crd = yaml.safe_load((ROOT / "crds" / "modelmonitor.dev_modelmonitors.yaml").read_text())
    parts = crd["spec"]["versions"][0]["schema"]["openAPIV3Schema"]["properties"]
    for part in ("spec", "status"):
        parts[part]["properties"]["fromTheFuture"] = {"type": "string", "description": "Not known yet."}
    cluster.apply(crd, ROOT / "crds" / "modelmonitor.dev_nodeplans.yaml")
    cluster.run("wait", "--for=condition=Established", f"crd/{CRD}", "--timeout=30s")


def write_status(cluster: Kubectl, where: tuple[str, str], manager: str, status: dict[str, Any]) -> None:
    name, namespace = where
    manifest = {
        "apiVersion": "modelmonitor.dev/v1alpha1",
        "kind": "ModelMonitor",
        "metadata": {"name": name, "namespace": namespace},
        "status": status,
    }
    how = ["apply", "--server-side", "--subresource=status", f"--field-manager={manager}", "-f", "-"]
    cluster.run(*how, input_text=json.dumps(manifest))


def test_an_operator_under_newer_definitions_works_and_loses_no_field_that_people_wrote(
    cluster: Kubectl, tmp_path: Path
) -> None:
    with_newer_definition(cluster)
    installation = Installation(cluster, tmp_path, "future")
    installation.prepare()
    manifest = installation.monitor("fraud", fromTheFuture="kept")
    wait_until(lambda: "kept" in accepted(cluster, manifest), 15, "the API server knows the newer field")
    write_status(cluster, ("fraud", installation.tenant), "modelmonitor-operator", {"fromTheFuture": "ours"})
    try:
        installation.start()
        wait_until(lambda: installation.status().get("conditions"), 20, "the operator has looked")
        found = cluster.get("modelmonitor", "fraud", installation.tenant)
        assert found["spec"]["fromTheFuture"] == "kept"
        assert "fromTheFuture" not in found["status"]
        write_status(cluster, ("fraud", installation.tenant), "another", {"fromTheFuture": "theirs"})
        cluster.run("annotate", "modelmonitor", "fraud", "--namespace", installation.tenant, "touched=1")
        installation.triton_pod("t1", "nowhere", "10.0.0.1")
        wait_until(
            lambda: installation.status()["health"]["pods"]["selected"] == 1, 20, "the operator has written again"
        )
        found = cluster.get("modelmonitor", "fraud", installation.tenant)
        assert (found["spec"]["fromTheFuture"], found["status"]["fromTheFuture"]) == ("kept", "theirs")
    finally:
        installation.stop()


def accepted(cluster: Kubectl, manifest: dict[str, Any]) -> str:
    cluster.apply(manifest)
    return json.dumps(cluster.get("modelmonitor", "fraud", manifest["metadata"]["namespace"]))
