"""A sidecar's readings become a verdict, and a sidecar with another key is not believed."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from modelmonitor_api.summary import (
    EndpointReading,
    EndpointState,
    ModelReading,
    ModelWindow,
    NodeSummary,
    TargetReading,
)
from modelmonitor_testbed.kubectl import Kubectl, wait_until
from tests.apiserver.installation import Installation, condition
from tests.apiserver.sidecar import start_sidecar

ANSWERS = EndpointReading(state=EndpointState.OK)


@dataclass
class Readings:
    """What the sidecar of one node says about one pod, a newer reading each time."""

    node: str
    namespace: str
    pod_uid: str
    failures: int = 0
    reading: int = 0

    def summary(self, sidecar_uid: str) -> NodeSummary:
        self.reading += 1
        window = ModelWindow(
            window_seconds=300, covered_seconds=300, successes=100, failures=self.failures, success_seconds=1.0
        )
        target = TargetReading(
            namespace=self.namespace,
            pod="t1",
            pod_uid=self.pod_uid,
            reading=self.reading,
            age_seconds=1.0,
            http=ANSWERS,
            metrics=ANSWERS,
            server_ready=True,
            models=(ModelReading(name="fast", version="1", ready=True, windows=(window,)),),
            models_total=1,
        )
        return NodeSummary(
            sidecar_version="test", node=self.node, pod_uid=sidecar_uid, plan_generation=1, targets=(target,)
        )


@pytest.fixture
def installed(kubectl: Kubectl, tmp_path: Path) -> Iterator[Installation]:
    installation = Installation(kubectl, tmp_path, "verdict")
    installation.prepare()
    yield installation
    installation.stop()


def test_readings_become_a_verdict_and_a_failing_model_turns_it(installed: Installation) -> None:
    node = "verdict-n1"
    installed.node(node)
    installed.start()
    installed.kubectl.apply(installed.monitor(interval="5s"))
    installed.triton_pod("t1", node, "10.99.6.1")
    triton = installed.kubectl.get("pod", "t1", installed.tenant)
    readings = Readings(node, installed.tenant, triton["metadata"]["uid"])
    sidecar = start_sidecar(installed, node, "127.77.0.1", readings.summary)
    try:
        healthy = wait_until(
            lambda: (s := installed.status()).get("health", {}).get("state") == "Healthy" and s, 30, "it is Healthy"
        )
        assert healthy["health"]["modelsReady"] == "1/1"
        assert condition(healthy, "Ready")["status"] == "True"
        readings.failures = 300
        broken = wait_until(
            lambda: (s := installed.status()).get("health", {}).get("state") == "Unhealthy" and s, 30, "it is Unhealthy"
        )
        assert broken["health"]["reason"] == "ModelFailing"
        sidecar.key = b"another key that is long enough to sign with"
        wait_until(
            lambda: "SidecarUnreachable" in json.dumps(installed.status()), 30, "a sidecar with another key is told"
        )
    finally:
        sidecar.stop()
