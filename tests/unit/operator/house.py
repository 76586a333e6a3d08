"""The operator's inside with a cluster in memory: what the watches say goes in, what is written comes out."""

from typing import Any

from modelmonitor_api.names import MonitorRef
from modelmonitor_operator.intake import Intake
from modelmonitor_operator.key_ring import KeyRing
from modelmonitor_operator.keys import Key
from modelmonitor_operator.objects import CONFIG_MAP, DAEMON_SET, NODE_PLAN, POD, SECRET
from modelmonitor_operator.reconciler import Reconciler
from modelmonitor_operator.verdicts import Verdicts
from modelmonitor_operator.world import World
from tests.unit.operator.worlds import FakeClock, FakeCluster, anchor, settings

REF = MonitorRef("team-a", "fraud")


def raw_monitor(name: str = "fraud", uid: str = "m1", version: str = "1", generation: int = 1) -> dict[str, Any]:
    return {
        "metadata": {
            "name": name,
            "namespace": "team-a",
            "uid": uid,
            "resourceVersion": version,
            "generation": generation,
            "creationTimestamp": "2026-01-01T00:00:00Z",
        },
        "spec": {"selector": {"matchLabels": {"app": "triton"}}},
    }


def raw_pod(name: str = "t1", node: str = "n1", **labels: str) -> dict[str, Any]:
    return {
        "metadata": {"name": name, "namespace": "team-a", "uid": f"uid-{name}", "labels": labels or {"app": "triton"}},
        "spec": {
            "nodeName": node,
            "containers": [{"name": "triton", "ports": [{"containerPort": 8000, "name": "http"}]}],
        },
        "status": {"phase": "Running", "podIP": "10.0.0.1"},
    }


class House:
    """The operator's inside with a cluster in memory."""

    def __init__(self) -> None:
        self.settings, self.clock, self.world = settings(), FakeClock(), World()
        self.asked: list[Key] = []
        self.key_ring = KeyRing()
        self.intake = Intake(
            self.settings, self.world, self.key_ring, self.clock, lambda key, _delay: self.asked.append(key)
        )
        self.cluster = FakeCluster()
        self.verdicts = Verdicts(self.settings, self.world, self.clock)
        self.verdicts.begin_cycle({})
        self.reconcile = Reconciler(self.settings, self.world, self.verdicts, self.cluster, self.clock)

    def listed(self) -> "House":
        for kind in (CONFIG_MAP, DAEMON_SET, NODE_PLAN, SECRET, POD):
            self.intake.kind_listed(kind)
        self.world.put_stored(anchor())
        self.world.monitors_listed = True
        return self
