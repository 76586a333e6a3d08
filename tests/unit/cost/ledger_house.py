"""A bookkeeper at work: an API server of ledgers in memory, sidecars that are told what to say, a clock by hand."""

from collections.abc import Mapping
from typing import Any

from modelmonitor_api.cost_summary import CostReading, PodMeter
from modelmonitor_api.summary import NodeSummary
from modelmonitor_operator.bookkeeper import Bookkeeper
from modelmonitor_operator.cost.ledger import Ledger
from modelmonitor_operator.cost.ledger_document import DATA_KEY, LedgerProblem, parse_ledger
from modelmonitor_operator.desired.ledger_config_map import ledger_ref
from modelmonitor_operator.errors import AlreadyExistsError, ClusterError, ConflictError, NotFoundError
from modelmonitor_operator.intake import Intake
from modelmonitor_operator.key_ring import KeyRing
from modelmonitor_operator.keys import Key, LedgerKey
from modelmonitor_operator.ledgers import Ledgers
from modelmonitor_operator.objects import ObjectRef, ResourceKind, StoredObject, parse_stored
from modelmonitor_operator.observed import Monitor, NodeReading, PollState, SidecarPod
from modelmonitor_operator.rollup import index_nodes
from modelmonitor_operator.timestamps import render_time
from modelmonitor_operator.world import World
from tests.unit.cost.accounts import NOW, S, meter, model
from tests.unit.operator.worlds import settings

UID = "m1"


class Clock:
    """Monotonic seconds, and a wall clock that can be set."""

    def __init__(self) -> None:
        self.passed, self.step = 0.0, 0.0

    def monotonic(self) -> float:
        return self.passed

    def time(self) -> float:
        return NOW + self.passed + self.step

    async def sleep(self, seconds: float) -> None:
        self.passed += seconds


class Shelf:
    """The API server's ConfigMaps: optimistic concurrency, UIDs, and failures on demand.

    `fail_before` and `fail_after` are raised by the next write, before or after it has been done.
    """

    def __init__(self) -> None:
        self.objects: dict[ObjectRef, dict[str, Any]] = {}
        self.writes: list[tuple[str, str]] = []
        self.fail_before: ClusterError | None = None
        self.fail_after: ClusterError | None = None
        self.fail_read: ClusterError | None = None
        self._version = 0

    async def get(self, ref: ObjectRef) -> StoredObject:
        if self.fail_read is not None:
            raise self.fail_read
        if ref not in self.objects:
            raise NotFoundError("not found", 404)
        return parse_stored(ref.kind, self.objects[ref])

    async def list_metadata(
        self, kind: ResourceKind, namespace: str | None, query: Mapping[str, str]
    ) -> list[dict[str, Any]]:
        wanted = dict(pair.split("=") for pair in query["labelSelector"].split(","))
        found = [raw for ref, raw in self.objects.items() if (ref.kind, ref.namespace) == (kind, namespace)]
        return [{"metadata": raw["metadata"]} for raw in found if wanted.items() <= raw["metadata"]["labels"].items()]

    async def create(self, ref: ObjectRef, manifest: dict[str, Any]) -> StoredObject:
        self._before()
        if ref in self.objects:
            raise AlreadyExistsError("it exists", 409)
        return self._store("POST", ref, manifest, f"cm-{self._version}")

    async def replace(self, stored: StoredObject, manifest: dict[str, Any]) -> StoredObject:
        self._before()
        has = self.objects.get(stored.ref)
        if has is None:
            raise NotFoundError("not found", 404)
        asked = manifest["metadata"]
        if any(has["metadata"][name] != asked[name] for name in ("uid", "resourceVersion")):
            raise ConflictError("it has changed", 409)
        return self._store("PUT", stored.ref, manifest, has["metadata"]["uid"])

    async def delete(self, target: StoredObject) -> None:
        self._before()
        has = self.objects.get(target.ref)
        if has is None or has["metadata"]["resourceVersion"] != target.resource_version:
            raise ConflictError("it has changed", 409)
        del self.objects[target.ref]
        self.writes.append(("DELETE", target.ref.name))

    def _before(self) -> None:
        if self.fail_before is not None:
            failure, self.fail_before = self.fail_before, None
            raise failure

    def _store(self, verb: str, ref: ObjectRef, manifest: dict[str, Any], uid: str) -> StoredObject:
        self._version += 1
        metadata = {**manifest["metadata"], "uid": uid, "resourceVersion": str(self._version)}
        self.objects[ref] = {**manifest, "metadata": metadata}
        self.writes.append((verb, ref.name))
        if self.fail_after is not None:
            failure, self.fail_after = self.fail_after, None
            raise failure
        return parse_stored(ref.kind, self.objects[ref])

    # What tests ask and do

    def ledger(self, uid: str = UID) -> Ledger:
        found = self.parsed(uid)
        assert isinstance(found, Ledger), found
        return found

    def parsed(self, uid: str = UID) -> Ledger | LedgerProblem:
        return parse_ledger(self.objects[ledger_ref(settings(), uid)]["data"][DATA_KEY], uid)

    def edit(self, old: str, new: str, uid: str = UID) -> None:
        """Somebody changes the text by hand."""
        raw = self.objects[ledger_ref(settings(), uid)]
        text = raw["data"][DATA_KEY]
        assert old in text
        self._version += 1
        metadata = {**raw["metadata"], "resourceVersion": str(self._version)}
        self.objects[ledger_ref(settings(), uid)] = {
            **raw,
            "metadata": metadata,
            "data": {DATA_KEY: text.replace(old, new, 1)},
        }

    def remove(self, uid: str = UID) -> None:
        """Somebody deletes it."""
        del self.objects[ledger_ref(settings(), uid)]


def raw_monitor(uid: str = UID, name: str = "fraud", version: int = 1, **spec: Any) -> dict[str, Any]:
    return {
        "metadata": {
            "name": name,
            "namespace": "team-a",
            "uid": uid,
            "resourceVersion": str(version),
            "generation": version,
            "creationTimestamp": render_time(NOW),
        },
        "spec": {
            "selector": {"matchLabels": {"app": "triton"}},
            "cost": {"currency": "USD", "pricePerGpuHour": "3.60"},
            **spec,
        },
    }


def raw_pod(uid: str = "p", start: float = 0, **given: Any) -> dict[str, Any]:
    return {
        "metadata": {
            "name": uid,
            "namespace": "team-a",
            "uid": uid,
            "labels": given.get("labels", {"app": "triton"}),
        },
        "spec": {"nodeName": "n1", "containers": [{"name": "triton"}]},
        "status": {
            "phase": given.get("phase", "Running"),
            "startTime": render_time(NOW + start),
            "containerStatuses": given.get("containers", []),
        },
    }


def ended_pod(uid: str = "p", start: float = 0, end: float = 0) -> dict[str, Any]:
    state = {"terminated": {"finishedAt": render_time(NOW + end), "reason": "Completed"}}
    return raw_pod(uid, start, phase="Succeeded", containers=[{"name": "triton", "state": state}])


class Leader:
    """One process that leads, with what its watches have told it."""

    def __init__(self, shelf: Shelf, clock: Clock, **given: Any) -> None:
        self.settings = settings(**{"cost": {"readNodes": False}, **given})
        self.shelf, self.clock = shelf, clock
        self.asked: dict[Key, float] = {}
        self.errors: list[ClusterError] = []
        self.world = World()
        self.intake = Intake(self.settings, self.world, KeyRing(), clock, self._enqueue)
        self.world.monitors_listed = True
        self.lead()

    def lead(self) -> None:
        """Begin to lead, with nothing in memory but what the watches said."""
        self.book = Bookkeeper(self.settings, self.world, Ledgers(self.settings, self.shelf), self.clock, self._enqueue)
        self.intake.cost.on_monitor_gone = self.book.monitor_gone
        self.asked.clear()

    def _enqueue(self, key: Key, delay: float) -> None:
        if isinstance(key, LedgerKey):
            self.asked[key] = self.clock.passed + delay

    def told(self, *pods: dict[str, Any], monitor: dict[str, Any] | None = None) -> "Leader":
        """The watches have listed a monitor and these pods."""
        self.intake.monitor_event(None, monitor or raw_monitor())
        for pod in pods:
            self.intake.put_pod(pod)
        self.intake.pods_listed("team-a")
        return self

    async def beat(self, *meters: PodMeter, started: float = 0, silent: bool = False) -> None:
        """One cycle: the sidecar of n1 has answered with these meters, and the ledgers that are due are kept."""
        self.say({} if silent else self.readings(*meters, started=started))
        await self.work()

    def readings(self, *meters: PodMeter, started: float = 0) -> dict[str, NodeReading]:
        """The answer of n1's sidecar, by the clock of its node."""
        now, began = int(self.clock.passed * S), int(started * S)
        cost = CostReading.model_construct(
            boot_id="b", started_us=began, at_us=now, time=NOW + self.clock.passed, pods=meters
        )
        sidecar = SidecarPod("n1", "s1", "s1", "10.0.0.9", ready=True)
        summary = NodeSummary.model_construct(sidecar_version="1", node="n1", pod_uid="s1", cost=cost)
        return {"n1": NodeReading(sidecar, PollState.OK, received_at=self.clock.time(), summary=summary)}

    def say(self, readings: dict[str, NodeReading]) -> None:
        """The sidecars have been asked."""
        self.book.begin_cycle(index_nodes(readings))

    async def work(self) -> None:
        """Keep every ledger that is due; what fails is tried again in the next cycle, as the work queue does."""
        for key, due in sorted(self.asked.items(), key=lambda pair: pair[1]):
            assert isinstance(key, LedgerKey)
            if due > self.clock.passed:
                continue
            del self.asked[key]
            try:
                await self.book.keep(key.monitor, key.uid)
            except ClusterError as error:
                self.errors.append(error)
                self.asked[key] = self.clock.passed

    @property
    def monitor(self) -> Monitor:
        return next(iter(self.world.monitors.values()))


def busy(until: float, uid: str = "p", start: float = 0, share: float = 0.5) -> PodMeter:
    """A pod that held one GPU since `start` and used a share of it."""
    used = share * (until - start)
    return meter(until, until - start, model(used=used, counted=used), pod_uid=uid)


__all__ = ["NOW", "Clock", "Leader", "Shelf", "busy", "ended_pod", "raw_monitor", "raw_pod"]
