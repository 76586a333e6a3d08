"""Child processes: run one to its end, or start one that never outlives its parent."""

from __future__ import annotations

import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path


class CommandError(RuntimeError):
    """A program ended with a status other than 0; the message holds its last words."""


def run(
    command: Sequence[str | Path],
    *,
    environment: Mapping[str, str] | None = None,
    input_text: str | None = None,
    timeout_seconds: float = 600.0,
    folder: Path | None = None,
) -> str:
    """Run a program to its end and return its standard output; raise CommandError when it fails."""
    words = [str(word) for word in command]
    try:
        done = subprocess.run(
            words,
            env=environment,
            input=input_text,
            capture_output=True,
            text=True,
            timeout=timeout_seconds,
            cwd=folder,
            check=False,
        )
    except subprocess.TimeoutExpired as error:
        raise CommandError(f"{' '.join(words)}: no end after {timeout_seconds:.0f} s") from error
    except FileNotFoundError as error:
        raise CommandError(f"{words[0]}: program not found") from error
    if done.returncode != 0:
        last = "\n".join((done.stdout + done.stderr).strip().splitlines()[-25:])
        raise CommandError(f"{' '.join(words)}: status {done.returncode}\n{last}")
    return done.stdout


def start_bound(command: Sequence[str | Path], log: Path) -> subprocess.Popen[bytes]:
    """Start a program that the kernel kills when the calling thread ends (PR_SET_PDEATHSIG, by setpriv)."""
    words = ["setpriv", "--pdeathsig", "KILL", "--", *(str(word) for word in command)]
    with log.open("ab") as output:
        return subprocess.Popen(words, stdin=subprocess.DEVNULL, stdout=output, stderr=output)


_DETACHED: list[subprocess.Popen[bytes]] = []
"""Kept, because Python warns of a running child that nobody holds."""


def start_detached(command: Sequence[str | Path], log: Path) -> subprocess.Popen[bytes]:
    """Start a program that outlives its parent, in a session of its own."""
    with log.open("ab") as output:
        child = subprocess.Popen(
            [str(word) for word in command],
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            start_new_session=True,
        )
    _DETACHED.append(child)
    return child
