"""What the product says when it cannot see: no API server for a sidecar, no kubelet, a server that is not ready."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from modelmonitor_api.findings import FindingCode
from modelmonitor_api.status import HealthState
from modelmonitor_testbed.installation import SYSTEM_NAMESPACE, Installation
from modelmonitor_testbed.node.cluster import NodeCluster
from modelmonitor_testbed.node.namespaces import inside, read_pid
from modelmonitor_testbed.node.setup import pause_service, resume_service
from modelmonitor_testbed.process import run
from modelmonitor_testbed.triton.manifests import TritonOptions
from tests.cluster.scenario import MonitorView, monitor_manifest
from tests.cluster.workloads import ready_sidecar, start_triton


@contextmanager
def cut_off(house: Installation, address: str) -> Iterator[None]:
    """Drop what a pod sends to the API server, as a broken network would: nobody refuses, nobody answers."""
    assert isinstance(house.provider, NodeCluster)
    pid = read_pid(house.provider.places()[0].folder)
    assert pid is not None
    nft = [*inside(pid), "nft"]
    run([*nft, "add", "table", "inet", "cut"])
    for hook, packets in (
        ("prerouting", ["ip", "saddr", address, "tcp", "dport", "{ 443, 6443 }"]),
        ("output", ["ip", "daddr", address, "tcp", "sport", "6443"]),
    ):
        run([*nft, "add", "chain", "inet", "cut", hook, f"{{ type filter hook {hook} priority -400; }}"])
        run([*nft, "add", "rule", "inet", "cut", hook, *packets, "drop"])
    try:
        yield
    finally:
        run([*nft, "delete", "table", "inet", "cut"])


def test_a_sidecar_that_cannot_hear_of_new_pods_is_said_to_be_behind_and_goes_on_with_the_old(
    house: Installation, calm: MonitorView, team: str
) -> None:
    with cut_off(house, ready_sidecar(house)["status"]["podIP"]):
        start_triton(house, team, "late", TritonOptions(models=("fast",)))
        house.kubectl.apply(monitor_manifest("late", team, "late"))
        finding = MonitorView(house.kubectl, team, "late").wait_for(FindingCode.READINGS_STALE, 100)
        assert "plan" in finding.message
        assert calm.status().health.state is HealthState.HEALTHY
    MonitorView(house.kubectl, team, "late").wait_without(FindingCode.READINGS_STALE)


def test_a_kubelet_that_is_away_leaves_models_read_and_says_that_gpus_are_not_attributed(
    house: Installation, calm: MonitorView
) -> None:
    assert isinstance(house.provider, NodeCluster)
    place = house.provider.places()[0]
    pause_service(place, "kubelet")
    try:
        finding = calm.wait_for(FindingCode.POD_RESOURCES_UNAVAILABLE)
        assert "kubelet" in finding.message
        assert calm.status().health.models_ready == "5/5"
    finally:
        resume_service(place, "kubelet")
    calm.wait_without(FindingCode.POD_RESOURCES_UNAVAILABLE)
    calm.wait_state(HealthState.HEALTHY, 90)


def test_a_server_that_is_not_ready_for_no_model_s_sake_is_said(exhibit: Callable[[str], MonitorView]) -> None:
    finding = exhibit("not-ready").wait_for(FindingCode.TRITON_NOT_READY, 90)
    assert finding.object.name == "not-ready"


def test_the_sidecar_runs_as_root_without_capabilities_and_with_nothing_writable(house: Installation) -> None:
    spec = ready_sidecar(house)["spec"]
    (container,) = spec["containers"]
    context = container["securityContext"]
    assert context["readOnlyRootFilesystem"] is True
    assert context["allowPrivilegeEscalation"] is False
    assert context["capabilities"]["drop"] == ["ALL"]
    assert "privileged" not in context or context["privileged"] is False
    refused = house.kubectl.run(
        "auth",
        "can-i",
        "--list",
        "--namespace",
        SYSTEM_NAMESPACE,
        f"--as=system:serviceaccount:{SYSTEM_NAMESPACE}:{spec['serviceAccountName']}",
    )
    assert "nodeplans" in refused
    assert "secrets" not in refused
