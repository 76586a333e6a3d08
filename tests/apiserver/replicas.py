"""Operators that each have a name of their own in the audit log and a wire of their own to the API server."""

import json
import os
import signal
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from modelmonitor_testbed.controlplane import ControlPlane
from modelmonitor_testbed.kubectl import wait_until
from tests.apiserver.audit import Named, Write, count_done, read_writes
from tests.apiserver.installation import Installation, OperatorProcess, condition
from tests.apiserver.wire import Wire

WATCHED = "services,endpoints,configmaps,secrets,daemonsets,nodeplans"
Version = tuple[str, str, str]


@dataclass
class Replica:
    """One operator, its wire and its name."""

    operator: OperatorProcess
    wire: Wire
    user: str

    @property
    def alive(self) -> bool:
        """Whether the process runs."""
        return self.operator.child.poll() is None

    def leads(self) -> bool:
        """Whether it says that it leads."""
        return self.alive and self.operator.metric("modelmonitor_operator_leader") == 1

    def freeze(self) -> None:
        """Stop it in the middle of whatever it does."""
        os.kill(self.operator.child.pid, signal.SIGSTOP)

    def thaw(self) -> None:
        """Let it go on."""
        os.kill(self.operator.child.pid, signal.SIGCONT)


@dataclass
class Replicas:
    """The operators of one installation."""

    installed: Installation
    control_plane: ControlPlane
    all: list[Replica] = field(default_factory=list)

    def start(self) -> Replica:
        """One more operator."""
        wire = Wire(self.control_plane.plan.port)
        name = f"operator-{len(self.all)}"
        kubeconfig = self._credentials(name, wire.port)
        operator = self.installed.start(kubeconfig)
        replica = Replica(operator, wire, f"system:serviceaccount:{self.installed.system}:{name}")
        self.all.append(replica)
        return replica

    def pair(self) -> tuple[Replica, Replica]:
        """The leader and a standby, with everything settled; operators that are missing are started."""
        found = self.pair_now()
        self.settle()
        return found

    def pair_now(self) -> tuple[Replica, Replica]:
        """The leader and a standby, whatever is being written."""
        while len(living := [replica for replica in self.all if replica.alive]) < 2:
            self.start()
        leader = wait_until(lambda: next((r for r in living if r.leads()), None), 15, "one of them leads")
        return leader, next(replica for replica in living if replica is not leader)

    def stop(self) -> None:
        """End every operator and its wire."""
        for replica in self.all:
            if replica.alive:
                replica.thaw()
                replica.operator.kill()
            replica.wire.close()

    # What tests look at

    def writes(self, since: float = 0.0, *replicas: Replica) -> list[Write]:
        """What these operators, or all, have written since a moment."""
        return read_writes(self.control_plane, [replica.user for replica in replicas or self.all], since)

    def settle(self, calm_seconds: float = 3.0) -> None:
        """Wait until nobody has written anything but the Lease for a while."""
        wait_until(lambda: not count_done(self.writes(time.time() - calm_seconds)), 40, "nothing is written", 1.0)

    def verdicts(self) -> dict[str, str]:
        """Why each monitor is ready or not; it changes by itself when nobody reads a pod for long enough."""
        found = self.installed.kubectl.run(
            "get", "modelmonitors", "--namespace", self.installed.tenant, "--output", "json"
        )
        return {
            one["metadata"]["name"]: condition(one.get("status") or {}, "Ready").get("reason", "")
            for one in json.loads(found)["items"]
        }

    def unasked(self, since: float, before: dict[str, str]) -> Counter[Named]:
        """What was written since then, less one status and its Events for each verdict that is another than before."""
        other = {name for name, reason in self.verdicts().items() if before.get(name) != reason}
        written = count_done(self.writes(since))
        written.subtract(("modelmonitors/status", name) for name in other)
        kept = {key: count for key, count in written.items() if key[0] != "events" or key[1].split(".")[0] not in other}
        return Counter({key: count for key, count in kept.items() if count > 0})

    def versions(self) -> dict[Version, str]:
        """Resource version of every object that operators make, in both namespaces."""
        items: list[dict[str, Any]] = []
        for namespace in (self.installed.system, self.installed.tenant):
            text = self.installed.kubectl.run("get", WATCHED, "--namespace", namespace, "--output", "json")
            items += json.loads(text)["items"]
        return {
            (i["kind"], i["metadata"]["namespace"], i["metadata"]["name"]): i["metadata"]["resourceVersion"]
            for i in items
        }

    def _credentials(self, name: str, port: int) -> Path:
        kubectl, namespace = self.installed.kubectl, self.installed.system
        if kubectl.find("serviceaccount", name, namespace) is None:
            kubectl.run("create", "serviceaccount", name, "--namespace", namespace)
            binding = f"{namespace}-{name}"
            account = f"--serviceaccount={namespace}:{name}"
            kubectl.run("create", "clusterrolebinding", binding, "--clusterrole=cluster-admin", account)
        token = kubectl.run("create", "token", name, "--namespace", namespace).strip()
        path = self.installed.folder / f"{name}.kubeconfig"
        authority = str(self.control_plane.plan.authority.pair.certificate)
        return write_token_kubeconfig(path, f"https://127.0.0.1:{port}", authority, token)


def write_token_kubeconfig(path: Path, server: str, authority: str, token: str) -> Path:
    """A kubeconfig for the bearer of a token."""
    document = {
        "apiVersion": "v1",
        "kind": "Config",
        "clusters": [{"name": "c", "cluster": {"server": server, "certificate-authority": authority}}],
        "users": [{"name": "u", "user": {"token": token}}],
        "contexts": [{"name": "x", "context": {"cluster": "c", "user": "u"}}],
        "current-context": "x",
    }
    path.write_text(json.dumps(document))
    return path


def seconds_until(probe: Callable[[], Any], timeout_seconds: float, what: str) -> float:
    """How long it takes until something is true."""
    begin = time.monotonic()
    wait_until(probe, timeout_seconds, what, 0.1)
    return time.monotonic() - begin
