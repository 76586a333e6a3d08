"""A sidecar that a test speaks for: on loopback, signed with the Secret's key, in the place of the DaemonSet's pod."""

import base64
import json
import threading
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from modelmonitor_api import names
from modelmonitor_api.signing import sign_answer, sign_request, verify
from modelmonitor_api.summary import NodeSummary
from modelmonitor_testbed.kubectl import wait_until
from tests.apiserver.installation import Installation


class SignedSidecar:
    """Answers on the sidecar's port with whatever summary a test gives it; `key` and `summary` may change."""

    def __init__(self, address: str, uid: str, key: bytes, summary: Callable[[str], NodeSummary]) -> None:
        self.key, self.uid, self.summary = key, uid, summary
        self.server = ThreadingHTTPServer((address, names.SIDECAR_PORT), _handler(self))
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def answer(self) -> bytes:
        """The summary as the operator reads it."""
        return self.summary(self.uid).model_dump_json(by_alias=True).encode()

    def stop(self) -> None:
        """Answer no more."""
        self.server.shutdown()
        self.server.server_close()


def _handler(sidecar: SignedSidecar) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            nonce = self.headers[names.NONCE_HEADER]
            if not verify(sign_request(sidecar.key, nonce, sidecar.uid), self.headers[names.SIGNATURE_HEADER]):
                self.send_error(401, "unknown key")
                return
            body = sidecar.answer()
            self.send_response(200)
            self.send_header(names.SIGNATURE_HEADER, sign_answer(sidecar.key, nonce, sidecar.uid, body))
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: Any) -> None:  # noqa: A002, ARG002 - the base class names them
            return

    return Handler


def start_sidecar(
    installed: Installation, node: str, address: str, summary: Callable[[str], NodeSummary]
) -> SignedSidecar:
    """What scheduler, kubelet and the sidecar itself would do: the DaemonSet's pod runs on the node and answers."""
    pod = run_sidecar_pod(installed, node, address)
    secret = wait_until(installed.key, 10, "the key is there")
    return SignedSidecar(address, pod["metadata"]["uid"], base64.b64decode(secret["data"]["key"]), summary)


def run_sidecar_pod(installed: Installation, node: str, address: str) -> dict[str, Any]:
    """What scheduler and kubelet would do with the DaemonSet's pod; nothing answers at the address."""
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
    installed.set_running(name, installed.system, address)
    return dict(pods[0])
