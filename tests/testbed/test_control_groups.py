"""A node's control groups appear in every hierarchy and go without a trace."""

from __future__ import annotations

from pathlib import Path

import pytest

from modelmonitor_testbed.node import control_groups


@pytest.fixture
def version_1(tmp_path: Path) -> Path:
    """A tree shaped like cgroup version 1, with a cpuset that must be copied."""
    for name in ("cpu", "cpuset", "memory"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "cgroup.procs").touch()
    (tmp_path / "cpuset" / "cpuset.cpus").write_text("0-1")
    (tmp_path / "cpuset" / "cpuset.mems").write_text("0")
    (tmp_path / "not-a-hierarchy").mkdir()
    return tmp_path


def test_the_group_is_made_in_every_hierarchy_and_nowhere_else(version_1: Path) -> None:
    control_groups.make("node", version_1)
    made = [group.parent.name for group in control_groups.find("node", version_1)]
    assert made == ["cpu", "cpuset", "memory"]


def test_processors_and_memory_nodes_are_handed_on(version_1: Path) -> None:
    control_groups.make("node", version_1)
    assert (version_1 / "cpuset" / "node" / "cpuset.cpus").read_text() == "0-1"
    assert (version_1 / "cpuset" / "node" / "cpuset.mems").read_text() == "0"


def test_the_group_goes_with_all_below_it(version_1: Path) -> None:
    (version_1 / "memory" / "node" / "pods" / "one").mkdir(parents=True)
    control_groups.remove("node", version_1)
    assert control_groups.find("node", version_1) == []


def test_removing_what_is_not_there_is_no_error(version_1: Path) -> None:
    control_groups.remove("node", version_1)
    assert control_groups.find("node", version_1) == []


def test_version_2_delegates_its_controllers(tmp_path: Path) -> None:
    (tmp_path / "cgroup.controllers").write_text("cpu memory\n")
    (tmp_path / "node").mkdir()
    (tmp_path / "node" / "cgroup.controllers").write_text("cpu memory\n")
    control_groups.make("node", tmp_path)
    assert (tmp_path / "cgroup.subtree_control").read_text() == "+cpu +memory"
    assert (tmp_path / "node" / "cgroup.subtree_control").read_text() == "+cpu +memory"
