"""`gpusim`: let something happen to the simulated GPUs of this node."""

import argparse
import os
import socket
import sys
import time
from pathlib import Path

from modelmonitor_testbed.gpu.commands import COMMANDS
from modelmonitor_testbed.gpu.hardware import Node, build_state
from modelmonitor_testbed.gpu.state import State, edited_state, read_state, write_state

DEFAULT_STATE = "/run/modelmonitor/nvml/state"


def build_parser() -> argparse.ArgumentParser:
    """Return the command line of gpusim."""
    parser = argparse.ArgumentParser(prog="gpusim", description=__doc__)
    parser.add_argument("--state", type=Path, default=Path(os.environ.get("NVML_SIM_STATE", DEFAULT_STATE)))
    words = parser.add_subparsers(dest="command", required=True)
    init = words.add_parser("init", help="make the GPUs of a node")
    init.add_argument("--node", default=os.environ.get("NODE_NAME") or socket.gethostname())
    init.add_argument("--gpus", type=int, default=2)
    init.add_argument("--mig", action="append", default=[], metavar="GPU:PROFILE,…", help="0:1g.10gb,2g.20gb")
    init.add_argument("--keep", action="store_true", help="leave GPUs that are there as they are")
    words.add_parser("show", help="print what is there and what is wrong with it")
    for name, command in COMMANDS.items():
        word = words.add_parser(name, help=command.text)
        for argument in command.arguments:
            word.add_argument(argument.rstrip("+?"), nargs=argument[-1] if argument[-1] in "+?" else None)
    return parser


def initialise(options: argparse.Namespace, now: float) -> None:
    """Make the state file, unless it is there and shall be kept."""
    if options.keep and options.state.exists():
        return
    layout = (text.partition(":") for text in options.mig)
    mig = {int(slot): tuple(profiles.split(",")) for slot, _, profiles in layout}
    options.state.parent.mkdir(parents=True, exist_ok=True)
    write_state(options.state, build_state(Node(options.node, options.gpus, mig), now))


def render_summary(state: State) -> str:
    """Return a line for each GPU, and one for each thing that is not as it should be."""
    lines = [f"driver {state['driver']}, {state['xids']} Xids so far"]
    for slot in range(int(state["gpus"])):
        shown = {name: state[f"gpu.{slot}.{name}"] for name in ("utilization", "temperature", "lost", "missing")}
        lines.append(f"{slot} {state[f'gpu.{slot}.uuid']} " + " ".join(f"{name}={shown[name]}" for name in shown))
    lines += [f"{key}={value}" for key, value in sorted(state.items()) if key.startswith(("hang.", "fail.", "xid."))]
    return "\n".join(lines)


def run(options: argparse.Namespace) -> None:
    """Do what the command says and print the state where it asks for it."""
    now = time.time()
    if options.command in COMMANDS:
        with edited_state(options.state) as state:
            COMMANDS[options.command].act(state, options, now)
        return
    if options.command == "init":
        initialise(options, now)
    print(render_summary(read_state(options.state)))


def main(arguments: list[str] | None = None) -> int:
    """Run gpusim; exit status 1 with a message for a request that makes no sense."""
    options = build_parser().parse_args(arguments)
    try:
        run(options)
    except (ValueError, FileNotFoundError) as error:
        print(f"gpusim: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
