"""The files of the sidecar's image, copied and dropped from the page cache.

A file's pages are charged to the group that reads them first. On a node that is the first container of an image; here
the tests and the bench itself have the same libraries open. So the sidecar gets files that nobody else has read.
"""

import os
import re
import shutil
from importlib.metadata import PackageNotFoundError, files
from pathlib import Path

ROOT = Path(__file__).parents[1]
_LOCK = ROOT / "sidecar" / "requirements.lock"


def copy_packages(folder: Path) -> Path:
    """Copy what the sidecar's lock names, and the product, into a folder for PYTHONPATH."""
    for name in re.findall(r"^([a-zA-Z0-9._-]+)==", _LOCK.read_text(), re.MULTILINE):
        _copy_distribution(name, folder)
    for package in (ROOT / "operator" / "modelmonitor_api", ROOT / "sidecar" / "modelmonitor_sidecar"):
        shutil.copytree(package, folder / package.name, ignore=shutil.ignore_patterns("__pycache__"))
    return folder


def _copy_distribution(name: str, folder: Path) -> None:
    try:
        listed = files(name) or []
    except PackageNotFoundError:
        return
    for file in listed:
        source, target = Path(str(file.locate())), folder / str(file)
        if ".." not in file.parts and source.is_file():
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(source, target)


def drop_from_cache(folder: Path) -> None:
    """Let the next reader pay for every page."""
    for path in folder.rglob("*"):
        if path.is_file():
            descriptor = os.open(path, os.O_RDONLY)
            try:
                os.fsync(descriptor)
                os.posix_fadvise(descriptor, 0, 0, os.POSIX_FADV_DONTNEED)
            finally:
                os.close(descriptor)
