"""Where the testbed keeps what it builds: outside every checkout, so that a second clone is warm."""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path


def cache_root(environment: Mapping[str, str] | None = None) -> Path:
    """Return `$MODELMONITOR_CACHE`, else `modelmonitor` in the cache folder of the XDG specification."""
    environment = os.environ if environment is None else environment
    if chosen := environment.get("MODELMONITOR_CACHE"):
        return Path(chosen).expanduser().absolute()
    base = environment.get("XDG_CACHE_HOME") or "~/.cache"
    return Path(base).expanduser().absolute() / "modelmonitor"


def cache_folder(*parts: str) -> Path:
    """Return a folder below the cache root, made when it is not there."""
    folder = cache_root().joinpath(*parts)
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def run_folder(cluster: str) -> Path:
    """Return the folder that holds everything of one running cluster; it may not exist."""
    return cache_root() / "run" / cluster


def checkout_root() -> Path:
    """Return the root of the checkout that this package lies in."""
    return Path(__file__).resolve().parents[2]


@contextmanager
def locked(name: str) -> Iterator[None]:
    """Hold the cache's lock of that name, so that two runs never build the same thing at once."""
    path = cache_folder("locks") / name
    with path.open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield
