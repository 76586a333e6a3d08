"""How figures become verdicts: nothing that is above its goal is called met."""

import json
from pathlib import Path

import pytest

from benchmarks.api_writes import count_writes
from benchmarks.control_group import ControlGroup
from benchmarks.installation import OPERATOR
from benchmarks.table import Row, render_table


def row(measured: float, goal: float | None) -> Row:
    return Row("what", measured, "ms", goal, 2.0, "bare")


@pytest.mark.parametrize(
    ("measured", "goal", "verdict"),
    [
        pytest.param(3.1, 3.0, "MISSED", id="above its goal"),
        pytest.param(3.0, 3.0, "met", id="exactly its goal"),
        pytest.param(99.0, None, "–", id="no goal"),
    ],
)
def test_a_row_says_whether_its_goal_is_met(measured: float, goal: float | None, verdict: str) -> None:
    assert render_table([row(measured, goal)]).splitlines()[1].endswith(verdict)


def test_a_row_shows_the_ratio_to_its_baseline() -> None:
    assert "  3.5 x  " in render_table([row(7.0, 3.0)])


def event(verb: str, resource: str, user: str = OPERATOR) -> str:
    return json.dumps({"verb": verb, "user": {"username": user}, "objectRef": {"resource": resource}})


def test_only_what_the_operator_stores_counts_as_a_write() -> None:
    lines = [
        event("patch", "modelmonitors"),
        event("update", "leases"),
        event("get", "modelmonitors"),
        event("watch", "pods"),
        event("create", "selfsubjectaccessreviews"),
        event("patch", "modelmonitors", "system:serviceaccount:kube-system:somebody"),
    ]
    assert count_writes(lines) == {"modelmonitors": 1, "leases": 1}


@pytest.mark.parametrize(
    ("usage", "inactive"),
    [
        pytest.param("memory.usage_in_bytes", "total_inactive_file", id="control groups, version 1"),
        pytest.param("memory.current", "inactive_file", id="control groups, version 2"),
    ],
)
def test_the_working_set_leaves_out_inactive_file_pages(tmp_path: Path, usage: str, inactive: str) -> None:
    (tmp_path / usage).write_text(f"{50 << 20}\n")
    (tmp_path / "memory.stat").write_text(f"{inactive} {8 << 20}\nactive_file {3 << 20}\n")
    assert ControlGroup(tmp_path).working_set_mib() == 42.0
