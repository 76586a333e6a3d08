"""One real node for the whole ring: built, installed by Helm, and taken away at the end."""

import os
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from modelmonitor_api.status import HealthState
from modelmonitor_testbed.cache import cache_folder
from modelmonitor_testbed.installation import (
    SYSTEM_NAMESPACE,
    TESTBED_NAMESPACE,
    Installation,
    load_images,
    open_installation,
    start_gpu_simulator,
)
from modelmonitor_testbed.kubectl import pod_is_ready, wait_until
from modelmonitor_testbed.node.cluster import NodeCluster
from modelmonitor_testbed.process import CommandError
from modelmonitor_testbed.progress import say
from modelmonitor_testbed.triton.manifests import TritonOptions, load_deployment, triton_deployment, triton_service
from tests.cluster.scenario import MonitorView, monitor_manifest

CLUSTER_NAME = "test"
TEAM = "team-a"
TRITON = "fraud-triton"
MODELS = ("fast", "slow", "failing", "ensemble", "queue")


@pytest.fixture(scope="session")
def house() -> Iterator[Installation]:
    """A node with our images, simulated GPUs and the product, as a user would install it."""
    cluster = NodeCluster(CLUSTER_NAME)
    if not os.environ.get("KEEP_CLUSTER"):
        cluster.delete()
    cluster.create()
    load_images(cluster)
    installation = open_installation(cluster)
    start_gpu_simulator(installation)
    installation.install_chart()
    try:
        yield installation
    finally:
        save_logs(installation)
        if not os.environ.get("KEEP_CLUSTER"):
            cluster.delete()
            left = cluster.leftovers()
            assert not left, f"the cluster left something behind: {left}"


def save_logs(installation: Installation) -> None:
    """Keep what the product said, for whoever reads a failed run."""
    folder: Path = cache_folder("cluster-logs")
    for namespace in (SYSTEM_NAMESPACE, TESTBED_NAMESPACE, TEAM):
        try:
            for pod in installation.kubectl.get("pods", namespace=namespace)["items"]:
                name = pod["metadata"]["name"]
                (folder / f"{namespace}-{name}.log").write_text(
                    installation.kubectl.logs(name, namespace, "--all-containers", "--tail=2000")
                )
        except CommandError as error:
            say("logs", str(error))


@pytest.fixture(scope="session")
def triton(house: Installation) -> Installation:
    """A Triton with five models on one simulated GPU, under steady load."""
    make_namespace(house, TEAM)
    start_triton(house, TEAM, TRITON, TritonOptions(gpus=1, models=MODELS))
    wait_until(lambda: ready_pods(house, TEAM, TRITON), 120, "Triton is ready")
    start_load(house, TEAM, "load", TRITON, {"fast": 10, "slow": 3, "failing": 3, "ensemble": 3, "queue": 1})
    wait_until(lambda: ready_pods(house, TEAM, "load"), 60, "the load generator runs")
    return house


@pytest.fixture(scope="session")
def fraud(triton: Installation) -> MonitorView:
    """The monitor of that Triton, with its first verdict; `first_verdict_seconds` says how long that took."""
    begin = time.monotonic()
    triton.kubectl.apply(monitor_manifest("fraud", TEAM, TRITON))
    view = MonitorView(triton.kubectl, TEAM, "fraud")
    wait_until(lambda: view.status().health.state is HealthState.HEALTHY, 60, "the first verdict is Healthy")
    say("first verdict", f"Healthy {time.monotonic() - begin:.1f} s after kubectl apply, sidecars made on the way")
    return view


@pytest.fixture
def calm(triton: Installation, fraud: MonitorView) -> Iterator[MonitorView]:
    """The monitor with everything in order before the test, and put in order after it."""
    fraud.wait_state(HealthState.HEALTHY, 150)
    yield fraud
    triton.gpusim("restore")
    for model in MODELS:
        if model != "ensemble":
            triton.modelctl(TEAM, TRITON, model, "reset")


def start_triton(house: Installation, namespace: str, name: str, options: TritonOptions) -> None:
    """A Triton and its Service; ready some seconds later."""
    house.kubectl.apply(triton_service(name, namespace), triton_deployment(name, namespace, options))


def start_load(house: Installation, namespace: str, name: str, service: str, rates: dict[str, float]) -> None:
    """Steady requests to the models of a Triton, once it is ready."""
    wait_until(lambda: ready_pods(house, namespace, service), 90, f"{service} is ready for load")
    house.kubectl.apply(load_deployment(name, namespace, service, rates))


def make_namespace(house: Installation, name: str) -> None:
    """A namespace for a team."""
    house.kubectl.apply({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}})


def ready_pods(house: Installation, namespace: str, app: str) -> list[str]:
    """Names of the pods of an app when all of them are ready; empty before."""
    pods = house.kubectl.get("pods", namespace=namespace, selector=f"app={app}")["items"]
    return [p["metadata"]["name"] for p in pods] if pods and all(pod_is_ready(p) for p in pods) else []


@pytest.fixture
def team(house: Installation, request: pytest.FixtureRequest) -> Iterator[str]:
    """A namespace of the test's own, gone after it."""
    name = "t-" + str(abs(hash(request.node.name)) % 10**8)
    make_namespace(house, name)
    yield name
    house.kubectl.delete("namespace", name, wait=False)
