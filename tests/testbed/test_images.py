"""An image is built again exactly when something that it is made of has changed."""

from __future__ import annotations

from pathlib import Path

import pytest

from modelmonitor_testbed.build_inputs import hash_inputs, parse_copied_sources
from modelmonitor_testbed.buildah import choose_driver
from modelmonitor_testbed.package_index import parse_pip_settings

DOCKERFILE = """ARG BASE_IMAGE
FROM ${BASE_IMAGE} AS build
# COPY commented out
COPY --chown=1:1 source \\
     extra.txt /src/
ADD ["list.txt", "/src/"]
FROM ${BASE_IMAGE}
COPY --from=build /src /src
"""


@pytest.fixture
def context(tmp_path: Path) -> Path:
    """A build context with files that the Dockerfile copies and one that it does not."""
    (tmp_path / "Dockerfile").write_text(DOCKERFILE)
    (tmp_path / "source" / "__pycache__").mkdir(parents=True)
    for name in ("source/a.py", "source/__pycache__/a.pyc", "extra.txt", "list.txt", "unused.txt"):
        (tmp_path / name).write_text(name)
    return tmp_path


def hash_of(context: Path, **settings: str) -> str:
    return hash_inputs(context / "Dockerfile", context, settings)


def test_sources_are_read_from_every_form_of_copy_but_not_from_other_stages() -> None:
    assert parse_copied_sources(DOCKERFILE) == ["source", "extra.txt", "list.txt"]


@pytest.mark.parametrize("name", ["source/a.py", "extra.txt", "list.txt", "Dockerfile"])
def test_a_change_of_anything_copied_changes_the_hash(context: Path, name: str) -> None:
    before = hash_of(context)
    (context / name).write_text(DOCKERFILE + "\nUSER 1\n")
    assert hash_of(context) != before


@pytest.mark.parametrize("name", ["unused.txt", "source/__pycache__/a.pyc"])
def test_a_change_of_anything_else_does_not(context: Path, name: str) -> None:
    before = hash_of(context)
    (context / name).write_text("changed")
    assert hash_of(context) == before


def test_a_file_that_moves_changes_the_hash(context: Path) -> None:
    before = hash_of(context)
    (context / "source" / "a.py").rename(context / "source" / "b.py")
    assert hash_of(context) != before


def test_a_file_that_becomes_executable_changes_the_hash(context: Path) -> None:
    before = hash_of(context)
    (context / "source" / "a.py").chmod(0o755)
    assert hash_of(context) != before


def test_another_base_changes_the_hash(context: Path) -> None:
    assert hash_of(context, base="one") != hash_of(context, base="two")


def test_a_pattern_names_every_file_that_it_matches(context: Path) -> None:
    (context / "Dockerfile").write_text("FROM scratch\nCOPY *.txt /\n")
    before = hash_of(context)
    (context / "new.txt").write_text("new")
    assert hash_of(context) != before


def test_an_overlay_on_an_overlay_is_avoided() -> None:
    assert choose_driver("overlayfs") == "vfs"
    assert choose_driver("ext2/ext3") == "overlay"


def test_only_pip_settings_that_hold_inside_a_build_are_handed_on() -> None:
    listing = "global.index-url='https://example.test/simple'\n:env:.find-links='/some/wheels'\n:env:.timeout='30'\n"
    assert parse_pip_settings(listing) == {"index-url": "https://example.test/simple", "timeout": "30"}
