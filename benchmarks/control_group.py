"""A control group of a process's own, and the figure by which the kubelet reports and evicts: its working set."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from modelmonitor_testbed.node import control_groups


@dataclass(frozen=True, slots=True)
class ControlGroup:
    """Where the kernel counts the memory of the group."""

    folder: Path

    def working_set_mib(self) -> float:
        """Usage without inactive file pages, as the kubelet computes it (its cAdvisor, `setMemoryStats`)."""
        usage, inactive = "memory.usage_in_bytes", "total_inactive_file"
        if (self.folder / "memory.current").exists():
            usage, inactive = "memory.current", "inactive_file"
        lines = dict(line.split() for line in (self.folder / "memory.stat").read_text().splitlines())
        return max(0, int((self.folder / usage).read_text()) - int(lines[inactive])) / (1 << 20)

    def launcher(self) -> list[str]:
        """Words before a command that make it run in the group from its first page on."""
        return ["sh", "-c", f'echo $$ > {self.folder}/cgroup.procs && exec "$0" "$@"']


@contextmanager
def control_group(name: str) -> Iterator[ControlGroup]:
    """Make a group for the length of a with block; PermissionError without root."""
    full = f"modelmonitor-bench-{name}-{os.getpid()}"
    control_groups.make(full)
    try:
        folders = control_groups.find(full)
        yield ControlGroup(next((one for one in folders if one.parent.name == "memory"), folders[0]))
    finally:
        control_groups.remove(full)
