"""Blocks of Prometheus' database, made by promtool from text, so that a server has a past when it starts."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path

from benchmarks.slo_series import Past
from modelmonitor_testbed.process import run
from modelmonitor_testbed.tools import PROMETHEUS, tool

BLOCK_SECONDS = 18 * 3600
"""promtool makes blocks of two hours times a power of three; a server told the same leaves them as they are."""
BLOCK_DURATION = "18h"


def write_blocks(folder: Path, until: float, past: Sequence[Past], report: Callable[[str], None]) -> None:
    """Make blocks of everything that is past at `until`, a file of text for each, which is deleted at once."""
    longest = max(one.days for one in past) * 86_400
    first, last = (int(at) // BLOCK_SECONDS for at in (until - longest, until))
    text = folder / "block.om"
    for number in range(first, last + 1):
        start, end = number * BLOCK_SECONDS, min((number + 1) * BLOCK_SECONDS, int(until))
        with text.open("w") as file:
            file.writelines(_lines(past, start, end, until))
            file.write("# EOF\n")
        words = ("tsdb", "create-blocks-from", "--quiet", f"--max-block-duration={BLOCK_DURATION}", "openmetrics")
        run([tool(PROMETHEUS, "promtool"), *words, text, folder])
        text.unlink()
        if number % 10 == 0:
            report(f"{number - first + 1} of {last - first + 1} blocks are made")


def _lines(past: Iterable[Past], start: int, end: int, until: float) -> Iterator[str]:
    for one in past:
        since = max(start, int(until) - one.days * 86_400)
        first = -(-since // one.step_seconds) * one.step_seconds
        for at in range(first, end, one.step_seconds):
            yield f"{one.text} {one.value(at)} {at}\n"
