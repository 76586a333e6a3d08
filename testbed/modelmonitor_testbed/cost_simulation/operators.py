"""The operators: two processes, one object store, and crashes between any two steps of a write."""

import random
from dataclasses import dataclass, field

from modelmonitor_api.spec_cost import CostSpec
from modelmonitor_operator.cost.advance import advance
from modelmonitor_operator.cost.ledger import Ledger
from modelmonitor_operator.cost.ledger_document import LedgerProblem, parse_ledger, render_ledger
from modelmonitor_operator.cost.ledger_writes import Account, Stored, begin, charged, is_due, loaded, stamped
from modelmonitor_operator.cost.observations import NodeObservation, Observation, PodLife
from modelmonitor_operator.cost.prices import PriceList
from modelmonitor_operator.cost.tally import Terms
from modelmonitor_testbed.cost_simulation.sidecars import Sidecar
from modelmonitor_testbed.cost_simulation.truth import wall
from modelmonitor_testbed.cost_simulation.virtual_clock import HOUR, S, VirtualClock
from modelmonitor_testbed.cost_simulation.world import MONITORS, Pod, World

PRICES = {"NVIDIA A100-SXM4-40GB": "3.10", "NVIDIA A10G": "1.05", "NVIDIA H100": "6.20"}
SPEC = CostSpec.model_validate(
    {"currency": "EUR", "prices": [{"gpuModel": gpu, "perGpuHour": price} for gpu, price in PRICES.items()]}
)
KEPT_SECONDS = 3 * 3600.0
BEFORE, AFTER, ANYTIME = "before", "after", "anytime"


class CrashError(Exception):
    """The process is gone."""


class ConflictError(Exception):
    """Somebody else has written, or the object is there already."""


class Store:
    """The API server's ledgers: optimistic concurrency, and nothing else."""

    def __init__(self) -> None:
        self._objects: dict[str, tuple[int, Ledger]] = {}
        self.writes = self.conflicts = 0

    def get(self, monitor: str) -> Stored | None:
        """The ledger as a process reads it: through its document."""
        if monitor not in self._objects:
            return None
        version, ledger = self._objects[monitor]
        parsed = parse_ledger(render_ledger(ledger), monitor)
        if isinstance(parsed, LedgerProblem):
            raise TypeError(parsed.message)
        return Stored(parsed, str(version), monitor)

    def post(self, monitor: str, ledger: Ledger) -> None:
        """Make it."""
        if monitor in self._objects:
            self.conflicts += 1
            raise ConflictError
        self._objects[monitor] = (1, ledger)
        self.writes += 1

    def put(self, monitor: str, ledger: Ledger, version: str) -> str:
        """Replace it, if nobody else has."""
        has, _ = self._objects[monitor]
        if str(has) != version:
            self.conflicts += 1
            raise ConflictError
        self._objects[monitor] = (has + 1, ledger)
        self.writes += 1
        return str(has + 1)

    def has(self, monitor: str) -> bool:
        """Whether there is one."""
        return monitor in self._objects

    def ledger(self, monitor: str) -> Ledger:
        """What is committed."""
        return self._objects[monitor][1]


@dataclass
class Process:
    """What one operator process has in its memory."""

    started_us: int
    accounts: dict[str, Account] = field(default_factory=dict)
    ended: dict[str, tuple[str, PodLife]] = field(default_factory=dict)
    heard_us: dict[str, int] = field(default_factory=dict)


class Operator:
    """One replica of the operator."""

    def __init__(self, clock: VirtualClock, world: World, sidecars: list[Sidecar], store: Store) -> None:
        self._clock, self._world, self._sidecars, self._store = clock, world, sidecars, store
        self._process: Process | None = Process(0)
        self.leads = False
        self.clock_step = 0.0
        self.armed: str | None = None
        self.crashes = 0
        world.on_end.append(self._saw_end)
        world.on_start.append(self._saw_start)

    @property
    def alive(self) -> bool:
        """Whether the process runs."""
        return self._process is not None

    def crash(self, down_us: int) -> None:
        """Die, and come back after a while."""
        if self._process is None:
            return
        self._process, self.armed = None, None
        self.crashes += 1
        self._down_us = down_us
        self._clock.at(self._clock.now + down_us, self._start)

    _down_us = 0
    next_down_us = 60 * S

    def _start(self) -> None:
        self._process = Process(self._clock.now)
        if self.leads:
            self._plan_all()

    def take_lead(self) -> None:
        """Become leader; another may not know yet that it is none."""
        self.leads = True
        if self._process is not None:
            self._process.accounts.clear()
            self._process.started_us = self._clock.now
            self._plan_all()

    def _plan_all(self) -> None:
        for pod in self._world.pods.values():
            self._saw_start(pod)

    def _saw_start(self, pod: Pod) -> None:
        if self._process is not None and self.leads and pod.monitor:
            self._clock.at(self._clock.now + 8 * S, lambda: self._plan(pod))

    def _plan(self, pod: Pod) -> None:
        if pod.end_us is None and not pod.planned:
            for listener in self._world.on_change:
                listener(pod.node, self._clock.now)
            pod.planned = True
            self._world.truth.late += pod.share * (self._clock.now - pod.start_us)

    def _saw_end(self, pod: Pod) -> None:
        """The watch tells of a pod's end, and the memory keeps it when the object goes."""
        if self._process is not None and pod.monitor:
            self._process.ended[pod.uid] = (pod.monitor, life_of(pod))

    def tick(self) -> None:
        """One cycle of a leader."""
        process = self._process
        if process is None or not self.leads:
            return
        now = self._clock.now
        if self.armed == ANYTIME:
            self.crash(self.next_down_us)
            return
        kept = wall(now) - KEPT_SECONDS
        process.ended = {uid: one for uid, one in process.ended.items() if (one[1].finished_at or 0) > kept}
        nodes = self._poll(process)
        try:
            for monitor in MONITORS:
                self._account(process, monitor, nodes)
        except CrashError:
            self.crash(self.next_down_us)

    def _poll(self, process: Process) -> dict[str, NodeObservation]:
        found = {}
        for sidecar in self._sidecars:
            reading = sidecar.answer()
            if reading is not None:
                process.heard_us[sidecar.node] = self._clock.now
            heard = process.heard_us.get(sidecar.node, process.started_us)
            found[sidecar.node] = NodeObservation(reading, (self._clock.now - heard) / S)
        return found

    def _account(self, process: Process, monitor: str, nodes: dict[str, NodeObservation]) -> None:
        monotonic, now = self._clock.now / S, wall(self._clock.now) + self.clock_step
        account = process.accounts.get(monitor)
        if account is None or account.stored is None:
            account = self._load(monitor, now, monotonic)
        ledger = account.newest
        if ledger is None:
            return
        terms = Terms(PriceList(SPEC), MONITORS[monitor])
        following = advance(ledger, self._see(process, monitor, nodes), terms, now)
        account = charged(account, following)
        if is_due(account, monotonic):
            account = self._write(monitor, account, now, monotonic)
        process.accounts[monitor] = account

    def _see(self, process: Process, monitor: str, nodes: dict[str, NodeObservation]) -> Observation:
        lives = {life.uid: life for owner, life in process.ended.values() if owner == monitor}
        lives |= {pod.uid: life_of(pod) for pod in self._world.pods.values() if pod.monitor == monitor}
        return Observation(tuple(lives.values()), nodes, (self._clock.now - process.started_us) / S)

    def _load(self, monitor: str, now: float, monotonic: float) -> Account:
        stored = self._store.get(monitor)
        if stored is None:
            self._may_crash(BEFORE)
            try:
                self._store.post(monitor, stamped(begin(monitor, now, had_one=False), now))
            except ConflictError:
                return Account()
            self._may_crash(AFTER)
            stored = self._store.get(monitor)
        return Account() if stored is None else loaded(stored, monotonic, now - stored.ledger.checkpoint.written)

    def _write(self, monitor: str, account: Account, now: float, monotonic: float) -> Account:
        stored, pending = account.stored, account.pending
        if stored is None or pending is None:
            return account
        self._may_crash(BEFORE)
        ledger = stamped(pending, now)
        try:
            version = self._store.put(monitor, ledger, stored.resource_version)
        except ConflictError:
            return Account()
        self._may_crash(AFTER)
        return loaded(Stored(ledger, version, stored.uid), monotonic, 0)

    def _may_crash(self, where: str) -> None:
        if self.armed == where:
            raise CrashError


def life_of(pod: Pod) -> PodLife:
    """A pod as Kubernetes tells it: times to the second."""
    end = None if pod.end_us is None else float(int(wall(pod.end_us)))
    return PodLife(pod.uid, pod.node, float(int(wall(pod.start_us))), end)


def fate(clock: VirtualClock, operators: list[Operator], chance: random.Random, times: list[int]) -> None:
    """Crashes at the given times, clock steps, changes of the leader, two leaders at once."""

    def crash() -> None:
        leader = next((one for one in operators if one.leads and one.alive and one.armed is None), None)
        if leader is None:
            clock.at(clock.now + 60 * S, crash)
            return
        leader.armed = chance.choice([BEFORE, AFTER, ANYTIME])
        leader.next_down_us = chance.choice([20 * S, chance.randrange(60, 3600) * S])
        if chance.random() < 0.5:
            clock.at(clock.now + 15 * S, lambda: lead(operators, chance))

    def hourly() -> None:
        if chance.random() < 1 / 50:
            chance.choice(operators).clock_step = chance.choice([-3600.0, 0.0, 3600.0])
        if chance.random() < 1 / 40:
            both = [one for one in operators if one.alive]
            for one in both:
                one.take_lead()
            clock.at(clock.now + chance.randrange(60, HOUR // S) * S, lambda: lead(operators, chance))

    for time in times:
        clock.at(time, crash)
    clock.every(HOUR, hourly, first_us=900 * S)


def lead(operators: list[Operator], chance: random.Random) -> None:
    """One operator that is alive leads, and the others know that they do not."""
    alive = [one for one in operators if one.alive]
    if not alive:
        return
    chosen = chance.choice(alive)
    for one in operators:
        if one is not chosen:
            one.leads = False
    if not chosen.leads:
        chosen.take_lead()
