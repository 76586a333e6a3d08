"""Whatever a name or a label holds, it comes out of an expression as that very value."""

import re
from fnmatch import fnmatchcase

import promql_parser
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from modelmonitor_api.names import MonitorRef
from modelmonitor_api.promql import equals, matches, model_regex, number, regex_text, selector, shell_regex
from modelmonitor_operator.desired.prometheus_rule_parts import select
from tests.unit.rules.specimens import hostile_texts, matchers, rule_of, rules, selectors

NEVER = "[^\\x00-\\x{10FFFF}]"
SHELL = st.text(alphabet="ab-cz![]*?^\\.{$é日", max_size=12)


def test_ten_thousand_texts_parse_back_to_exactly_themselves() -> None:
    wrong = []
    for text in hostile_texts(10_000):
        parsed = promql_parser.parse(selector("a", equals("x", text), matches("y", regex_text(text))))
        assert isinstance(parsed, promql_parser.VectorSelector)
        found = {matcher.name: matcher for matcher in parsed.matchers.matchers}
        if found["x"].value != text or not re.fullmatch(found["y"].value, text):
            wrong.append(text)
    assert wrong == []


def test_an_expression_cannot_be_left_through_the_name_of_a_monitor() -> None:
    for text in hostile_texts(500, seed=1):
        (found,) = selectors(select(MonitorRef(text, text), "a"))
        assert matchers(found) == {"namespace": text, "modelmonitor": text}


def test_every_expression_stays_within_its_monitor_whatever_its_names_and_patterns_are() -> None:
    for text in hostile_texts(40, seed=2):
        objective = {"name": "o", "type": "Availability", "target": "99", "models": [text or "x"]}
        for rule in rules(rule_of(name=text, namespace=text, objectives=[objective])):
            for found in selectors(rule["expr"]):
                assert matchers(found)["namespace"] == text


@settings(deadline=None)
@given(pattern=SHELL, name=SHELL)
def test_a_shell_pattern_means_the_same_as_a_regular_expression(pattern: str, name: str) -> None:
    regex = shell_regex(pattern).replace(NEVER, "(?!)")
    assert bool(re.fullmatch(regex, name, re.DOTALL)) == fnmatchcase(name, pattern)


@settings(deadline=None)
@given(pattern=SHELL)
def test_prometheus_can_read_the_regular_expression_of_every_pattern(pattern: str) -> None:
    (found,) = selectors(selector("a", matches("model", shell_regex(pattern))))
    assert matchers(found) == {"model": shell_regex(pattern)}


@pytest.mark.parametrize(
    ("patterns", "regex"),
    [
        (("*",), None),
        (("fraud", "**"), None),
        (("fraud-v1.2",), "fraud-v1\\.2"),
        (("fraud-*", "rank?"), "fraud-.*|rank."),
        (("[a-c]x", "[!_]y"), "[a-c]x|[^\\x5f]y"),
        (("[b-a]",), NEVER),
        (("[!b-a]",), "."),
        (("[open",), "\\[open"),
        (("[]]",), "[\\x5d]"),
    ],
)
def test_patterns_of_models_become_one_regular_expression(patterns: tuple[str, ...], regex: str | None) -> None:
    assert model_regex(patterns) == regex


def test_numbers_have_no_exponent_and_no_needless_zeros() -> None:
    assert [number(value) for value in (0.00001, 1e6, 14.4, 0.0, 100.0, 1e-9)] == [
        "0.00001",
        "1000000",
        "14.4",
        "0",
        "100",
        "0.000000001",
    ]
