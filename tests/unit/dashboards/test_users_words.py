"""Whatever people write, a dashboard shows exactly that, and Grafana reads no variable, Markdown or HTML in it."""

import html
import json
import random
import re
from collections.abc import Iterator
from typing import Any

from hypothesis import given
from hypothesis import settings as with_settings
from hypothesis import strategies as st

from modelmonitor_api.names import MonitorRef
from modelmonitor_operator.desired.dashboard import MAX_CONFIG_MAP_BYTES, build_dashboard, build_model
from modelmonitor_operator.desired.dashboard_panels import ModelPanel
from modelmonitor_operator.desired.dashboard_text import link_base, markdown_text
from modelmonitor_operator.observed import Monitor
from modelmonitor_testbed.preview.queries import panels_of
from tests.unit.operator.worlds import monitor, settings

GRAFANA_VARIABLE = re.compile(r"\$\w|\$\{|\[\[")
"""How what Grafana replaces begins. Source: Grafana's documentation of variable syntax."""
MARKDOWN_OR_HTML = re.compile(r"[\\`*_{}\[\]()<>#+.!|~$\"'-]")
SPECIAL = [
    "${datasource}",
    "$namespace",
    "[[cluster]]",
    "{{ .Values }}",
    "<script>",
    "`x`",
    "&#36;",
    "**",
    "|",
    "\\",
    " ",
    "\x00",
]
WORDS = st.one_of(
    st.text(min_size=1, max_size=128),
    st.lists(st.one_of(st.sampled_from(SPECIAL), st.text(max_size=5)), min_size=1, max_size=12).map("".join),
).filter(lambda text: 0 < len(text) <= 128)


def shown(markdown: str) -> str:
    """What a reader sees: numeric references are the characters, escapes are read back."""
    seen = re.sub(r"&#(\d+);", lambda match: chr(int(match[1])), markdown)
    return re.sub(r"\\(?:u\{([0-9a-f]+)\}|\\)", lambda match: chr(int(match[1], 16)) if match[1] else "\\", seen)


def random_texts(count: int) -> Iterator[str]:
    """Texts of all of Unicode, and of what Grafana, Markdown and HTML read as their own."""
    chance = random.Random(36)
    valid = [*range(0xD800), *range(0xE000, 0x110000)]
    for _ in range(count):
        parts = [chance.choice(SPECIAL) if chance.random() < 0.4 else chr(chance.choice(valid)) for _ in range(12)]
        yield "".join(parts[: chance.randint(1, 12)])


def check(text: str) -> None:
    markdown = markdown_text(text)
    assert shown(markdown) == text
    without_references = re.sub(r"&#\d+;", "", markdown)
    assert not GRAFANA_VARIABLE.search(markdown)
    assert not MARKDOWN_OR_HTML.search(without_references)
    assert without_references.isalnum() or without_references == ""
    assert html.unescape(markdown).isprintable()


def test_ten_thousand_texts_come_out_as_themselves_and_are_not_interpreted() -> None:
    for text in random_texts(10_000):
        check(text)


@given(WORDS)
@with_settings(max_examples=300, deadline=None)
def test_any_text_comes_out_as_itself_and_is_not_interpreted(text: str) -> None:
    check(text)


@given(st.lists(WORDS, min_size=1, max_size=3), WORDS, WORDS)
@with_settings(max_examples=100, deadline=None)
def test_words_of_a_spec_reach_the_config_map_as_values(patterns: list[str], namespace: str, name: str) -> None:
    objective = {"name": "o", "type": "Availability", "target": "99", "models": patterns}
    spec = monitor(spec={"objectives": [objective]}).spec
    made = build_dashboard(settings(), Monitor(MonitorRef(namespace, name), "u", 1, "1", 0.0, spec))
    (text,) = made["data"].values()
    page = json.loads(text)
    (content,) = [each["options"]["content"] for each in panels_of(page) if each["id"] == ModelPanel.OBJECTIVES]
    said = content.partition("Models: ")[2]
    assert said.startswith(markdown_text(patterns[0]))
    assert not GRAFANA_VARIABLE.search(content)
    values = {each["name"]: each.get("query") for each in page["templating"]["list"]}
    assert (values["namespace"], values["modelmonitor"]) == (namespace, name)


def test_a_text_without_anything_special_stays_readable() -> None:
    assert markdown_text("fraud7") == "fraud7"
    assert shown(markdown_text("größe 漢字 ok")) == "größe 漢字 ok"


def test_what_cannot_be_seen_is_written_with_its_number() -> None:
    assert html.unescape(markdown_text("a\x00b\u202ec")) == "a\\u{0}b\\u{202e}c"
    assert html.unescape(markdown_text(" a  b")) == "\\u{20}a \\u{20}b"


@given(st.text(alphabet=[chr(c) for c in range(0x21, 0x7F)], max_size=250))
@with_settings(max_examples=200, deadline=None)
def test_no_address_of_runbooks_is_read_as_a_variable(path: str) -> None:
    assert not GRAFANA_VARIABLE.search(link_base(f"https://{path}"))


def largest_spec() -> dict[str, Any]:
    patterns = [chr(0x10FFFF) * 127 + chr(0x10FF00 + i) for i in range(16)]
    names = [f"{'o' * 39}{letter}" for letter in "abcdefgh"]
    return {
        "objectives": [
            {"name": n, "type": "Latency", "target": "99.9999", "threshold": "1ms", "models": patterns} for n in names
        ]
    }


def test_the_largest_spec_gives_a_config_map_far_below_a_mebibyte() -> None:
    made = build_dashboard(settings(), monitor("n" * 253, "n" * 63, spec=largest_spec()))
    assert len(json.dumps(made).encode()) < MAX_CONFIG_MAP_BYTES / 4


def test_patterns_beyond_the_room_are_counted_instead_of_named() -> None:
    page = build_model(settings(), monitor(spec=largest_spec()))
    (content,) = [each["options"]["content"] for each in panels_of(page) if each["id"] == ModelPanel.OBJECTIVES]
    assert content.count("and 13 more") == 8
