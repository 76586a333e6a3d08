"""The node's cost meters: every stretch of every device's time is split once, and added to counters that only rise.

A stretch is settled as soon as every Triton pod that holds a device has been read since the last one, and twice at
all, so that busy time and execution time are of the same stretch; a pod that does not answer is waited for no longer
than a minute.
What was not seen (a GPU that does not answer, a kubelet that does not say who holds what) is in no meter: the operator
finds it as the difference to the pods' lifetimes.
"""

from collections.abc import Iterable
from dataclasses import replace

from modelmonitor_api.apportion import apportion
from modelmonitor_api.cost_summary import CostMethod, CostReading, DeviceMeter, Holding, PodMeter
from modelmonitor_sidecar.cost.attribution import Claim, ModelKey, Split, attribute
from modelmonitor_sidecar.cost.moment import PPM, GpuSample, Moment
from modelmonitor_sidecar.cost.pod_meter import RunningPod
from modelmonitor_sidecar.cost.shares import Device, Holder

HOLD_BACK_US = 60 * PPM
"""How long a stretch waits for a Triton that does not answer."""
DEPARTED_US = 2 * 3600 * PPM
"""How long the meters of a pod that went are kept: an operator may be down for an hour."""
MAX_DEPARTED = 256
MAX_MODELS = 2000
"""Model versions that are metered on a node, those that went included; the ones that went first are forgotten first."""

_SUM = ("wall_us", "used_us", "idle_us", "other_us", "unallocated_us", "planned_us", "unplanned_us", "energy_mj")


class _Stretch:
    """What a physical GPU did since the last settlement."""

    def __init__(self) -> None:
        self.wall_us = self.busy_us = self.energy_mj = 0
        self.says_busy = True

    def add(self, elapsed_us: int, before: GpuSample, now: GpuSample) -> None:
        """Take one reading; utilisation is of the time that it ends."""
        self.wall_us += elapsed_us
        self.says_busy = now.busy_ppm is not None
        self.busy_us += elapsed_us * min(PPM, now.busy_ppm or 0) // PPM
        if now.energy_mj is not None and before.energy_mj is not None:
            fell = now.energy_mj < before.energy_mj
            self.energy_mj += now.energy_mj - (0 if fell else before.energy_mj)


class CostMeters:
    """The meters of one node since the sidecar began. Not thread-safe; one task feeds and reads it."""

    def __init__(self, boot_id: str, started_us: int) -> None:
        self._boot_id, self._started_us = boot_id, started_us
        self._last: Moment | None = None
        self._settled_us = started_us
        self._stretches: dict[str, _Stretch] = {}
        self._pods: dict[str, RunningPod] = {}
        self._totals: dict[str, dict[str, int]] = {}
        self._gpu_models: dict[str, str] = {}
        self._frozen: tuple[tuple[DeviceMeter, ...], tuple[PodMeter, ...]] | None = None

    def observe(self, moment: Moment) -> None:
        """Take one moment of the node, later than the one before.

        Nothing is metered before the devices and their holders are known for the first time: a pod of which it is not
        known what it holds would seem to hold nothing. Later, what is not known is as it was, and nothing is booked.
        """
        last = self._last
        if moment.holders is None or not moment.devices:
            if last is None:
                return
            holders = last.holders if moment.holders is None else moment.holders
            moment = replace(moment, holders=holders, devices=moment.devices or last.devices)
        elif last is not None:
            self._accumulate(last, moment)
        self._frozen = None
        self._read(moment)
        for holder in moment.holders or ():
            if holder.pod in self._pods:
                self._pods[holder.pod].last_held_us = moment.at_us
        if last is None or moment.holders != last.holders or moment.devices != last.devices or self._due(moment):
            self._settle(last, moment)
            self._retire(moment)
        self._last = moment

    @property
    def have_begun(self) -> bool:
        """Whether devices and holders were known at least once."""
        return self._last is not None

    def reading(self, at_us: int, time: float) -> CostReading:
        """The meters now."""
        if self._frozen is None:
            devices = (
                _device_meter(gpu, self._gpu_models.get(gpu, ""), sums) for gpu, sums in sorted(self._totals.items())
            )
            self._frozen = tuple(devices), tuple(pod.freeze() for _, pod in sorted(self._pods.items()))
        return CostReading.model_construct(
            boot_id=self._boot_id,
            started_us=self._started_us,
            at_us=at_us,
            time=time,
            devices=self._frozen[0],
            pods=self._frozen[1],
        )

    def _accumulate(self, last: Moment, moment: Moment) -> None:
        elapsed = moment.at_us - last.at_us
        for gpu, sample in moment.gpus.items():
            if gpu in last.gpus and last.holders is not None:
                self._stretches.setdefault(gpu, _Stretch()).add(elapsed, last.gpus[gpu], sample)

    def _read(self, moment: Moment) -> None:
        for sample in moment.pods:
            pod = self._pods.get(sample.uid)
            if pod is None:
                pod = self._pods[sample.uid] = RunningPod(sample.uid, moment.at_us)
            pod.read(sample)
        self._make_room()

    def _make_room(self) -> None:
        """Forget models that are not there any more where there are too many."""
        excess = sum(map(len, self._pods.values())) - MAX_MODELS
        if excess > 0:
            gone = sorted((at, uid, key) for uid, pod in self._pods.items() for at, key in pod.unlisted())
            for _, uid, key in gone[:excess]:
                self._pods[uid].forget(key)

    def _due(self, moment: Moment) -> bool:
        holding = {holder.pod for holder in moment.holders or () if holder.planned}
        waiting = any(self._pods[uid].is_awaited(self._settled_us) for uid in holding if uid in self._pods)
        return not waiting or moment.at_us - self._settled_us >= HOLD_BACK_US

    def _settle(self, last: Moment | None, moment: Moment) -> None:
        """Split what has gathered among those who held the devices all the while."""
        if last is not None and last.holders is not None:
            self._split(last.devices.values(), last.holders)
        self._stretches = {}
        self._settled_us = moment.at_us
        held = {holder.pod for holder in moment.holders or ()}
        for uid in held | {sample.uid for sample in moment.pods}:
            if uid in self._pods and self._pods[uid].is_known(moment.at_us - HOLD_BACK_US):
                self._pods[uid].until_us = moment.at_us

    def _split(self, devices: Iterable[Device], holders: tuple[Holder, ...]) -> None:
        executed = {uid: pod.take_executed() for uid, pod in self._pods.items()}
        by_gpu: dict[str, list[Device]] = {}
        for device in devices:
            by_gpu.setdefault(device.gpu, []).append(device)
        shares = _spread_execution(executed, holders, by_gpu, self._stretches)
        for gpu, parts in by_gpu.items():
            stretch = self._stretches.get(gpu)
            if stretch is not None:
                self._split_gpu(
                    gpu, parts, stretch, [h for h in holders if any(h.device == p.uuid for p in parts)], shares
                )

    def _split_gpu(
        self,
        gpu: str,
        devices: list[Device],
        stretch: _Stretch,
        holders: list[Holder],
        shares: dict[tuple[str, str], dict[ModelKey, int]],
    ) -> None:
        of = devices[0].of
        sizes = [device.parts for device in devices]
        *walls, uncut = apportion(stretch.wall_us, [*sizes, max(0, of - sum(sizes))])
        splits = []
        for device, wall in zip(devices, walls, strict=True):
            claims = [
                Claim(h.pod, h.replicas, h.planned, shares.get((h.pod, device.uuid), {}))
                for h in holders
                if h.device == device.uuid
            ]
            busy = stretch.busy_us
            if device.is_slice or not stretch.says_busy:
                busy = sum(us for claim in claims for us in claim.execution_us.values())
            splits.append(attribute(wall, busy, claims, device.replicas))
        self._book(gpu, stretch, splits, uncut)

    def _book(self, gpu: str, stretch: _Stretch, splits: list[Split], uncut: int) -> None:
        """Add the splits of one physical GPU to the meters, its energy in the ratio of the time."""
        pods = [(pod, share) for split in splits for pod, share in split.pods.items() if pod in self._pods]
        used = [(n, key, us) for n, (_, share) in enumerate(pods) for key, us in share.used_us.items()]
        rests = [share.other_us + share.idle_us - share.lent_us for _, share in pods]
        unplanned = sum(split.unplanned_busy_us + split.unplanned_idle_us for split in splits)
        free = uncut + sum(split.unallocated_us for split in splits)
        weights = [*(us for *_, us in used), *rests, unplanned + free]
        energy = apportion(stretch.energy_mj, weights)
        of_models: list[dict[ModelKey, int]] = [{} for _ in pods]
        for (n, key, _), mj in zip(used, energy, strict=False):
            of_models[n][key] = mj
        for n, (pod, share) in enumerate(pods):
            self._pods[pod].add(share, of_models[n], energy[len(used) + n])
        busy = sum(us for *_, us in used)
        other = sum(share.other_us for _, share in pods) + sum(split.unplanned_busy_us for split in splits)
        held = (sum(share.held_us for _, share in pods), sum(split.unplanned_held_us for split in splits))
        sums = (stretch.wall_us, busy, stretch.wall_us - busy - other - free, other, free, *held, stretch.energy_mj)
        totals = self._totals.setdefault(gpu, dict.fromkeys(_SUM, 0))
        for name, more in zip(_SUM, sums, strict=True):
            totals[name] += more

    def _retire(self, moment: Moment) -> None:
        """Say what each pod holds from now on, mark those that went, forget those that went long ago."""
        devices = moment.devices
        planned = {sample.uid for sample in moment.pods}
        self._gpu_models |= {device.gpu: device.gpu_model for device in devices.values()}
        for uid, pod in self._pods.items():
            held = [h for h in moment.holders or () if h.pod == uid]
            if held:
                pod.departed = False
                if all(h.device in devices for h in held):
                    pod.holdings, pod.method = _holdings(held, moment), _method(held, moment)
            elif not pod.departed and (pod.holdings or uid not in planned):
                pod.depart(moment.at_us)
        gone = sorted((pod.until_us, uid) for uid, pod in self._pods.items() if pod.departed)
        for number, (until, uid) in enumerate(gone):
            if moment.at_us - until > DEPARTED_US or len(gone) - number > MAX_DEPARTED:
                del self._pods[uid]


def _device_meter(gpu: str, gpu_model: str, sums: dict[str, int]) -> DeviceMeter:
    return DeviceMeter.model_construct(
        gpu=gpu,
        gpu_model=gpu_model,
        wall_us=sums["wall_us"],
        used_us=sums["used_us"],
        idle_us=sums["idle_us"],
        other_us=sums["other_us"],
        unallocated_us=sums["unallocated_us"],
        planned_us=sums["planned_us"],
        unplanned_us=sums["unplanned_us"],
        energy_mj=sums["energy_mj"],
    )


def _capacity(device: Device, holders: Iterable[Holder]) -> int:
    """Of how many replicas one is a share: more than it has where more are held."""
    return max(device.replicas, sum(h.replicas for h in holders if h.device == device.uuid))


def _holdings(held: list[Holder], moment: Moment) -> tuple[Holding, ...]:
    found = []
    for holder in held:
        device = moment.devices[holder.device]
        of = device.of * _capacity(device, moment.holders or ())
        found.append(Holding(gpu=device.gpu, gpu_model=device.gpu_model, parts=device.parts * holder.replicas, of=of))
    return tuple(found)


def _method(held: list[Holder], moment: Moment) -> CostMethod:
    """By what a pod's share was found; the least sure of its devices decides."""
    devices = [moment.devices[holder.device] for holder in held]
    crowded = any(_capacity(device, moment.holders or ()) > device.replicas for device in devices)
    if crowded or not all(device.understood for device in devices):
        return CostMethod.ASSUMED
    if len(held) > 1:
        return CostMethod.MODELLED
    if devices[0].is_slice:
        return CostMethod.MIG
    return CostMethod.TIME_SLICE if devices[0].shared else CostMethod.EXCLUSIVE


def _spread_execution(
    executed: dict[str, dict[ModelKey, int]],
    holders: tuple[Holder, ...],
    by_gpu: dict[str, list[Device]],
    stretches: dict[str, _Stretch],
) -> dict[tuple[str, str], dict[ModelKey, int]]:
    """Execution time by pod and device: over several devices by how busy each was; a slice's is cut to its size."""
    devices = {device.uuid: device for parts in by_gpu.values() for device in parts}
    found: dict[tuple[str, str], dict[ModelKey, int]] = {}
    for uid, models in executed.items():
        held = [h.device for h in holders if h.pod == uid and h.device in devices]
        if not held or not models:
            continue
        busy = [stretches[devices[d].gpu].busy_us if devices[d].gpu in stretches else 0 for d in held]
        for key, us in models.items():
            for uuid, part in zip(held, apportion(us, busy if len(held) > 1 else [1]), strict=True):
                device = devices[uuid]
                found.setdefault((uid, uuid), {})[key] = part * device.parts // device.of
    return found
