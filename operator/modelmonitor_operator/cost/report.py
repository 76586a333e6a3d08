"""What the status says about cost, made from a committed ledger and nothing else that can change."""

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from decimal import ROUND_HALF_EVEN, Decimal

from modelmonitor_api.cost_summary import Confidence
from modelmonitor_api.spec_cost import BudgetPeriod, CostSpec, Currency
from modelmonitor_api.status_cost import (
    MAX_COST_BYTES,
    MAX_COST_MODELS,
    MAX_PRICES,
    BudgetStatus,
    CostObstacle,
    CostStatus,
    CostView,
    ForecastStatus,
    GapStatus,
    ModelCost,
    PriceStatus,
)
from modelmonitor_operator.cost.amounts import NOTHING, REST, Amounts, ModelKey, add_up
from modelmonitor_operator.cost.budget import BudgetView, budget_of, has_other_currency, is_priced, spending_of
from modelmonitor_operator.cost.forecast import Forecast, forecast
from modelmonitor_operator.cost.ledger import Ledger
from modelmonitor_operator.cost.money import MJ_PER_KWH, plain, render_hours, render_money
from modelmonitor_operator.cost.periods import Period, period_of
from modelmonitor_operator.cost.prices import Price, PriceList, warn_of
from modelmonitor_operator.timestamps import render_time

_MILLIONTH = Decimal("0.000001")
NO_PRICE = "{model} has no price; held without one so far: {hours} GPU-hours"
_FILL = (
    "set spec.cost.pricePerGpuHour and spec.cost.currency, or ask an administrator for a price table (cost.priceTable "
    "of the chart)"
)
_LOCKED = "an administrator has locked prices, so the price table has to name it: *, or its product name"
_RATE_DIGITS = 4
_MOST_PLACES = 12


def build_cost_status(ledger: Ledger, spec: CostSpec | None, prices: PriceList, now: float) -> CostStatus:
    """The status of a committed ledger.

    Args:
        now: seconds since the epoch.
    """
    prices, view = prices.keeping(ledger.currency), budget_of(ledger, spec, now)
    period = view.period if view else period_of(BudgetPeriod.MONTH, ledger.zone, now)
    total, currency = ledger.total, ledger.currency
    in_period = add_up(*(ledger.days.get(str(day), NOTHING) for day in period.days()))
    projected = _project(ledger, view, period, now) if _has_money(in_period, currency) else None
    rows = tuple(_prices(ledger, prices, now))
    reason, message = _obstacle(ledger, prices, rows)
    minor = reason in (CostObstacle.NONE, CostObstacle.PARTLY_UNPRICED)
    if spec is not None and minor and has_other_currency(ledger, spec):
        reason, message = CostObstacle.MIXED_CURRENCIES, _other_currency(ledger, spec, prices)
    models = sorted(
        ledger.models.items(), key=lambda item: (item[0] == REST, -item[1].spent, -item[1].held_us, item[0])
    )
    status = CostStatus(
        currency=currency,
        since=render_time(ledger.since),
        beginning=ledger.beginning,
        confidence=confidence_of(total),
        spent=_spent(currency, in_period),
        projected=f"{render_money(projected.expected)} {currency}" if projected else "",
        total=CostView.model_validate(_view(total, currency)),
        period=CostView.model_validate(_view(in_period, currency)),
        budget=_budget(view) if view else None,
        forecast=_forecast(projected) if projected else None,
        models=tuple(_model(key, one, currency) for key, one in models[:MAX_COST_MODELS]),
        models_total=len(models),
        prices=rows,
        gaps=tuple(_gaps(ledger, priced=_has_money(total, currency))),
        reason=reason,
        message=message[:512],
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
    """Node and product name of every kind of GPU that pods of this ledger hold now."""
    marks = [mark for mark in ledger.checkpoint.pods.values() if mark.owned and not mark.done]
    return sorted({(mark.node, one.gpu_model) for mark in marks for one in mark.meter.holdings})


def _project(ledger: Ledger, view: BudgetView | None, period: Period, now: float) -> Forecast:
    return view.projected if view else forecast(spending_of(ledger), period, now)


def _has_money(amounts: Amounts, currency: Currency | None) -> bool:
    """Whether an amount of money says something: not where all of the time has no price."""
    return currency is not None and (amounts.unpriced_us < amounts.held_us or not amounts.unpriced_us)


def _view(amounts: Amounts, currency: Currency | None) -> dict[str, object]:
    money = {
        "allocation": amounts.held,
        "usage": amounts.used,
        "idle": amounts.idle,
        "other": amounts.other,
        "gap": amounts.gap,
        "energy": amounts.energy or None,
    }
    shown = money if _has_money(amounts, currency) else {}
    kwh = Decimal(amounts.energy_mj) / MJ_PER_KWH
    return {name: render_money(one) for name, one in shown.items() if one is not None} | {
        "gpu_hours": render_hours(amounts.held_us),
        "idle_gpu_hours": render_hours(amounts.idle_us),
        "energy_kwh": f"{kwh:.3f}" if kwh else None,
    }


def _model(key: ModelKey, amounts: Amounts, currency: Currency | None) -> ModelCost:
    n = amounts.inferences if amounts.held_us or amounts.used_us else 0  # an ensemble costs what its parts do
    energy = Decimal(amounts.energy_mj)
    priced = _has_money(amounts, currency) and is_priced(amounts)
    each = {
        "per_thousand_allocation": per_thousand(amounts.spent, n) if priced else None,
        "per_thousand_usage": per_thousand(amounts.used, n) if priced else None,
        "per_thousand_watt_hours": per_thousand(energy * 1000 / MJ_PER_KWH, n) if energy else None,
    }
    return ModelCost.model_validate(
        {
            "name": key[0][:256],
            "version": key[1][:64],
            **_view(amounts, currency),
            **{name: render_rate(one) for name, one in each.items() if one is not None},
            "cached_requests": amounts.cached or None,
        }
    )


def render_rate(amount: Decimal) -> str:
    """A small amount with four digits that say something, whatever its size: to the cent, and further where needed."""
    places = min(max(_RATE_DIGITS - 1 - amount.adjusted(), 2), _MOST_PLACES) if amount else 2
    digits = plain(amount.quantize(Decimal(1).scaleb(-places), ROUND_HALF_EVEN))
    whole, _, rest = digits.partition(".")
    return f"{whole}.{rest:0<2}"


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
    if currency is None or not _has_money(in_period, currency):
        return f"{render_hours(in_period.held_us)} GPU-hours"
    more = "" if is_priced(in_period) else f" + {render_hours(in_period.unpriced_us)} GPU-hours"
    return f"{render_money(in_period.spent)} {currency}{more}"


def _prices(ledger: Ledger, prices: PriceList, now: float) -> Sequence[PriceStatus]:
    """The prices in force of what is held now; what has none comes first."""
    found: dict[tuple[str, str], Price | None] = {}
    for node, gpu in gpu_models(ledger):
        price = prices.gpu_hour(node, gpu)
        found.setdefault((gpu, price.where if price else ""), price)
    rows = [_price(gpu, price, prices.currency, now) for (gpu, _), price in found.items()]
    return sorted(rows, key=lambda row: row.per_gpu_hour is not None)[:MAX_PRICES]


def _price(gpu: str, found: Price | None, currency: Currency | None, now: float) -> PriceStatus:
    if found is None or currency is None:
        return PriceStatus(gpu_model=gpu[:96])
    return PriceStatus(
        gpu_model=gpu[:96],
        per_gpu_hour=plain(found.per_hour.quantize(_MILLIONTH)),
        source=found.source,
        where=found.where[:128],
        age_days=(datetime.fromtimestamp(now, UTC).date() - found.updated).days if found.updated else None,
        warning=(warn_of(found, gpu, currency) or "")[:256],
    )


def _gaps(ledger: Ledger, *, priced: bool) -> Iterable[GapStatus]:
    for reason, gap in sorted(ledger.gaps.items()):
        money = render_money(gap.money) if priced else None
        yield GapStatus(reason=reason, gpu_hours=render_hours(gap.time_us), money=money, last=render_time(gap.last))


def _obstacle(ledger: Ledger, prices: PriceList, rows: Sequence[PriceStatus]) -> tuple[CostObstacle, str]:
    """The first thing that stands in the way of the money, and what to do about it."""
    unpriced_us = ledger.total.unpriced_us
    without = next((row.gpu_model or "a GPU" for row in rows if row.per_gpu_hour is None), None)
    told = NO_PRICE.format(model=without, hours=render_hours(unpriced_us)) if without else ""
    if prices.problems:
        return CostObstacle.PRICE_SOURCE_UNUSABLE, "; ".join(filter(None, (prices.problems[0], told)))
    mixed = prices.mixed_currencies()
    if mixed:
        passed = f"prices in another currency than {prices.currency} are passed over: {', '.join(mixed[:3])}: "
        passed += f"write them in {prices.currency}" + ("" if prices.locked else ", or set spec.cost.currency")
        return CostObstacle.MIXED_CURRENCIES, "; ".join(filter(None, (passed, told)))
    if without:
        return CostObstacle.NO_PRICE, f"{told}; {_LOCKED if prices.locked else _FILL}"
    if unpriced_us:
        told = f"{render_hours(unpriced_us)} GPU-hours were held without a price in {ledger.currency}"
        return CostObstacle.PARTLY_UNPRICED, f"{told}, before there was one, and have no money"
    return CostObstacle.NONE, ""


def _other_currency(ledger: Ledger, spec: CostSpec, prices: PriceList) -> str:
    if prices.currency is spec.currency:
        return (
            f"the ledger counts in {ledger.currency} and in {spec.currency} from its next write on: wait some minutes"
        )
    told = f"spec.cost.currency is {spec.currency}, and an administrator has locked prices in {prices.currency}"
    return f"{told}: write currency: {prices.currency}, and the budget in it"


def _bounded(status: CostStatus) -> CostStatus:
    """The same with fewer models, where it would be longer than its part of the status."""
    while status.models and len(status.model_dump_json(by_alias=True, exclude_none=True).encode()) > MAX_COST_BYTES:
        status = status.model_copy(update={"models": status.models[:-1]})
    return status
