"""A monitor's pods and meters in few words, and a ledger that is advanced with them."""

from collections.abc import Mapping
from dataclasses import dataclass

from modelmonitor_api.cost_summary import CostMethod, CostReading, Counters, Holding, ModelMeter, PodMeter
from modelmonitor_api.spec_cost import CostSpec
from modelmonitor_operator.cost.advance import advance
from modelmonitor_operator.cost.amounts import Amounts
from modelmonitor_operator.cost.ledger import Ledger, new_ledger
from modelmonitor_operator.cost.observations import NodeObservation, Observation, PodLife
from modelmonitor_operator.cost.prices import PriceList
from modelmonitor_operator.cost.tally import Terms

S = 1_000_000
NOW = 1_800_000_000.0
"""2027-01-15 08:00 UTC."""
A100 = "NVIDIA A100-SXM4-40GB"
WHOLE = Holding(gpu="GPU-1", gpu_model=A100, parts=1, of=1)
HALF = Holding(gpu="GPU-1", gpu_model=A100, parts=1, of=2)


def prices(**fields: object) -> PriceList:
    """2.40 USD an hour, or what is said."""
    given = fields or {"pricePerGpuHour": "2.40"}
    return PriceList(CostSpec.model_validate({"currency": "USD", **given}))


TERMS = Terms(prices())


def model(
    name: str = "fraud", used: float = 0, counted: float = 0, raw: float | None = None, **more: int
) -> ModelMeter:
    """A model that used so many seconds, and executed so many."""
    made, as_is = (
        Counters(execution_us=int(n * S), inferences=int(n * 10), succeeded=int(n * 10))
        for n in (counted, counted if raw is None else raw)
    )
    return ModelMeter(name=name, version="1", used_us=int(used * S), counted=made, raw=as_is, **more)


def meter(until: float, observed: float, *models: ModelMeter, **more: object) -> PodMeter:
    """The meters of pod `p`, which holds one whole GPU."""
    fields: dict[str, object] = {"pod_uid": "p", "method": CostMethod.EXCLUSIVE, "holdings": (WHOLE,), **more}
    return PodMeter(until_us=int(until * S), observed_us=int(observed * S), models=models, **fields)  # type: ignore[arg-type]


def reading(at: float, *pods: PodMeter, started: float = 0, boot: str = "b", time: float | None = None) -> CostReading:
    """Node n1, whose clock shows 0 at NOW."""
    shown = NOW + at if time is None else time
    return CostReading(boot_id=boot, started_us=int(started * S), at_us=int(at * S), time=shown, pods=pods)


def life(start: float = 0, end: float | None = None, uid: str = "p", node: str = "n1") -> PodLife:
    """A pod that started so many seconds after NOW."""
    return PodLife(uid, node, NOW + start, None if end is None else NOW + end)


def see(answer: CostReading | None, *lives: PodLife, silent: float = 0) -> Observation:
    """What the leader sees."""
    return Observation(lives, {"n1": NodeObservation(answer, silent)}, 0)


@dataclass
class Book:
    """A ledger that is advanced."""

    ledger: Ledger
    terms: Terms = TERMS

    def take(self, answer: CostReading | None, *lives: PodLife, now: float = 0, silent: float = 0) -> Amounts:
        """Advance it, and say the total."""
        self.ledger = advance(self.ledger, see(answer, *lives, silent=silent), self.terms, NOW + now)
        return self.ledger.total


def book(terms: Terms = TERMS, since: float = -10) -> Book:
    """A new ledger."""
    return Book(new_ledger("uid", NOW + since), terms)


def seconds(amounts: Amounts) -> Mapping[str, float]:
    """The buckets that are not zero, in seconds."""
    names = ("used", "borrowed", "idle", "other", "gap", "modelled", "assumed", "unpriced")
    found = {name: getattr(amounts, f"{name}_us") / S for name in names}
    return {name: value for name, value in found.items() if value}


__all__ = [
    "A100",
    "HALF",
    "NOW",
    "TERMS",
    "WHOLE",
    "S",
    "book",
    "life",
    "meter",
    "model",
    "prices",
    "reading",
]
