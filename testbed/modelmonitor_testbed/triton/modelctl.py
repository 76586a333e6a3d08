"""`modelctl MODEL name=value …`: change how a served model behaves, from a shell in its pod."""

import argparse
import os
import signal
import sys
from http.client import HTTPConnection
from pathlib import Path

from modelmonitor_testbed.triton.control import (
    Behaviour,
    control_directory,
    parse_settings,
    read_settings,
    write_settings,
)

STUB_PROGRAM = "triton_python_backend_stub"
SERVER = "127.0.0.1:8000"


def stub_processes(model: str, proc: Path = Path("/proc")) -> list[int]:
    """Return the process ids of a model's Python stubs, oldest first."""
    found = []
    for command_line in proc.glob("[0-9]*/cmdline"):
        try:
            words = command_line.read_bytes().decode(errors="replace").split("\0")
        except OSError:
            continue
        if Path(words[0]).name == STUB_PROGRAM and any(f"/{model}/" in word for word in words[1:]):
            found.append(int(command_line.parent.name))
    return sorted(found)


def kill_stubs(model: str) -> int:
    """Kill a model's stubs, which leaves the model ready while every request fails; return how many."""
    processes = stub_processes(model)
    for process in processes:
        os.kill(process, signal.SIGKILL)
    return len(processes)


def reload(model: str, address: str = SERVER) -> None:
    """Unload a model and load it again, which brings dead stubs back; ValueError with the server's own words."""
    for verb in ("unload", "load"):
        connection = HTTPConnection(address, timeout=30)
        connection.request("POST", f"/v2/repository/models/{model}/{verb}", "{}")
        answer = connection.getresponse()
        text = answer.read().decode()
        connection.close()
        if answer.status != 200:
            raise ValueError(f"{verb} {model}: {text}")


def change(model: str, words: list[str], directory: Path) -> dict[str, str]:
    """Add settings to a model's control file and return all that it holds now; ValueError if one is unknown."""
    settings = read_settings(model, directory) | parse_settings(" ".join(words))
    Behaviour().with_settings(settings)
    write_settings(model, settings, directory)
    return settings


def main(arguments: list[str] | None = None) -> int:
    """Run the command; exit status 1 with a message for a request that makes no sense."""
    parser = argparse.ArgumentParser(prog="modelctl", description="Change how a served model behaves.")
    parser.add_argument("model")
    parser.add_argument(
        "action", nargs="*", help="delay_ms=200, fail_ratio=1, error_ratio=1, reset, kill-stub or reload; nothing shows"
    )
    options = parser.parse_args(arguments)
    directory = control_directory()
    try:
        print(act(options.model, options.action, directory))
    except ValueError as error:
        print(f"modelctl: {error}", file=sys.stderr)
        return 1
    return 0


def act(model: str, action: list[str], directory: Path) -> str:
    """Do one action and return the line that reports it; ValueError where it cannot be done."""
    match action:
        case ["kill-stub"]:
            count = kill_stubs(model)
            if not count:
                raise ValueError(f"model {model} has no running stub")
            return f"{model}: {count} stub processes killed"
        case ["reload"]:
            reload(model)
            return f"{model}: loaded again"
        case ["reset"]:
            (directory / model).unlink(missing_ok=True)
            return f"{model}: as configured"
        case []:
            settings = read_settings(model, directory)
        case _:
            settings = change(model, action, directory)
    return f"{model}: " + (" ".join(f"{name}={value}" for name, value in sorted(settings.items())) or "as configured")


if __name__ == "__main__":
    sys.exit(main())
