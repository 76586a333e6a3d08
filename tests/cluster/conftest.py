"""One real node for the whole ring: built, installed by Helm, and taken away at the end."""

import os
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from modelmonitor_api.alert_names import AlertName
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
from modelmonitor_testbed.kubectl import wait_until
from modelmonitor_testbed.node.cluster import NodeCluster
from modelmonitor_testbed.process import CommandError
from modelmonitor_testbed.progress import say
from modelmonitor_testbed.prometheus.api import PrometheusApi
from modelmonitor_testbed.prometheus.operator import install_operator, load_prometheus_images
from modelmonitor_testbed.prometheus.server import run_prometheus
from modelmonitor_testbed.prometheus.service import expose_prometheus
from modelmonitor_testbed.triton.manifests import TritonOptions
from tests.cluster.arrival import AVAILABILITY, LATENCY, MAIN, QUICK, quick_alert
from tests.cluster.scenario import MonitorView, monitor_manifest
from tests.cluster.workloads import (
    GALLERY,
    MODELS,
    ODD_PODS,
    TEAM,
    TRITON,
    make_namespace,
    python_pod,
    start_broken_triton,
    start_caching_triton,
    start_load,
    start_triton,
)

CLUSTER_NAME = "test"
LEDGER_SECONDS = 20
"""How often a ledger is written here; users wait five minutes."""
FRAUD = {
    "objectives": [AVAILABILITY, LATENCY],
    "prometheus": QUICK,
    "alerts": {"overrides": [quick_alert(AlertName.MODEL_FAILING)]},
}
_FROZEN = "--metrics-config=counter_latencies=false"
_PERCENTILES = "--metrics-config=summary_latencies=true"


@pytest.fixture(scope="session", autouse=True)
def ring_began() -> float:
    """When this run of the ring began, seconds since the epoch: the audit log of a kept cluster is older."""
    return time.time()


@pytest.fixture(scope="session")
def house() -> Iterator[Installation]:
    """A node with our images, simulated GPUs and the product, as a user would install it."""
    cluster = NodeCluster(CLUSTER_NAME)
    if not os.environ.get("KEEP_CLUSTER"):
        cluster.delete()
    cluster.create()
    installation = open_installation(cluster, load_images(cluster))
    start_gpu_simulator(installation)
    url = expose_prometheus(installation.kubectl, MAIN)
    installation.install_chart(prometheus__url=url, prometheus__pollSeconds="5", cost__writeSeconds=str(LEDGER_SECONDS))
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
    start_triton(house, TEAM, TRITON, TritonOptions(gpus=1, models=MODELS, arguments=(_PERCENTILES,)))
    start_load(house, TEAM, TRITON, {"fast": 10, "slow": 3, "failing": 3, "ensemble": 3, "queue": 1})
    return house


@pytest.fixture(scope="session")
def fraud(triton: Installation) -> MonitorView:
    """The monitor of that Triton, with its first verdict; `first_verdict_seconds` says how long that took."""
    begin = time.monotonic()
    triton.kubectl.apply(monitor_manifest("fraud", TEAM, TRITON, **FRAUD))
    view = MonitorView(triton.kubectl, TEAM, "fraud")
    wait_until(lambda: view.status().health.state is HealthState.HEALTHY, 60, "the first verdict is Healthy")
    say("first verdict", f"Healthy {time.monotonic() - begin:.1f} s after kubectl apply, sidecars made on the way")
    return view


@pytest.fixture(scope="session")
def prometheus_operator(house: Installation, fraud: MonitorView) -> None:
    """prometheus-operator with its CRDs, installed while the product runs already."""
    load_prometheus_images(house.provider)
    install_operator(house.kubectl)


@pytest.fixture(scope="session")
def prometheus(house: Installation, prometheus_operator: None) -> PrometheusApi:
    """A Prometheus that selects by the label `release: main`."""
    return run_prometheus(house.kubectl, MAIN)


@pytest.fixture
def calm(triton: Installation, fraud: MonitorView) -> Iterator[MonitorView]:
    """The monitor with everything in order before the test, and put in order after it."""
    fraud.wait_state(HealthState.HEALTHY, 150)
    yield fraud
    triton.gpusim("restore")
    for model in MODELS:
        if model != "ensemble":
            triton.modelctl(TEAM, TRITON, model, "reset")


@pytest.fixture(scope="session")
def gallery(house: Installation) -> Installation:
    """Everything that is wrong from the start, begun at once so that the tests wait for it together."""
    make_namespace(house, GALLERY)
    start_triton(house, GALLERY, "idle", TritonOptions(models=("fast",)))
    start_triton(house, GALLERY, "frozen", TritonOptions(models=("fast",), arguments=(_FROZEN,)))
    start_triton(house, GALLERY, "means", TritonOptions(models=("fast",)))
    start_broken_triton(house, GALLERY, "broken")
    start_caching_triton(house, GALLERY, "cached")
    for name, odd in ODD_PODS.items():
        house.kubectl.apply(python_pod(name, GALLERY, name, **odd))
    monitors = {name: {} for name in ("idle", "frozen", "means", "cached", "broken", "nothing", *ODD_PODS)}
    monitors["unnamed-port"] = {"triton": {"httpPort": "no-such-port"}}
    house.kubectl.apply(*(monitor_manifest(name, GALLERY, name, **spec) for name, spec in monitors.items()))
    for name in ("frozen", "means", "cached"):
        start_load(house, GALLERY, name, {"fast": 5})
    return house


@pytest.fixture
def exhibit(gallery: Installation) -> Callable[[str], MonitorView]:
    """A monitor of the gallery by its name."""
    return lambda name: MonitorView(gallery.kubectl, GALLERY, name)


@pytest.fixture
def team(house: Installation, request: pytest.FixtureRequest) -> Iterator[str]:
    """A namespace of the test's own, gone after it."""
    name = "t-" + str(abs(hash(request.node.name)) % 10**8)
    make_namespace(house, name)
    yield name
    house.kubectl.delete("namespace", name, wait=False)
