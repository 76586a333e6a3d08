"""Which pods are read, which cannot be, and what the status says of each."""

import pytest

from modelmonitor_api.findings import FindingCode
from modelmonitor_api.status import HealthState
from modelmonitor_testbed.installation import Installation
from modelmonitor_testbed.kubectl import wait_until
from modelmonitor_testbed.triton.manifests import TritonOptions
from tests.cluster.conftest import TEAM, TRITON, start_triton
from tests.cluster.scenario import MonitorView, monitor_manifest, python_pod

_HTML = """
import http.server
class Page(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200); self.send_header("Content-Type", "text/html"); self.end_headers()
        self.wfile.write(b"<!doctype html><title>log in</title>")
    do_POST = do_GET
http.server.ThreadingHTTPServer(("", 8000), Page).serve_forever()
"""
_SLEEP = "import time; time.sleep(3600)"


def test_a_selector_that_matches_nothing_is_said_with_the_labels_that_it_looks_for(
    house: Installation, team: str
) -> None:
    house.kubectl.apply(monitor_manifest("nothing", team, "no-such-app"))
    view = MonitorView(house.kubectl, team, "nothing")
    finding = view.wait_for(FindingCode.TARGETS_NOT_FOUND)
    assert "no-such-app" in finding.message
    assert view.condition("TargetsFound")[0] == "False"


POD_CASES = {
    "a pod that no node has room for is Pending, in the scheduler's words": (
        {"container": {"resources": {"requests": {"cpu": "900"}}}},
        FindingCode.POD_NOT_RUNNING,
        "Insufficient cpu",
    ),
    "a pod that ends again and again is CrashLooping": (
        {"script": "raise SystemExit(3)"},
        FindingCode.POD_NOT_RUNNING,
        "CrashLoopBackOff",
    ),
    "a pod that took too much memory was OOMKilled": (
        {
            "script": "b = bytearray(400_000_000); b[::4096] = b[::4096]",
            "container": {"resources": {"limits": {"memory": "60Mi"}}},
        },
        FindingCode.POD_NOT_RUNNING,
        "OOMKilled",
    ),
    "a pod on the host's network is not read": (
        {"hostNetwork": True},
        FindingCode.POD_NOT_TARGETABLE,
        "host",
    ),
    "a pod without Triton refuses the connection": ({}, FindingCode.TRITON_UNREACHABLE, "refused"),
    "a log-in page is not Triton": ({"script": _HTML}, FindingCode.TRITON_UNREACHABLE, "HTML"),
}


@pytest.mark.parametrize("name", POD_CASES)
def test_a_pod_that_cannot_serve_is_named_with_the_reason(name: str, house: Installation, team: str) -> None:
    overrides, code, evidence = POD_CASES[name]
    spec = dict(overrides)
    script = str(spec.pop("script", _SLEEP))
    house.kubectl.apply(python_pod("odd", team, "odd", script, **spec), monitor_manifest("odd", team, "odd"))
    view = MonitorView(house.kubectl, team, "odd")
    view.wait_for(code, 75)
    finding = wait_until(
        lambda: next((f for f in view.status().health.findings if f.code is code and evidence in f.message), None),
        75,
        f"{code} says {evidence}: {[f.message for f in view.status().health.findings]}",
    )
    assert "odd" in finding.object.name


def test_a_port_name_that_no_container_has_is_said(house: Installation, team: str) -> None:
    house.kubectl.apply(python_pod("odd", team, "odd", _SLEEP))
    house.kubectl.apply(monitor_manifest("odd", team, "odd", triton={"httpPort": "no-such-port"}))
    finding = MonitorView(house.kubectl, team, "odd").wait_for(FindingCode.POD_NOT_TARGETABLE)
    assert "no-such-port" in finding.message


def test_one_replica_of_two_pending_degrades_and_names_the_pod(triton: Installation, calm: MonitorView) -> None:
    triton.kubectl.apply(
        python_pod("fraud-second", TEAM, TRITON, _SLEEP, container={"resources": {"limits": {"nvidia.com/gpu": "7"}}})
    )
    finding = calm.wait_for(FindingCode.POD_NOT_RUNNING, 75)
    assert finding.object.name == "fraud-second"
    assert "nvidia.com/gpu" in finding.message
    status = calm.wait_state(HealthState.DEGRADED)
    assert status.health.pods.selected == 2
    assert status.health.pods.running == 1
    triton.kubectl.delete("pod", "fraud-second", TEAM)
    calm.wait_state(HealthState.HEALTHY)


def test_a_suspended_monitor_is_ready_and_says_suspended(house: Installation, team: str) -> None:
    start_triton(house, team, "idle", TritonOptions(models=("fast",)))
    house.kubectl.apply(monitor_manifest("idle", team, "idle", suspend=True))
    view = MonitorView(house.kubectl, team, "idle")
    view.wait_condition("Ready", "True", "Suspended")
    plans = house.kubectl.get("nodeplans", namespace="modelmonitor-system")["items"]
    watched = [m["name"] for plan in plans for m in plan["spec"].get("monitors", []) if m["namespace"] == team]
    assert watched == []
    house.kubectl.apply(monitor_manifest("idle", team, "idle", suspend=False))
    view.wait_condition("Ready", "True", "Monitoring", seconds=90)
