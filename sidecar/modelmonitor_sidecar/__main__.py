"""The sidecar's composition root: settings, sources, pages; runs until SIGTERM."""

import asyncio
import gc
import logging
import os
import signal
import sys
import time
from collections.abc import Callable, Coroutine
from contextlib import AsyncExitStack
from importlib.metadata import PackageNotFoundError, version
from typing import Any

from modelmonitor_api.logs import configure_logging
from modelmonitor_sidecar.collectors.own import Identity
from modelmonitor_sidecar.keys import Gate, KeyRing
from modelmonitor_sidecar.metering import Metering, read_boot_id
from modelmonitor_sidecar.presence import Presence, PresentReader
from modelmonitor_sidecar.process import read_process
from modelmonitor_sidecar.scrape import ScrapeScheduler
from modelmonitor_sidecar.server import Heartbeat, Pages, build_application
from modelmonitor_sidecar.settings import Settings, read_settings
from modelmonitor_sidecar.site import serve
from modelmonitor_sidecar.snapshot import Instant, PlanSnapshot, SnapshotStore
from modelmonitor_sidecar.sources.bounded_http import BoundedHttp
from modelmonitor_sidecar.sources.nvml import NvmlSource
from modelmonitor_sidecar.sources.plan import PlanFollower
from modelmonitor_sidecar.sources.plan_server import Account, HttpPlanServer
from modelmonitor_sidecar.sources.pod_resources import KubeletSocket, PodName, PodResourcesSource
from modelmonitor_sidecar.sources.triton import TritonReader
from modelmonitor_sidecar.targets import plan_targets, smallest_interval

_LOG = logging.getLogger("modelmonitor_sidecar")
HEARTBEAT_SECONDS = 5.0
KEY_SECONDS = 10.0


def read_clock() -> Instant:
    """Now, on both clocks. Linux only: the clock since boot goes on while a sidecar restarts, and never steps."""
    return Instant(time.clock_gettime(time.CLOCK_BOOTTIME), time.time())


def own_version() -> str:
    """Version of the installed distribution."""
    try:
        return version("modelmonitor")
    except PackageNotFoundError:
        return "0+unknown"


class Sidecar:
    """Everything that runs in one process, wired together."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._store = SnapshotStore()
        self._keys = KeyRing(settings.key_file, time.monotonic)
        who = Identity(settings.node_name, settings.pod_uid, own_version())
        self._heartbeat = Heartbeat(read_clock().at)
        self._metering = Metering(self._store, read_clock, read_boot_id(settings.boot_id_file))
        gate = Gate(self._keys, settings.pod_uid)
        cost = self._metering.read
        self._pages = Pages(self._store, read_clock, gate, who, read_process, self._heartbeat, cost)

    def _interval(self) -> float:
        return smallest_interval(self._store.newest.plan.monitors, self._settings.default_interval_seconds)

    async def _beat(self) -> None:
        next_key = 0.0
        while True:
            now = self._heartbeat.at = read_clock().at
            if now >= next_key:
                self._keys.refresh()
                next_key = now + KEY_SECONDS
            await asyncio.sleep(HEARTBEAT_SECONDS)

    async def run(self, stop: asyncio.Event) -> None:
        """Serve until `stop` is set."""
        async with AsyncExitStack() as stack:
            tasks = [asyncio.create_task(work, name=name) for name, work in self._sources(stack).items()]
            stack.push_async_callback(_cancel, tasks)
            runner = await serve(build_application(self._pages), self._settings.bind_address, self._settings.port)
            stack.push_async_callback(runner.cleanup)
            _LOG.info("serving on port %d for node %s", self._settings.port, self._settings.node_name)
            await _until(stop, tasks)
        _LOG.info("stopped")

    def _sources(self, stack: AsyncExitStack) -> dict[str, Coroutine[Any, Any, None]]:
        settings, store = self._settings, self._store
        loop = asyncio.get_running_loop()
        store.on_target = lambda target: loop.call_soon(self._pages.prepare, target)
        store.on_devices = self._metering.follow
        kubelet, plan_changed = self._pods(stack)
        account = Account(settings.token_file, settings.ca_file)
        server = HttpPlanServer(settings.api_server_url, settings.pod_namespace, settings.node_name, account)
        stack.push_async_callback(server.close)
        nvml = NvmlSource(store, read_clock, self._interval, settings.nvml_deadline_seconds)
        nvml.start()
        stack.callback(nvml.stop)
        return {
            "heartbeat": self._beat(),
            "nvml watchdog": nvml.run_watchdog(),
            "pod-resources": kubelet.run(),
            "plan": PlanFollower(server, store, settings.node_name, plan_changed).run(),
        }

    def _pods(self, stack: AsyncExitStack) -> tuple[PodResourcesSource, Callable[[PlanSnapshot], None]]:
        """The kubelet's lists, and what a new plan means for the pods that are read."""
        settings, store = self._settings, self._store
        http = BoundedHttp(settings.triton_deadline_seconds)
        stack.push_async_callback(http.close)
        triton = TritonReader(http)
        kubelet = PodResourcesSource(KubeletSocket(settings.pod_resources_socket), store, read_clock, self._interval)
        presence = Presence(PodName(settings.pod_namespace, settings.pod_name), kubelet.ask_now)
        kubelet.on_list = presence.note
        scrapes = ScrapeScheduler(PresentReader(triton, presence), store, read_clock)
        stack.push_async_callback(scrapes.close)

        def plan_changed(plan: PlanSnapshot) -> None:
            targets = plan_targets(plan.monitors, settings.refuse_address)
            presence.follow(targets)
            scrapes.follow(targets)
            triton.keep_only(targets)
            self._pages.follow_plan(store.newest)

        return kubelet, plan_changed


async def _until(stop: asyncio.Event, tasks: list[asyncio.Task[None]]) -> None:
    """Wait for the stop; a task that ends before is a fault of ours, and raises what it ended with."""
    stopped = asyncio.create_task(stop.wait(), name="stop")
    done, _ = await asyncio.wait([stopped, *tasks], return_when=asyncio.FIRST_COMPLETED)
    stopped.cancel()
    for task in done - {stopped}:
        task.result()
        raise RuntimeError(f"the task {task.get_name()} has ended")


async def _cancel(tasks: list[asyncio.Task[None]]) -> None:
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)


async def _serve(settings: Settings) -> None:
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    await Sidecar(settings).run(stop)


def main() -> int:
    """Run the sidecar; the exit status is 2 where its environment is not complete."""
    try:
        settings = read_settings(os.environ)
    except ValueError as error:
        configure_logging("INFO")
        _LOG.error("%s", error)
        return 2
    configure_logging(settings.log_level)
    gc.freeze()  # What the imports made stays: a full collection of it costs more than a round of readings.
    asyncio.run(_serve(settings))
    return 0


if __name__ == "__main__":
    sys.exit(main())
