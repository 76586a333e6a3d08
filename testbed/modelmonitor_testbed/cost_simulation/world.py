"""The world: three nodes with eight GPUs, five monitors with twenty models, pods that come and go."""

import math
import random
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from fractions import Fraction
from functools import partial
from zoneinfo import ZoneInfo

from modelmonitor_sidecar.cost.shares import Device
from modelmonitor_testbed.cost_simulation.gpus import LAYOUTS, PPM, Gpu, cut_slices, make_gpus
from modelmonitor_testbed.cost_simulation.truth import Truth, wall
from modelmonitor_testbed.cost_simulation.virtual_clock import DAY, HOUR, S, VirtualClock

MONITORS = {
    "fraud": "UTC",
    "search": "America/New_York",
    "speech": "Europe/Berlin",
    "vision": "Australia/Lord_Howe",
    "ads": "America/Santiago",
}
"""Monitors and their time zones; one of them moves its clocks by half an hour, one at midnight."""
MODELS_EACH = 4
MOST_PODS = {"fraud": 1, "search": 1, "speech": 4, "vision": 6, "ads": 2}
NODE_OF = {"fraud": "n1", "search": "n1", "ads": "n3", "speech": "n3", "vision": "n2"}
SLICE_OF = {"ads": (3, "GPU-n3-0"), "speech": (2, "GPU-n3-1")}


@dataclass
class Model:
    """One model in one pod.

    Attributes:
        wish: of a device's time, what it would use alone at noon.
        rate_ppm: what it uses now.
        executed: execution time since Triton loaded it, in microseconds times a million.
    """

    key: tuple[str, str]
    wish: float
    rate_ppm: int = 0
    executed: int = 0
    requests: int = 0
    since_us: int = 0

    def settle(self, now_us: int) -> None:
        """Bring the counters up to now."""
        more = self.rate_ppm * (now_us - self.since_us)
        self.executed += more
        self.since_us = now_us


@dataclass
class Pod:
    """One pod; a stranger's has no monitor and no model but one that nobody sees."""

    uid: str
    monitor: str | None
    node: str
    held: list[Device]
    start_us: int
    models: list[Model]
    end_us: int | None = None
    planned: bool = False
    listed: bool = True
    """Kubernetes still has the object."""

    @property
    def share(self) -> Fraction:
        """Of how many devices' time it has a right to."""
        return sum((Fraction(d.parts, d.of * d.replicas) for d in self.held), Fraction(0))


class World:
    """Everything that is really there. Listeners are told of pods that start and end, before their sidecar sees it."""

    def __init__(self, clock: VirtualClock, chance: random.Random) -> None:
        self.clock, self.chance = clock, chance
        self.truth = Truth(MONITORS)
        self.gpus = make_gpus()
        self.pods: dict[str, Pod] = {}
        self.on_change: list[Callable[[str, int], None]] = []
        self.on_end: list[Callable[[Pod], None]] = []
        self.on_start: list[Callable[[Pod], None]] = []
        self._count = 0
        self._mood = dict.fromkeys(MONITORS, 1.0)
        clock.every(HOUR, self._hour, rank=6)

    def running(self, node: str) -> list[Pod]:
        """The pods of a node that run now."""
        return [pod for pod in self.pods.values() if pod.node == node and pod.end_us is None]

    def _hour(self) -> None:
        """Demand of the next hour: how many pods each monitor wants, and how busy their models are."""
        for monitor in MONITORS:
            mine = [p for p in self.pods.values() if p.monitor == monitor and p.end_us is None]
            want = self._wanted(monitor)
            for _ in range(want - len(mine)):
                self._later(partial(self.start, monitor))
            for pod in mine[want:]:
                self._later(partial(self.stop, pod))
            if self.chance.random() < 0.01:
                for pod in mine:
                    self._later(partial(self._replace, pod))
        if self.chance.random() < 0.15:
            self._later(self._start_short)
        self._strangers()
        for gpu in self.gpus.values():
            self._recut(gpu)
            self._rates(gpu)

    def _later(self, action: Callable[[], object]) -> None:
        self.clock.at(self.clock.now + self.chance.randrange(1, 3000 * S), action, rank=4)

    def _wanted(self, monitor: str) -> int:
        """Pods by the hour's demand, which is more or less than the season's by chance of the day."""
        most = MOST_PODS[monitor]
        if self.clock.now % DAY == 0:
            self._mood[monitor] = self.chance.uniform(0.85, 1.15)
        return max(1, round(most * season_of(monitor, self.clock.now) * self._mood[monitor])) if most > 1 else most

    def _strangers(self) -> None:
        there = [p for p in self.pods.values() if p.monitor is None and p.end_us is None]
        if len(there) < 2 and self.chance.random() < 0.1:
            self._later(lambda: self.start(None))
        for pod in there:
            if self.chance.random() < 0.03:
                self._later(partial(self.stop, pod))

    def _replace(self, pod: Pod) -> None:
        if pod.end_us is None and pod.monitor:
            self.stop(pod)
            self.start(pod.monitor)

    def _start_short(self) -> None:
        pod = self.start(self.chance.choice([*MONITORS]))
        if pod is not None:
            length = int(math.exp(self.chance.uniform(math.log(15), math.log(1800))) * S)
            self.clock.at(self.clock.now + length, lambda: self.stop(pod), rank=4)

    def start(self, monitor: str | None) -> Pod | None:
        """Start a pod where there is room; None where there is none."""
        held = self._allocate(monitor)
        if not held:
            return None
        self._count += 1
        now, node = self.clock.now, self.gpus[held[0].gpu].node
        models = [self._model(monitor, n) for n in range(self.chance.choice([1, 2, 3, 4]))] if monitor else []
        if monitor is None:
            models = [Model(("stranger", ""), self.chance.uniform(0.1, 0.6), since_us=now)]
        pod = Pod(f"pod-{self._count}", monitor, node, held, now, models)
        self._tell(node)
        self.pods[pod.uid] = pod
        self.truth.hold(monitor, now, pod.share)
        for gpu in {device.gpu for device in held}:
            self._rates(self.gpus[gpu])
        for listener in self.on_start:
            listener(pod)
        return pod

    def _model(self, monitor: str, number: int) -> Model:
        version = str(1 + self.clock.now // (60 * DAY))
        return Model(
            (f"{monitor}-{number % MODELS_EACH}", version), self.chance.uniform(0.05, 0.5), 0, 0, 0, self.clock.now
        )

    def _allocate(self, monitor: str | None) -> list[Device]:
        """What a pod of the monitor asks for: whole GPUs, a replica, a slice of a size where there is one."""
        node = NODE_OF.get(monitor, "n2") if monitor else self.chance.choice(["n1", "n2", "n2"])
        free = [gpu for gpu in self.gpus.values() if gpu.node == node and gpu.free]
        if not free:
            return []
        if node == "n3":
            size, uuid = SLICE_OF[monitor or ""]
            slices = self.gpus[uuid].free
            slices.sort(key=lambda one: abs(one.parts - size), reverse=True)
            return [slices.pop()] if slices else []
        wanted = 2 if monitor == "fraud" and len(free) > 1 else 1
        return [gpu.free.pop() for gpu in self.chance.sample(free, wanted)]

    def stop(self, pod: Pod) -> None:
        """End a pod; its object stays for a while, or goes at once."""
        if pod.end_us is not None:
            return
        self._tell(pod.node)
        now = self.clock.now
        for model in pod.models:
            self._rate(pod, model, 0)
        pod.end_us = now
        self.truth.hold(pod.monitor, now, -pod.share)
        for device in pod.held:
            self.gpus[device.gpu].free.append(device)
            self._rates(self.gpus[device.gpu])
        for listener in self.on_end:
            listener(pod)
        stays = self.chance.choice([0, 0, 600 * S, 2 * HOUR])
        self.clock.at(now + stays, lambda: self._delete(pod), rank=5)

    def _delete(self, pod: Pod) -> None:
        pod.listed = False
        if pod.monitor and not pod.planned and pod.end_us is not None:
            self.truth.unseen[pod.monitor] += pod.share * (pod.end_us - pod.start_us)
        self.pods.pop(pod.uid)

    def reload(self, pod: Pod) -> None:
        """Triton loads the pod's models anew: its counters begin at zero."""
        for model in pod.models:
            model.settle(self.clock.now)
            model.executed = 0

    def reload_driver(self, gpu: Gpu) -> None:
        """The energy counter begins at zero."""
        gpu.settle(self.clock.now)
        gpu.energy_mj = 0

    def _tell(self, node: str) -> None:
        for listener in self.on_change:
            listener(node, self.clock.now)

    def _recut(self, gpu: Gpu) -> None:
        """Cut a GPU that nobody holds into other slices, now and then."""
        if gpu.node == "n3" and len(gpu.free) == len(gpu.devices) and self.chance.random() < 0.3:
            self._tell(gpu.node)
            gpu.devices = cut_slices(gpu, self.chance.choice(LAYOUTS[gpu.uuid]), self.clock.now)
            gpu.free = list(gpu.devices)

    def _rates(self, gpu: Gpu) -> None:
        """How busy everything on a GPU is until something changes: never more than the device has."""
        gpu.settle(self.clock.now)
        on_it = [(p, d) for p in self.running(gpu.node) for d in p.held if d.gpu == gpu.uuid]
        for pod, device in on_it:
            rivals = [p for p, d in on_it if d.uuid == device.uuid]
            season = [season_of(p.monitor or "", self.clock.now) for p in rivals]
            whole = sum(m.wish * s for p, s in zip(rivals, season, strict=True) for m in p.models)
            factor = 1 if whole <= 0.97 else 0.97 / whole
            own = season_of(pod.monitor or "", self.clock.now)
            for model in pod.models:
                self._rate(pod, model, int(PPM * model.wish * own * factor))
        gpu.busy_ppm = min(PPM, sum(m.rate_ppm for p, _ in on_it for m in p.models))

    def _rate(self, pod: Pod, model: Model, rate_ppm: int) -> None:
        now = self.clock.now
        model.settle(now)
        if pod.monitor and rate_ppm != model.rate_ppm:
            size = sum((Fraction(d.parts, d.of) for d in pod.held), Fraction(0))
            change = Fraction(rate_ppm - model.rate_ppm, PPM) * size
            self.truth.use((pod.monitor, *model.key), MONITORS[pod.monitor], now, change)
        model.rate_ppm = rate_ppm


def season_of(monitor: str, now_us: int) -> float:
    """The hour's demand, from 0.2 to 1: nights and weekends are quiet, and it grows a little over the year."""
    zone = MONITORS.get(monitor, "UTC")
    local = datetime.fromtimestamp(wall(now_us), ZoneInfo(zone))
    day = 0.5 - 0.5 * math.cos(2 * math.pi * (local.hour - 3) / 24)
    week = 0.6 if local.weekday() >= 5 else 1.0
    return min(1.0, (0.25 + 0.7 * day) * week * (1 + 0.1 * now_us / (365 * DAY)))
