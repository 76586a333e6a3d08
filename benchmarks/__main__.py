"""`python -m benchmarks [NAME…]`: measures one benchmark after the other and prints the table; 1 for a missed goal."""

import argparse
import sys
import time
import traceback
from collections.abc import Callable, Sequence

from benchmarks.registry import BENCHMARKS
from benchmarks.table import Row, render_table


def _parse_arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="benchmarks", description=__doc__)
    parser.add_argument(
        "names",
        nargs="*",
        choices=[*BENCHMARKS, []],
        metavar="NAME",
        help=f"what to measure, by default all: {', '.join(BENCHMARKS)}",
    )
    return parser.parse_args()


def _reporter(name: str) -> Callable[[str], None]:
    started = time.monotonic()

    def report(text: str) -> None:
        print(f"{name:<16} {time.monotonic() - started:6.1f} s  {text}", file=sys.stderr, flush=True)

    return report


def _measure(names: Sequence[str]) -> tuple[list[Row], list[str]]:
    rows: list[Row] = []
    broken: list[str] = []
    for name in names:
        report = _reporter(name)
        report("starts")
        try:
            rows += BENCHMARKS[name](report)
        except Exception:
            traceback.print_exc()
            broken.append(name)
        report("done")
    return rows, broken


def main() -> int:
    """Measure and print."""
    rows, broken = _measure(_parse_arguments().names or list(BENCHMARKS))
    print(render_table(rows))
    missed = sum(row.is_missed for row in rows)
    for name in broken:
        print(f"{name}: could not be measured, see above")
    print(f"{missed} of {sum(row.goal is not None for row in rows)} goals missed")
    return 1 if missed or broken else 0


if __name__ == "__main__":
    sys.exit(main())
