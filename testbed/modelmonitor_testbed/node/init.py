"""The first process of a node's namespaces: private mounts, then the programs that the services folder names.

A file `services/NAME.json` says that the program runs: it is started, started again when it ends, and stopped when
the file goes. So stopping and starting a kubelet is moving one file, and nobody needs to talk to this process.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

_TICK_SECONDS = 0.2
RESTART_SECONDS = 1.0
_BOUND = {
    "kubelet": "/var/lib/kubelet",
    "cni-state": "/var/lib/cni",
    "pod-logs": "/var/log/pods",
    "container-logs": "/var/log/containers",
}
"""Folder of the node → the place in its mount namespace that it is bound to."""
_PINNED = {
    "/proc/sys/vm/overcommit_memory": "1",
    "/proc/sys/kernel/panic": "10",
    "/proc/sys/kernel/panic_on_oops": "1",
}
"""Settings of the whole machine that a kubelet writes unless it reads the value that it wants."""


def _mount(*arguments: str | Path) -> None:
    subprocess.run(["mount", *map(str, arguments)], check=True)


def make_private(folder: Path) -> None:
    """Give the node its own /proc, /run, /var/lib and /var/log, and hide the machine's settings from the kubelet."""
    _mount("--make-rshared", "/")
    _mount("-t", "proc", "proc", "/proc")
    for place in ("/run", "/var/lib", "/var/log"):
        _mount("-t", "tmpfs", "-o", "mode=0755", "tmpfs", place)
    for name, place in _BOUND.items():
        (folder / name).mkdir(exist_ok=True)
        Path(place).mkdir(parents=True)
        _mount("--rbind", folder / name, place)
    for number, (place, value) in enumerate(_PINNED.items()):
        pinned = folder / f"pinned-{number}"
        pinned.write_text(value + "\n")
        _mount("--bind", pinned, place)
    Path("/proc/sys/net/ipv4/ip_forward").write_text("1")
    subprocess.run(["ip", "link", "set", "lo", "up"], check=True)


class Services:
    """The running programs of one node, kept as the services folder says."""

    def __init__(self, folder: Path, clock: Callable[[], float] = time.monotonic) -> None:
        self._folder = folder
        self._clock = clock
        self.running: dict[str, subprocess.Popen[bytes]] = {}
        self._not_before: dict[str, float] = {}

    def settle(self) -> None:
        """Start what should run and does not; stop what runs and should not."""
        wanted = {path.stem: path for path in self._folder.glob("*.json")}
        for name in list(self.running):
            if self.running[name].poll() is not None:
                del self.running[name]
            elif name not in wanted:
                self.running[name].send_signal(signal.SIGTERM)
        for name, path in wanted.items():
            if name not in self.running and self._clock() >= self._not_before.get(name, 0.0):
                self._start(name, json.loads(path.read_text()))

    def reap(self) -> None:
        """Take every ended process off the kernel's hands: services, and the orphans that it gave us."""
        while (ended := _next_ended()) is not None:
            owner = next((child for child in self.running.values() if child.pid == ended), None)
            if owner is not None:
                owner.wait()
            else:
                os.waitpid(ended, 0)

    def _start(self, name: str, service: dict[str, list[str]]) -> None:
        with (self._folder.parent / f"{name}.log").open("ab") as log:
            self.running[name] = subprocess.Popen(service["command"], stdin=subprocess.DEVNULL, stdout=log, stderr=log)
        self._not_before[name] = self._clock() + RESTART_SECONDS


def _next_ended() -> int | None:
    """Return the process id of a child that has ended and is not waited for yet."""
    try:
        ended = os.waitid(os.P_ALL, 0, os.WEXITED | os.WNOHANG | os.WNOWAIT)
    except ChildProcessError:
        return None
    return ended.si_pid if ended else None


def main() -> None:
    """Write our process id as the outside sees it, make the mounts, and keep the services until we are killed."""
    folder = Path(sys.argv[1])
    outside = str(Path("/proc/self").readlink())
    make_private(folder)
    unfinished = folder / "pid.part"
    unfinished.write_text(outside)
    unfinished.rename(folder / "pid")
    services = Services(folder / "services")
    while True:
        services.settle()
        services.reap()
        time.sleep(_TICK_SECONDS)


if __name__ == "__main__":
    main()
