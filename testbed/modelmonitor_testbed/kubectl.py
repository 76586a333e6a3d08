"""kubectl with one cluster's kubeconfig: apply, get, delete, wait with a deadline."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from modelmonitor_testbed.process import CommandError, run
from modelmonitor_testbed.tools import KUBERNETES, tool

Manifest = Mapping[str, Any]


@dataclass(frozen=True)
class Kubectl:
    """Runs kubectl; every method raises CommandError with kubectl's own words when it fails."""

    kubeconfig: Path

    def run(self, *arguments: str | Path, input_text: str | None = None, timeout_seconds: float = 120.0) -> str:
        """Run kubectl with these arguments and return what it printed."""
        command = [tool(KUBERNETES, "kubectl"), "--kubeconfig", self.kubeconfig, *arguments]
        return run(command, input_text=input_text, timeout_seconds=timeout_seconds)

    def apply(self, *manifests: Manifest | Path, server_side: bool = True) -> str:
        """Apply manifests: dictionaries, or paths of files and folders."""
        how = ["--server-side", "--force-conflicts"] if server_side else []
        printed = [self.run("apply", *how, "-f", each) for each in manifests if isinstance(each, Path)]
        if items := [each for each in manifests if not isinstance(each, Path)]:
            printed.append(self.run("apply", *how, "-f", "-", input_text=render_list(items)))
        return "".join(printed)

    def get(self, kind: str, name: str | None = None, namespace: str | None = None, selector: str = "") -> Any:
        """Return one object, or the list of a kind (in all namespaces when none is given), as parsed JSON."""
        where = ["--namespace", namespace] if namespace else ([] if name else ["--all-namespaces"])
        which = [name] if name else []
        chosen = ["--selector", selector] if selector else []
        return json.loads(self.run("get", kind, *which, *where, *chosen, "--output", "json"))

    def find(self, kind: str, name: str, namespace: str | None = None) -> Any | None:
        """Return one object, None when it does not exist."""
        where = ["--namespace", namespace] if namespace else []
        text = self.run("get", kind, name, *where, "--output", "json", "--ignore-not-found")
        return json.loads(text) if text.strip() else None

    def delete(self, kind: str, name: str, namespace: str | None = None, *, wait: bool = True) -> str:
        """Delete one object; one that is not there is no error."""
        where = ["--namespace", namespace] if namespace else []
        return self.run("delete", kind, name, *where, "--ignore-not-found", f"--wait={str(wait).lower()}")

    def exec(self, pod: str, namespace: str, *command: str, container: str | None = None) -> str:
        """Run a command in a pod and return what it printed."""
        where = ["--container", container] if container else []
        return self.run("exec", pod, "--namespace", namespace, *where, "--", *command)

    def logs(self, pod: str, namespace: str, *arguments: str) -> str:
        """Return a pod's log."""
        return self.run("logs", pod, "--namespace", namespace, *arguments)


class WaitTimeoutError(AssertionError):
    """Something did not come true within its time; the message says what, and the last state seen."""


def wait_until(
    probe: Callable[[], Any], timeout_seconds: float, what: str | Callable[[], str], every_seconds: float = 0.25
) -> Any:
    """Call the probe until its answer is true and return the answer; kubectl's failures count as not yet.

    Args:
        what: is waited for; a callable is asked at the end of the time, so that it can tell how things stand then.
    """
    deadline = time.monotonic() + timeout_seconds
    seen: object = None
    while True:
        try:
            seen = probe()
        except CommandError as error:
            seen = error
        else:
            if seen:
                return seen
        if time.monotonic() >= deadline:
            raise WaitTimeoutError(f"not within {timeout_seconds:.0f} s: {_told(what)}; last seen: {seen}")
        time.sleep(every_seconds)


def _told(what: str | Callable[[], str]) -> str:
    """What was waited for; kubectl's failure to say more never hides that the time ran out."""
    try:
        return what if isinstance(what, str) else what()
    except CommandError as error:
        return f"(no more is known: {error})"


def render_list(items: Iterable[Manifest]) -> str:
    """Render manifests as one List, which kubectl applies in order."""
    return json.dumps({"apiVersion": "v1", "kind": "List", "items": list(items)})


def pod_is_ready(pod: Manifest) -> bool:
    """Tell whether a pod's Ready condition is true."""
    conditions = pod.get("status", {}).get("conditions", [])
    return any(each["type"] == "Ready" and each["status"] == "True" for each in conditions)
