"""Every value is described and every misspelt one refused, whatever a parent chart passes down."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from generate.chart import parse_values
from tests.chart.rendering import CHART, CRD_CHART

CHARTS = pytest.mark.parametrize("folder", [CHART, CRD_CHART], ids=lambda folder: folder.name)


def leaves(value: object, path: str = "") -> Iterator[str]:
    """Paths of the values that are no maps, or empty ones."""
    if not isinstance(value, dict) or not value:
        yield path
        return
    for name, inner in value.items():
        yield from leaves(inner, f"{path}.{name}".lstrip("."))


@CHARTS
def test_every_value_is_described_or_part_of_one_that_is(folder: Path) -> None:
    text = (folder / "values.yaml").read_text()
    described = {row.key for row in parse_values(text) if row.description}
    found = list(leaves(yaml.safe_load(text)))
    assert len(found) >= 3
    assert [leaf for leaf in found if not any(f"{leaf}.".startswith(f"{key}.") for key in described)] == []


def objects(schema: dict[str, Any], path: str = "") -> Iterator[tuple[str, dict[str, Any]]]:
    """Every schema of a map with known names, by path."""
    if "properties" in schema:
        yield path, schema
        for name, inner in schema["properties"].items():
            yield from objects(inner, f"{path}.{name}".lstrip("."))


@CHARTS
def test_a_name_that_the_chart_does_not_know_is_refused_at_every_depth_but_in_global(folder: Path) -> None:
    schema = json.loads((folder / "values.schema.json").read_text())
    found = dict(objects(schema))
    assert found[""]["properties"]["enabled"]["type"] == "boolean"
    assert schema["properties"]["global"].get("additionalProperties", True) is True
    strict = {path for path, inner in found.items() if inner["additionalProperties"] is False}
    assert found.keys() - strict <= {"global"}
