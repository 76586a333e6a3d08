"""One pod's meter while it runs: what it held, what its models used, what Triton counted."""

from modelmonitor_api.apportion import apportion
from modelmonitor_api.cost_summary import MOST_COUNTED, CostMethod, Counters, Holding, ModelMeter, PodMeter
from modelmonitor_sidecar.cost.attribution import ModelKey, PodShare
from modelmonitor_sidecar.cost.moment import PodSample

_ZERO: tuple[int, ...] = (0,) * 5


def _numbers(counters: Counters) -> tuple[int, ...]:
    return (counters.execution_us, counters.succeeded, counters.failed, counters.inferences, counters.cached)


def _counters(numbers: tuple[int, ...]) -> Counters:
    return Counters(
        execution_us=numbers[0], succeeded=numbers[1], failed=numbers[2], inferences=numbers[3], cached=numbers[4]
    )


class _Model:
    """One model version of a pod."""

    def __init__(self, key: ModelKey, start: Counters) -> None:
        self._key = key
        self._raw, self._numbers = start, _numbers(start)
        self._counted, self._reset = _ZERO, False
        self._ensemble = False
        self._frozen: ModelMeter | None = None
        self.listed_us = 0
        self.executed_us = 0
        self.used_us = self._borrowed_us = self._energy_mj = 0

    def read(self, raw: Counters, *, ensemble: bool) -> None:
        """Counters rise together and begin anew together, when Triton loads the model again or starts again."""
        numbers = _numbers(raw)
        if numbers == self._numbers and ensemble is self._ensemble:
            return
        fell = any(new < old for old, new in zip(self._numbers, numbers, strict=True))
        more = numbers if fell else tuple(new - old for old, new in zip(self._numbers, numbers, strict=True))
        self._counted = tuple(min(MOST_COUNTED, old + new) for old, new in zip(self._counted, more, strict=True))
        self.executed_us += 0 if ensemble else more[0]
        self._raw, self._numbers, self._ensemble, self._reset = raw, numbers, ensemble, self._reset or fell
        self._frozen = None

    def use(self, used_us: int, borrowed_us: int, energy_mj: int) -> None:
        """Take its part of a stretch."""
        self.used_us += used_us
        self._borrowed_us += borrowed_us
        self._energy_mj += energy_mj
        self._frozen = None

    def freeze(self) -> ModelMeter:
        """The meter as a value, the same one until something changes."""
        if self._frozen is None:
            self._frozen = ModelMeter.model_construct(
                name=self._key[0],
                version=self._key[1],
                used_us=self.used_us,
                borrowed_us=self._borrowed_us,
                energy_mj=self._energy_mj,
                counted=_counters(self._counted),
                raw=self._raw,
                ensemble=self._ensemble,
                reset=self._reset,
            )
        return self._frozen


class RunningPod:
    """A pod's meters; they only rise."""

    def __init__(self, uid: str, at_us: int) -> None:
        self.uid = uid
        self.since_us = self.until_us = self.last_held_us = at_us
        self.departed = False
        self.method = CostMethod.EXCLUSIVE
        self.holdings: tuple[Holding, ...] = ()
        self.first_read_us: int | None = None
        self.read_at_us: int | None = None
        self.observed_us = self.other_us = self.rest_energy_mj = 0
        self._models: dict[ModelKey, _Model] = {}
        self._last: PodMeter | None = None

    def is_awaited(self, settled_us: int) -> bool:
        """Whether it is not known what it executed since then: one reading alone says nothing."""
        read, first = self.read_at_us, self.first_read_us
        return read is None or read <= settled_us or read == first

    def is_known(self, long_ago_us: int) -> bool:
        """Whether its meter says something: its Triton has been read, or has been waited for since long ago."""
        return self.read_at_us is not None or self.since_us <= long_ago_us

    def __len__(self) -> int:
        return len(self._models)

    def read(self, sample: PodSample) -> None:
        """Take what Triton counted. What it had counted at the first reading is not of this sidecar's time."""
        if sample.read_at_us is None:
            return
        for key, counters in sample.models.items():
            model = self._models.get(key)
            if model is None:
                model = self._models[key] = _Model(key, counters if self.read_at_us is None else Counters())
            model.listed_us = sample.read_at_us
            model.read(counters, ensemble=key in sample.ensembles)
        self.read_at_us = sample.read_at_us
        if self.first_read_us is None:
            self.first_read_us = sample.read_at_us

    def unlisted(self) -> list[tuple[int, ModelKey]]:
        """When models were last listed that Triton lists no longer; of a pod that went, all its models."""
        newest = self.read_at_us or 0
        return [
            (model.listed_us, key) for key, model in self._models.items() if self.departed or model.listed_us < newest
        ]

    def forget(self, key: ModelKey) -> None:
        """Meter a model no longer; what it used has become idle time for those who have not read its meter."""
        del self._models[key]
        if self.departed:
            self._last = self._freeze()

    def take_executed(self) -> dict[ModelKey, int]:
        """Execution time since the last call, by model."""
        taken = {key: model.executed_us for key, model in self._models.items() if model.executed_us}
        for key in taken:
            self._models[key].executed_us = 0
        return taken

    def add(self, share: PodShare, energy_mj: dict[ModelKey, int], rest_energy_mj: int) -> None:
        """Take a share of one device."""
        self.observed_us += share.held_us
        self.other_us += share.other_us
        self.rest_energy_mj += rest_energy_mj
        borrowed = _spread(share)
        for key, us in share.used_us.items():
            self._models[key].use(us, borrowed[key], energy_mj.get(key, 0))

    def depart(self, at_us: int) -> None:
        """It holds nothing any more, and nothing of it will change."""
        self.departed, self.until_us = True, at_us
        self._last = self._freeze()

    def freeze(self) -> PodMeter:
        """The meters as a value."""
        return self._last if self.departed and self._last else self._freeze()

    def _freeze(self) -> PodMeter:
        return PodMeter.model_construct(
            pod_uid=self.uid,
            method=self.method,
            holdings=self.holdings,
            since_us=self.since_us,
            until_us=self.until_us,
            departed=self.departed,
            last_held_us=self.last_held_us,
            observed_us=self.observed_us,
            other_us=self.other_us,
            rest_energy_mj=self.rest_energy_mj,
            models=tuple(model.freeze() for _, model in sorted(self._models.items())),
        )


def _spread(share: PodShare) -> dict[ModelKey, int]:
    """The borrowed time by model, in the ratio of what each used: none borrows more than it used."""
    return dict(zip(share.used_us, apportion(share.borrowed_us, [*share.used_us.values()]), strict=True))
