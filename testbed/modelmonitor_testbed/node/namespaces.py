"""A node's namespaces: made with unshare, joined to the outside by a veth pair, ended by one signal."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import sys
import time
from collections.abc import Sequence
from pathlib import Path

from modelmonitor_testbed.node.addresses import link_name, parse_routes
from modelmonitor_testbed.node.configuration import NodePlace
from modelmonitor_testbed.process import CommandError, run, start_detached

_START_SECONDS = 20.0
_END_SECONDS = 30.0
_INIT = "modelmonitor_testbed.node.init"
_UNSHARE = ("unshare", "--net", "--mount", "--pid", "--fork", "--kill-child=SIGKILL")


class NamespaceError(RuntimeError):
    """The namespaces could not be made or did not end."""


def start(place: NodePlace, first_pid: int | None) -> int:
    """Start the node's first process and return its process id.

    Every node but the first nests in the first node's process namespace, so that ending the first ends them all.
    """
    place.services.mkdir(parents=True, exist_ok=True)
    nest = ("nsenter", f"--pid=/proc/{first_pid}/ns/pid", "--") if first_pid else ()
    package = Path(__file__).resolve().parents[2]
    environment = ("env", "-i", f"PATH={search_path()}", "HOME=/root", f"PYTHONPATH={package}")
    init = (sys.executable, "-m", _INIT, str(place.folder))
    child = start_detached([*nest, *environment, *_UNSHARE, *init], place.folder / "init.log")
    deadline = time.monotonic() + _START_SECONDS
    while time.monotonic() < deadline:
        if child.poll() is not None:
            break
        if (pid := read_pid(place.folder)) is not None:
            return pid
        time.sleep(0.05)
    raise NamespaceError(f"the node's first process did not start; see {place.folder}/init.log")


def search_path() -> str:
    """Return the program search path with the folders of system programs, which a user's path may lack."""
    return ":".join(dict.fromkeys([*os.environ.get("PATH", "").split(":"), "/usr/sbin", "/usr/bin", "/sbin", "/bin"]))


def read_pid(folder: Path) -> int | None:
    """Return the process id of a node that runs, None when it does not."""
    try:
        pid = int((folder / "pid").read_text())
        command = Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0")
    except (OSError, ValueError):
        return None
    return pid if str(folder).encode() in command else None


def end(folder: Path) -> None:
    """Kill the node's first process, and with it every process of the node; return when all are gone."""
    deadline = time.monotonic() + _END_SECONDS
    while pids := processes_with(f"{_INIT}\0{folder}\0"):
        if time.monotonic() > deadline:
            raise NamespaceError(f"processes {pids} of {folder} did not end within {_END_SECONDS:.0f} s")
        for pid in pids:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        time.sleep(0.05)


def processes_with(text: str) -> list[int]:
    """Return the processes of this machine whose command line holds a text (NUL between words), without our own."""
    found = []
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit() and int(entry.name) != os.getpid():
            with contextlib.suppress(OSError):
                if text.encode() in (entry / "cmdline").read_bytes():
                    found.append(int(entry.name))
    return found


def used_ranges() -> list[str]:
    """Return the address ranges that this machine's routes know."""
    routes: list[dict[str, object]] = json.loads(run(["ip", "-json", "route"]) or "[]")
    return parse_routes(routes)


def connect(place: NodePlace, pid: int, first_pid: int | None) -> None:
    """Join a node to its upstream: the host for the first node, the first node for the others."""
    addresses, number = place.addresses, place.number
    outside = () if first_pid is None else inside(first_pid)
    link = link_name(place.cluster, number)
    _ip(outside, "link", "add", link, "type", "veth", "peer", "name", "eth0", "netns", str(pid))
    _ip(outside, "address", "add", f"{addresses.upstream(number)}/30", "dev", link)
    _ip(outside, "link", "set", link, "up")
    _ip(inside(pid), "address", "add", f"{addresses.node(number)}/30", "dev", "eth0")
    _ip(inside(pid), "link", "set", "eth0", "up")
    _ip(inside(pid), "route", "add", "default", "via", addresses.upstream(number))
    reached = addresses.whole if first_pid is None else addresses.node_pods(number)
    _ip(outside, "route", "add", reached, "via", addresses.node(number))


def inside(pid: int) -> tuple[str, ...]:
    """Return the words that run a command in the network namespace of a process."""
    return ("nsenter", f"--net=/proc/{pid}/ns/net", "--")


def link_exists(name: str) -> bool:
    """Tell whether the host has a network link of that name."""
    return Path(f"/sys/class/net/{name}").exists()


def remove_link(name: str) -> None:
    """Remove a link of the host's if it is still there; the end of its namespace removes it too, a little later."""
    if link_exists(name):
        try:
            run(["ip", "link", "delete", name])
        except CommandError:
            if link_exists(name):
                raise


def _ip(prefix: Sequence[str], *words: str) -> None:
    run([*prefix, "ip", *words])
