"""What the leader's page says of cost: the committed ledger's totals, and what the status makes of them.

A monitor whose ledger is not known has no totals, rather than zeros: a zero would be a counter that went back.
"""

from collections.abc import Iterator, Mapping
from decimal import Decimal

from modelmonitor_api.metrics_cost import LABEL_CURRENCY, CostPart, ProjectionBound
from modelmonitor_api.names import LABEL_MODEL, LABEL_VERSION
from modelmonitor_api.spec_cost import Currency
from modelmonitor_api.status_cost import CostStatus
from modelmonitor_operator.cost.amounts import REST, Amounts
from modelmonitor_operator.cost.budget import BudgetView
from modelmonitor_operator.cost.facts import CostFacts, CostState
from modelmonitor_operator.cost.ledger import Ledger
from modelmonitor_operator.cost.measure import GapReason
from modelmonitor_operator.cost.tally import GapTotal
from modelmonitor_operator.leader_samples import PageSamples

_NO_GAP = GapTotal()
_US = 1_000_000
_MJ = 1000
_DAY_SECONDS = 86_400


def add_cost(page: PageSamples, facts: CostFacts) -> None:
    """The samples of one monitor's cost; none where the settings want no ledger."""
    if facts.state is CostState.DISABLED:
        return
    states = (one for one in CostState if one is not CostState.DISABLED)
    page.add_counts("cost_ledger_state", "state", {one: one is facts.state for one in states})
    if facts.ledger is None:
        return
    _add_totals(page, facts.ledger)
    _add_models(page, facts.ledger)
    if facts.status is not None and facts.ledger.currency is not None:
        _add_prices(page, facts.status, facts.ledger.currency)
        _add_projection(page, facts.status, facts.budget, facts.ledger.currency)
    if facts.budget is not None and facts.ledger.currency is not None:
        _add_budget(page, facts.budget, facts.ledger.currency)


def _add_totals(page: PageSamples, ledger: Ledger) -> None:
    total = ledger.total
    _add_amounts(page, "cost", total, ledger.currency, {})
    page.add("cost_unpriced_gpu_seconds_total", total.unpriced_us / _US, {LABEL_CURRENCY: ledger.currency or ""})
    for reason in GapReason:
        page.add("cost_gap_gpu_seconds_total", ledger.gaps.get(reason, _NO_GAP).time_us / _US, {"reason": reason})
    marks = ledger.checkpoint.pods.values()
    page.add("cost_charged_pods", sum(one.owned and not one.done for one in marks))
    page.add("cost_ledger_start_timestamp_seconds", ledger.since)
    page.add("cost_ledger_written_timestamp_seconds", max(ledger.checkpoint.written, ledger.since))


def _add_models(page: PageSamples, ledger: Ledger) -> None:
    """Not the rest: what moves into it was charged before, under its own name."""
    for key, amounts in ledger.models.items():
        if key != REST:
            labels = {LABEL_MODEL: key[0], LABEL_VERSION: key[1]}
            _add_amounts(page, "cost_model", amounts, ledger.currency, labels)


def _add_amounts(
    page: PageSamples, prefix: str, amounts: Amounts, currency: Currency | None, labels: Mapping[str, str]
) -> None:
    for part, time_us in parts_of_time(amounts):
        page.add(f"{prefix}_gpu_seconds_total", time_us / _US, {**labels, "part": part})
    page.add(f"{prefix}_energy_joules_total", amounts.energy_mj / _MJ, labels)
    page.add(f"{prefix}_inferences_total", amounts.inferences, labels)
    if currency is None:
        return
    priced = {**labels, LABEL_CURRENCY: currency}
    for part, money in parts_of_money(amounts):
        page.add(f"{prefix}_spend_total", float(money), {**priced, "part": part})
    page.add(f"{prefix}_usage_spend_total", float(amounts.used), priced)


def parts_of_time(amounts: Amounts) -> Iterator[tuple[CostPart, int]]:
    """What was held, in microseconds of one device; the parts add up to `held_us`."""
    yield CostPart.USED, amounts.used_us - amounts.borrowed_us
    yield CostPart.IDLE, amounts.idle_us
    yield CostPart.OTHER, amounts.other_us
    yield CostPart.GAP, amounts.gap_us


def parts_of_money(amounts: Amounts) -> Iterator[tuple[CostPart, Decimal]]:
    """The money for it; the parts add up to `spent`."""
    yield CostPart.USED, amounts.used - amounts.borrowed
    yield CostPart.IDLE, amounts.idle
    yield CostPart.OTHER, amounts.other
    yield CostPart.GAP, amounts.gap
    yield CostPart.ENERGY, amounts.energy


def _add_budget(page: PageSamples, view: BudgetView, currency: Currency) -> None:
    money = {LABEL_CURRENCY: currency}
    page.add("cost_budget", float(view.amount), money)
    page.add("cost_budget_spent", float(view.spent), money)
    page.add("cost_budget_period_start_timestamp_seconds", view.period.start)
    page.add("cost_budget_period_end_timestamp_seconds", view.period.end)


def _add_projection(page: PageSamples, status: CostStatus, view: BudgetView | None, currency: Currency) -> None:
    """The budget's own, to the last digit; without a budget that of the month, as the status says it."""
    found = status.forecast
    if view is not None:
        low, expected, high, proven = (
            view.projected.low,
            view.projected.expected,
            view.projected.high,
            view.projected.proven,
        )
    elif found is not None:
        low, expected, high, proven = Decimal(found.low), Decimal(found.projected), Decimal(found.high), found.proven
    else:
        return
    for bound, money in zip(ProjectionBound, (low, expected, high), strict=True):
        page.add("cost_projected", float(money), {LABEL_CURRENCY: currency, "bound": bound})
    page.add("cost_projection_proven", proven)


def _add_prices(page: PageSamples, status: CostStatus, currency: Currency) -> None:
    for one in status.prices:
        labels = {"gpu_model": one.gpu_model, "source": one.source, "where": one.where}
        if one.per_gpu_hour is not None:
            page.add("cost_price_per_gpu_hour", float(one.per_gpu_hour), {**labels, LABEL_CURRENCY: currency})
        if one.age_days is not None:
            page.add("cost_price_age_seconds", one.age_days * _DAY_SECONDS, labels)
