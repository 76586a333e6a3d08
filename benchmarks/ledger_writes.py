"""The ledgers of 1 000 ModelMonitors over a simulated hour: how often they are written, how much, and what that takes.

The bookkeeper is the product's own; the API server is a dictionary, the sidecars are told what to say, and the clock is
moved by hand. Of five monitors one has no pod.
"""

import asyncio
import gc
import json
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from benchmarks.manifests import build_monitor, build_running_status, build_triton_pod, stored
from benchmarks.table import Row
from modelmonitor_api.cost_summary import CostMethod, CostReading, Counters, Holding, ModelMeter, PodMeter
from modelmonitor_api.summary import NodeSummary
from modelmonitor_operator.bookkeeper import Bookkeeper
from modelmonitor_operator.errors import NotFoundError
from modelmonitor_operator.intake import Intake
from modelmonitor_operator.key_ring import KeyRing
from modelmonitor_operator.keys import Key, LedgerKey
from modelmonitor_operator.ledgers import Ledgers
from modelmonitor_operator.objects import ObjectRef, ResourceKind, StoredObject, parse_stored
from modelmonitor_operator.observed import NodeReading, PollState, SidecarPod
from modelmonitor_operator.rollup import index_nodes
from modelmonitor_operator.settings import CostSettings, Json, Settings, SidecarSettings
from modelmonitor_operator.timestamps import render_time
from modelmonitor_operator.world import World

MONITORS, MODELS, PODS_A_NODE = 1000, 3, 8
HOUR, CYCLE, BARE_SECONDS = 3600.0, 10.0, 120.0
GOAL_WRITES = MONITORS * (HOUR / 300 + 1)
GOAL_KIB = 64.0
GOAL_CPU_SECONDS = 180.0
"""A twentieth of a core."""
_EPOCH = 1_800_000_000.0
_SETTINGS = Settings(
    namespace="bench",
    sidecar_namespace="bench",
    sidecar=SidecarSettings(image="registry.example/sidecar:bench"),
    cost=CostSettings(read_nodes=False),
    cycle_seconds=60.0,
)
_BARE = _SETTINGS.model_copy(
    update={"cost": CostSettings(read_nodes=False, write_seconds=CYCLE), "cycle_seconds": CYCLE}
)


@dataclass
class _Clock:
    passed: float = 0.0

    def monotonic(self) -> float:
        return self.passed

    def time(self) -> float:
        return _EPOCH + self.passed

    async def sleep(self, seconds: float) -> None:
        self.passed += seconds


@dataclass
class _Shelf:
    """An API server that never refuses, and counts."""

    objects: dict[ObjectRef, Json] = field(default_factory=dict)
    writes: int = 0
    size: int = 0

    async def get(self, ref: ObjectRef) -> StoredObject:
        if ref not in self.objects:
            raise NotFoundError("not found", 404)
        return parse_stored(ref.kind, self.objects[ref])

    async def list_metadata(self, kind: ResourceKind, namespace: str | None, query: Mapping[str, str]) -> list[Json]:
        return [raw for ref, raw in self.objects.items() if ref.kind == kind and ref.namespace == namespace and query]

    async def create(self, ref: ObjectRef, manifest: Json) -> StoredObject:
        return self._store(ref, manifest)

    async def replace(self, stored: StoredObject, manifest: Json) -> StoredObject:
        return self._store(stored.ref, manifest)

    async def delete(self, target: StoredObject) -> None:
        del self.objects[target.ref]

    def _store(self, ref: ObjectRef, manifest: Json) -> StoredObject:
        self.writes += 1
        self.size += len(json.dumps(manifest, separators=(",", ":")).encode())
        metadata = {**manifest["metadata"], "uid": ref.name, "resourceVersion": str(self.writes)}
        self.objects[ref] = {**manifest, "metadata": metadata}
        return parse_stored(ref.kind, self.objects[ref])


@dataclass(frozen=True, slots=True)
class _Hour:
    """Figures of one hour; `cpu` is what the bookkeeper took in seconds, without server and sidecars."""

    writes: float
    size: float
    largest: int
    cpu: float


def _meter(uid: str, seconds: float) -> PodMeter:
    us = int(seconds * 1e6)
    counted = Counters(execution_us=us // 8, succeeded=us // 5000, inferences=us // 5000)
    models = tuple(
        ModelMeter(name=f"model-{n}", version="1", used_us=us // 8, energy_mj=us // 9, counted=counted, raw=counted)
        for n in range(MODELS)
    )
    return PodMeter(
        pod_uid=uid,
        method=CostMethod.EXCLUSIVE,
        holdings=(Holding(gpu=f"GPU-{uid}", gpu_model="NVIDIA H100", parts=1, of=1),),
        until_us=us,
        last_held_us=us,
        observed_us=us,
        models=models,
    )


def _readings(pods: Mapping[str, Sequence[str]], clock: _Clock) -> dict[str, NodeReading]:
    found = {}
    for node, uids in pods.items():
        meters = tuple(_meter(uid, clock.passed) for uid in uids)
        cost = CostReading(boot_id="b", started_us=0, at_us=int(clock.passed * 1e6), time=clock.time(), pods=meters)
        sidecar = SidecarPod(node, f"s-{node}", f"s-{node}", "10.0.0.9", ready=True)
        summary = NodeSummary(sidecar_version="1", node=node, pod_uid=sidecar.uid, cost=cost)
        found[node] = NodeReading(sidecar, PollState.OK, received_at=clock.time(), summary=summary)
    return found


def _fill(intake: Intake) -> dict[str, list[str]]:
    """Monitors in 50 namespaces, and a pod for four of five; the pods of each node."""
    pods: dict[str, list[str]] = {}
    running = build_running_status("triton", "10.0.0.1")
    for number in range(MONITORS):
        namespace, name = f"team-{number % 50:02d}", f"monitor-{number:04d}"
        raw = stored(build_monitor(namespace, name), f"monitor-{number}")
        cost = {"currency": "EUR", "pricePerGpuHour": "2.50"}
        intake.monitor_event(None, {**raw, "spec": {**raw["spec"], "cost": cost}})
        if number % 5 == 0:
            continue
        node, uid = f"node-{number // PODS_A_NODE}", f"pod-{number}"
        status = {**running, "startTime": render_time(_EPOCH)}
        intake.put_pod(stored(build_triton_pod(namespace, uid, name, node), uid, status=status))
        pods.setdefault(node, []).append(uid)
    for number in range(50):
        intake.pods_listed(f"team-{number:02d}")
    return pods


async def _simulate(settings: Settings, seconds: float) -> _Hour:
    clock, shelf, world = _Clock(), _Shelf(), World()
    due: dict[LedgerKey, float] = {}

    def enqueue(key: Key, delay: float) -> None:
        if isinstance(key, LedgerKey):
            due[key] = clock.passed + delay

    intake = Intake(settings, world, KeyRing(), clock, enqueue)
    world.monitors_listed = True
    pods = _fill(intake)
    book = Bookkeeper(settings, world, Ledgers(settings, shelf), clock, enqueue)
    cpu = 0.0
    for begin in range(0, int(seconds), int(settings.cycle_seconds)):
        clock.passed = float(begin)
        index = index_nodes(_readings(pods, clock))
        began = time.process_time()
        book.begin_cycle(index)
        for key, at in sorted(due.items(), key=lambda pair: pair[1]):
            del due[key]
            clock.passed = max(clock.passed, at)
            await book.keep(key.monitor, key.uid)
        for monitor in world.monitors.values():
            book.facts(monitor)
        cpu += time.process_time() - began
    largest = max(len(json.dumps(body, separators=(",", ":")).encode()) for body in shelf.objects.values())
    scale = HOUR / seconds
    return _Hour(shelf.writes * scale, shelf.size * scale, largest, cpu * scale)


def measure(report: Callable[[str], None]) -> Sequence[Row]:
    """The rows of this benchmark."""
    gc.collect()
    bare = asyncio.run(_simulate(_BARE, BARE_SECONDS))
    report(f"{BARE_SECONDS:g} s of a write in each cycle are measured")
    hour = asyncio.run(_simulate(_SETTINGS, HOUR))
    each = "a write of each that runs in each cycle of 10 s"
    return [
        Row("ledger writes of 1 000 monitors in an hour", hour.writes, "", GOAL_WRITES, bare.writes, each),
        Row("written in that hour", hour.size / 2**20, "MiB", None, bare.size / 2**20, each),
        Row("largest ledger after it", hour.largest / 1024, "KiB", GOAL_KIB, 64.0, "the bound"),
        Row("CPU of bookkeeping in that hour", hour.cpu, "s", GOAL_CPU_SECONDS, bare.cpu, each),
    ]
