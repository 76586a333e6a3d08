"""Helm with one cluster's kubeconfig."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from modelmonitor_testbed.process import run
from modelmonitor_testbed.tools import HELM, tool


@dataclass(frozen=True)
class Helm:
    """Runs Helm; every method raises CommandError with Helm's own words when it fails."""

    kubeconfig: Path

    def run(self, *arguments: str | Path, timeout_seconds: float = 300.0) -> str:
        """Run Helm with these arguments and return what it printed."""
        command = [tool(HELM, "helm"), "--kubeconfig", self.kubeconfig, *arguments]
        return run(command, timeout_seconds=timeout_seconds)

    def install(self, release: str, chart: Path, namespace: str, values: Mapping[str, str] | None = None) -> str:
        """Install a chart or upgrade its release, and wait until what it made is ready."""
        settings = [f"--set={name}={value}" for name, value in (values or {}).items()]
        where = ["--namespace", namespace, "--create-namespace"]
        return self.run("upgrade", "--install", release, chart, *where, "--wait", "--timeout=120s", *settings)

    def uninstall(self, release: str, namespace: str) -> str:
        """Remove a release; one that is not there is no error."""
        return self.run("uninstall", release, "--namespace", namespace, "--ignore-not-found")
