"""Money and time as the ledger counts them: `Decimal` to twelve places, whole microseconds of one device."""

from decimal import ROUND_HALF_EVEN, Decimal

HOUR_US = 3_600_000_000
MJ_PER_KWH = 3_600_000_000
"""Millijoules in a kilowatt-hour."""
ZERO = Decimal(0)
_PLACES = Decimal("1E-12")
_CENT, _MILLIONTH = Decimal("0.01"), Decimal("0.000001")


def cost_of(time_us: int, price_per_hour: Decimal) -> Decimal:
    """What some time of a device costs, to twelve places."""
    return (time_us * price_per_hour / HOUR_US).quantize(_PLACES, ROUND_HALF_EVEN)


def energy_cost(energy_mj: int, price_per_kwh: Decimal) -> Decimal:
    """What some energy costs, to twelve places."""
    return (energy_mj * price_per_kwh / MJ_PER_KWH).quantize(_PLACES, ROUND_HALF_EVEN)


def split_money(amount: Decimal, whole_us: int, parts_us: tuple[int, ...]) -> tuple[Decimal, ...]:
    """An amount in the ratio of times that add up to `whole_us`; the largest part takes what rounding leaves."""
    if not whole_us:
        return (ZERO,) * len(parts_us)
    parts = [(amount * us / whole_us).quantize(_PLACES, ROUND_HALF_EVEN) if us else ZERO for us in parts_us]
    largest = max(range(len(parts_us)), key=parts_us.__getitem__)
    parts[largest] += amount - sum(parts)
    return tuple(parts)


def render_money(amount: Decimal) -> str:
    """An amount for the status: to the cent, or to the millionth where it is less."""
    if not amount or abs(amount) >= _CENT:
        return f"{amount.quantize(_CENT, ROUND_HALF_EVEN):f}"
    return f"{amount.quantize(_MILLIONTH, ROUND_HALF_EVEN):f}"


def render_hours(time_us: int) -> str:
    """Hours of a device for the status, to the hundredth."""
    return f"{(Decimal(time_us) / HOUR_US).quantize(_CENT, ROUND_HALF_EVEN):f}"


def plain(amount: Decimal) -> str:
    """An exact amount as text: no exponent, no needless zeros."""
    text = f"{amount:f}"
    return text.rstrip("0").rstrip(".") if "." in text else text
