"""Derived files are committed, complete and say how to mend them."""

from collections.abc import Iterator
from pathlib import Path
from typing import cast

import pytest
import yaml

from generate.__main__ import MEND, check
from generate.crd import build_monitor_crd, build_plan_crd
from generate.outputs import build_outputs
from generate.schema import Json

ROOT = Path(__file__).parents[3]


def test_every_derived_file_is_committed_as_the_code_makes_it(capsys: pytest.CaptureFixture[str]) -> None:
    assert check(build_outputs(ROOT)) == 0, capsys.readouterr().out


def test_a_stale_file_is_shown_with_the_command_that_mends_it(capsys: pytest.CaptureFixture[str]) -> None:
    assert check({ROOT / "LICENSE": "another text\n"}) == 1
    said = capsys.readouterr().out
    assert "+another text" in said
    assert MEND in said
    assert "make generate" in said


def fields(path: str, schema: Json) -> Iterator[tuple[str, Json]]:
    for name, child in cast("dict[str, Json]", schema.get("properties", {})).items():
        yield f"{path}.{name}", child
        yield from fields(f"{path}.{name}", cast("Json", child.get("items", child)))


@pytest.mark.parametrize("crd", [build_monitor_crd(), build_plan_crd()], ids=["ModelMonitor", "NodePlan"])
def test_every_field_of_a_definition_is_described(crd: Json) -> None:
    version = yaml.safe_load(yaml.safe_dump(crd))["spec"]["versions"][0]
    found = [*fields("", version["schema"]["openAPIV3Schema"])]
    assert len(found) > 15
    assert [path for path, schema in found if not schema.get("description") and path != ".metadata"] == []
