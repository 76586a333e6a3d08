"""A network of a test's own, in which every address of the world leads to whoever listens there.

It is a network namespace without a link to the outside: nothing leaves it, and it ends with the process that holds it.
Needs root.
"""

import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

_UP = "ip link set lo up && ip route add local 0.0.0.0/0 dev lo && ip -6 route add local ::/0 dev lo"
_HOLD = f"{_UP} && echo ready && exec sleep {{seconds}}"


class NoNamespaceError(RuntimeError):
    """The machine lets no network namespace be made; the message says what it answered."""


@dataclass(frozen=True)
class PrivateNetwork:
    """The namespace, named by the process that holds it."""

    pid: int

    def inside(self, *command: str) -> list[str]:
        """A command line that runs a command within."""
        return ["nsenter", f"--net=/proc/{self.pid}/ns/net", "--", *command]


@contextmanager
def private_network(seconds: int = 600) -> Iterator[PrivateNetwork]:
    """Make one; it is gone at the end, and after so many seconds whatever happens.

    Raises:
        NoNamespaceError: there is no right to make one, or a program is missing.
    """
    command = ["unshare", "--net", "sh", "-c", _HOLD.format(seconds=seconds)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as holder:
        try:
            if holder.stdout is None or holder.stdout.readline() != "ready\n":
                holder.kill()
                raise NoNamespaceError(f"no network namespace: {holder.communicate()[1].strip()}; this needs root")
            yield PrivateNetwork(holder.pid)
        finally:
            holder.kill()
