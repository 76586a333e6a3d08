"""What an image is made of: the files its Dockerfile copies, hashed, so that nothing is built twice."""

from __future__ import annotations

import hashlib
import json
import shlex
from collections.abc import Iterable, Mapping
from pathlib import Path

_IGNORED_FOLDERS = {"__pycache__", ".git", ".mypy_cache", ".ruff_cache", ".pytest_cache"}


def parse_copied_sources(dockerfile: str) -> list[str]:
    """Return the paths of the build context that COPY and ADD lines name, without those copied between stages."""
    sources: list[str] = []
    for line in _joined_lines(dockerfile):
        words = _split_arguments(line)
        if not words or words[0].upper() not in {"COPY", "ADD"}:
            continue
        flags = [word for word in words[1:] if word.startswith("--")]
        if not any(flag.startswith("--from=") for flag in flags):
            sources += [word for word in words[1:-1] if not word.startswith("--")]
    return sources


def hash_inputs(dockerfile: Path, context: Path, settings: Mapping[str, str]) -> str:
    """Return the hash of a Dockerfile, every file that it copies from the context, and the settings of the build."""
    text = dockerfile.read_text()
    digest = hashlib.sha256(json.dumps([text, sorted(settings.items())]).encode())
    for file in sorted(set(_files(context, parse_copied_sources(text)))):
        digest.update(f"\0{file.relative_to(context)}\0{file.stat().st_mode & 0o111}\0".encode())
        digest.update(hashlib.sha256(file.read_bytes()).digest())
    return digest.hexdigest()[:16]


def _files(context: Path, sources: Iterable[str]) -> list[Path]:
    found: list[Path] = []
    for source in sources:
        pattern = source.strip("/") or "."
        for path in [context] if pattern == "." else sorted(context.glob(pattern)):
            found += [path] if path.is_file() else [each for each in path.rglob("*") if each.is_file()]
    return [each for each in found if not _IGNORED_FOLDERS.intersection(each.relative_to(context).parts)]


def _joined_lines(dockerfile: str) -> list[str]:
    kept = [line for line in dockerfile.splitlines() if not line.lstrip().startswith("#")]
    return "\n".join(kept).replace("\\\n", " ").splitlines()


def _split_arguments(line: str) -> list[str]:
    head, _, rest = line.strip().partition(" ")
    if rest.strip().startswith("["):
        return [head, *json.loads(rest)]
    try:
        return shlex.split(line)
    except ValueError:
        return []
