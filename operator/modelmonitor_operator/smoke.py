"""`helm test`: a ModelMonitor of this very pod, which serves as a Triton without models, has to become Ready in time.

What is proven is the whole way: rights, operator, DaemonSet, a sidecar on this node, its reading, the status.
"""

import argparse
import asyncio
import os
import sys
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass

from modelmonitor_api import names
from modelmonitor_api.names import MonitorRef
from modelmonitor_operator.adapters.clock import SystemClock
from modelmonitor_operator.adapters.cluster import Cluster
from modelmonitor_operator.adapters.connection import Connection, load_configuration
from modelmonitor_operator.adapters.http_server import serve
from modelmonitor_operator.adapters.stand_in_triton import build_stand_in
from modelmonitor_operator.clock import Clock
from modelmonitor_operator.errors import AlreadyExistsError, ClusterError, NotFoundError, TerminalError
from modelmonitor_operator.objects import MODEL_MONITOR, ObjectRef, StoredObject
from modelmonitor_operator.settings import Json
from modelmonitor_operator.telemetry import Telemetry

POD_LABEL = f"{names.GROUP}/helm-test"
"""Label on the test's pod that its ModelMonitor selects."""
_EVERY_SECONDS = 1.0
_REQUEST_SECONDS = 10.0
Say = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class SmokeTest:
    """What is made and how long it may take."""

    monitor: MonitorRef
    label_value: str
    timeout_seconds: float
    port: int
    pod_name: str
    pod_uid: str

    @property
    def ref(self) -> ObjectRef:
        """The ModelMonitor."""
        return ObjectRef(MODEL_MONITOR, self.monitor.namespace, self.monitor.name)


def build_test_monitor(test: SmokeTest) -> Json:
    """A ModelMonitor that selects the test's pod and is garbage-collected with it; it scrapes and alerts nobody."""
    owner = {"apiVersion": "v1", "kind": "Pod", "name": test.pod_name, "uid": test.pod_uid}
    return {
        "apiVersion": names.API_VERSION,
        "kind": names.KIND,
        "metadata": {
            "name": test.monitor.name,
            "namespace": test.monitor.namespace,
            **({"ownerReferences": [owner]} if test.pod_uid else {}),
        },
        "spec": {
            "selector": {"matchLabels": {POD_LABEL: test.label_value}},
            "interval": "5s",
            "triton": {"httpPort": test.port, "metricsPort": test.port},
            "prometheus": {"serviceMonitor": "Disabled"},
            "alerts": {"prometheusRule": "Disabled"},
            "dashboards": {"configMap": "Disabled"},
        },
    }


def judge(manifest: Json) -> tuple[bool, str]:
    """Whether a ModelMonitor is Ready for its newest generation, and what its conditions say in one line."""
    status = manifest.get("status") or {}
    conditions: Mapping[str, Json] = {each["type"]: each for each in status.get("conditions", ())}
    ready = conditions.get("Ready")
    if ready is None:
        return False, "no status yet: the operator has not looked"
    current = status.get("observedGeneration") == manifest["metadata"].get("generation")
    shown = (
        each for each in ("Ready", "Reconciling", "Stalled", "SidecarsReady", "TargetsFound") if each in conditions
    )
    words = (f"{name}={conditions[name]['status']} ({_explain(conditions[name])})" for name in shown)
    return current and ready["status"] == "True", "; ".join(words)


def _explain(condition: Json) -> str:
    return ": ".join(text for text in (condition["reason"], condition.get("message", "")) if text)


async def run_test(test: SmokeTest, cluster: Cluster, clock: Clock, say: Say) -> bool:
    """Make the ModelMonitor, wait until it is Ready, remove it; whether it was Ready in time."""
    deadline = clock.monotonic() + test.timeout_seconds
    said = ""
    try:
        while True:
            done, told = await _look(test, cluster)
            if told != said:
                say(told)
                said = told
            if done:
                return True
            if clock.monotonic() >= deadline:
                say(f"not Ready within {test.timeout_seconds:g} s: docs/troubleshooting.md explains each reason")
                return False
            await clock.sleep(_EVERY_SECONDS)
    finally:
        await _remove(test, cluster, say)


async def _look(test: SmokeTest, cluster: Cluster) -> tuple[bool, str]:
    """One look: the ModelMonitor is made where it is missing, and one of an earlier run removed."""
    try:
        stored = await _find(test, cluster)
        if stored is None:
            await cluster.create(test.ref, build_test_monitor(test))
            return False, f"ModelMonitor {test.monitor} made"
        if not _is_of_this_run(test, stored):
            await cluster.delete(stored)
            return False, "removing what an earlier run left"
        return judge(stored.manifest)
    except AlreadyExistsError as exc:
        return False, str(exc)
    except TerminalError as exc:
        return False, f"the API server refuses: {exc}"
    except ClusterError as exc:
        return False, f"the API server does not answer well: {exc}"


async def _find(test: SmokeTest, cluster: Cluster) -> StoredObject | None:
    try:
        return await cluster.get(test.ref)
    except NotFoundError:
        return None


def _is_of_this_run(test: SmokeTest, stored: StoredObject) -> bool:
    owners = stored.manifest["metadata"].get("ownerReferences", ())
    return not stored.deleting and [owner["uid"] for owner in owners] == [test.pod_uid] * bool(test.pod_uid)


async def _remove(test: SmokeTest, cluster: Cluster, say: Say) -> None:
    try:
        for _ in range(3):
            stored = await _find(test, cluster)
            if stored is None:
                return
            with suppress(ClusterError):
                await cluster.delete(stored)
                return
    except ClusterError as exc:
        say(f"ModelMonitor {test.monitor} could not be removed, it goes with this pod: {exc}")


def _parse_arguments() -> SmokeTest:
    parser = argparse.ArgumentParser(prog="modelmonitor-helm-test", description=__doc__)
    parser.add_argument("--namespace", required=True, help="namespace of the ModelMonitor and of this pod")
    parser.add_argument("--name", required=True, help="name of the ModelMonitor")
    parser.add_argument("--label-value", required=True, help=f"value of this pod's label {POD_LABEL}")
    parser.add_argument("--timeout-seconds", type=float, default=120.0, help="how long it may take to be Ready")
    parser.add_argument("--port", type=int, default=8000, help="port that this pod serves on")
    given = parser.parse_args()
    return SmokeTest(
        monitor=MonitorRef(given.namespace, given.name),
        label_value=given.label_value,
        timeout_seconds=given.timeout_seconds,
        port=given.port,
        pod_name=os.environ.get("POD_NAME", ""),
        pod_uid=os.environ.get("POD_UID", ""),
    )


async def run(test: SmokeTest, say: Say) -> bool:
    """Serve as a Triton and run the test against the cluster of this pod, or of the kubeconfig."""
    runner = await serve(build_stand_in(), test.port)
    connection = Connection(await load_configuration(), _REQUEST_SECONDS)
    try:
        return await run_test(test, Cluster(connection, Telemetry("helm-test")), SystemClock(), say)
    finally:
        await connection.close()
        await runner.cleanup()


def _print(text: str) -> None:
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


def main() -> None:
    """End with status 0 where the ModelMonitor was Ready in time, else 1."""
    sys.exit(0 if asyncio.run(run(_parse_arguments(), _print)) else 1)


if __name__ == "__main__":
    main()
