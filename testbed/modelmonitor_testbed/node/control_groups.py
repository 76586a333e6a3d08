"""The control groups of a node: made in every hierarchy before its kubelet starts, removed when the node is gone."""

from __future__ import annotations

import time
from pathlib import Path

ROOT = Path("/sys/fs/cgroup")
_REMOVAL_SECONDS = 10.0


def hierarchies(root: Path = ROOT) -> list[Path]:
    """Return the root of each hierarchy: the unified one of version 2, or every controller of version 1."""
    if (root / "cgroup.controllers").exists():
        return [root]
    return sorted(folder for folder in root.iterdir() if (folder / "cgroup.procs").exists() and not folder.is_symlink())


def make(name: str, root: Path = ROOT) -> None:
    """Make the group in every hierarchy; version 1's cpuset is unusable until it has processors and memory nodes."""
    for hierarchy in hierarchies(root):
        group = hierarchy / name
        group.mkdir(exist_ok=True)
        for setting in ("cpuset.cpus", "cpuset.mems"):
            if hierarchy != root and (hierarchy / setting).exists():
                (group / setting).write_text((hierarchy / setting).read_text())
        if hierarchy == root:
            _delegate(hierarchy)
            _delegate(group)


def remove(name: str, root: Path = ROOT) -> None:
    """Remove the group and all below it; the kernel may need a moment after the last process has ended."""
    deadline = time.monotonic() + _REMOVAL_SECONDS
    while find(name, root) and time.monotonic() < deadline:
        for group in find(name, root):
            for folder in sorted(group.rglob("*/"), key=lambda each: len(each.parts), reverse=True):
                _try_remove(folder)
            _try_remove(group)
        if find(name, root):
            time.sleep(0.1)


def find(name: str, root: Path = ROOT) -> list[Path]:
    """Return the groups of that name which exist."""
    return [hierarchy / name for hierarchy in hierarchies(root) if (hierarchy / name).is_dir()]


def _delegate(group: Path) -> None:
    """Hand every controller of a version 2 group on to its children (not run: this needs cgroup v2)."""
    controllers = (group / "cgroup.controllers").read_text().split()
    (group / "cgroup.subtree_control").write_text(" ".join(f"+{each}" for each in controllers))


def _try_remove(folder: Path) -> None:
    try:
        if folder.is_dir():
            folder.rmdir()
    except OSError:
        return
