"""What the leader's page says of cost: the committed ledger and nothing else, in counters that never charge twice."""

import random
from collections.abc import Iterator, Mapping
from dataclasses import replace

import pytest

from modelmonitor_api.spec_cost import Currency
from modelmonitor_operator.cost import advance as advancing
from modelmonitor_operator.cost.amounts import REST
from modelmonitor_operator.cost.facts import CostFacts, CostState
from modelmonitor_operator.cost.ledger import Ledger, in_currency
from modelmonitor_operator.leader_metrics import render_leader_page
from tests.unit.cost.accounts import NOW, Book, book, life, meter, model, reading
from tests.unit.leader.costs import HOUR, SPEC, facts, rich, running
from tests.unit.leader.verdicts import Labels, by, judgement, read_page, samples

Series = tuple[str, Labels]


def told(of: CostFacts, name: str) -> dict[Labels, float]:
    return samples(judgement(cost=of), f"cost_{name}")


def page_of(ledger: Ledger) -> dict[Series, float]:
    """Every counter of cost on the page of a ledger."""
    what = judgement(cost=CostFacts(CostState.COMMITTED, ledger))
    page = read_page(render_leader_page(what))
    return {
        series: value
        for series, value in page.items()
        if series[0].startswith("modelmonitor_cost_") and series[0].endswith("_total")
    }


def test_the_parts_of_the_spend_add_up_to_what_the_budget_counts() -> None:
    of = rich()
    assert of.budget is not None
    spend = by(told(of, "spend_total"), "part")
    assert set(spend) == {"used", "idle", "other", "gap", "energy"}
    assert sum(spend.values()) == pytest.approx(float(of.budget.spent))
    assert sum(by(told(of, "gpu_seconds_total"), "part").values()) == HOUR
    assert by(told(of, "usage_spend_total"), "currency") == {"USD": 0.75}


def test_a_model_has_its_own_part_of_everything() -> None:
    of = rich()
    spend = told(of, "model_spend_total")
    assert {(dict(labels)["model"], dict(labels)["version"]) for labels in spend} == {("fraud", "1")}
    assert sum(spend.values()) == pytest.approx(sum(told(of, "spend_total").values()))
    assert list(told(of, "model_inferences_total").values()) == [8000]
    assert list(told(of, "model_energy_joules_total").values()) == [3_600_000]


def test_models_that_are_added_up_have_no_series_and_are_in_the_totals() -> None:
    made = running().ledger
    (amounts,) = made.models.values()
    ledger = replace(made, models={**made.models, REST: amounts})
    of = facts(ledger)
    assert {dict(labels)["version"] for labels in told(of, "model_gpu_seconds_total")} == {"1"}
    assert sum(told(of, "gpu_seconds_total").values()) == 2 * HOUR


def test_gaps_are_told_by_their_reasons_from_zero_on_so_that_the_first_one_is_a_rise() -> None:
    gaps = by(told(rich(), "gap_gpu_seconds_total"), "reason")
    assert gaps == {"UseUnknown": 60, "PodVanished": 0, "NodeSilent": 0}


def test_what_has_no_price_is_told_by_itself() -> None:
    assert list(told(rich(), "unpriced_gpu_seconds_total").values()) == [0]


def test_a_price_says_where_it_is_from_and_how_old_it_is() -> None:
    (labels,) = told(rich(), "price_per_gpu_hour")
    assert (dict(labels)["source"], dict(labels)["currency"]) == ("PriceTable", "USD")
    assert list(told(rich(), "price_per_gpu_hour").values()) == [3]
    assert list(told(rich(), "price_age_seconds").values()) == [14 * 86400]


def test_a_budget_says_how_much_is_spent_and_when_it_begins_anew() -> None:
    of = rich()
    assert list(told(of, "budget").values()) == [100]
    assert list(told(of, "budget_period_start_timestamp_seconds").values()) == [NOW - 8 * HOUR]
    assert list(told(of, "budget_period_end_timestamp_seconds").values()) == [NOW + 16 * HOUR]
    projected = by(told(of, "projected"), "bound")
    assert projected["low"] < projected["expected"] < projected["high"]
    assert list(told(of, "projection_proven").values()) == [0]


def test_without_a_budget_the_projection_is_that_of_the_status() -> None:
    spec = {name: value for name, value in SPEC.items() if name != "budget"}
    of = facts(running(spec).ledger, spec)
    assert of.status is not None
    assert of.status.forecast is not None
    assert by(told(of, "projected"), "bound")["expected"] == float(of.status.forecast.projected)
    assert told(of, "budget") == {}


def test_without_a_price_there_are_hours_and_energy_and_no_money() -> None:
    spec: dict[str, object] = {}
    of = facts(running(spec).ledger, spec)
    names = {name for name, _ in read_page(render_leader_page(judgement(cost=of)))}
    assert {"modelmonitor_cost_gpu_seconds_total", "modelmonitor_cost_energy_joules_total"} <= names
    assert not [name for name in names if "spend" in name or "projected" in name or "price" in name.split("_")]
    assert list(told(of, "unpriced_gpu_seconds_total").values()) == [HOUR]


@pytest.mark.parametrize("state", [CostState.PENDING, CostState.REFUSED, CostState.UNWRITABLE])
def test_a_ledger_that_is_not_known_has_a_state_and_no_totals(state: CostState) -> None:
    page = read_page(render_leader_page(judgement(cost=CostFacts(state))))
    assert {name for name, _ in page if "_cost_" in name} == {"modelmonitor_cost_ledger_state"}
    shown = by(told(CostFacts(state), "ledger_state"), "state")
    assert {word for word, value in shown.items() if value} == {state.value}


def test_where_cost_is_switched_off_the_page_does_not_speak_of_it() -> None:
    page = read_page(render_leader_page(judgement(cost=CostFacts(CostState.DISABLED))))
    assert not [name for name, _ in page if "_cost_" in name]


def test_a_ledger_that_was_never_written_over_was_written_when_it_began() -> None:
    of = CostFacts(CostState.COMMITTED, book(since=-10).ledger)
    assert list(told(of, "ledger_written_timestamp_seconds").values()) == [NOW - 10]
    assert list(told(of, "ledger_start_timestamp_seconds").values()) == [NOW - 10]


def test_in_another_currency_money_begins_anew_under_its_own_label_and_time_goes_on() -> None:
    before = running().ledger
    old, new = page_of(before), page_of(in_currency(before, Currency.EUR, NOW + HOUR))
    kept = {key: value for key, value in old.items() if "currency" not in dict(key[1])}
    assert kept.items() <= new.items()
    assert not {key for key in old if key not in kept} & new.keys()
    money = {dict(labels).get("currency"): value for (name, labels), value in new.items() if "spend" in name}
    assert money == {"EUR": 0}


def random_life(seed: int) -> Iterator[Ledger]:
    """The ledgers of pods that come one after the other, each with some of nine models."""
    chance = random.Random(seed)
    made: Book = book(since=0)
    for number in range(30):
        start, names = number * 600, chance.sample("abcdefghi", chance.randint(0, 5))
        for until in (start + 300, start + 600):
            models = [model(name, used=chance.randint(0, (until - start) // 10), counted=1) for name in sorted(names)]
            answer = reading(until, meter(until, until - start, *models, pod_uid=f"p{number}"))
            made.take(answer, life(start, uid=f"p{number}"))
            yield made.ledger


def risen(before: Mapping[Series, float], after: Mapping[Series, float]) -> dict[Series, float]:
    """What `increase()` would add at most: of a counter that fell or is new, all of it."""
    return {
        series: value - before[series] if value >= before.get(series, value + 1) else value
        for series, value in after.items()
    }


@pytest.mark.parametrize("seed", range(8))
def test_no_counter_falls_and_models_that_leave_and_come_back_charge_nothing_twice(
    seed: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(advancing, "MAX_MODELS", 4)
    shown: dict[Series, float] = {}
    charged: dict[str, float] = {}
    came_back = 0
    for ledger in random_life(seed):
        page = page_of(ledger)
        assert [series for series in shown.keys() & page.keys() if page[series] < shown[series] - 1e-9] == []
        came_back += len(page.keys() - shown.keys())
        for (name, _), value in risen(shown, page).items():
            charged[name] = charged.get(name, 0.0) + value
        shown = page
    assert came_back > 20
    for name in ("spend", "gpu_seconds"):
        total = sum(value for (of, _), value in shown.items() if of == f"modelmonitor_cost_{name}_total")
        assert charged[f"modelmonitor_cost_{name}_total"] == pytest.approx(total)
        assert 0 < charged[f"modelmonitor_cost_model_{name}_total"] <= total + 1e-6
