"""What the ledger charges: everything that can be known, once."""

from dataclasses import replace
from decimal import Decimal

import pytest

from modelmonitor_api.cost_summary import CostMethod, ModelMeter
from modelmonitor_api.spec_objectives import Objective, ObjectiveType
from modelmonitor_operator.cost.amounts import REST, add_up
from modelmonitor_operator.cost.ledger import KEPT_DAYS, MAX_MODELS, Ledger
from modelmonitor_operator.cost.measure import GapReason
from modelmonitor_operator.cost.prices import PriceList
from modelmonitor_operator.cost.tally import Terms
from tests.unit.cost.accounts import HALF, NOW, WHOLE, Book, S, book, life, meter, model, prices, reading, seconds

DAY = 86400


def running() -> Book:
    """A pod that has run for an hour, and was busy for a quarter of it."""
    made = book()
    made.take(reading(3600, meter(3600, 3600, model(used=900, counted=800))), life())
    return made


def test_a_pod_costs_what_it_held_split_by_what_it_did() -> None:
    total = running().ledger.total
    assert seconds(total) == {"used": 900, "idle": 2700}
    assert (total.used, total.idle, total.spent) == (Decimal("0.6"), Decimal("1.8"), Decimal("2.4"))
    assert (total.inferences, total.succeeded) == (8000, 8000)


def test_the_same_answer_again_charges_nothing() -> None:
    made = running()
    before = made.ledger
    assert made.take(reading(3600, meter(3600, 3600, model(used=900, counted=800))), life()) == before.total
    assert made.ledger.days == before.days


def test_an_older_answer_that_arrives_late_charges_nothing() -> None:
    made = running()
    before = made.ledger.total
    assert made.take(reading(3000, meter(3000, 3000, model(used=400, counted=300))), life()) == before


def test_it_does_not_matter_how_often_the_ledger_is_advanced() -> None:
    often, once = book(), book()
    for at in range(10, 3601, 10):
        often.take(reading(at, meter(at, at, model(used=at / 3, counted=at / 4))), life())
    once.take(reading(3600, meter(3600, 3600, model(used=1200, counted=900))), life())
    assert seconds(often.ledger.total) == pytest.approx(seconds(once.ledger.total), abs=0.001)
    assert often.ledger.total.spent == pytest.approx(once.ledger.total.spent, abs=Decimal("1E-8"))


def test_an_operator_that_was_away_charges_what_the_sidecar_has_seen() -> None:
    made = running()
    total = made.take(reading(7200, meter(7200, 7200, model(used=2000, counted=1900))), life())
    assert seconds(total) == {"used": 2000, "idle": 5200}


def test_a_pod_of_before_the_ledger_is_charged_from_the_ledgers_beginning() -> None:
    made = book(since=1000)
    total = made.take(reading(1010, meter(1010, 1010, model(used=500, counted=500))), life())
    assert seconds(total) == {"gap": 10}
    assert made.ledger.gaps[GapReason.USE_UNKNOWN].time_us == 10 * S
    total = made.take(reading(1020, meter(1020, 1020, model(used=505, counted=505))), life())
    assert seconds(total) == {"gap": 10, "used": 5, "idle": 5}


def test_a_new_pod_is_charged_from_its_start_although_it_was_planned_later() -> None:
    total = book().take(reading(100, meter(100, 60, model(used=30, counted=30, raw=40))), life())
    assert seconds(total) == {"used": 40, "idle": 60, "modelled": 40}


def test_a_sidecar_that_restarted_is_made_up_for_from_tritons_counters() -> None:
    made = running()
    new = meter(3700, 40, model(used=20, counted=20, raw=850))
    total = made.take(reading(3700, new, started=3660), life())
    assert seconds(total) == {"used": 900 + 20 + 30, "idle": 2700 + 20 + 30, "modelled": 60}


def test_a_sidecar_that_has_not_read_triton_yet_is_waited_for_and_makes_no_gap() -> None:
    account = running()
    before = account.ledger.total
    fresh = meter(3640, 0, since_us=3640 * S)
    assert account.take(reading(3642, fresh, started=3639), life()) == before
    later = meter(3660, 20, model(used=4, counted=4, raw=830), since_us=3640 * S)
    total = account.take(reading(3662, later, started=3639), life())
    assert seconds(total) == {"used": 930, "idle": 2730, "modelled": 40}


def test_a_triton_that_restarted_with_it_counts_from_zero() -> None:
    made = running()
    total = made.take(reading(3700, meter(3700, 40, model(used=20, counted=20, raw=25)), started=3660), life())
    assert seconds(total)["used"] == 900 + 20 + 5


def test_without_tritons_counters_it_is_a_gap_that_costs_what_was_held() -> None:
    made = running()
    total = made.take(reading(3700, meter(3700, 40), started=3660), life())
    assert seconds(total) == {"used": 900, "idle": 2740, "gap": 60}
    assert round(total.spent, 9) == round(3700 * Decimal("2.4") / 3600, 9)


def test_a_gpu_that_did_not_answer_is_a_gap() -> None:
    made = running()
    total = made.take(reading(3700, meter(3700, 3640, model(used=910, counted=900))), life())
    assert seconds(total) == {"used": 910, "idle": 2730, "gap": 60}


def test_a_node_that_booted_again_is_charged_by_the_wall_clock() -> None:
    made = running()
    again = reading(100, meter(100, 50, model(used=10, counted=10, raw=10)), started=40, boot="c", time=NOW + 3900)
    assert seconds(made.take(again, life())) == {"used": 910, "idle": 2990, "modelled": 250}


def test_a_pod_is_charged_to_its_end_and_no_further() -> None:
    made = running()
    total = made.take(reading(3700, meter(3700, 3700, model(used=900, counted=800), departed=True)), life(0, 3650))
    assert seconds(total) == {"used": 900, "idle": 2750}
    for at in (3800, 20_000):
        assert (
            made.take(reading(at, meter(3700, 3700, model(used=900, counted=800), departed=True)), life(0, 3650))
            == total
        )
        assert made.take(reading(at + 1), life(0, 3650)) == total


def test_a_pod_that_was_deleted_unseen_is_charged_to_where_its_sidecar_saw_it() -> None:
    made = running()
    gone = meter(3715, 3715, model(used=1000, counted=800), departed=True, last_held_us=3700 * S)
    assert seconds(made.take(reading(4000, gone))) == {"used": 1000, "idle": 2700, "gap": 15}
    assert made.ledger.gaps[GapReason.POD_VANISHED].time_us == 15 * S


def test_a_pod_that_nobody_saw_go_is_a_gap_up_to_where_it_was_missing() -> None:
    made = running()
    assert seconds(made.take(reading(5000, started=4000))) == {"used": 900, "idle": 2700, "gap": 400}
    assert seconds(made.take(reading(6000, started=4000))) == {"used": 900, "idle": 2700, "gap": 400}


def test_a_pod_that_a_list_forgot_for_a_while_is_not_charged_again() -> None:
    made = running()
    made.take(reading(3610, meter(3600, 3600, model(used=900, counted=800), departed=True)), life(0, 3600))
    made.take(reading(3620))
    total = made.take(reading(3630, meter(3600, 3600, model(used=900, counted=800), departed=True)), life(0, 3600))
    assert seconds(total) == {"used": 900, "idle": 2700}


def test_a_pod_that_runs_and_whose_meter_is_not_there_yet_waits() -> None:
    made = running()
    before = made.ledger.total
    assert made.take(reading(3900, started=3890), life()) == before
    total = made.take(reading(3910, meter(3910, 15, model(used=5, counted=5, raw=850)), started=3890), life())
    assert total.held_us == 3910 * S


def test_a_node_that_is_silent_waits_an_hour_and_is_then_a_gap() -> None:
    made = running()
    before = made.ledger.total
    assert made.take(None, life(), now=7000, silent=3400) == before
    assert seconds(made.take(None, life(), now=7300, silent=3700)) == {"used": 900, "idle": 2700, "gap": 3700}
    assert made.ledger.gaps[GapReason.NODE_SILENT].time_us == 3700 * S
    total = made.take(reading(7400, meter(7400, 7400, model(used=1000, counted=900))), life())
    assert total.held_us == 7400 * S


def test_a_wall_clock_that_is_set_back_charges_nothing_twice() -> None:
    made = running()
    stepped = reading(3610, meter(3610, 3610, model(used=900, counted=800)), time=NOW)
    assert made.take(stepped, life()).held_us == 3610 * S
    back = reading(3620, meter(3620, 3620, model(used=900, counted=800)))
    assert made.take(back, life()).held_us == 3620 * S


def test_the_operators_clock_has_no_say_in_what_a_sidecar_has_seen() -> None:
    made, stepped = book(), book()
    answer = reading(3600, meter(3600, 3600, model(used=900, counted=800)))
    assert made.take(answer, life(), now=3600) == stepped.take(answer, life(), now=7200)
    assert made.ledger.days == stepped.ledger.days


def test_half_a_gpu_costs_half() -> None:
    half = meter(3600, 1800, model(used=2000, counted=2000, borrowed_us=200 * S), holdings=(HALF,))
    total = book().take(reading(3600, half.model_copy(update={"method": CostMethod.TIME_SLICE})), life())
    assert seconds(total) == {"used": 2000, "borrowed": 200}
    assert (total.held, round(total.used, 6)) == (Decimal("1.2"), Decimal("1.333333"))


def test_what_no_model_did_is_the_models_in_equal_parts() -> None:
    made = book()
    made.take(reading(60, meter(60, 60, model("a", used=20, counted=9), model("b", used=10, counted=8))), life())
    spent = {key[0]: (one.used_us / S, one.idle_us / S) for key, one in made.ledger.models.items()}
    assert spent == {"a": (20, 15), "b": (10, 15)}


def test_a_slice_is_modelled_and_a_guess_is_assumed() -> None:
    for method, bucket in ((CostMethod.MIG, "modelled"), (CostMethod.ASSUMED, "assumed")):
        total = book().take(reading(60, meter(60, 60, model(used=6, counted=6), method=method)), life())
        assert seconds(total)[bucket] == 60


def test_without_a_price_there_are_hours_and_energy_and_no_money() -> None:
    total = book(Terms(PriceList())).take(
        reading(60, meter(60, 60, model(used=6, counted=6, energy_mj=50), rest_energy_mj=7)), life()
    )
    assert seconds(total) == {"used": 6, "idle": 54, "unpriced": 60}
    assert (total.spent, total.energy_mj) == (0, 57)


def test_energy_is_charged_where_it_has_a_price() -> None:
    terms = Terms(prices(pricePerGpuHour="1", energyPricePerKwh="0.30", pue="1.5"))
    total = book(terms).take(
        reading(60, meter(60, 60, model(used=6, counted=6, energy_mj=3_600_000_000), rest_energy_mj=0)), life()
    )
    assert (total.energy, total.held) == (Decimal("0.45"), Decimal(1) / 60 + Decimal(0)) or total.energy == Decimal(
        "0.45"
    )


def test_a_day_ends_at_midnight_of_its_zone() -> None:
    made = book(Terms(prices(), zone="Asia/Tokyo"), since=0)
    made.take(reading(10 * 3600, meter(36000, 36000, model(used=3600, counted=1))), life())
    days = made.ledger.days
    assert {day: one.held_us / S / 3600 for day, one in days.items()} == {"2027-01-15": 7, "2027-01-16": 3}
    assert [one.used_us / S for one in days.values()] == [2520, 1080]


def test_requests_are_counted_for_each_availability_objective() -> None:
    objective = Objective(name="works", type=ObjectiveType.AVAILABILITY, target="99", models=("fr*",))
    made = book(Terms(prices(), objectives=(objective,)))
    bad = ModelMeter(name="other", version="1")
    made.take(reading(60, meter(60, 60, model(used=6, counted=6), bad)), life())
    assert made.ledger.objectives == {"works": {"2027-01-15": (60, 60)}}


def test_another_currency_closes_the_account_and_keeps_the_hours() -> None:
    made = running()
    made.terms = Terms(
        PriceList(prices().spec and prices(pricePerGpuHour="2").spec.model_copy(update={"currency": "EUR"}))
    )  # type: ignore[union-attr]
    total = made.take(reading(7200, meter(7200, 7200, model(used=900, counted=800))), life())
    assert (total.spent, total.held_us) == (2, 7200 * S)
    assert [(one.currency, one.spent) for one in made.ledger.closed] == [("USD", Decimal("2.4"))]


def consistent(ledger: Ledger) -> bool:
    return ledger.total == add_up(ledger.earlier, *ledger.months.values(), *ledger.days.values())


def test_days_become_months_and_nothing_is_lost() -> None:
    made = book()
    for day in range(1, 70):
        made.take(reading(day * DAY, meter(day * DAY, day * DAY, model(used=day, counted=1))), life())
    assert (len(made.ledger.days), sorted(made.ledger.months)) == (KEPT_DAYS, ["2027-01", "2027-02"])
    assert made.ledger.total.held_us == 69 * DAY * S
    assert consistent(made.ledger)


def test_small_models_are_added_up_and_a_new_version_finds_room() -> None:
    made = book()
    many = [model(f"m{n}", used=n, counted=1) for n in range(MAX_MODELS + 10)]
    total = made.take(reading(10_000, meter(10_000, 10_000, *many)), life())
    assert (len(made.ledger.models), REST in made.ledger.models) == (MAX_MODELS, True)
    assert total.used_us == sum(n for n in range(MAX_MODELS + 10)) * S
    made.take(reading(10_010, meter(10_000, 10_000, *many, departed=True)), life(0, 10_000))
    new = meter(10_030, 10, model("new", used=1, counted=1), pod_uid="q")
    made.take(reading(10_030, new), life(0, 10_000), life(10_020, uid="q"))
    assert ("new", "1") in made.ledger.models
    assert consistent(made.ledger)


def test_a_pod_on_two_kinds_of_gpu_costs_their_mean() -> None:
    other = WHOLE.model_copy(update={"gpu_model": "NVIDIA L4", "gpu": "GPU-2"})
    terms = Terms(prices(pricePerGpuHour="3", prices=[{"gpuModel": "*L4*", "perGpuHour": "1"}]))
    total = book(terms).take(
        reading(3600, meter(3600, 7200, model(used=1, counted=1), holdings=(WHOLE, other))), life()
    )
    assert total.spent == 4


def test_a_ledger_in_pieces_is_not_touched() -> None:
    made = running()
    before = made.ledger
    made.take(reading(3700, meter(3700, 3700, model(used=900, counted=800))), life())
    assert before.total.held_us == 3600 * S
    assert replace(before) == before


def test_an_ensemble_is_charged_nothing_and_its_requests_count() -> None:
    made = book()
    calling = model("both", counted=50).model_copy(update={"ensemble": True})
    made.take(reading(60, meter(60, 60, calling, model("fraud", used=20, counted=50))), life())
    ensemble, called = made.ledger.models["both", "1"], made.ledger.models["fraud", "1"]
    assert (ensemble.held_us, ensemble.inferences) == (0, 500)
    assert called.held_us == 60 * S
    made.take(reading(70, meter(70, 70, calling)), life())
    assert made.ledger.total.held_us == 70 * S


def test_a_pod_that_changes_hands_is_charged_by_one_monitor_at_a_time() -> None:
    first, second = book(), book()
    for at in range(600, 7201, 600):
        answer = reading(at, meter(at, at, model(used=at / 2, counted=at / 2)))
        theirs = at > 3600
        first.take(answer, replace(life(), owned=not theirs))
        second.take(answer, replace(life(), owned=theirs))
    held = (first.ledger.total.held_us / S, second.ledger.total.held_us / S)
    assert held == (3600, 3000)
    gone = meter(7200, 7200, model(used=3600, counted=3600), departed=True, last_held_us=7190 * S)
    assert first.take(reading(7300, gone)).held_us == 3600 * S


def test_a_pod_that_is_newly_selected_is_charged_from_then() -> None:
    made = book()
    total = made.take(
        reading(3600, meter(3600, 3600, model(used=900, counted=800))), replace(life(), owned_since=NOW + 3540)
    )
    assert seconds(total) == {"gap": 60}


def test_a_pod_that_its_sidecar_forgot_has_a_new_meter() -> None:
    made = running()
    again = meter(14_400, 60, model(used=30, counted=30, raw=2000), since_us=14_340 * S)
    total = made.take(reading(14_400, again), life())
    assert total.held_us == 14_400 * S
    assert seconds(total)["used"] == 900 + 30 + 1170
