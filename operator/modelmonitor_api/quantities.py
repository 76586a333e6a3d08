"""Durations and ratios as people write them in a manifest: strings, never floats."""

import re
from decimal import Decimal
from fnmatch import fnmatchcase

DURATION_PATTERN = r"^([0-9]+h)?([0-9]+m)?([0-9]+s)?([0-9]+ms)?$"
"""The subset of Go's durations that Prometheus also reads: hours, minutes, seconds, milliseconds, in this order."""

RATIO_PATTERN = r"^(0(\.[0-9]{1,6})?|1(\.0{1,6})?)$"
"""A decimal from 0 to 1 with at most six digits."""

_DURATION = re.compile(r"^(?:(\d+)h)?(?:(\d+)m(?!s))?(?:(\d+)s)?(?:(\d+)ms)?$")
_MILLISECONDS = (3_600_000, 60_000, 1_000, 1)


def parse_duration(text: str) -> float:
    """Seconds of a duration such as `15s`, `5m` or `50ms`.

    Raises:
        ValueError: the text is no duration of hours, minutes, seconds and milliseconds.
    """
    match = _DURATION.fullmatch(text)
    if not text or match is None:
        raise ValueError(f"{text!r} is no duration: write for example 15s, 5m or 50ms")
    return sum(int(digits or 0) * unit for digits, unit in zip(match.groups(), _MILLISECONDS, strict=True)) / 1000


def render_duration(seconds: float) -> str:
    """A length of time with three significant digits at most, in the unit people would use: `12ms`, `1.5s`, `5m`."""
    if seconds < 0.001:
        return f"{seconds * 1e6:.3g}us"
    if seconds < 1:
        return f"{seconds * 1e3:.3g}ms"
    if seconds < 120:
        return f"{seconds:.3g}s"
    if seconds < 7200:
        return f"{seconds / 60:.3g}m"
    return f"{seconds / 3600:.3g}h"


def render_decimal(value: float, places: int = 4) -> str:
    """A number for the status: plain decimal digits, no exponent, no needless zeros."""
    text = f"{Decimal(repr(value)):.{places}f}"
    return text.rstrip("0").rstrip(".") if "." in text else text


def model_selected(include: tuple[str, ...], exclude: tuple[str, ...], name: str) -> bool:
    """Whether a model's name is watched: it matches a pattern of `include` and none of `exclude` (`*`, `?`, `[…]`)."""
    return any(fnmatchcase(name, p) for p in include) and not any(fnmatchcase(name, p) for p in exclude)
