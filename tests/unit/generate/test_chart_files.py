"""The chart's README and schema follow values.yaml."""

import json

import pytest

from generate.chart import parse_values, render_chart_crd, render_chart_readme
from generate.values_schema import render_values_schema

VALUES = """\
# Not a description.

# -- The first value,
# on two lines.
first: 1
group:
  # -- An inner | value.
  inner: {a: b}
  undescribed: true
"""


def test_a_value_is_described_by_the_comment_above_it() -> None:
    assert [(row.key, row.description, row.default) for row in parse_values(VALUES)] == [
        ("first", "The first value, on two lines.", 1),
        ("group.inner", "An inner | value.", {"a": "b"}),
    ]


def test_the_table_escapes_what_would_break_it() -> None:
    assert '| `group.inner` | `{"a": "b"}` | An inner \\| value. |' in render_chart_readme(VALUES)


def test_the_schema_is_strict_inside_and_open_for_a_parent_chart() -> None:
    schema = json.loads(render_values_schema(VALUES))
    assert schema["additionalProperties"] is False
    assert schema["properties"]["enabled"]["type"] == "boolean"
    assert schema["properties"]["group"]["additionalProperties"] is False
    assert schema["properties"]["group"]["properties"]["undescribed"] == {"type": "boolean"}


def test_a_description_that_helm_would_run_as_a_template_is_refused() -> None:
    crd: dict[str, object] = {
        "apiVersion": "v1",
        "kind": "CustomResourceDefinition",
        "metadata": {"name": "things.example.com"},
        "spec": {"description": "{{ .Values }}"},
    }
    with pytest.raises(ValueError, match="double braces"):
        render_chart_crd(crd)
