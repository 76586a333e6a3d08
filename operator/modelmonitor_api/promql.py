"""Text that goes into PromQL and into alert templates: every value comes out as the very value that went in.

Prometheus reads two languages in a rule. Expressions quote strings as Go does; the labels and annotations of alerts are
Go templates, so that an unescaped `{{` in a label would be run. Labels of recording rules are plain text.
Sources: https://prometheus.io/docs/prometheus/latest/querying/basics/#string-literals and
https://prometheus.io/docs/prometheus/latest/configuration/alerting_rules/
"""

import re
from collections.abc import Iterable
from decimal import Decimal
from functools import lru_cache

_UNQUOTABLE = re.compile(r'["\\\x00-\x1f\x7f]')
_REGEX_META = frozenset("\\.+*?()|[]{}^$")
_NEVER = "[^\\x00-\\x{10FFFF}]"
_TEMPLATE_OPENING = "{{"


def quote(text: str) -> str:
    """A PromQL string literal with that value; text must be valid Unicode without lone surrogates."""
    return f'"{_UNQUOTABLE.sub(_quoted, text)}"'


def _quoted(found: re.Match[str]) -> str:
    char = found[0]
    return f"\\{char}" if char in '"\\' else f"\\x{ord(char):02x}"


def equals(label: str, value: str) -> str:
    """A matcher for exactly this value."""
    return f"{label}={quote(value)}"


def matches(label: str, regex: str) -> str:
    """A matcher for a regular expression (RE2), which Prometheus anchors at both ends."""
    return f"{label}=~{quote(regex)}"


def selector(metric: str, *matchers: str) -> str:
    """A selector of a series by its name and matchers, in the order given."""
    return f"{metric}{{{','.join(matchers)}}}"


def number(value: Decimal | float) -> str:
    """A number literal in plain decimal digits, without an exponent or needless zeros."""
    text = f"{Decimal(str(value)):f}"
    return text.rstrip("0").rstrip(".") if "." in text else text


def template_text(text: str) -> str:
    """Text for a label or an annotation of an alert that Prometheus' template engine gives back unchanged."""
    return text.replace(_TEMPLATE_OPENING, '{{"{{"}}')


def regex_text(text: str) -> str:
    """A regular expression (RE2) that matches exactly this text."""
    return "".join(f"\\{char}" if char in _REGEX_META else char for char in text)


def model_regex(patterns: Iterable[str]) -> str | None:
    """The regular expression of shell patterns, any of which may match; None where one of them matches everything."""
    given = tuple(patterns)
    return None if any(set(pattern) == {"*"} for pattern in given) else "|".join(map(shell_regex, given))


@lru_cache(maxsize=256)
def shell_regex(pattern: str) -> str:
    """A shell pattern (`*`, `?`, `[a-c]`, `[!a]`) as RE2; a bracket that is not closed stands for itself."""
    parts: list[str] = []
    position = 0
    while position < len(pattern):
        char, position = pattern[position], position + 1
        end = _class_end(pattern, position) if char == "[" else -1
        if end >= 0:
            parts.append(_class_regex(pattern[position:end]))
            position = end + 1
        else:
            parts.append({"*": ".*", "?": "."}.get(char) or regex_text(char))
    return "".join(parts)


def _class_end(pattern: str, start: int) -> int:
    """Where the bracket closes; -1 where it does not. A bracket right at the start is one of the characters."""
    first = start + 1 if pattern[start : start + 1] == "!" else start
    return pattern.find("]", first + 1 if pattern[first : first + 1] == "]" else first)


def _class_regex(inside: str) -> str:
    negated = inside.startswith("!")
    ranges = list(_class_ranges(inside[1:] if negated else inside))
    if not ranges:
        return "." if negated else _NEVER
    content = "".join(_class_char(low) + (f"-{_class_char(high)}" if high != low else "") for low, high in ranges)
    return f"[{'^' if negated else ''}{content}]"


def _class_ranges(inside: str) -> Iterable[tuple[str, str]]:
    position = 0
    while position < len(inside):
        low, high, position = inside[position], inside[position], position + 1
        if position + 1 < len(inside) and inside[position] == "-":
            high, position = inside[position + 1], position + 2
        if low <= high:
            yield low, high


def _class_char(char: str) -> str:
    return char if char.isalnum() or ord(char) > 0x7F else f"\\x{ord(char):02x}"
