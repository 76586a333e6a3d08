"""The sidecars: the product's own meters, fed with what NVML, the kubelet and Triton would say."""

import random
from collections import defaultdict
from collections.abc import Iterable
from functools import partial

from modelmonitor_api.cost_summary import CostReading, Counters
from modelmonitor_sidecar.cost.meters import CostMeters
from modelmonitor_sidecar.cost.moment import GpuSample, Moment, PodSample
from modelmonitor_sidecar.cost.shares import Holder
from modelmonitor_testbed.cost_simulation.gpus import PPM, Gpu
from modelmonitor_testbed.cost_simulation.truth import wall
from modelmonitor_testbed.cost_simulation.virtual_clock import S, VirtualClock
from modelmonitor_testbed.cost_simulation.world import Pod, World

GRID = 15 * S
"""A sidecar reads at these times. Nothing but what changes the world makes a difference, so it reads around changes,
and each five minutes."""
TICK = 300 * S
MULTIPLE = {"n1": 5}
"""On the first node, four quarters of device time are five of execution time: instances run at once."""


class Page:
    """What a Prometheus has of a sidecar's counters: they may begin anew, and the increase goes on."""

    def __init__(self) -> None:
        self.sums: defaultdict[str, int] = defaultdict(int)
        self._last: dict[tuple[str, str], int] = {}

    def scrape(self, reading: CostReading) -> None:
        """Take the counters of a page."""
        for device in reading.devices:
            for name in ("wall_us", "planned_us"):
                value, key = getattr(device, name), (device.gpu, name)
                before = self._last.get(key, 0)
                self.sums[name] += value - before if value >= before else value
                self._last[key] = value


class Sidecar:
    """The sidecar of one node."""

    def __init__(self, clock: VirtualClock, world: World, node: str) -> None:
        self._clock, self._world, self.node = clock, world, node
        self._meters: CostMeters | None = CostMeters("boot-1", 0)
        self._planned_until = -1
        self.reachable = True
        self.page = Page()
        world.on_change.append(self._changed)
        clock.every(TICK, self.observe, rank=1)

    def _changed(self, node: str, now_us: int) -> None:
        """Something on the node is about to change: it read shortly before, and will shortly after."""
        if node != self.node or now_us == self._planned_until:
            return
        self._planned_until = now_us
        self.observe(now_us // GRID * GRID)
        self._clock.at((now_us // GRID + 1) * GRID, self.observe, rank=1)

    def restart(self, down_us: int) -> None:
        """A new sidecar, after a while."""
        self._meters = None
        self._clock.at(self._clock.now + down_us, self._begin, rank=1)

    def _begin(self) -> None:
        self._meters = CostMeters("boot-1", self._clock.now)
        self.observe()

    def observe(self, at_us: int | None = None) -> None:
        """Read everything, now or at a time since when nothing has changed."""
        at = self._clock.now if at_us is None else at_us
        if self._meters is None or at <= self._last_us:
            return
        gpus = [gpu for gpu in self._world.gpus.values() if gpu.node == self.node]
        pods = self._world.running(self.node)
        moment = Moment(
            at,
            {device.uuid: device for gpu in gpus for device in gpu.devices},
            {gpu.uuid: _sample_gpu(gpu, at) for gpu in gpus},
            tuple(_holders(pods)),
            tuple(_sample_pod(pod, at) for pod in pods if pod.planned),
        )
        self._meters.observe(moment)
        self._last_us = at

    _last_us = -1

    def answer(self) -> CostReading | None:
        """What an operator gets; None where the sidecar is away."""
        if self._meters is None or not self.reachable:
            return None
        return self._meters.reading(self._clock.now, wall(self._clock.now))

    def scrape(self) -> None:
        """A Prometheus reads the page."""
        if self._meters is not None:
            self.page.scrape(self._meters.reading(self._clock.now, wall(self._clock.now)))


def _sample_gpu(gpu: Gpu, at_us: int) -> GpuSample:
    energy = gpu.energy_mj + (60 * PPM + 300 * gpu.busy_ppm) * (at_us - gpu.since_us) // (1000 * PPM)
    return GpuSample(None if gpu.node == "n3" else gpu.busy_ppm, max(0, energy))


def _sample_pod(pod: Pod, at_us: int) -> PodSample:
    many = MULTIPLE.get(pod.node, 4)
    models = {}
    for model in pod.models:
        executed = (model.executed + model.rate_ppm * (at_us - model.since_us)) * many // (4 * PPM)
        models[model.key] = Counters.model_construct(
            execution_us=max(0, executed),
            succeeded=max(0, executed // 50_000),
            failed=0,
            inferences=max(0, executed // 25_000),
            cached=0,
        )
    return PodSample(pod.uid, at_us, models)


def _holders(pods: Iterable[Pod]) -> Iterable[Holder]:
    for pod in pods:
        for device in pod.held:
            yield Holder(pod.uid if pod.planned else f"x/{pod.uid}", device.uuid, 1, pod.planned)


def misfortunes(clock: VirtualClock, world: World, sidecars: list[Sidecar], chance: random.Random) -> None:
    """Sidecars restart, Triton and drivers are loaded anew, a node is cut off, each now and then."""

    def reach(sidecar: Sidecar) -> None:
        sidecar.reachable = True

    def hourly() -> None:
        for sidecar in sidecars:
            if chance.random() < 1 / 120:
                later = clock.now + chance.randrange(3600) * S
                clock.at(later, partial(sidecar.restart, chance.randrange(20, 90) * S))
            if chance.random() < 1 / 600:
                sidecar.reachable = False
                clock.at(clock.now + chance.randrange(300, 5400) * S, partial(reach, sidecar))
        if chance.random() < 1 / 20:
            _reload_triton(clock, world, chance)
        if chance.random() < 1 / 200:
            world.reload_driver(world.gpus[chance.choice([*world.gpus])])

    clock.every(3600 * S, hourly, first_us=1800 * S)


def _reload_triton(clock: VirtualClock, world: World, chance: random.Random) -> None:
    there = [pod for pod in world.pods.values() if pod.end_us is None and pod.planned]
    if there:
        pod = chance.choice(there)
        for listener in world.on_change:
            listener(pod.node, clock.now)
        world.reload(pod)
