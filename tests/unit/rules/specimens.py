"""Monitors, what is made of them, and how an expression is read."""

import random
import sys
from collections.abc import Iterator
from typing import Any

import promql_parser

from modelmonitor_api.status import ObjectiveMethod
from modelmonitor_operator.desired.prometheus_rule import build_prometheus_rule
from tests.unit.operator.worlds import monitor, settings

AVAILABLE = {"name": "available", "type": "Availability", "target": "99.9"}
FAST = {"name": "fast", "type": "Latency", "target": "99", "threshold": "50ms", "models": ["fraud-*", "rank?"]}
FIRST = {"name": "first", "type": "Latency", "target": "99", "threshold": "500ms", "models": ["chat"]}
UNKNOWN = {"name": "unknown", "type": "Latency", "target": "95", "threshold": "2s", "models": ["mute"]}
METHODS = {
    "available": ObjectiveMethod.REQUESTS,
    "fast": ObjectiveMethod.TIME_SLICES,
    "first": ObjectiveMethod.HISTOGRAM,
    "unknown": ObjectiveMethod.NONE,
}
BUDGET = {"currency": "EUR", "pricePerGpuHour": "2.50", "budget": {"amount": "720"}}
HOSTILE_PIECES = (
    *('"', "'", "`", "\\", "\n", "\r", "\t", "\0", "\x07", "\x1b", "\x7f", "\x85", "\u2028", "\ufeff", "\U0010ffff"),
    *("{{", "}}", "{{-", "-}}", "{{{", "{{/*", "{{ $labels.pod }}", '{{"{{"}}', "$", "${x}", "$1", "[[", "]]", "[[x]]"),
    *("<b>", "</script>", "&amp;", "%", "%s", "{", "}", "[", "]", "(", ")", "*", "?", "!", "-", "|", "^", ".", "\\d"),
    *("é", "日本", "🙂", "a", "fraud", "0", " ", "#", "//", "=~", ","),
)


def rule_of(methods: dict[str, ObjectiveMethod] | None = None, **spec: Any) -> dict[str, Any]:
    """The PrometheusRule of team-a/fraud; `settings` and `name` and `namespace` are not part of the spec."""
    given = spec.pop("settings", {})
    who = monitor(spec.pop("name", "fraud"), spec.pop("namespace", "team-a"), spec=spec)
    return build_prometheus_rule(settings(**given), who, METHODS if methods is None else methods)


def rich_rule() -> dict[str, Any]:
    """Every kind of rule that there is."""
    return rule_of(objectives=[AVAILABLE, FAST, FIRST, UNKNOWN], cost=BUDGET)


def rules(manifest: dict[str, Any]) -> Iterator[dict[str, Any]]:
    for group in manifest["spec"]["groups"]:
        yield from group["rules"]


def alerts(manifest: dict[str, Any]) -> dict[str, dict[str, Any]]:
    """The alerts by name; of an objective's alerts the last."""
    return {rule["alert"]: rule for rule in rules(manifest) if "alert" in rule}


def selectors(expression: str) -> list[promql_parser.VectorSelector]:
    """Every selector of an expression."""
    found: list[promql_parser.VectorSelector] = []

    def visit(node: promql_parser.Expr) -> None:
        if isinstance(node, promql_parser.VectorSelector):
            found.append(node)

    promql_parser.walk(promql_parser.parse(expression), pre_visit=visit)
    return found


def matchers(selected: promql_parser.VectorSelector) -> dict[str, str]:
    """The values that a selector asks for, by label."""
    return {matcher.name: matcher.value for matcher in selected.matchers.matchers}


def hostile_texts(count: int, seed: int = 20240611) -> Iterator[str]:
    """Text from all of Unicode, and what means something to one of the languages that it passes through."""
    chance = random.Random(seed)
    for _ in range(count):
        pieces = (
            chance.choice(HOSTILE_PIECES) if chance.random() < 0.6 else _any_character(chance)
            for _ in range(chance.randint(0, 12))
        )
        yield "".join(pieces)


def _any_character(chance: random.Random) -> str:
    point = chance.randint(0, sys.maxunicode)
    return "\ufffd" if 0xD800 <= point <= 0xDFFF else chr(point)
