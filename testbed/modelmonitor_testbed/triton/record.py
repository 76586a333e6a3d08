"""Record what a real server answers in each state that the sidecar must understand, as test fixtures.

Run beside the server, with TRITON_CONTROL_DIR as the server has it, on a server that has served nothing yet:
`python -m modelmonitor_testbed.triton.record 127.0.0.1:8000 127.0.0.1:8002 FOLDER`
"""

import json
import sys
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from http.client import HTTPConnection
from pathlib import Path

from modelmonitor_testbed.triton.control import control_directory
from modelmonitor_testbed.triton.modelctl import act

METRICS_REFRESH_SECONDS = 2.5


@dataclass(frozen=True)
class Server:
    """The two addresses of one Triton server, each host:port."""

    http: str
    metrics: str

    def call(self, path: str, body: object = None) -> tuple[int, str]:
        """GET, or POST where there is a body; return status code and text."""
        return request(self.http, path, None if body is None else json.dumps(body))

    def infer(self, model: str, count: int) -> list[tuple[int, str]]:
        """Send requests one after the other and return their answers."""
        tensor = {"name": "INPUT", "datatype": "FP32", "shape": [1, 4], "data": [1, 2, 3, 4]}
        return [self.call(f"/v2/models/{model}/infer", {"inputs": [tensor]}) for _ in range(count)]


def request(address: str, path: str, body: str | None = None) -> tuple[int, str]:
    """Send one request on a connection of its own; return status code and text."""
    connection = HTTPConnection(address, timeout=10)
    connection.request("GET" if body is None else "POST", path, body)
    answer = connection.getresponse()
    text = answer.read().decode()
    connection.close()
    return answer.status, text


def save(server: Server, folder: Path, state: str) -> None:
    """Write every page that the sidecar reads, as it is in this state."""
    time.sleep(METRICS_REFRESH_SECONDS)
    (folder / f"{state}.metrics.txt").write_text(request(server.metrics, "/metrics")[1])
    pages: dict[str, tuple[str, object]] = {
        "stats": ("/v2/models/stats", None),
        "index": ("/v2/repository/index", {}),
        "ready": ("/v2/health/ready", None),
        "config": ("/v2/models/ensemble/config", None),
    }
    answers = {name: server.call(path, body) for name, (path, body) in pages.items()}
    for name in ("stats", "index", "config") if state == "idle" else ("stats", "index"):
        (folder / f"{state}.{name}.json").write_text(answers[name][1] + "\n")
    print(f"{state}: server ready {answers['ready'][0]}")


def serve_all(server: Server) -> None:
    """Every model answers some requests."""
    for model in ("fast", "slow", "failing", "ensemble"):
        report(model, server.infer(model, 10))


def fail_some(server: Server) -> None:
    """The failing model raises for half of its requests."""
    act("failing", ["fail_ratio=0.5"], control_directory())
    report("failing", server.infer("failing", 10))


def answer_errors(server: Server) -> None:
    """The failing model returns error responses, which Triton counts as success."""
    act("failing", ["fail_ratio=0", "error_ratio=1"], control_directory())
    report("failing", server.infer("failing", 10))
    act("failing", ["reset"], control_directory())


def reload_model(server: Server) -> None:
    """The failing model is unloaded and, once it is gone, loaded again."""
    print("unload", server.call("/v2/repository/models/failing/unload", {}))
    time.sleep(METRICS_REFRESH_SECONDS)
    print("load", server.call("/v2/repository/models/failing/load", {}))


def queue_up(server: Server) -> None:
    """The queue model gets more than it can answer; the page is read while they wait."""
    for _ in range(24):
        threading.Thread(target=server.infer, args=("queue", 1)).start()


def unload_model(server: Server) -> None:
    """The queue model is unloaded and stays so."""
    print("unload", server.call("/v2/repository/models/queue/unload", {}))


def kill_stub(server: Server) -> None:
    """The fast model's Python process dies; requests to it and to its ensemble fail."""
    print(act("fast", ["kill-stub"], control_directory()))
    report("fast", server.infer("fast", 10))
    report("ensemble", server.infer("ensemble", 2))
    print("model ready", server.call("/v2/models/fast/ready"))


def idle(_: Server) -> None:
    """No request yet; every model as configured."""
    for model in ("fast", "slow", "failing", "queue"):
        act(model, ["reset"], control_directory())


def report(model: str, answers: list[tuple[int, str]]) -> None:
    """Print how many answers were good, and the first bad one."""
    bad = [text for code, text in answers if code != 200]
    print(f"  {model}: {len(answers) - len(bad)} good, {len(bad)} bad {bad[:1]}")


STATES: dict[str, Callable[[Server], None]] = {
    "idle": idle,
    "served": serve_all,
    "failed": fail_some,
    "error-responses": answer_errors,
    "queued": queue_up,
    "reloaded": reload_model,
    "unloaded": unload_model,
    "stub-dead": kill_stub,
}


def main(arguments: list[str]) -> int:
    """Walk through the named states, or all of them."""
    http, metrics, folder, *states = arguments
    server = Server(http, metrics)
    Path(folder).mkdir(parents=True, exist_ok=True)
    for state in states or STATES:
        STATES[state](server)
        save(server, Path(folder), state)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
