"""A sidecar's readings become a verdict: the DaemonSet's own pod, answering from loopback with the Secret's key."""

import base64
import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from modelmonitor_api import names
from modelmonitor_api.signing import sign_answer, sign_request, verify
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

ADDRESS = "127.77.0.1"
ANSWERS = EndpointReading(state=EndpointState.OK)


class Sidecar:
    """Answers on the sidecar's port with whatever readings a test wants."""

    def __init__(self, key: bytes, uid: str, node: str, pod_uid: str, namespace: str) -> None:
        self.key, self.uid, self.node, self.pod_uid, self.namespace = key, uid, node, pod_uid, namespace
        self.failures = 0
        self.reading = 0
        sidecar = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                nonce = self.headers[names.NONCE_HEADER]
                if not verify(sign_request(sidecar.key, nonce, sidecar.uid), self.headers[names.SIGNATURE_HEADER]):
                    self.send_error(401, "unknown key")
                    return
                body = sidecar.summary()
                self.send_response(200)
                self.send_header(names.SIGNATURE_HEADER, sign_answer(sidecar.key, nonce, sidecar.uid, body))
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, format: str, *args: Any) -> None:  # noqa: A002, ARG002 - the base class names them
                return

        self.server = ThreadingHTTPServer((ADDRESS, names.SIDECAR_PORT), Handler)
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def summary(self) -> bytes:
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
        return (
            NodeSummary(sidecar_version="test", node=self.node, pod_uid=self.uid, plan_generation=1, targets=(target,))
            .model_dump_json(by_alias=True)
            .encode()
        )

    def stop(self) -> None:
        self.server.shutdown()
        self.server.server_close()


@pytest.fixture
def installed(kubectl: Kubectl, tmp_path: Path) -> Iterator[Installation]:
    installation = Installation(kubectl, tmp_path, "verdict")
    installation.prepare()
    yield installation
    installation.stop()


def run_sidecar_pod(installed: Installation, node: str) -> dict[str, Any]:
    """What scheduler and kubelet would do with the DaemonSet's pod."""
    chosen = "app.kubernetes.io/instance=modelmonitor-sidecar"
    pods = wait_until(
        lambda: installed.kubectl.get("pods", namespace=installed.system, selector=chosen)["items"], 20, "a sidecar pod"
    )
    name = pods[0]["metadata"]["name"]
    binding = {
        "apiVersion": "v1",
        "kind": "Binding",
        "metadata": {"name": name},
        "target": {"apiVersion": "v1", "kind": "Node", "name": node},
    }
    path = f"/api/v1/namespaces/{installed.system}/pods/{name}/binding"
    installed.kubectl.run("create", "--raw", path, "-f", "-", input_text=json.dumps(binding))
    installed.set_running(name, installed.system, ADDRESS)
    return dict(pods[0])


def test_readings_become_a_verdict_and_a_failing_model_turns_it(installed: Installation) -> None:
    node = "verdict-n1"
    installed.node(node)
    installed.start()
    installed.kubectl.apply(installed.monitor(interval="5s"))
    installed.triton_pod("t1", node, "127.0.0.1")
    triton = installed.kubectl.get("pod", "t1", installed.tenant)
    pod = run_sidecar_pod(installed, node)
    secret = wait_until(installed.key, 10, "the key is there")
    key = base64.b64decode(secret["data"]["key"])
    sidecar = Sidecar(key, pod["metadata"]["uid"], node, triton["metadata"]["uid"], installed.tenant)
    try:
        healthy = wait_until(
            lambda: (s := installed.status()).get("health", {}).get("state") == "Healthy" and s, 30, "it is Healthy"
        )
        assert healthy["health"]["modelsReady"] == "1/1"
        assert condition(healthy, "Ready")["status"] == "True"
        sidecar.failures = 300
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
