"""One line per step with the time since the start, readable with and without a terminal."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager

_START = time.monotonic()


def render_line(elapsed_seconds: float, subject: str, state: str) -> str:
    """Render one progress line; the elapsed time is in seconds."""
    return f"[{elapsed_seconds:6.1f}s] {subject} … {state}"


def say(subject: str, state: str) -> None:
    """Print one progress line to standard error, which leaves standard output to results."""
    print(render_line(time.monotonic() - _START, subject, state), file=sys.stderr, flush=True)


@contextmanager
def step(subject: str, doing: str = "working", done: str = "done") -> Iterator[None]:
    """Say that a step begins, and then how it ended and how long it took."""
    begin = time.monotonic()
    say(subject, doing)
    try:
        yield
    except BaseException:
        say(subject, f"FAILED after {time.monotonic() - begin:.1f}s")
        raise
    say(subject, f"{done} ({time.monotonic() - begin:.1f}s)")
