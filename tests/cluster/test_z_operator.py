"""The operator killed, away, and uninstalled. Last in the ring, because the product is taken away here."""

import time

from modelmonitor_api.findings import FindingCode
from modelmonitor_api.names import object_name
from modelmonitor_api.status import HealthState
from modelmonitor_testbed.installation import SYSTEM_NAMESPACE, Installation
from modelmonitor_testbed.kubectl import wait_until
from modelmonitor_testbed.prometheus.operator import remove_crds
from tests.cluster.scenario import MonitorView, monitor_manifest
from tests.cluster.workloads import TEAM, make_namespace, scale_operator

DAEMON_SET = "modelmonitor-sidecar"


def operator_pods(house: Installation) -> list[tuple[str, int]]:
    """Each pod of the operator, with how often its container was started again."""
    found = house.kubectl.get("pods", namespace=SYSTEM_NAMESPACE, selector="app.kubernetes.io/component=operator")
    staying = [pod for pod in found["items"] if "deletionTimestamp" not in pod["metadata"]]
    return [(pod["metadata"]["name"], pod["status"]["containerStatuses"][0]["restartCount"]) for pod in staying]


def seconds_to_delete_namespace(house: Installation, name: str) -> float:
    """How long it takes until a namespace is gone."""
    begin = time.monotonic()
    house.kubectl.delete("namespace", name)
    assert house.kubectl.find("namespace", name) is None
    return time.monotonic() - begin


def test_crds_that_are_removed_take_their_objects_and_leave_the_monitoring(
    house: Installation, calm: MonitorView, prometheus_operator: None
) -> None:
    (before,) = wait_until(lambda: operator_pods(house), 60, "the operator runs")
    calm.wait_condition("MonitoringSelected", "True")
    remove_crds(house.kubectl, "servicemonitors", "prometheusrules")
    message = calm.wait_condition("MonitoringSelected", "Unknown")
    assert "ServiceMonitor" in message
    assert calm.condition("Ready")[0] == "True"
    assert house.kubectl.find("endpoints", object_name("fraud"), TEAM) is not None
    assert operator_pods(house) == [before]


def test_a_restarted_operator_knows_at_once_what_happened_while_it_was_away(
    triton: Installation, calm: MonitorView
) -> None:
    scale_operator(triton, 0)
    triton.modelctl(TEAM, "fraud-triton", "failing", "fail_ratio=1")
    time.sleep(15)  # the sidecar goes on reading: its window holds what nobody asked for
    triton.modelctl(TEAM, "fraud-triton", "failing", "reset")
    scale_operator(triton, 1)
    finding = calm.wait_for(FindingCode.MODEL_FAILING, 40)
    assert "failing" in finding.object.name


def test_a_monitor_and_its_namespace_go_in_seconds_while_the_operator_is_down(
    triton: Installation, calm: MonitorView
) -> None:
    make_namespace(triton, "short-lived")
    triton.kubectl.apply(monitor_manifest("gone", "short-lived", "none"))
    MonitorView(triton.kubectl, "short-lived", "gone").wait_for(FindingCode.TARGETS_NOT_FOUND)
    scale_operator(triton, 0)
    begin = time.monotonic()
    triton.kubectl.delete("modelmonitor", "gone", "short-lived")
    assert time.monotonic() - begin < 5
    assert triton.kubectl.find("modelmonitor", "gone", "short-lived") is None
    triton.kubectl.apply(monitor_manifest("gone", "short-lived", "none"))
    with_monitor = seconds_to_delete_namespace(triton, "short-lived")
    make_namespace(triton, "empty")
    assert with_monitor < seconds_to_delete_namespace(triton, "empty") + 2  # Kubernetes alone takes about 5 s
    scale_operator(triton, 1)
    calm.wait_state(HealthState.HEALTHY, 90)


def test_the_sidecars_go_with_the_last_monitor_and_come_back_with_the_first(
    house: Installation, calm: MonitorView
) -> None:
    house.kubectl.run("delete", "modelmonitors", "--all", "--all-namespaces")
    wait_until(lambda: not house.kubectl.find("daemonset", DAEMON_SET, SYSTEM_NAMESPACE), 30, "no DaemonSet")
    wait_until(lambda: not house.kubectl.get("nodeplans")["items"], 30, "no NodePlan")
    house.kubectl.apply(monitor_manifest("fraud", TEAM, "fraud-triton"))
    calm.wait_state(HealthState.HEALTHY)


def test_the_chart_uninstalled_first_takes_the_sidecars_and_leaves_monitors_that_delete(
    house: Installation, calm: MonitorView
) -> None:
    house.uninstall_chart()
    wait_until(lambda: not house.kubectl.find("daemonset", DAEMON_SET, SYSTEM_NAMESPACE), 60, "no DaemonSet")
    wait_until(lambda: not house.kubectl.get("nodeplans")["items"], 60, "no NodePlan")
    assert house.kubectl.find("modelmonitor", "fraud", TEAM) is not None
    begin = time.monotonic()
    house.kubectl.delete("modelmonitor", "fraud", TEAM)
    assert time.monotonic() - begin < 5
    assert house.kubectl.find("modelmonitor", "fraud", TEAM) is None
    assert house.kubectl.find("crd", "modelmonitors.modelmonitor.dev") is not None
