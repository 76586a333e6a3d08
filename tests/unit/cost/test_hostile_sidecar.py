"""What a sidecar cannot say, and what is made of the rest: no answer leaves a ledger that cannot be read."""

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from modelmonitor_api.cost_summary import CostReading
from modelmonitor_api.summary import NodeSummary
from modelmonitor_operator.cost.ledger import Ledger
from modelmonitor_operator.cost.ledger_document import parse_ledger, render_ledger
from modelmonitor_operator.observed import NodeReading, PollState, SidecarPod
from tests.unit.cost.accounts import A100, NOW, S, book, life, meter, reading
from tests.unit.cost.ledger_house import Clock, Leader, Shelf, busy, raw_pod

MOST = 10**17


def answer(at: int, *, clock: object = None, **pod: Any) -> dict[str, Any]:
    whole = {"gpu": "GPU-1", "gpuModel": A100, "parts": 1, "of": 1}
    told = {"podUid": "p", "method": "Exclusive", "holdings": [whole], "untilUs": at * S, "observedUs": at * S, **pod}
    time = NOW + at if clock is None else clock
    return {"bootId": "b", "startedUs": 0, "atUs": at * S, "time": time, "pods": [told]}


@pytest.mark.parametrize(
    "told",
    [
        pytest.param({"models": [{"name": "m", "usedUs": -1}]}, id="a meter below zero"),
        pytest.param({"models": [{"name": "m", "usedUs": 10**19}]}, id="more than a meter counts"),
        pytest.param({"restEnergyMj": 10**19}, id="more energy than a meter counts"),
        pytest.param({"models": [{"name": "m", "raw": {"executionUs": -5}}]}, id="a counter below zero"),
        pytest.param({"models": [{"name": "m" * 257}]}, id="a name as long as a book"),
        pytest.param({"models": [{"name": f"m{n}"} for n in range(4001)]}, id="more models than a node meters"),
        pytest.param({"holdings": [{"gpu": "g", "parts": 1000, "of": 1}]}, id="a thousand parts of one"),
        pytest.param({"holdings": [{"gpu": "g", "parts": 1, "of": 0}]}, id="a part of nothing"),
        pytest.param({"holdings": [{"gpu": "g", "parts": -5, "of": 1}]}, id="less than nothing"),
        pytest.param({"holdings": [{"gpu": "g", "parts": 1, "of": 1}] * 1000}, id="a thousand devices"),
        pytest.param({"untilUs": 10**18}, id="a clock of thirty thousand years"),
        pytest.param({"untilUs": 61 * S}, id="a meter of tomorrow"),
        pytest.param({"lastHeldUs": 61 * S}, id="a pod that holds tomorrow"),
        pytest.param({"sinceUs": "1e400"}, id="no number"),
        pytest.param({"clock": "NaN"}, id="no time"),
        pytest.param({"clock": 1e300}, id="a time that no calendar has"),
    ],
)
def test_what_no_node_can_have_is_refused(told: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        CostReading.model_validate(answer(60, **told))


counts = st.integers(0, MOST) | st.integers(0, 10**9)
counters = st.fixed_dictionaries(dict.fromkeys(("executionUs", "succeeded", "failed", "inferences", "cached"), counts))
models = st.lists(
    st.fixed_dictionaries(
        {
            "name": st.sampled_from(["", "a", "b", "ä" * 256]),
            "version": st.sampled_from(["", "1", "*"]),
            "usedUs": counts,
            "borrowedUs": counts,
            "energyMj": counts,
            "counted": counters,
            "raw": counters,
            "ensemble": st.booleans(),
            "reset": st.booleans(),
        }
    ),
    max_size=6,
    unique_by=lambda one: (one["name"], one["version"]),
)
pods = st.fixed_dictionaries(
    {
        "method": st.sampled_from(["Exclusive", "TimeSlice", "Mig", "Assumed"]),
        "holdings": st.lists(
            st.integers(1, 8).map(lambda parts: {"gpu": "g", "gpuModel": A100, "parts": parts, "of": 8}), max_size=4
        ),
        "observedUs": counts,
        "otherUs": counts,
        "restEnergyMj": counts,
        "sinceUs": st.sampled_from([0, 7]),
        "untilUs": st.integers(-(10**16), 0) | st.integers(0, 4 * 60 * S),
        "departed": st.booleans(),
        "lastHeldUs": st.integers(0, 4 * 60 * S),
        "models": models,
    }
)


@settings(deadline=None, max_examples=150)
@given(st.lists(pods, min_size=2, max_size=4))
def test_whatever_else_it_says_the_ledger_adds_up_and_can_be_read(told: list[dict[str, Any]]) -> None:
    made = book()
    for number, pod in enumerate(told):
        pod |= {name: min(pod[name], number * 60 * S) for name in ("untilUs", "lastHeldUs")}
        made.take(CostReading.model_validate(answer(number * 60, **pod)), life(0))
        found = parse_ledger(render_ledger(made.ledger), "uid")
        assert isinstance(found, Ledger), found
        total = found.total
        assert min(total) >= 0
        assert total.borrowed_us <= total.used_us
        assert sum(day.held_us for day in found.days.values()) == total.held_us


def test_meters_that_jump_are_believed_no_further_than_the_devices_go() -> None:
    made = book()
    made.take(reading(0, meter(0, 0)), life(0))
    huge = {"usedUs": MOST, "borrowedUs": MOST, "energyMj": MOST, "counted": {"inferences": MOST}}
    total = made.take(
        CostReading.model_validate(
            answer(60, restEnergyMj=MOST, models=[{"name": name, **huge} for name in ("a", "b")])
        ),
        life(0),
    )
    assert total.held_us == 60 * S
    assert total.used_us == 60 * S
    assert total.energy_mj == 2 * (10**12 + 60 * 10_000 * 1000), (
        "ten kilowatts and 278 kWh, for models and for the rest"
    )
    assert total.inferences == 10**9 + 10 * 60 * S


@pytest.mark.parametrize("years", [-50, 14])
async def test_a_node_whose_clock_is_years_off_is_charged_today(years: int) -> None:
    shelf, clock = Shelf(), Clock()
    leader = Leader(shelf, clock, cost={"readNodes": False, "writeSeconds": 10}, cycleSeconds=10)
    off = years * 365 * 86400
    leader.told(raw_pod(start=off))
    for _ in range(8):
        known = leader.readings(busy(clock.passed))["n1"]
        leader.say({"n1": _set(known, off)})
        await leader.work()
        clock.passed += 10
    ledger = shelf.ledger()
    assert list(ledger.days) == ["2027-01-15"]
    assert ledger.total.held_us >= 50 * S


def _set(known: NodeReading, off: float) -> NodeReading:
    assert known.summary is not None
    assert known.summary.cost is not None
    cost = known.summary.cost.model_copy(update={"time": known.summary.cost.time + off})
    summary = NodeSummary(sidecar_version="1", node="n1", pod_uid="s1", cost=cost)
    sidecar = SidecarPod("n1", "s1", "s1", "10.0.0.9", ready=True)
    return NodeReading(sidecar, PollState.OK, received_at=known.received_at, summary=summary)
