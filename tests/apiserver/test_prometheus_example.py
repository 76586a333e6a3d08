"""The configuration of a Prometheus without prometheus-operator, by the real Prometheus on a real API server."""

import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from modelmonitor_operator.desired.endpoints import LeaderAddress, build_endpoints
from modelmonitor_operator.desired.service import build_service
from modelmonitor_operator.desired.service_monitor import build_service_monitor
from modelmonitor_operator.observed import Monitor, SidecarPod
from modelmonitor_testbed.controlplane import ControlPlane, free_ports
from modelmonitor_testbed.kubectl import Kubectl
from modelmonitor_testbed.process import start_bound
from modelmonitor_testbed.prometheus.api import PrometheusApi, PrometheusError, Target
from modelmonitor_testbed.promtool import check_configuration
from modelmonitor_testbed.tools import PROMETHEUS, tool
from tests.unit.operator.worlds import monitor, settings

ROOT = Path(__file__).parents[2]
EXAMPLE = ROOT / "examples" / "prometheus" / "prometheus.yaml"
ONE_NAMESPACE = EXAMPLE.parent / "team-a.yaml"
NAMESPACE = "by-hand"
LONG = "with.dots-and-" + "x" * 60
WAIT_SECONDS = 30.0


def sidecar(node: str, ip: str) -> SidecarPod:
    return SidecarPod(node, f"sidecar-{node}", f"uid-{node}", ip, ready=True)


def create_objects(kubectl: Kubectl, owner: Monitor, *sidecars: SidecarPod) -> None:
    """What the operator would make; nobody owns them, and nothing answers at the addresses."""
    leader = LeaderAddress("192.0.2.9", 8080, "n9")
    for manifest in (build_service(settings(), owner), build_endpoints(owner, sidecars, leader)):
        metadata = {name: value for name, value in manifest["metadata"].items() if name != "ownerReferences"}
        kubectl.apply({**manifest, "metadata": metadata})


@pytest.fixture(scope="module")
def targets(
    control_plane: ControlPlane, kubectl: Kubectl, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[list[Target]]:
    """What the example finds: two monitors, one on two nodes and one with a name that does not fit."""
    kubectl.apply({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": NAMESPACE}})
    create_objects(kubectl, monitor("fraud", NAMESPACE), sidecar("n1", "192.0.2.1"), sidecar("n2", "192.0.2.2"))
    create_objects(kubectl, monitor(LONG, NAMESPACE), sidecar("n1", "192.0.2.1"))
    folder = tmp_path_factory.mktemp("prometheus")
    configuration = folder / "prometheus.yaml"
    configuration.write_text(yaml.safe_dump(pointed_at(control_plane.kubeconfig)))
    (port,) = free_ports(1)
    words = [f"--config.file={configuration}", f"--storage.tsdb.path={folder / 'data'}"]
    program = [tool(PROMETHEUS, "prometheus"), *words, f"--web.listen-address=127.0.0.1:{port}"]
    child = start_bound(program, folder / "log")
    try:
        yield wait_for_targets(PrometheusApi(f"http://127.0.0.1:{port}"), 5)
    finally:
        child.terminate()
        child.wait(20)
        kubectl.run("delete", "namespace", NAMESPACE, "--wait=false")


def pointed_at(kubeconfig: Path) -> dict[str, Any]:
    """The example, read from outside the cluster and seldom scraped."""
    configuration: dict[str, Any] = yaml.safe_load(EXAMPLE.read_text())
    for job in configuration["scrape_configs"]:
        for discovery in job["kubernetes_sd_configs"]:
            discovery["kubeconfig_file"] = str(kubeconfig)
    return configuration


def _is_ours(target: Target) -> bool:
    """Whether it is of this test's namespace: other tests leave Services of theirs on the same API server."""
    return target.pool == "modelmonitor" and target.labels["namespace"] == NAMESPACE


def wait_for_targets(api: PrometheusApi, count: int) -> list[Target]:
    deadline, found = time.monotonic() + WAIT_SECONDS, []
    while time.monotonic() < deadline:
        try:
            found = [target for target in api.targets() if _is_ours(target)]
        except PrometheusError:
            found = []
        if len(found) >= count:
            break
        time.sleep(0.25)
    return found


@pytest.mark.parametrize("example", [EXAMPLE, ONE_NAMESPACE], ids=lambda path: path.stem)
def test_promtool_accepts_the_example(example: Path) -> None:
    check_configuration(example.read_text())


def test_the_job_of_a_namespace_is_that_of_all_and_keeps_to_its_namespace_as_a_servicemonitor_does() -> None:
    (job,) = yaml.safe_load(ONE_NAMESPACE.read_text())["scrape_configs"]
    everywhere = yaml.safe_load(EXAMPLE.read_text())["scrape_configs"][0]
    endpoint = build_service_monitor(settings(), monitor("fraud", "team-a"))["spec"]["endpoints"][0]
    (guard,) = endpoint["metricRelabelings"]
    assert job.pop("metric_relabel_configs") == [
        {"action": guard["action"], "source_labels": guard["sourceLabels"], "regex": guard["regex"]}
    ]
    (discovery,) = job["kubernetes_sd_configs"]
    assert discovery.pop("namespaces") == {"names": ["team-a"]}
    assert {**job, "job_name": everywhere["job_name"]} == everywhere


def test_it_finds_each_sidecar_and_the_leader_once_on_the_path_of_the_monitor(targets: list[Target]) -> None:
    fraud = {target.address for target in targets if target.labels["service"] == "modelmonitor-fraud"}
    path = f"/monitors/{NAMESPACE}/fraud/metrics"
    assert fraud == {
        f"http://192.0.2.1:9402{path}",
        f"http://192.0.2.2:9402{path}",
        f"http://192.0.2.9:8080{path}",
    }


def test_a_name_that_is_cut_in_the_service_is_whole_in_the_path(targets: list[Target]) -> None:
    path = f"/monitors/{NAMESPACE}/{LONG}/metrics"
    assert {target.address for target in targets if target.labels["service"] != "modelmonitor-fraud"} == {
        f"http://192.0.2.1:9402{path}",
        f"http://192.0.2.9:8080{path}",
    }


def test_targets_have_the_labels_that_rules_and_dashboards_rest_on(targets: list[Target]) -> None:
    labels = {target.labels["instance"]: dict(target.labels) for target in targets if "fraud/" in target.address}
    assert labels["192.0.2.2:9402"] == {
        "instance": "192.0.2.2:9402",
        "job": "modelmonitor-fraud",
        "namespace": NAMESPACE,
        "service": "modelmonitor-fraud",
        "endpoint": "sidecar",
        "node": "n2",
    }
    assert (labels["192.0.2.9:8080"]["endpoint"], labels["192.0.2.9:8080"]["node"]) == ("leader", "n9")


def test_it_scrapes_as_a_servicemonitor_by_default_would() -> None:
    job = yaml.safe_load(EXAMPLE.read_text())["scrape_configs"][0]
    spec = build_service_monitor(settings(), monitor("fraud", NAMESPACE))["spec"]
    endpoint = spec["endpoints"][0]
    assert job["honor_labels"] is endpoint["honorLabels"] is True
    assert job["scrape_timeout"] == endpoint["scrapeTimeout"]
    assert job["sample_limit"] == spec["sampleLimit"]


def test_a_real_api_server_takes_the_other_examples(kubectl: Kubectl) -> None:
    folder = EXAMPLE.parent
    kubectl.apply({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "team-a"}})
    for name in ("rights.yaml", "fewer-series.yaml"):
        kubectl.run("apply", "--dry-run=server", "--server-side", "-f", folder / name)
