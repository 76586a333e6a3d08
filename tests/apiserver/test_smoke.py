"""The pod of `helm test`, as a process against a real API server; the operator's part is played by the test."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from modelmonitor_testbed.controlplane import free_ports
from modelmonitor_testbed.kubectl import Kubectl, wait_until

ROOT = Path(__file__).parents[2]
NAMESPACE, NAME = "smoke-team", "modelmonitor-test"


@dataclass(frozen=True)
class Smoke:
    """Starts the test's program and plays the operator."""

    kubectl: Kubectl
    pod_uid: str

    def start(self, timeout_seconds: float) -> subprocess.Popen[str]:
        command = [sys.executable, "-m", "modelmonitor_operator.smoke", f"--namespace={NAMESPACE}", f"--name={NAME}"]
        command += ["--label-value=x", f"--timeout-seconds={timeout_seconds}", f"--port={free_ports(1)[0]}"]
        environment = {
            "PATH": os.environ["PATH"],
            "KUBECONFIG": str(self.kubectl.kubeconfig),
            "PYTHONPATH": str(ROOT / "operator"),
            "POD_NAME": "test",
            "POD_UID": self.pod_uid,
        }
        return subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)

    def find(self) -> Any | None:
        return self.kubectl.find("modelmonitor", NAME, NAMESPACE)

    def find_of_this_run(self) -> Any | None:
        owners = (self.find() or {"metadata": {}})["metadata"].get("ownerReferences", [])
        return self.pod_uid in [owner["uid"] for owner in owners]

    def say(self, status: str, reason: str) -> None:
        condition = {"type": "Ready", "status": status, "reason": reason, "lastTransitionTime": "2026-01-01T00:00:00Z"}
        patch = json.dumps({"status": {"observedGeneration": 1, "conditions": [condition]}})
        where = ["modelmonitor", NAME, "--namespace", NAMESPACE, "--subresource=status", "--type=merge"]
        self.kubectl.run("patch", *where, "--patch", patch)


@pytest.fixture(scope="module")
def smoke(kubectl: Kubectl) -> Iterator[Smoke]:
    """A namespace with the pod that owns what the test makes."""
    pod = {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": "test", "namespace": NAMESPACE},
        "spec": {"containers": [{"name": "test", "image": "registry.example/test:test"}]},
    }
    account = {"apiVersion": "v1", "kind": "ServiceAccount", "metadata": {"name": "default", "namespace": NAMESPACE}}
    kubectl.apply({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": NAMESPACE}}, account, pod)
    yield Smoke(kubectl, kubectl.get("pod", "test", NAMESPACE)["metadata"]["uid"])
    kubectl.delete("namespace", NAMESPACE, wait=False)


def test_it_passes_once_the_model_monitor_is_ready_and_removes_it(smoke: Smoke) -> None:
    child = smoke.start(30)
    wait_until(smoke.find_of_this_run, 15, "the ModelMonitor is made")
    smoke.say("False", "ReadingsPending")
    smoke.say("True", "Monitoring")
    said, _ = child.communicate(timeout=15)
    assert child.returncode == 0, said
    assert "Ready=True (Monitoring)" in said
    assert smoke.find() is None


def test_it_fails_in_time_and_says_why(smoke: Smoke) -> None:
    child = smoke.start(2)
    said, _ = child.communicate(timeout=15)
    assert child.returncode == 1
    assert "the operator has not looked" in said
    assert "not Ready within 2 s" in said
    assert smoke.find() is None


def test_what_an_earlier_run_left_is_removed_first(smoke: Smoke) -> None:
    metadata = {"name": NAME, "namespace": NAMESPACE}
    spec = {"selector": {"matchLabels": {"app": "earlier"}}}
    left = {"apiVersion": "modelmonitor.dev/v1alpha1", "kind": "ModelMonitor", "metadata": metadata, "spec": spec}
    smoke.kubectl.apply(left)
    child = smoke.start(30)
    wait_until(smoke.find_of_this_run, 15, "the ModelMonitor of this run is there")
    smoke.say("True", "Monitoring")
    said, _ = child.communicate(timeout=15)
    assert child.returncode == 0, said
    assert "removing what an earlier run left" in said
