"""`helm --wait` and `kubectl wait` return when a ModelMonitor is Ready and fail when not; Helm waits by kstatus."""

import json
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from modelmonitor_testbed.helm import Helm
from modelmonitor_testbed.kubectl import Kubectl, wait_until
from modelmonitor_testbed.process import CommandError

NAMESPACE = "waiting-team"
CHART = "apiVersion: v2\nname: team\nversion: 0.1.0\n"
MONITOR = """\
apiVersion: modelmonitor.dev/v1alpha1
kind: ModelMonitor
metadata: {name: "{{ .Release.Name }}"}
spec: {selector: {matchLabels: {app: fraud}}, interval: "{{ .Values.interval | default "15s" }}"}
"""


@pytest.fixture(scope="module")
def chart(kubectl: Kubectl, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A team's own chart with one ModelMonitor."""
    folder = tmp_path_factory.mktemp("team")
    (folder / "templates").mkdir()
    (folder / "Chart.yaml").write_text(CHART)
    (folder / "templates" / "monitor.yaml").write_text(MONITOR)
    kubectl.run("create", "namespace", NAMESPACE)
    yield folder
    kubectl.delete("namespace", NAMESPACE, wait=False)


def say(kubectl: Kubectl, name: str, ready: str, *, stalled: str = "False") -> None:
    """What the operator would write for the newest generation, of a model that fails and a budget that is spent."""
    generation = kubectl.get("modelmonitor", name, NAMESPACE)["metadata"]["generation"]
    conditions = [
        {"type": kind, "status": status, "reason": "Test", "lastTransitionTime": "2026-01-01T00:00:00Z"}
        for kind, status in (
            *(("Ready", ready), ("Reconciling", "False"), ("Stalled", stalled)),
            *(("Healthy", "False"), ("WithinBudget", "False")),
        )
    ]
    patch = json.dumps({"status": {"observedGeneration": generation, "conditions": conditions}})
    where = ["--namespace", NAMESPACE, "--subresource=status", "--type=merge"]
    kubectl.run("patch", "modelmonitor", name, *where, "--patch", patch)


def upgrade(kubectl: Kubectl, chart: Path, name: str, seconds: int, *more: str) -> None:
    how = ["--namespace", NAMESPACE, "--wait", f"--timeout={seconds}s", *more]
    Helm(kubectl.kubeconfig).run("upgrade", "--install", name, chart, *how)


def test_helm_fails_while_the_operator_has_not_looked(kubectl: Kubectl, chart: Path) -> None:
    with pytest.raises(CommandError, match=r"(?i)inprogress|not ready|deadline|timed? ?out"):
        upgrade(kubectl, chart, "unseen", 4)
    assert kubectl.get("modelmonitor", "unseen", NAMESPACE)["status"] == {"observedGeneration": -1}


def test_helm_returns_once_the_model_monitor_is_ready_whatever_its_models_do(kubectl: Kubectl, chart: Path) -> None:
    failures: list[Exception] = []

    def install() -> None:
        try:
            upgrade(kubectl, chart, "ready", 30)
        except CommandError as exc:
            failures.append(exc)

    helm = threading.Thread(target=install)
    helm.start()
    wait_until(lambda: kubectl.find("modelmonitor", "ready", NAMESPACE), 15, "Helm has made it")
    assert helm.is_alive()
    say(kubectl, "ready", "True")
    helm.join(30)
    assert not helm.is_alive()
    assert failures == []


def test_helm_waits_for_the_newest_spec_and_not_for_an_older_status(kubectl: Kubectl, chart: Path) -> None:
    upgrade(kubectl, chart, "ready", 10)
    with pytest.raises(CommandError):
        upgrade(kubectl, chart, "ready", 3, "--set", "interval=30s")


def test_helm_fails_at_a_spec_that_the_operator_cannot_read(kubectl: Kubectl, chart: Path) -> None:
    say(kubectl, "ready", "False", stalled="True")
    with pytest.raises(CommandError):
        upgrade(kubectl, chart, "ready", 5, "--set", "interval=30s")


def test_kubectl_waits_for_the_condition(kubectl: Kubectl, chart: Path) -> None:
    wait = ["wait", "--for=condition=Ready", "--namespace", NAMESPACE]
    with pytest.raises(CommandError, match="timed out"):
        kubectl.run(*wait, "modelmonitor/unseen", "--timeout=2s")
    say(kubectl, "unseen", "False")
    with pytest.raises(CommandError, match="timed out"):
        kubectl.run(*wait, "modelmonitor/unseen", "--timeout=2s")
    say(kubectl, "unseen", "True")
    assert "condition met" in kubectl.run(*wait, "modelmonitor/unseen", "--timeout=5s")
