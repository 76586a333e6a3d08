"""OpenCost's published allocation formula on the same pods: GPUs requested x hours x price.

Source: https://github.com/opencost/opencost/blob/develop/spec/opencost-specv01.md (workload cost of allocated assets).
docs/cost.md says where the two differ on purpose.
"""

import random
from decimal import ROUND_HALF_EVEN, Decimal

from modelmonitor_operator.cost.tally import Terms
from tests.unit.cost.accounts import WHOLE, Book, book, life, meter, model, prices, reading

CENT = Decimal("0.01")


def opencost(pods: list[tuple[int, int, int]], price: Decimal) -> Decimal:
    """GPUs, start and end in seconds."""
    return sum((gpus * Decimal(end - start) / 3600 * price for gpus, start, end in pods), Decimal(0))


def ours(pods: list[tuple[int, int, int]], price: str) -> Book:
    made, chance = book(Terms(prices(pricePerGpuHour=price)), since=0), random.Random(5)
    for now in range(600, 90_000, 600):
        lives, meters = [], []
        for number, (gpus, start, end) in enumerate(pods):
            until = min(now, end)
            if start < now:
                lives.append(life(start, end if end <= now else None, uid=f"p{number}"))
                used = (until - start) * gpus * chance.uniform(0.3, 0.31)
                holdings = tuple(WHOLE.model_copy(update={"gpu": f"GPU-{n}"}) for n in range(gpus))
                fields = {"pod_uid": f"p{number}", "holdings": holdings, "departed": end <= now}
                meters.append(meter(until, (until - start) * gpus, model(used=used, counted=used), **fields))
        made.take(reading(now, *meters), *lives)
    return made


def test_our_allocation_is_opencosts_to_the_cent() -> None:
    chance = random.Random(3)
    pods = []
    for _ in range(40):
        start = chance.randrange(0, 60_000)
        pods.append((chance.choice([1, 1, 2, 4]), start, start + chance.randrange(30, 20_000)))
    total = ours(pods, "2.48").ledger.total
    theirs = opencost(pods, Decimal("2.48"))
    assert total.held.quantize(CENT, ROUND_HALF_EVEN) == theirs.quantize(CENT, ROUND_HALF_EVEN)
    assert theirs > 500
    assert total.used < total.held
    assert total.gap == 0


def test_what_opencost_calls_cost_is_our_allocation_and_our_usage_is_less() -> None:
    total = ours([(1, 0, 7200)], "1").ledger.total
    assert round(total.held, 9) == opencost([(1, 0, 7200)], Decimal(1))
    assert Decimal("0.3") < total.used / total.held < Decimal("0.32")
