"""WithinBudget: what is spent, what is expected, and what keeps anybody from knowing."""

from dataclasses import replace
from typing import Any

import pytest

from modelmonitor_api.spec_cost import Currency
from modelmonitor_api.status import MAX_STATUS_BYTES, Condition, ConditionType, Health, ModelMonitorStatus
from modelmonitor_api.status_cost import MAX_COST_MODELS, CostStatus, ModelCost
from modelmonitor_operator.cost.facts import NOTHING_CHARGED, CostFacts, CostState
from modelmonitor_operator.cost.ledger import Beginning
from modelmonitor_operator.cost.price_table import PriceTable
from modelmonitor_operator.rollup import RollupInput, Written, seed_state, should_write
from modelmonitor_operator.rollup.status import Rows, bound_status
from tests.unit.rollup.costs import PRICED, budgeted, committed, ledger
from tests.unit.rollup.situations import NOW, Story, condition, given, model, monitor, node, target

BUDGET: dict[str, Any] = {"budget": {"amount": "1000"}}
NEW = ledger(days=1)
"""NOW is 2027-01-15 08:00 UTC: 344 EUR of January are spent by then, and 744 are expected."""


def fault(state: CostState, reason: str = "", message: str = "", **fields: Any) -> CostFacts:
    return replace(budgeted("1000"), state=state, reason=reason, message=message, **fields)


def unbelieved(reason: str, message: str) -> CostFacts:
    return CostFacts(CostState.REFUSED, reason=reason, message=message)


CASES: dict[str, tuple[CostFacts, str, str, tuple[str, ...]]] = {
    "less is expected": (
        budgeted("1000"),
        "True",
        "WithinBudget",
        ("spent 344.00 of 1000.00 EUR since 2027-01-01; 744.00 expected by 2027-02-01 (nine of ten times",),
    ),
    "more is expected, and the range is a guess": (
        budgeted("400", NEW),
        "True",
        "BudgetAtRisk",
        ("by guess: few days are known yet", "gone at 2027-01-30", "raise spec.cost.budget.amount"),
    ),
    "even the low end is more": (
        budgeted("500"),
        "False",
        "BudgetWillBeExceeded",
        ("gone at 2027-01-21T20:00:00Z", "held and not busy: 258.00 EUR", "hold fewer GPUs"),
    ),
    "it is spent": (
        budgeted("300"),
        "False",
        "BudgetExceeded",
        ("over the budget by 44.00 EUR since 2027-01-13T12:00:00Z",),
    ),
    "the ledger began in this period": (
        budgeted("1000", NEW),
        "True",
        "WithinBudget",
        ("spent 32.00 of 1000.00 EUR since 2027-01-14T00:00:00Z, when the ledger began; 432.00 expected",),
    ),
    "the ledger was deleted in this period": (
        budgeted("1000", replace(NEW, beginning=Beginning.LOST)),
        "True",
        "WithinBudget",
        ("when the ledger began: the ledger before it was deleted; 432.00 expected",),
    ),
    "there is no budget": (
        committed(),
        "Unknown",
        "NoBudget",
        ("spec.cost.budget is not set; spent this month: 344.00 EUR",),
    ),
    "there is neither budget nor price": (
        committed(ledger(per_hour="0", currency=None), {}),
        "Unknown",
        "NoPrice",
        ("NVIDIA A100-SXM4-40GB has no price", "944.00 GPU-hours", "set spec.cost.pricePerGpuHour"),
    ),
    "there is a budget and no price": (
        committed(ledger(per_hour="0"), {"currency": "EUR", **BUDGET}),
        "Unknown",
        "NoPrice",
        ("set spec.cost.pricePerGpuHour",),
    ),
    "prices are locked and the table has none": (
        committed(ledger(per_hour="0"), {**PRICED, **BUDGET}, locked=True),
        "Unknown",
        "NoPrice",
        ("an administrator has locked prices",),
    ),
    "half of the period had no price": (
        budgeted("1000", ledger(unpriced_days=32)),
        "Unknown",
        "PartlyUnpriced",
        ("168.00 GPU-hours of this period were held without a price", "2027-02-01T00:00:00Z"),
    ),
    "what is priced is too much without the rest": (
        budgeted("100", ledger(unpriced_days=32)),
        "False",
        "BudgetExceeded",
        ("held without a price in EUR",),
    ),
    "the price table cannot be read and nothing else has a price": (
        committed(ledger(per_hour="0"), {"currency": "EUR", **BUDGET}, problems=("price table cost/x is not there",)),
        "Unknown",
        "PriceSourceUnusable",
        ("price table cost/x is not there", "has no price"),
    ),
    "the price table cannot be read and the spec has a price": (
        committed(None, {**PRICED, **BUDGET}, problems=("price table cost/x is not there",)),
        "True",
        "WithinBudget",
        ("744.00 expected", "price table cost/x is not there"),
    ),
    "the price table is in another currency": (
        committed(
            ledger(per_hour="0"),
            {"currency": "EUR", **BUDGET},
            table=PriceTable(where="cost/prices", currency=Currency.USD, rows=()),
        ),
        "Unknown",
        "MixedCurrencies",
        ("price table cost/prices (USD)", "has no price"),
    ),
    "the ledger is that of a later version": (
        unbelieved("LedgerOfFutureVersion", "upgrade the operator"),
        "Unknown",
        "LedgerOfFutureVersion",
        ("upgrade the operator",),
    ),
    "the ledger cannot be believed": (CostFacts(CostState.REFUSED), "Unknown", "LedgerRefused", ("believed",)),
    "the ledger cannot be written": (
        fault(CostState.UNWRITABLE, "LedgerUnwritable", "403"),
        "Unknown",
        "LedgerUnwritable",
        ("403",),
    ),
    "a budget that is gone is gone while the ledger cannot be written": (
        replace(budgeted("300"), state=CostState.UNWRITABLE, message="403"),
        "False",
        "BudgetExceeded",
        ("over the budget by 44.00 EUR", "403"),
    ),
    "the ledger has not been read": (CostFacts(), "Unknown", "LedgerPending", ("wait a minute",)),
    "the operator keeps no ledgers": (CostFacts(CostState.DISABLED), "Unknown", "CostDisabled", ("cost.enabled",)),
}


def say(facts: CostFacts, story: Story | None = None, **fields: Any) -> Condition:
    story = story or Story()
    return condition(story.cycle(given(cost=facts, **fields)), "WithinBudget")


@pytest.mark.parametrize(("facts", "status", "reason", "words"), CASES.values(), ids=CASES.keys())
def test_the_condition_has_the_numbers_or_what_is_in_the_way(
    facts: CostFacts, status: str, reason: str, words: tuple[str, ...]
) -> None:
    found = say(facts)
    assert (found.status, found.reason) == (status, reason), found.message
    assert all(word in found.message for word in words), found.message
    assert len(found.message) <= 512


RESTING: dict[str, tuple[RollupInput, str]] = {
    "suspended": (given(monitor=monitor(suspend=True)), "Suspended"),
    "a spec that cannot be read": (given(monitor=replace(monitor(), spec=None, spec_error="x")), "InvalidSpec"),
    "pods that may not be listed": (given(pods=(), pods_problem="403"), "PodsNotListed"),
}


@pytest.mark.parametrize(("what", "reason"), RESTING.values(), ids=RESTING.keys())
def test_what_rests_has_its_cost_and_no_verdict_on_it(what: RollupInput, reason: str) -> None:
    status = Story().cycle(replace(what, cost=budgeted("1000")))
    found = condition(status, "WithinBudget")
    assert (found.status, found.reason) == ("Unknown", reason)
    assert status.cost is not None
    assert status.cost.spent == "344.00 EUR"


def test_the_status_has_what_the_ledger_says() -> None:
    facts = budgeted("1000")
    assert Story().cycle(given(cost=facts)).cost == facts.status


def restarted(before: ModelMonitorStatus, facts: CostFacts = NOTHING_CHARGED, **fields: Any) -> ModelMonitorStatus:
    parsed = ModelMonitorStatus.model_validate(before.to_wire())
    return Story(state=seed_state(parsed)).cycle(given(cost=facts, **fields))


@pytest.mark.parametrize("facts", [budgeted("1000"), budgeted("300"), committed()], ids=["kept", "gone", "no budget"])
def test_after_a_restart_cost_and_verdict_are_those_of_before_until_the_ledger_is_read(facts: CostFacts) -> None:
    before = Story().cycle(given(cost=facts))
    after = restarted(before)
    assert after.cost == before.cost
    assert condition(after, "WithinBudget") == condition(before, "WithinBudget")
    assert not should_write(Written(before, NOW), after, NOW)


def test_another_spec_is_not_judged_by_what_was_said_before_a_restart() -> None:
    before = Story().cycle(given(cost=budgeted("300")))
    found = condition(restarted(before, monitor=monitor(generation=2)), "WithinBudget")
    assert (found.status, found.reason) == ("Unknown", "LedgerPending")


@pytest.mark.parametrize("state", [CostState.REFUSED, CostState.DISABLED])
def test_cost_that_is_no_longer_believed_or_wanted_is_not_told(state: CostState) -> None:
    assert restarted(Story().cycle(given(cost=budgeted("1000"))), CostFacts(state)).cost is None


def test_what_was_said_is_told_while_the_ledger_cannot_be_read() -> None:
    assert restarted(Story().cycle(given(cost=budgeted("1000"))), CostFacts(CostState.UNWRITABLE)).cost is not None


def test_a_warning_stays_until_it_is_clearly_over() -> None:
    story = Story()
    found = [say(budgeted(amount), story).reason for amount in ("740", "745", "758", "765", "745")]
    assert found == ["BudgetWillBeExceeded", "BudgetAtRisk", "BudgetAtRisk", "WithinBudget", "WithinBudget"]


def test_a_change_of_the_verdict_is_written_at_once_and_of_numbers_within_a_minute() -> None:
    story = Story()
    before = story.cycle(given(cost=budgeted("1000")))
    written = Written(before, story.now)
    numbers = story.cycle(given(cost=budgeted("1001")))
    assert not should_write(written, numbers, story.now)
    assert should_write(written, numbers, story.now + 60)
    assert should_write(written, story.cycle(given(cost=budgeted("300"))), story.now)


def test_findings_and_models_make_room_for_cost() -> None:
    models = tuple(model(f"{'m' * 120}-{n}", ok=0, failed=500) for n in range(60))
    story = Story()
    what = given(node(target(None, *models)), cost=budgeted("1000"))
    for _ in range(3):
        story.cycle(what)
    assert story.status.cost == what.cost.status
    assert len(story.status.model_dump_json(by_alias=True, exclude_none=True).encode()) <= MAX_STATUS_BYTES


def test_a_status_of_the_longest_words_keeps_the_sums_of_cost() -> None:
    words = "🙂" * 512
    conditions = tuple(
        Condition(type=kind, status="True", reason="R" * 40, message=words, last_transition_time="2026-01-01T00:00:00Z")
        for kind in ConditionType
    )
    cost = CostStatus(
        since="2026-01-01T00:00:00Z",
        spent="1.00 EUR",
        models=tuple(ModelCost(name="🙂" * 100) for _ in range(MAX_COST_MODELS)),
    )
    health = Health(state="Unknown", reason="NoTraffic", summary=words, observed_at="2026-01-01T00:00:00Z")
    status = bound_status(1, conditions, health, Rows((), (), (), cost))
    assert len(status.model_dump_json(by_alias=True, exclude_none=True).encode()) <= MAX_STATUS_BYTES
    assert status.cost is not None
    assert status.cost.spent == "1.00 EUR"
