"""`load`: send requests to a Triton server and say how many were good."""

import argparse
import asyncio
import contextlib
import json
import os
import signal

from modelmonitor_testbed.load.traffic import Stream, Traffic


def parse_stream(text: str, rate: float) -> Stream:
    """Read `model` or `model=rate`; ValueError for a rate that is none."""
    model, _, own = text.partition("=")
    stream = Stream(model, float(own or rate))
    if stream.rate <= 0:
        raise ValueError(f"{text}: a rate is above 0")
    return stream


def build_parser() -> argparse.ArgumentParser:
    """Return the command line."""
    parser = argparse.ArgumentParser(prog="load", description=__doc__)
    parser.add_argument("--url", default="127.0.0.1:8000", help="host:port; $NAMES of the environment are filled in")
    parser.add_argument("--model", action="append", required=True, metavar="NAME[=RATE]")
    parser.add_argument("--rate", type=float, default=5.0, help="requests per second of a model without its own")
    parser.add_argument("--seconds", type=float, default=60.0, help="0: until SIGTERM")
    return parser


async def run(traffic: Traffic, seconds: float | None) -> None:
    """Send until the time is over or SIGTERM or SIGINT arrives."""
    task = asyncio.create_task(traffic.run(seconds))
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, task.cancel)
    with contextlib.suppress(asyncio.CancelledError):
        await task


def main() -> None:
    """Send, then print the counts as one line of JSON."""
    options = build_parser().parse_args()
    streams = tuple(parse_stream(text, options.rate) for text in options.model)
    traffic = Traffic(os.path.expandvars(options.url), streams)
    asyncio.run(run(traffic, options.seconds or None))
    print(json.dumps(traffic.report()), flush=True)


if __name__ == "__main__":
    main()
