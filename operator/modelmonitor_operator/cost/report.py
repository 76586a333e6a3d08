"""What the status says about cost, made from a committed ledger and nothing else that can change."""

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from decimal import Decimal

from modelmonitor_api.cost_summary import Confidence
from modelmonitor_api.spec_cost import BudgetPeriod, CostSpec, Currency
from modelmonitor_api.status_cost import (
    MAX_COST_BYTES,
    MAX_COST_MODELS,
    MAX_PRICES,
    BudgetStatus,
    CostStatus,
    CostView,
    ForecastStatus,
    GapStatus,
    ModelCost,
    PriceStatus,
)
from modelmonitor_operator.cost.amounts import NOTHING, REST, Amounts, ModelKey, add_up
from modelmonitor_operator.cost.budget import BudgetView, spending_of, view_budget
from modelmonitor_operator.cost.forecast import Forecast, forecast
from modelmonitor_operator.cost.ledger import Ledger
from modelmonitor_operator.cost.money import MJ_PER_KWH, plain, render_hours, render_money
from modelmonitor_operator.cost.periods import Period, period_of
from modelmonitor_operator.cost.prices import PriceList, warn_of
from modelmonitor_operator.timestamps import render_time

_MILLIONTH = Decimal("0.000001")
NO_PRICE = (
    "{models} has no price, so {hours} GPU-hours are told without money: set spec.cost.pricePerGpuHour and "
    "spec.cost.currency, or ask an administrator for a price table"
)


def build_cost_status(ledger: Ledger, spec: CostSpec | None, prices: PriceList, now: float) -> CostStatus:
    """The status of a committed ledger.

    Args:
        now: seconds since the epoch.
    """
    view = view_budget(ledger, spec.budget, now) if spec and spec.budget else None
    period = view.period if view else period_of(BudgetPeriod.MONTH, ledger.zone, now)
    total, priced = ledger.total, ledger.currency is not None
    in_period = add_up(*(ledger.days.get(str(day), NOTHING) for day in period.days()))
    projected = _project(ledger, view, period, now) if priced else None
    models = sorted(
        ledger.models.items(), key=lambda item: (item[0] == REST, -item[1].spent, -item[1].held_us, item[0])
    )
    status = CostStatus(
        currency=ledger.currency,
        since=render_time(ledger.since),
        beginning=ledger.beginning,
        confidence=confidence_of(total),
        spent=_spent(ledger.currency, in_period),
        projected=f"{render_money(projected.expected)} {ledger.currency}" if projected else "",
        total=CostView.model_validate(_view(total, priced=priced)),
        period=CostView.model_validate(_view(in_period, priced=priced)),
        budget=_budget(view) if view else None,
        forecast=_forecast(projected) if projected else None,
        models=tuple(_model(key, one, priced=priced) for key, one in models[:MAX_COST_MODELS]),
        models_total=len(models),
        prices=tuple(_prices(ledger, prices, now)),
        gaps=tuple(_gaps(ledger, priced=priced)),
        message=_message(ledger, prices, total)[:512],
    )
    return _bounded(status)


def confidence_of(amounts: Amounts) -> Confidence:
    """How sure most of the time held is."""
    if amounts.assumed_us * 2 > amounts.held_us:
        return Confidence.ASSUMED
    unsure = amounts.assumed_us + amounts.modelled_us + amounts.gap_us
    return Confidence.MODELLED if unsure * 2 > amounts.held_us else Confidence.MEASURED


def per_thousand(amount: Decimal, inferences: int) -> Decimal | None:
    """What 1000 inferences cost; None without any."""
    return amount * 1000 / inferences if inferences else None


def gpu_models(ledger: Ledger) -> Sequence[tuple[str, str]]:
    """Node and product name of every kind of GPU that pods hold now."""
    marks = ledger.checkpoint.pods.values()
    return sorted({(mark.node, one.gpu_model) for mark in marks if not mark.done for one in mark.meter.holdings})


def _project(ledger: Ledger, view: BudgetView | None, period: Period, now: float) -> Forecast:
    return view.projected if view else forecast(spending_of(ledger), period, now)


def _view(amounts: Amounts, *, priced: bool) -> dict[str, object]:
    money = {
        "allocation": amounts.held,
        "usage": amounts.used,
        "idle": amounts.idle,
        "other": amounts.other,
        "gap": amounts.gap,
        "energy": amounts.energy,
    }
    found: dict[str, object] = {name: render_money(one) for name, one in money.items()} if priced else {}
    return found | {
        "gpu_hours": render_hours(amounts.held_us),
        "idle_gpu_hours": render_hours(amounts.idle_us),
        "energy_kwh": f"{Decimal(amounts.energy_mj) / MJ_PER_KWH:.3f}",
    }


def _model(key: ModelKey, amounts: Amounts, *, priced: bool) -> ModelCost:
    n = amounts.inferences
    watt_hours = per_thousand(Decimal(amounts.energy_mj) * 1000 / MJ_PER_KWH, n)
    bases = {"per_thousand_allocation": amounts.spent, "per_thousand_usage": amounts.used}
    each = {name: per_thousand(one, n) for name, one in bases.items()} if priced else {}
    return ModelCost.model_validate(
        {
            "name": key[0][:256],
            "version": key[1][:64],
            **_view(amounts, priced=priced),
            **{name: None if one is None else render_money(one) for name, one in each.items()},
            "per_thousand_watt_hours": None if watt_hours is None else f"{watt_hours:.4f}",
            "cached_requests": amounts.cached or None,
        }
    )


def _budget(view: BudgetView) -> BudgetStatus:
    return BudgetStatus(
        period_start=render_time(view.period.start),
        period_end=render_time(view.period.end),
        amount=render_money(view.amount),
        spent=render_money(view.spent),
        left=render_money(view.left),
        reached_percent=view.threshold,
        exhausted_at=render_time(view.exhausted_at) if view.exhausted_at is not None else None,
    )


def _forecast(found: Forecast) -> ForecastStatus:
    return ForecastStatus(
        projected=render_money(found.expected),
        low=render_money(found.low),
        high=render_money(found.high),
        proven=found.proven,
    )


def _spent(currency: Currency | None, in_period: Amounts) -> str:
    if currency is None:
        return f"{render_hours(in_period.held_us)} GPU-hours"
    return f"{render_money(in_period.spent)} {currency}"


def _prices(ledger: Ledger, prices: PriceList, now: float) -> Iterable[PriceStatus]:
    told: set[tuple[str, str]] = set()
    for node, gpu in gpu_models(ledger):
        found = prices.gpu_hour(node, gpu)
        if (gpu, found.where if found else "") in told or len(told) == MAX_PRICES:
            continue
        told.add((gpu, found.where if found else ""))
        if found is None or prices.currency is None:
            yield PriceStatus(gpu_model=gpu[:96])
            continue
        age = (datetime.fromtimestamp(now, UTC).date() - found.updated).days if found.updated else None
        yield PriceStatus(
            gpu_model=gpu[:96],
            per_gpu_hour=plain(found.per_hour.quantize(_MILLIONTH)),
            source=found.source,
            where=found.where[:128],
            age_days=age,
            warning=(warn_of(found, gpu, prices.currency) or "")[:256],
        )


def _gaps(ledger: Ledger, *, priced: bool) -> Iterable[GapStatus]:
    for reason, gap in sorted(ledger.gaps.items()):
        money = render_money(gap.money) if priced else None
        yield GapStatus(reason=reason, gpu_hours=render_hours(gap.time_us), money=money, last=render_time(gap.last))


def _message(ledger: Ledger, prices: PriceList, total: Amounts) -> str:
    """The first thing that stands in the way of the money."""
    if prices.problems:
        return prices.problems[0]
    mixed = prices.mixed_currencies()
    if mixed:
        return f"prices in another currency than {prices.currency} are passed over: {', '.join(mixed)}"
    without = sorted({gpu for node, gpu in gpu_models(ledger) if prices.gpu_hour(node, gpu) is None})
    if without:
        return NO_PRICE.format(models=without[0] or "a GPU", hours=render_hours(total.unpriced_us))
    if total.unpriced_us:
        return f"{render_hours(total.unpriced_us)} GPU-hours were held before there was a price, and have no money"
    return ""


def _bounded(status: CostStatus) -> CostStatus:
    """The same with fewer models, where it would be longer than its part of the status."""
    while status.models and len(status.model_dump_json(by_alias=True, exclude_none=True).encode()) > MAX_COST_BYTES:
        status = status.model_copy(update={"models": status.models[:-1]})
    return status
