"""What the cluster tests run beside the product: Tritons, load, and pods that are no Triton."""

from collections.abc import Mapping
from typing import Any

from modelmonitor_testbed.cache import checkout_root
from modelmonitor_testbed.installation import SYSTEM_NAMESPACE, Installation
from modelmonitor_testbed.kubectl import pod_is_ready, wait_until
from modelmonitor_testbed.triton.manifests import TritonOptions, load_deployment, triton_deployment, triton_service

TEAM = "team-a"
TRITON = "fraud-triton"
MODELS = ("fast", "slow", "failing", "ensemble", "queue")

GALLERY = "gallery"
"""The namespace of everything that is wrong from the start: one app, and one monitor of the same name, for each."""

SLEEP = "import time; time.sleep(3600)"
HTML = """
import http.server
class Page(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200); self.send_header("Content-Type", "text/html"); self.end_headers()
        self.wfile.write(b"<!doctype html><title>log in</title>")
    do_POST = do_GET
http.server.ThreadingHTTPServer(("", 8000), Page).serve_forever()
"""
STARTING = """
import http.server, json, threading
class Page(http.server.BaseHTTPRequestHandler):
    def answer(self):
        found = {"/v2": {"name": "triton", "version": "2.51.0", "extensions": []},
                 "/v2/repository/index": [], "/v2/models/stats": {"model_stats": []}}.get(self.path)
        text = json.dumps({"error": "not ready"} if found is None else found)
        if self.path == "/metrics": text = "nv_cpu_utilization 0"
        body = (text + chr(10)).encode()
        self.send_response(200 if found is not None or self.path == "/metrics" else 400)
        self.send_header("Content-Length", str(len(body))); self.end_headers(); self.wfile.write(body)
    do_GET = do_POST = answer
threading.Thread(target=http.server.ThreadingHTTPServer(("", 8002), Page).serve_forever).start()
http.server.ThreadingHTTPServer(("", 8000), Page).serve_forever()
"""
"""Speaks Triton's protocol and is never ready: the real server is so for moments only, while it starts or ends."""
HOG = "b = bytearray(400_000_000); b[::4096] = b[::4096]"

ODD_PODS: dict[str, dict[str, Any]] = {
    "pending": {"container": {"resources": {"requests": {"cpu": "900"}}}},
    "crashing": {"script": "raise SystemExit(3)"},
    "hungry": {"script": HOG, "container": {"resources": {"limits": {"memory": "60Mi"}}}},
    "on-host": {"hostNetwork": True},
    "silent": {},
    "login": {"script": HTML},
    "unnamed-port": {},
    "not-ready": {"script": STARTING},
}


def make_namespace(house: Installation, name: str) -> None:
    """A namespace for a team."""
    house.kubectl.apply({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}})


def start_triton(house: Installation, namespace: str, name: str, options: TritonOptions) -> None:
    """A Triton and its Service; ready some seconds later."""
    house.kubectl.apply(triton_service(name, namespace), triton_deployment(name, namespace, options))


def start_broken_triton(house: Installation, namespace: str, name: str) -> None:
    """A Triton with a model whose code does not compile."""
    options = TritonOptions(models=("fast", "queue"), arguments=("--exit-on-error=false",))
    _start_changed(house, namespace, (name, options), {"queue/1/model.py": "this is no Python("})


def start_caching_triton(house: Installation, namespace: str, name: str) -> None:
    """A Triton that answers the same request again from its response cache."""
    options = TritonOptions(models=("fast",), arguments=("--cache-config=local,size=1048576",))
    config = (checkout_root() / "testbed/modelmonitor_testbed/triton/models/fast/config.pbtxt").read_text()
    changed = {"fast/config.pbtxt": config + "response_cache { enable: true }\n"}
    _start_changed(house, namespace, (name, options), changed)


def _start_changed(
    house: Installation, namespace: str, server: tuple[str, TritonOptions], files: dict[str, str]
) -> None:
    """A Triton some files of whose models are others."""
    name, options = server
    deployment = triton_deployment(name, namespace, options)
    pod = deployment["spec"]["template"]["spec"]
    pod["volumes"].append({"name": "changed", "configMap": {"name": f"{name}-files"}})
    for path in files:
        mount = {"name": "changed", "mountPath": f"/models/{path}", "subPath": path.replace("/", ".")}
        pod["containers"][0]["volumeMounts"].append(mount)
    changed = {
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": {"name": f"{name}-files", "namespace": namespace},
        "data": {path.replace("/", "."): text for path, text in files.items()},
    }
    house.kubectl.apply(changed, triton_service(name, namespace), deployment)


def start_load(house: Installation, namespace: str, service: str, rates: dict[str, float], name: str = "") -> None:
    """Steady requests to the models of a Triton, once it is ready."""
    wait_until(lambda: ready_pods(house, namespace, service), 90, f"{service} is ready for load")
    house.kubectl.apply(load_deployment(name or f"{service}-load", namespace, service, rates))


def load_pod(name: str, namespace: str, service: str, rates: Mapping[str, float], seconds: int) -> dict[str, Any]:
    """A pod that sends requests for so long, and whose last line of log says what became of them."""
    spec = load_deployment(name, namespace, service, rates)["spec"]["template"]["spec"]
    (container,) = spec["containers"]
    words = [f"--seconds={seconds}" if word == "--seconds=0" else word for word in container["command"]]
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": name, "namespace": namespace},
        "spec": {**spec, "restartPolicy": "Never", "containers": [{**container, "command": words}]},
    }


def ready_pods(house: Installation, namespace: str, app: str) -> list[str]:
    """Names of the pods of an app when all of them are ready; empty before."""
    pods = house.kubectl.get("pods", namespace=namespace, selector=f"app={app}")["items"]
    return [p["metadata"]["name"] for p in pods] if pods and all(pod_is_ready(p) for p in pods) else []


def replace_pod(house: Installation, namespace: str, app: str) -> None:
    """Delete the pod of an app, and return when its successor is ready."""
    (old,) = ready_pods(house, namespace, app)
    house.kubectl.delete("pod", old, namespace)
    wait_until(lambda: set(ready_pods(house, namespace, app)) - {old}, 60, f"a new pod of {app} is ready")


def python_pod(name: str, namespace: str, app: str, script: str = SLEEP, **spec: Any) -> dict[str, Any]:
    """A pod that runs a few lines of Python, to be whatever a test needs beside a Triton."""
    container = {
        "name": "main",
        "image": "localhost/modelmonitor-testbed-gpu:dev",
        "imagePullPolicy": "IfNotPresent",
        "command": ["python3", "-c", script],
    }
    container.update(spec.pop("container", {}))
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": name, "namespace": namespace, "labels": {"app": app}},
        "spec": {"terminationGracePeriodSeconds": 1, "containers": [container], **spec},
    }


def ready_sidecar(house: Installation) -> dict[str, Any]:
    """The sidecar's pod, once it is ready."""
    selector = "app.kubernetes.io/name=modelmonitor-sidecar"

    def probe() -> list[dict[str, Any]]:
        pods = house.kubectl.get("pods", namespace=SYSTEM_NAMESPACE, selector=selector)["items"]
        return [pod for pod in pods if pod_is_ready(pod)]

    found: list[dict[str, Any]] = wait_until(probe, 60, "a ready sidecar")
    return found[0]


OPERATOR = "deployment/modelmonitor-operator"


def scale_operator(house: Installation, replicas: int) -> None:
    """Take the operator away, or bring it back."""
    house.kubectl.run("scale", OPERATOR, f"--replicas={replicas}", "--namespace", SYSTEM_NAMESPACE)
    selector = "app.kubernetes.io/component=operator"
    wait_until(
        lambda: len(house.kubectl.get("pods", namespace=SYSTEM_NAMESPACE, selector=selector)["items"]) == replicas,
        60,
        f"{replicas} operator pods",
    )
    if replicas:
        house.kubectl.run("rollout", "status", OPERATOR, "--namespace", SYSTEM_NAMESPACE, "--timeout=60s")


def operator_metrics(house: Installation) -> str:
    """The operator's own page."""
    path = f"/api/v1/namespaces/{SYSTEM_NAMESPACE}/services/modelmonitor-operator:http/proxy/metrics"
    return house.kubectl.run("get", "--raw", path)
