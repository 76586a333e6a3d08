"""The full example has every field that there is."""

from pathlib import Path
from typing import cast

import yaml

from generate.schema import Json, structural_schema
from modelmonitor_api.spec import ModelMonitorSpec

EXAMPLE = Path(__file__).parents[3] / "examples" / "full.yaml"


def missing(path: str, schema: Json, value: object) -> list[str]:
    found: list[str] = []
    for name, child in cast("dict[str, Json]", schema.get("properties", {})).items():
        if not isinstance(value, dict) or name not in value:
            found.append(f"{path}.{name}")
        else:
            found += missing(f"{path}.{name}", child, value[name])
    return found


def test_the_full_example_has_every_field() -> None:
    spec = yaml.safe_load(EXAMPLE.read_text())["spec"]
    assert missing("spec", structural_schema(ModelMonitorSpec), spec) == []


def test_a_missing_field_would_be_named() -> None:
    assert "spec.suspend" in missing("spec", structural_schema(ModelMonitorSpec), {"selector": {}})
