"""The operator as one asyncio program: everybody watches, the leader reconciles."""

import asyncio
import contextlib
import os
import signal
from collections.abc import Callable
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version

from modelmonitor_operator.adapters.clock import SystemClock
from modelmonitor_operator.adapters.cluster import Cluster
from modelmonitor_operator.adapters.connection import Connection, load_configuration
from modelmonitor_operator.adapters.discovery import Discovery
from modelmonitor_operator.adapters.http_server import build_app, serve
from modelmonitor_operator.adapters.leader_server import LeaderServer
from modelmonitor_operator.adapters.lease import Leadership
from modelmonitor_operator.adapters.prometheus_api import PrometheusApi
from modelmonitor_operator.adapters.sidecars import SidecarPoller
from modelmonitor_operator.announcer import Announcer
from modelmonitor_operator.bookkeeper import Bookkeeper
from modelmonitor_operator.children import OPTIONAL_KINDS
from modelmonitor_operator.controller import Controller
from modelmonitor_operator.creation_watch import CreationWatch
from modelmonitor_operator.cycle import Cycle
from modelmonitor_operator.desired.endpoints import LeaderAddress
from modelmonitor_operator.fence import Fence
from modelmonitor_operator.handlers import register
from modelmonitor_operator.handlers.supervise import Supervisor, kopf_spawner
from modelmonitor_operator.intake import Intake
from modelmonitor_operator.key_ring import KeyRing
from modelmonitor_operator.keys import ObjectsKey
from modelmonitor_operator.leader_pages import LeaderPages
from modelmonitor_operator.ledger_retention import LedgerRetention
from modelmonitor_operator.ledgers import Ledgers
from modelmonitor_operator.objects import CONFIG_MAP, DAEMON_SET, NODE_PLAN, POD, SECRET
from modelmonitor_operator.prometheus_answers import PrometheusAnswers
from modelmonitor_operator.reconciler import Reconciler
from modelmonitor_operator.resync import Resync
from modelmonitor_operator.settings import Settings
from modelmonitor_operator.telemetry import Telemetry
from modelmonitor_operator.verdicts import Verdicts
from modelmonitor_operator.watches import Watches
from modelmonitor_operator.world import World

_NEEDED = frozenset({CONFIG_MAP, DAEMON_SET, NODE_PLAN, POD, SECRET})
_RELEASE_SECONDS = 3.0


def _read_version() -> str:
    try:
        return version("modelmonitor")
    except PackageNotFoundError:
        return "unknown"


@dataclass(frozen=True, slots=True)
class _Parts:
    """What the tasks of the program share."""

    settings: Settings
    clock: SystemClock
    telemetry: Telemetry
    world: World
    key_ring: KeyRing
    controller: Controller
    intake: Intake
    connection: Connection
    cluster: Cluster
    poller: SidecarPoller
    resync: Resync
    pages: LeaderPages
    prometheus: PrometheusApi
    answers: PrometheusAnswers
    leader: LeaderAddress | None

    def ready(self) -> str:
        """Empty when the cluster has been listed, else what is missing."""
        missing = sorted(kind.plural for kind in _NEEDED - self.world.listed_kinds)
        return self.resync.problem or (f"not listed yet: {', '.join(missing)}" if missing else "")

    async def lead(self, holds: Callable[[], bool]) -> None:
        """What only the leader does; `holds` says whether nobody else can lead."""
        verdicts = Verdicts(self.settings, self.world, self.clock, self.pages, self.answers)
        verdicts.on_methods = lambda ref: self.controller.enqueue(ObjectsKey(ref))
        fence = Fence(self.cluster, holds)
        reconciler = Reconciler(self.settings, self.world, verdicts, fence, self.clock)
        reconciler.announcer = Announcer(self.telemetry.events_dropped.inc)
        reconciler.children.enqueue = self.controller.enqueue
        reconciler.children.recipes.leader = self.leader
        cycle = Cycle(self.world, verdicts, self.poller, self.clock, self.telemetry)
        creation = CreationWatch(self.settings, self.world, self.cluster, self.clock)
        retention = self._keep_books(fence, verdicts, reconciler)
        self.telemetry.leader.set(1)
        try:
            with self.pages.leading():
                await self._work(reconciler, cycle, creation, retention)
        finally:
            self.telemetry.leader.set(0)
            self.intake.cost.on_monitor_gone = lambda _: None

    def _keep_books(self, fence: Fence, verdicts: Verdicts, reconciler: Reconciler) -> LedgerRetention:
        enqueue = self.controller.enqueue
        bookkeeper = Bookkeeper(self.settings, self.world, Ledgers(self.settings, fence), self.clock, enqueue)
        verdicts.costs = reconciler.bookkeeper = bookkeeper
        self.intake.cost.on_monitor_gone = bookkeeper.monitor_gone
        return LedgerRetention(self.settings, self.world, fence, self.clock, lambda: self.resync.namespaces)

    async def _work(
        self, reconciler: Reconciler, cycle: Cycle, creation: CreationWatch, retention: LedgerRetention
    ) -> None:
        async with asyncio.TaskGroup() as group:
            group.create_task(retention.run())
            group.create_task(self.answers.run(lambda: self.world.monitors))
            group.create_task(self.controller.run(reconciler, self.intake.ask_for_everything))
            group.create_task(cycle.run(self.settings.cycle_seconds, self.keys, creation.look, self.controller.enqueue))

    def keys(self) -> tuple[bytes, ...]:
        """Keys that sign, for this cycle."""
        self.telemetry.monitors.set(len(self.world.monitors))
        return self.key_ring.keys(self.clock.monotonic())


async def _build(settings: Settings) -> _Parts:
    clock, world, key_ring = SystemClock(), World(), KeyRing()
    telemetry = Telemetry(_read_version())
    controller = Controller(clock, telemetry, settings.workers)
    intake = Intake(settings, world, key_ring, clock, controller.enqueue)
    connection = Connection(await load_configuration(), settings.request_timeout_seconds)
    cluster = Cluster(connection, telemetry)
    prometheus = PrometheusApi(settings.prometheus, lambda result: telemetry.prometheus_requests.labels(result).inc())
    return _Parts(
        settings=settings,
        clock=clock,
        telemetry=telemetry,
        world=world,
        key_ring=key_ring,
        controller=controller,
        intake=intake,
        connection=connection,
        cluster=cluster,
        poller=SidecarPoller(clock, telemetry, settings.poll_timeout_seconds, settings.poll_concurrency),
        resync=Resync(settings, cluster, intake, clock),
        pages=LeaderPages(clock, world.monitors, settings.cycle_seconds),
        prometheus=prometheus,
        answers=PrometheusAnswers(settings.prometheus, clock, prometheus),
        leader=_find_leader_address(settings),
    )


def _find_leader_address(settings: Settings) -> LeaderAddress | None:
    """Where this pod serves the leader's pages, as the chart's Deployment tells it."""
    address = os.environ.get("POD_IP", "")
    return LeaderAddress(address, settings.http_port, os.environ.get("NODE_NAME", "")) if address else None


async def run_operator(settings: Settings, identity: str) -> None:
    """Run until SIGTERM or SIGINT; the Lease is released before the end."""
    stop = asyncio.Event()
    _stop_on_signals(stop)
    parts = await _build(settings)
    async with contextlib.AsyncExitStack() as stack:
        stack.push_async_callback(parts.connection.close)
        stack.push_async_callback(parts.poller.close)
        stack.push_async_callback(parts.prometheus.close)
        server = LeaderServer(parts.pages, parts.clock, parts.telemetry)
        app = build_app(parts.telemetry, lambda: "", parts.ready, server)
        runner = await serve(app, settings.http_port)
        stack.push_async_callback(runner.cleanup)
        await _run_until(stop, parts, identity)


def _stop_on_signals(stop: asyncio.Event) -> None:
    for name in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(name, stop.set)


async def _run_until(stop: asyncio.Event, parts: _Parts, identity: str) -> None:
    settings = parts.settings
    watches = Watches(settings, parts.connection, parts.intake, parts.clock, parts.telemetry)
    discovery = Discovery(parts.cluster, parts.clock, OPTIONAL_KINDS)
    registry = register(settings, parts.intake.monitor_event)
    spawn = kopf_spawner(registry, lambda: _stop_on_signals(stop))
    supervisor = Supervisor(spawn, parts.clock, parts.telemetry)
    leadership = Leadership.of(parts.cluster, parts.clock, settings.namespace, settings.lease, identity)
    parts.pages.holds_lease = leadership.holds
    leading = asyncio.create_task(leadership.run(lambda: parts.lead(leadership.holds)))
    tasks = {
        leading,
        asyncio.create_task(watches.run(parts.world)),
        asyncio.create_task(discovery.run(parts.intake.children.kinds_served)),
        asyncio.create_task(supervisor.run(parts.resync.once)),
        asyncio.create_task(parts.resync.repeat(supervisor.restart)),
        asyncio.create_task(stop.wait()),
    }
    done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
    for task in tasks:
        task.cancel()
    await asyncio.wait(tasks, timeout=_RELEASE_SECONDS)
    for task in done:
        task.result()
