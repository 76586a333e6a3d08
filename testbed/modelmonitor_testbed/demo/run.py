"""`make demo`: from nothing to a living table, one progress line a step."""

from __future__ import annotations

import sys
import time
from pathlib import Path

from rich.console import Console, RenderableType
from rich.live import Live

from modelmonitor_api.status import HealthState, ModelMonitorStatus
from modelmonitor_testbed.cache import checkout_root
from modelmonitor_testbed.demo.table import Monitor, build_table
from modelmonitor_testbed.installation import (
    SYSTEM_NAMESPACE,
    TESTBED_NAMESPACE,
    Installation,
    load_images,
    manifest,
    open_installation,
    start_gpu_simulator,
)
from modelmonitor_testbed.kubectl import Kubectl, pod_is_ready, wait_until
from modelmonitor_testbed.progress import step
from modelmonitor_testbed.prometheus.api import Alert, PrometheusApi, PrometheusError
from modelmonitor_testbed.prometheus.operator import install_operator, load_prometheus_images
from modelmonitor_testbed.prometheus.options import PrometheusOptions
from modelmonitor_testbed.prometheus.server import find_prometheus, run_prometheus
from modelmonitor_testbed.prometheus.service import expose_prometheus
from modelmonitor_testbed.provider import ClusterProvider
from modelmonitor_testbed.tools import KUBERNETES, tool

TEAM = "team-a"
VERDICT_SECONDS = 120.0
REFRESH_SECONDS = 2.0

PROMETHEUS = PrometheusOptions(scrape_interval_seconds=5, evaluation_interval_seconds=5)
"""One Prometheus that selects everything of the cluster."""
QUERY = (
    'sum by (model) (rate(modelmonitor_model_requests_total{modelmonitor="fraud",result="failure"}[1m])) '
    '/ sum by (model) (rate(modelmonitor_model_requests_total{modelmonitor="fraud"}[1m]))'
)
"""The share of failed requests of each model, worth trying."""

_IN_TRITON = f"kubectl exec -n {TEAM} deploy/fraud-triton -- modelctl"
_IN_SIMULATOR = f"kubectl exec -n {TESTBED_NAMESPACE} ds/gpu-simulator -- gpusim"


def run_demo(provider: ClusterProvider) -> int:
    """Bring everything up, then show the table: live on a terminal, once without one.

    Raises:
        CommandError, WaitTimeoutError: a step failed; the message says which and why.
    """
    installation = _bring_up(provider)
    _wait_for_verdicts(installation.kubectl)
    prometheus = find_prometheus(installation.kubectl, PROMETHEUS)
    print(render_trials(tool(KUBERNETES, "kubectl"), provider.kubeconfig()))
    print(render_prometheus(prometheus.address))
    if not sys.stdout.isatty():
        Console(width=160).print(_picture(installation.kubectl, prometheus))
        return 0
    _show_live(installation.kubectl, prometheus)
    return 0


def _bring_up(provider: ClusterProvider) -> Installation:
    with step("cluster", "starting", "up"):
        provider.create()
    installation = open_installation(provider, load_images(provider))
    with step("simulated GPUs", "starting", "offered by the kubelet"):
        start_gpu_simulator(installation)
    with step("Prometheus and its operator", "starting", "ready"):
        load_prometheus_images(provider)
        url = expose_prometheus(installation.kubectl, PROMETHEUS)
        install_operator(installation.kubectl)
        run_prometheus(installation.kubectl, PROMETHEUS)
    with step("operator", "installing the chart with Helm", "ready"):
        installation.install_chart(prometheus__url=url, prometheus__pollSeconds="10", cost__writeSeconds="30")
    with step("Triton with four models, and load", "starting", "serving"):
        installation.kubectl.apply(manifest("demo-triton.yaml"))
        wait_until(lambda: _serving(installation.kubectl), 120, f"the pods of {TEAM} are ready")
    with step("examples/demo", "applying", "applied"):
        installation.kubectl.apply(checkout_root() / "examples" / "demo")
    return installation


def _serving(kubectl: Kubectl) -> bool:
    pods = kubectl.get("pods", namespace=TEAM)["items"]
    return bool(pods) and all(pod_is_ready(pod) for pod in pods)


def _wait_for_verdicts(kubectl: Kubectl) -> None:
    with step("verdict", "waiting for the first one", "given"):
        wait_until(
            lambda: all(status.health.state is not HealthState.UNKNOWN for _, status in _present(kubectl)),
            VERDICT_SECONDS,
            "every monitor of the demo has a verdict",
            every_seconds=1,
        )


def _present(kubectl: Kubectl) -> list[Monitor]:
    monitors = read_monitors(kubectl)
    return monitors or [("none", ModelMonitorStatus())]


def read_monitors(kubectl: Kubectl) -> list[Monitor]:
    """Every ModelMonitor of the cluster with its status, in the order of their names."""
    found = [
        (
            f"{item['metadata']['namespace']}/{item['metadata']['name']}",
            ModelMonitorStatus.model_validate(item.get("status", {})),
        )
        for item in kubectl.get("modelmonitors")["items"]
    ]
    return sorted(found, key=lambda each: each[0])


def read_alerts(prometheus: PrometheusApi) -> list[Alert] | None:
    """The alerts that fire; None where Prometheus does not answer."""
    try:
        return [alert for alert in prometheus.alerts() if alert.state == "firing"]
    except PrometheusError:
        return None


def _picture(kubectl: Kubectl, prometheus: PrometheusApi) -> RenderableType:
    return build_table(read_monitors(kubectl), read_alerts(prometheus))


def _show_live(kubectl: Kubectl, prometheus: PrometheusApi) -> None:
    with Live(_picture(kubectl, prometheus), auto_refresh=False, screen=False) as live:
        try:
            while True:
                time.sleep(REFRESH_SECONDS)
                live.update(_picture(kubectl, prometheus), refresh=True)
        except KeyboardInterrupt:
            pass
    print("The cluster stays up; `make demo` shows the table again, `make demo-down` removes everything.")


def render_prometheus(address: str) -> str:
    """Where Prometheus answers, and one query worth trying."""
    return f"""Prometheus answers at {address}, for example the share of failed requests of each model:
  curl -s {address}/api/v1/query --data-urlencode '{"query=" + QUERY}'
"""


def render_trials(kubectl: Path, kubeconfig: Path) -> str:
    """Three things to try, as commands to copy into another terminal."""
    return f"""
Three things to try in another terminal:
  export KUBECONFIG={kubeconfig} PATH={kubectl.parent}:$PATH
  {_IN_TRITON} fast fail_ratio=1           # break a model
  {_IN_SIMULATOR} set all temperature=97   # overheat the GPUs
  {_IN_SIMULATOR} xid all 31               # send an Xid
Undo them:
  {_IN_TRITON} fast fail_ratio=0
  {_IN_SIMULATOR} restore
  kubectl rollout restart -n {TEAM} deploy/fraud-triton   # what NVIDIA advises for Xid 31
Why is it so, and what does the operator do:
  kubectl describe mm -n {TEAM} fraud
  kubectl logs -n {SYSTEM_NAMESPACE} deploy/modelmonitor-operator
"""
