"""Runs buildah on a storage of our own in the cache, in a mount namespace of its own, so that no mount outlives it."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Mapping
from pathlib import Path

from modelmonitor_testbed.cache import cache_folder
from modelmonitor_testbed.process import CommandError, run

MOST_LAYERS = 150
"""Layers that the storage may hold; one edit of the product's source adds two or three, each up to 200 MB."""


def file_system(folder: Path) -> str:
    """Return the kind of file system that a folder lies on, such as `ext2/ext3` or `overlayfs`."""
    return run(["stat", "--file-system", "--format=%T", folder]).strip()


def choose_driver(kind: str) -> str:
    """Return buildah's storage driver; an overlay cannot lie on an overlay, as in a container."""
    return "vfs" if kind == "overlayfs" else "overlay"


def buildah(*words: str | Path, timeout_seconds: float = 1800.0) -> str:
    """Run one buildah command and return what it printed; raise CommandError when it fails."""
    storage = cache_folder("buildah")
    with tempfile.TemporaryDirectory(prefix="modelmonitor-buildah-") as run_root:
        driver = choose_driver(file_system(storage))
        places = ["--root", str(storage), "--runroot", run_root, "--storage-driver", driver]
        command = ["unshare", "--mount", "--", "buildah", *places, *words]
        return run(command, environment=_environment(), timeout_seconds=timeout_seconds)


def buildah_succeeds(*words: str | Path) -> bool:
    """Tell whether a buildah command ends well."""
    try:
        buildah(*words)
    except CommandError:
        return False
    return True


def forget_old_layers(most: int = MOST_LAYERS) -> bool:
    """Drop cached layers that no named image uses, and containers of broken builds, once the storage has grown.

    The next build of each image then starts from its first line. Returns whether anything was dropped.
    """
    storage = cache_folder("buildah")
    if len(list(storage.glob("overlay/*/diff"))) + len(list(storage.glob("vfs/dir/*"))) <= most:
        return False
    buildah("rm", "--all")
    buildah("rmi", "--prune", "--force")
    return True


def _environment() -> Mapping[str, str]:
    return {**os.environ, "BUILDAH_ISOLATION": "chroot", "TMPDIR": str(cache_folder("tmp"))}
