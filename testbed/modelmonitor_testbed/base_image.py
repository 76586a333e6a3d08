"""A stand-in for the public Python base image, made with debootstrap where no public image can be pulled."""

from __future__ import annotations

import hashlib
import json
import shutil
from pathlib import Path

from modelmonitor_testbed.cache import cache_folder, locked
from modelmonitor_testbed.process import run
from modelmonitor_testbed.progress import step

SUITE = "bookworm"
MIRROR = "http://deb.debian.org/debian"
PACKAGES = ("python3", "python3-venv", "ca-certificates", "libpython3.11")
_UNWANTED = ("var/cache/apt/archives", "var/lib/apt/lists", "usr/share/doc", "usr/share/man", "usr/share/locale")
_LINKS = {"usr/bin/python": "python3", "usr/local/bin/python3": "/usr/bin/python3"}


def recipe_hash() -> str:
    """Return the short hash of everything that decides what the base image holds."""
    recipe = json.dumps([SUITE, MIRROR, PACKAGES, _UNWANTED, _LINKS])
    return hashlib.sha256(recipe.encode()).hexdigest()[:12]


def base_layer() -> Path:
    """Return the tar of the base image's root file system, made now if the cache lacks it (about a minute)."""
    target = cache_folder("base") / f"{SUITE}-{recipe_hash()}.tar"
    with locked("base-image"):
        if not target.exists():
            with step("base image", "debootstrap"):
                _bootstrap(target)
    return target


def _bootstrap(target: Path) -> None:
    root = target.with_suffix(".root")
    shutil.rmtree(root, ignore_errors=True)
    include = ",".join(PACKAGES)
    run(["debootstrap", "--variant=minbase", f"--include={include}", SUITE, root, MIRROR], timeout_seconds=900)
    for folder in _UNWANTED:
        shutil.rmtree(root / folder, ignore_errors=True)
        (root / folder).mkdir(parents=True)
    for link, to in _LINKS.items():
        (root / link).symlink_to(to)
    unfinished = target.with_suffix(".part")
    run(["tar", "-C", root, "--numeric-owner", "--exclude=./dev/*", "-cf", unfinished, "."])
    unfinished.rename(target)
    shutil.rmtree(root)
