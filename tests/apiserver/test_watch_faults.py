"""What ends kopf, and what drops a status of kopf's, does nothing to the operator: it goes on and loses nothing."""

import json
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from modelmonitor_testbed.controlplane import ControlPlane
from modelmonitor_testbed.kubectl import Kubectl, wait_until
from tests.apiserver.installation import Installation, OperatorProcess
from tests.apiserver.meddler import Fault, Meddler

MONITORS_PATH = "/modelmonitors?"
NODE = "faults-n1"
RESTARTS = "modelmonitor_operator_watch_restarts_total"


def status_body(code: int, reason: str) -> str:
    """What the API server says of a failure."""
    return json.dumps({"kind": "Status", "apiVersion": "v1", "status": "Failure", "code": code, "reason": reason})


def watch_error(code: int, reason: str) -> str:
    """The same, as an event of a watch."""
    return json.dumps({"type": "ERROR", "object": json.loads(status_body(code, reason))})


class Scene:
    """One operator behind the meddler, with two monitors and a pod."""

    def __init__(self, installed: Installation, meddler: Meddler) -> None:
        self.installed, self.meddler = installed, meddler
        installed.kubectl.apply(installed.monitor(), installed.monitor("other"))
        installed.node(NODE)
        self.operator: OperatorProcess = installed.start(meddler.kubeconfig)
        wait_until(lambda: installed.status() and installed.status("other"), 15, "both have a status")
        self.pods = 0

    def restarts(self, kind: str) -> float:
        """How often watches of a kind were started again."""
        lines = self.operator.page("/metrics").splitlines()
        found = [line for line in lines if line.startswith(f'{RESTARTS}{{kind="{kind}"}}')]
        return float(found[0].rsplit(" ", 1)[1]) if found else 0.0

    def generation(self, name: str = "fraud") -> int:
        """Make a new generation and say its number."""
        installed = self.installed
        present = installed.kubectl.get("modelmonitor", name, installed.tenant)
        interval = 5 + (int(present["metadata"]["generation"]) + 1) % 25
        installed.kubectl.apply(installed.monitor(name, interval=f"{interval}s"))
        return int(installed.kubectl.get("modelmonitor", name, installed.tenant)["metadata"]["generation"])

    def wait_observed(self, generation: int, seconds: float, name: str = "fraud") -> float:
        """How long until the status is about this generation."""
        begin = time.monotonic()
        wait_until(
            lambda: self.installed.status(name).get("observedGeneration") == generation, seconds, "it is observed", 0.1
        )
        return time.monotonic() - begin

    def add_pod(self) -> str:
        """One more pod on the node; its name."""
        self.pods += 1
        name = f"t{self.pods}"
        self.installed.triton_pod(name, NODE, f"10.99.9.{self.pods}")
        return name

    def is_planned(self, pod: str) -> bool:
        """Whether the node's plan has it."""
        return f'"{pod}"' in json.dumps(self.installed.plan(NODE))


@pytest.fixture(scope="module")
def scene(kubectl: Kubectl, control_plane: ControlPlane, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Scene]:
    folder: Path = tmp_path_factory.mktemp("faults")
    installed = Installation(kubectl, folder, "faults")
    installed.overrides = {"resyncSeconds": 60}
    installed.prepare()
    meddler = Meddler(control_plane, folder)
    yield Scene(installed, meddler)
    installed.stop()
    meddler.close()


def speak(scene: Scene, line: str) -> None:
    """Say it in kopf's watch, as soon as there is one."""
    wait_until(lambda: scene.meddler.speak(MONITORS_PATH, line), 60, "kopf watches")


def fail_the_watch(scene: Scene) -> None:
    speak(scene, watch_error(500, "InternalError"))


def garble_the_watch(scene: Scene) -> None:
    speak(scene, '{"type":"MODIFIED","object":{"metadata"')


def outdate_the_watch(scene: Scene) -> None:
    speak(scene, watch_error(410, "Expired"))


def refuse_the_next_watch_as_outdated(scene: Scene) -> None:
    fault = scene.meddler.answer(Fault("GET", r"/modelmonitors\?watch", 410, status_body(410, "Expired"), times=2))
    scene.meddler.hang_up(MONITORS_PATH)
    wait_until(lambda: fault.seen == 2, 30, "two watches were refused")


def refuse_the_next_list(scene: Scene) -> None:
    """With 403, which kopf does not try again; its lists are those without a limit."""
    fault = scene.meddler.answer(Fault("GET", "/modelmonitors$", 403, status_body(403, "Forbidden")))
    fail_the_watch(scene)
    wait_until(lambda: fault.seen == 1, 40, "a list was refused")


ENDS_KOPF = (fail_the_watch, garble_the_watch, refuse_the_next_watch_as_outdated, refuse_the_next_list)


def test_a_monitor_that_goes_while_its_watch_is_broken_leaves_nothing_behind(scene: Scene) -> None:
    installed = scene.installed
    pod = scene.add_pod()
    wait_until(lambda: scene.is_planned(pod), 15, "the pod is planned")
    fail_the_watch(scene)
    for name in ("fraud", "other"):
        installed.kubectl.delete("modelmonitor", name, installed.tenant)
    wait_until(
        lambda: installed.plan(NODE) is None and installed.daemon_set() is None, 40, "plan and sidecars are gone"
    )
    installed.kubectl.apply(installed.monitor(), installed.monitor("other"))
    wait_until(lambda: scene.is_planned(pod), 40, "the pod is planned for the new ones")


@pytest.mark.parametrize("fault", [*ENDS_KOPF, outdate_the_watch], ids=lambda fault: fault.__name__)
def test_a_fault_of_the_watch_loses_nothing_and_is_counted(scene: Scene, fault: Callable[[Scene], None]) -> None:
    before = scene.restarts("ModelMonitor")
    fault(scene)
    generation = scene.generation()
    took = scene.wait_observed(generation, 40)
    assert took < 35
    if fault in ENDS_KOPF:
        assert scene.restarts("ModelMonitor") > before
    assert scene.operator.child.poll() is None


@pytest.mark.parametrize(
    "line",
    [watch_error(500, "InternalError"), watch_error(410, "Expired"), '{"type":"MODIFIED","object":{', '{"type":"X"}'],
    ids=["error", "expired", "cut", "senseless"],
)
def test_a_fault_of_the_watch_of_pods_loses_no_pod(scene: Scene, line: str) -> None:
    before = scene.restarts("Pod")
    path = f"/namespaces/{scene.installed.tenant}/pods?"
    wait_until(lambda: scene.meddler.speak(path, line), 15, "pods are watched")
    pod = scene.add_pod()
    wait_until(lambda: scene.is_planned(pod), 15, "the pod is planned")
    assert scene.restarts("Pod") > before or "410" in line


@pytest.mark.parametrize(
    ("code", "headers", "least_seconds"),
    [(409, {}, 0.0), (422, {}, 0.0), (500, {}, 0.0), (429, {"Retry-After": "3"}, 3.0)],
    ids=lambda given: str(given) if isinstance(given, int) else "",
)
def test_a_status_that_is_refused_is_written_all_the_same(
    scene: Scene, code: int, headers: dict[str, str], least_seconds: float
) -> None:
    path = f"/namespaces/{scene.installed.tenant}/modelmonitors/fraud/status"
    fault = scene.meddler.answer(Fault("PATCH", path, code, status_body(code, "Conflict"), headers, times=2))
    generation = scene.generation()
    wait_until(lambda: fault.seen >= 1, 15, "one status was refused", 0.05)
    refused_at = time.monotonic()
    scene.wait_observed(generation, 30)
    assert fault.seen == 2
    assert time.monotonic() - refused_at >= 2 * least_seconds - 0.5
