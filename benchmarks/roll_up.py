"""A whole cycle of the operator with 1 000 nodes: poll, verify, parse, judge. Only the API server is left out.

The cycle is the product's own `Cycle.beat`, in a process of its own; the sidecars are served by another process, so
that their work does not count.
"""

import asyncio
import gc
import json
import multiprocessing
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from multiprocessing.connection import Connection

from benchmarks.manifests import build_monitor, build_running_status, build_triton_pod, stored
from benchmarks.sidecar_pages import build_app, serve, sidecar_address
from benchmarks.synthetic import Identity, Load, build_summary
from benchmarks.table import Row
from modelmonitor_api.names import MonitorRef
from modelmonitor_api.plan import PlannedMonitor, PlannedPod
from modelmonitor_api.status import HealthState
from modelmonitor_operator.adapters.clock import SystemClock
from modelmonitor_operator.adapters.monitors import parse_monitor
from modelmonitor_operator.adapters.pods import parse_pod
from modelmonitor_operator.adapters.sidecars import SidecarPoller
from modelmonitor_operator.cycle import Cycle
from modelmonitor_operator.keys import Key, StatusKey
from modelmonitor_operator.memory import tune_garbage_collection
from modelmonitor_operator.objects import NODE_PLAN, parse_stored
from modelmonitor_operator.observed import SidecarPod
from modelmonitor_operator.settings import Settings, SidecarSettings
from modelmonitor_operator.telemetry import Telemetry
from modelmonitor_operator.verdicts import Verdicts
from modelmonitor_operator.world import World

NODES = 1000
MODELS = 50
BEATS = 3
CYCLE_SECONDS = 10.0
_KEY = b"k" * 32
_FIRST_READING = 1_000_000
_SETTINGS = Settings(
    namespace="bench",
    sidecar_namespace="bench",
    sidecar=SidecarSettings(image="registry.example/sidecar:bench"),
    poll_timeout_seconds=30.0,
)


@dataclass(frozen=True, slots=True)
class CycleFigures:
    """CPU seconds of the product's cycles and of json.loads over the same bodies."""

    cycles: tuple[float, ...]
    poll: float
    walls: tuple[float, ...]
    loads: float
    body_bytes: int
    healthy: int


def _ref(number: int) -> MonitorRef:
    return MonitorRef(f"team-{number % 50:02d}", f"monitor-{number:04d}")


def _planned(number: int) -> tuple[PlannedMonitor, ...]:
    ref = _ref(number)
    pod = PlannedPod(
        name=f"triton-{number}",
        uid=f"pod-{number}",
        ip="10.0.0.1",
        container="triton",
        http_port=8000,
        metrics_port=8002,
    )
    return (
        PlannedMonitor(
            namespace=ref.namespace,
            name=ref.name,
            uid=f"monitor-{number}",
            interval_seconds=15,
            window_seconds=300,
            pods=(pod,),
        ),
    )


def _build_body(number: int) -> bytes:
    who = Identity(f"node-{number}", f"sidecar-{number}")
    summary = build_summary(who, _planned(number), Load(MODELS), reading=_FIRST_READING, plan_generation=1)
    return json.dumps(summary.to_wire(), separators=(",", ":")).encode()


class _Bodies:
    """Each answer is a newer reading than the one before."""

    def __init__(self, nodes: int) -> None:
        self._bodies = {f"sidecar-{number}": _build_body(number) for number in range(nodes)}
        self._asked = dict.fromkeys(self._bodies, 0)

    def __call__(self, uid: str) -> bytes | None:
        self._asked[uid] += 1
        old, new = f'"reading":{_FIRST_READING}'.encode(), f'"reading":{_FIRST_READING + self._asked[uid]}'.encode()
        return self._bodies[uid].replace(old, new)


def serve_sidecars(nodes: int, ready: Connection) -> None:
    """Serve until the parent ends."""

    async def run() -> None:
        runner = await serve(build_app(_Bodies(nodes), lambda: _KEY), map(sidecar_address, range(nodes)))
        ready.send("listening")
        await asyncio.to_thread(ready.poll, None)
        await runner.cleanup()

    asyncio.run(run())


def _build_world(nodes: int) -> World:
    world = World()
    for number in range(nodes):
        ref, node = _ref(number), f"node-{number}"
        world.put_monitor(parse_monitor(stored(build_monitor(ref.namespace, ref.name), f"monitor-{number}")))
        world.listed_namespaces.add(ref.namespace)
        pod = build_triton_pod(ref.namespace, f"triton-{number}", ref.name, node)
        world.put_pod(parse_pod(stored(pod, f"pod-{number}", status=build_running_status("triton", "10.0.0.1"))))
        world.put_sidecar(
            SidecarPod(node, f"sidecar-{number}", f"sidecar-{number}", sidecar_address(number), ready=True)
        )
        plan = {"metadata": {"name": node, "namespace": "bench"}, "spec": {}}
        world.put_stored(parse_stored(NODE_PLAN, stored(plan, f"plan-{number}")))
    return world


class _Bench:
    """The product's cycle on a world in memory; writes are noted as done."""

    def __init__(self, nodes: int) -> None:
        self.world, clock, telemetry = _build_world(nodes), SystemClock(), Telemetry("bench")
        self.verdicts = Verdicts(_SETTINGS, self.world, clock)
        self.poller = SidecarPoller(clock, telemetry, _SETTINGS.poll_timeout_seconds, _SETTINGS.poll_concurrency)
        self.cycle = Cycle(self.world, self.verdicts, self.poller, clock, telemetry)

    async def beat(self) -> tuple[float, float]:
        """CPU and wall seconds of one cycle."""
        wanted: list[Key] = []
        wall, cpu = time.monotonic(), time.process_time()
        await self.cycle.beat((_KEY,), wanted.append)
        figures = time.process_time() - cpu, time.monotonic() - wall
        for key in wanted:
            self._note(key)
        return figures

    def _note(self, key: Key) -> None:
        assert isinstance(key, StatusKey)
        monitor = self.world.monitors[key.monitor]
        pending = self.verdicts.pending(monitor)
        assert pending is not None
        self.verdicts.wrote(monitor.ref, monitor.uid, pending[1])

    def healthy(self) -> int:
        """How many monitors are judged Healthy: a cycle that read nothing would be quick."""
        found = [self.verdicts.pending(monitor) for monitor in self.world.monitors.values()]
        return sum(one is not None and one[1].health.state is HealthState.HEALTHY for one in found)


def _load_all(bodies: Sequence[bytes]) -> float:
    gc.collect()
    started = time.process_time()
    for body in bodies:
        json.loads(body)
    return time.process_time() - started


async def _run(nodes: int) -> CycleFigures:
    bench = _Bench(nodes)
    await bench.beat()
    figures = [await bench.beat() for _ in range(BEATS)]
    started = time.process_time()
    await bench.poller.poll(bench.world.sidecars(), (_KEY,))
    poll = time.process_time() - started
    await bench.poller.close()
    bodies = [_build_body(number) for number in range(nodes)]
    loads = min(_load_all(bodies) for _ in range(BEATS))
    cpu, wall = zip(*figures, strict=True)
    return CycleFigures(cpu, poll, wall, loads, sum(map(len, bodies)), bench.healthy())


def measure_cycles(nodes: int) -> CycleFigures:
    """Run in a process that does nothing else, set up as the operator's."""
    tune_garbage_collection()
    return asyncio.run(_run(nodes))


def measure(report: Callable[[str], None]) -> Sequence[Row]:
    """CPU of a cycle, the median of three."""
    context = multiprocessing.get_context("spawn")
    ours, theirs = context.Pipe()
    server = context.Process(target=serve_sidecars, args=(NODES, theirs), daemon=True)
    server.start()
    try:
        report(f"{NODES} sidecars: {ours.recv()}")
        with ProcessPoolExecutor(1, mp_context=context) as pool:
            figures = pool.submit(measure_cycles, NODES).result()
    finally:
        ours.close()
        server.terminate()
        server.join()
    report(
        f"{figures.healthy} of {NODES} Healthy, {figures.body_bytes / 1e6:.0f} MB; polling alone {figures.poll:.2f} s "
        f"of CPU; walls {', '.join(f'{wall:.1f}' for wall in figures.walls)} s"
    )
    assert figures.healthy == NODES, f"only {figures.healthy} of {NODES} monitors are Healthy"
    cpu = sorted(figures.cycles)[BEATS // 2]
    what = f"roll-up cycle, {NODES} monitors and nodes, {MODELS} models each: CPU"
    return (Row(what, cpu, "s", CYCLE_SECONDS / 2, figures.loads, "json.loads of the same bodies"),)
