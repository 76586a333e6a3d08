"""What each dependency adds to an image: the locked packages are installed into a folder and weighed, one by one.

`python -m modelmonitor_testbed.image_contents operator` (or `sidecar`) prints the table of docs/images.md.
"""

from __future__ import annotations

import sys
import tempfile
from collections.abc import Iterable
from dataclasses import dataclass
from importlib.metadata import Distribution, distributions
from pathlib import Path

from modelmonitor_testbed.cache import checkout_root
from modelmonitor_testbed.process import run

MEBIBYTE = 1024 * 1024
SHOWN_FROM = 0.5
"""Packages below this many MiB are added up in one row."""


@dataclass(frozen=True)
class Weight:
    """One installed package."""

    name: str
    version: str
    mebibytes: float


def weigh(folder: Path) -> list[Weight]:
    """The packages that are installed in a folder, the heaviest first. Bytecode does not count: images make theirs."""
    found = [_weigh_one(each) for each in distributions(path=[str(folder)])]
    return sorted(found, key=lambda weight: -weight.mebibytes)


def _weigh_one(distribution: Distribution) -> Weight:
    paths = (Path(str(distribution.locate_file(file))) for file in distribution.files or ())
    size = sum(path.stat().st_size for path in paths if path.suffix != ".pyc" and path.is_file())
    return Weight(distribution.name, distribution.version, size / MEBIBYTE)


def install(lock: Path, folder: Path) -> None:
    """Install the locked packages as the Dockerfile does."""
    how = ["--quiet", "--no-compile", "--no-deps", "--require-hashes", "--target", str(folder)]
    run([sys.executable, "-m", "pip", "install", *how, "-r", str(lock)], timeout_seconds=900)


def render(weights: Iterable[Weight]) -> str:
    """A table in Markdown, with the small ones in one row and the sum."""
    listed = list(weights)
    large = [each for each in listed if each.mebibytes >= SHOWN_FROM]
    small = [each for each in listed if each.mebibytes < SHOWN_FROM]
    rows = [f"| {each.name} {each.version} | {each.mebibytes:.1f} |" for each in large]
    rows.append(f"| {len(small)} smaller ones | {sum(each.mebibytes for each in small):.1f} |")
    rows.append(f"| all {len(listed)} | {sum(each.mebibytes for each in listed):.1f} |")
    return "\n".join(["| package | MiB |", "| --- | ---: |", *rows, ""])


def main(image: str) -> None:
    """Print the table of one image."""
    with tempfile.TemporaryDirectory(prefix="modelmonitor-image-contents-") as folder:
        install(checkout_root() / image / "requirements.lock", Path(folder))
        print(render(weigh(Path(folder))))


if __name__ == "__main__":
    main(sys.argv[1])
