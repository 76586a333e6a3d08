"""Composition root of the operator: settings → adapters → handlers → supervised kopf."""

import argparse
import asyncio
import os
import sys
from asyncio import new_event_loop
from contextlib import suppress
from pathlib import Path

from modelmonitor_operator.application import run_operator
from modelmonitor_operator.logs import configure_operator_logging
from modelmonitor_operator.memory import tune_garbage_collection
from modelmonitor_operator.settings import Settings, read_settings

with suppress(ImportError):  # it exists for Linux and macOS only
    from uvloop import new_event_loop


def _parse_arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="modelmonitor-operator", description="Writes the verdict on your models.")
    parser.add_argument("--settings", type=Path, required=True, help="JSON file with the settings")
    return parser.parse_args()


def _read(path: Path) -> Settings:
    try:
        return read_settings(path)
    except (OSError, ValueError) as exc:
        sys.exit(f"the settings in {path} cannot be used: {exc}")


def main() -> None:
    """Run until SIGTERM or SIGINT."""
    settings = _read(_parse_arguments().settings)
    configure_operator_logging(settings.log_level)
    tune_garbage_collection()
    identity = os.environ.get("POD_NAME") or f"{os.uname().nodename}-{os.getpid()}"
    with asyncio.Runner(loop_factory=new_event_loop) as runner:
        runner.run(run_operator(settings, identity))


if __name__ == "__main__":
    main()
