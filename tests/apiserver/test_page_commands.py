"""The commands of README and docs, typed as they stand into a shell, against a real API server without nodes."""

import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from modelmonitor_testbed.controlplane import running_control_plane
from modelmonitor_testbed.kubectl import Kubectl, wait_until
from modelmonitor_testbed.tools import HELM, KUBERNETES, tool
from tests.docs.pages import ROOT, listed

THIS = str(Path(__file__).relative_to(ROOT))
SYSTEM = "modelmonitor-system"
INSTALL = f"helm install modelmonitor charts/modelmonitor --namespace {SYSTEM} --create-namespace"
BEFORE = {
    "UPGRADE.md": [INSTALL],
    "docs/troubleshooting.md": [INSTALL],
    "docs/gitops.md": ["kubectl create namespace argocd", "kubectl -n argocd create configmap argocd-cm"],
    "docs/prometheus.md": [INSTALL, "kubectl create namespace team-a", "kubectl apply -f examples/demo/fraud.yaml"],
}
"""What a page takes for granted."""
AGAIN = f"helm upgrade modelmonitor charts/modelmonitor --namespace {SYSTEM} --reset-values"
INSTEAD = {"kubectl create namespace modelmonitor-sidecars": AGAIN}
"""What is typed before a command that is an alternative to those above it on its page."""
AFTER = [
    f"helm uninstall modelmonitor modelmonitor-crds --namespace {SYSTEM} --ignore-not-found",
    "kubectl delete --ignore-not-found crd modelmonitors.modelmonitor.dev nodeplans.modelmonitor.dev",
    f"kubectl delete --ignore-not-found namespace {SYSTEM} modelmonitor-sidecars argocd team-a",
]
PAGES = sorted({row.page for row in listed() if row.run_by == THIS})


@pytest.fixture(scope="module")
def environment(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, str]]:
    """A shell's environment with helm, kubectl and a cluster of their own."""
    with running_control_plane() as control_plane:
        kubectl = Kubectl(control_plane.kubeconfig)
        wait_until(lambda: kubectl.find("serviceaccount", "default", "default"), 30, "the default service account")
        programs = os.pathsep.join({str(tool(HELM, "helm").parent), str(tool(KUBERNETES, "kubectl").parent)})
        home = str(tmp_path_factory.mktemp("home"))
        path = os.pathsep.join([programs, os.environ["PATH"]])
        yield {"KUBECONFIG": str(control_plane.kubeconfig), "PATH": path, "HOME": home}


def type_in(command: str, environment: dict[str, str]) -> None:
    done = subprocess.run(
        ["bash", "-euo", "pipefail", "-c", command],
        cwd=ROOT,
        env=environment,
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert done.returncode == 0, f"{command}\n{done.stdout}{done.stderr}"


@pytest.mark.parametrize("page", PAGES)
def test_the_commands_of_a_page_work_in_their_order(environment: dict[str, str], page: str) -> None:
    commands = [row.command for row in listed() if (row.page, row.run_by) == (page, THIS)]
    assert commands
    try:
        for command in [*BEFORE.get(page, []), *commands]:
            type_in(f"{INSTEAD.get(command, 'true')} && {command}", environment)
    finally:
        for command in AFTER:
            type_in(command, environment)


def test_a_command_that_does_not_work_is_noticed(environment: dict[str, str]) -> None:
    with pytest.raises(AssertionError, match="no-such-kind"):
        type_in("kubectl get no-such-kind", environment)
