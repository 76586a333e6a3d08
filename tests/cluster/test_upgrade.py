"""Upgrade and rollback on a real node with live monitors: nothing restarts without a reason, nothing is forgotten.

The earlier chart runs today's images: what is tried here is what the charts and their settings do to a running product.
The definitions stay today's; what their rollback loses is tried in tests/apiserver/test_upgrade.py.
"""

import json
from collections.abc import Iterator

import pytest

from modelmonitor_api.findings import FindingCode
from modelmonitor_testbed.cache import checkout_root
from modelmonitor_testbed.installation import CHART_VALUES, RELEASE, SYSTEM_NAMESPACE, Installation
from tests.cluster.scenario import MonitorView, monitor_manifest

EARLIER = checkout_root() / "tests" / "fixtures" / "charts" / "modelmonitor-0.1.0.tgz"
WHERE = ["--namespace", SYSTEM_NAMESPACE]
WAIT = ["--wait", "--timeout=120s"]


def revision(house: Installation) -> str:
    history = json.loads(house.helm.run("history", RELEASE, *WHERE, "--output=json", "--max=1"))
    return str(history[-1]["revision"])


def sidecars(house: Installation) -> set[str]:
    pods = house.kubectl.get("pods", namespace=SYSTEM_NAMESPACE, selector="app.kubernetes.io/name=modelmonitor-sidecar")
    return {pod["metadata"]["uid"] for pod in pods["items"]}


def operator_pods(house: Installation) -> set[str]:
    pods = house.kubectl.get("pods", namespace=SYSTEM_NAMESPACE, selector="app.kubernetes.io/component=operator")
    return {pod["metadata"]["uid"] for pod in pods["items"] if "deletionTimestamp" not in pod["metadata"]}


def ready_since(view: MonitorView) -> str:
    found = view.kubectl.get("modelmonitor", view.name, view.namespace)
    return next(str(c["lastTransitionTime"]) for c in found["status"]["conditions"] if c["type"] == "Ready")


@pytest.fixture
def installed(house: Installation) -> Iterator[str]:
    """The revision before the test; it is brought back at the end."""
    before = revision(house)
    yield before
    house.helm.run("rollback", RELEASE, before, *WHERE, *WAIT)


def test_back_to_the_earlier_chart_and_forward_again_keeps_sidecars_status_and_monitors(
    house: Installation, calm: MonitorView, installed: str, team: str
) -> None:
    running, since = sidecars(house), ready_since(calm)
    identity = house.kubectl.get("modelmonitor", calm.name, calm.namespace)["metadata"]
    annotations = {f"{part}podAnnotations.image": "" for part in ("", "sidecar.")}
    present = house.kubectl.get("daemonset", f"{RELEASE}-sidecar", SYSTEM_NAMESPACE)["spec"]["template"]["metadata"]
    annotations["sidecar.podAnnotations.image"] = present.get("annotations", {}).get("image", "")
    values = {**CHART_VALUES, **annotations, "crds.install": "false"}
    given = [f"--set={name}={value}" for name, value in values.items() if value]
    house.helm.run("upgrade", RELEASE, EARLIER, *WHERE, *WAIT, "--reset-values", *given)
    assert sidecars(house) == running
    house.helm.run("rollback", RELEASE, installed, *WHERE, *WAIT)
    house.kubectl.apply(monitor_manifest("after", team, "none"))
    MonitorView(house.kubectl, team, "after").wait_for(FindingCode.TARGETS_NOT_FOUND)
    after = house.kubectl.get("modelmonitor", calm.name, calm.namespace)["metadata"]
    assert sidecars(house) == running
    assert ready_since(calm) == since
    assert (after["uid"], after["generation"]) == (identity["uid"], identity["generation"])


def test_an_upgrade_that_changes_nothing_restarts_nothing(house: Installation) -> None:
    before = operator_pods(house), sidecars(house)
    chart = checkout_root() / "charts" / "modelmonitor"
    house.helm.run("upgrade", RELEASE, chart, *WHERE, *WAIT, "--reuse-values")
    assert (operator_pods(house), sidecars(house)) == before


def test_a_setting_of_the_operator_restarts_the_operator_alone(house: Installation, installed: str) -> None:
    operators, running = operator_pods(house), sidecars(house)
    chart = checkout_root() / "charts" / "modelmonitor"
    house.helm.run("upgrade", RELEASE, chart, *WHERE, *WAIT, "--reuse-values", "--set", "settings.workers=3")
    assert operator_pods(house).isdisjoint(operators)
    assert sidecars(house) == running
