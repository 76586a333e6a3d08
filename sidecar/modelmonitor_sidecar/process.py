"""What the kernel says about this process, from /proc/self; all zero where there is none."""

import os
from pathlib import Path

from modelmonitor_sidecar.collectors.own import ProcessReading

_SELF = Path("/proc/self")
_FIELDS_BEFORE_STATE = 3
"""`stat` counts its fields from 1, and those after the name's closing parenthesis begin with field 3."""


def read_process() -> ProcessReading:
    """CPU time, memory, file descriptors and start time. Source: proc(5)."""
    try:
        fields = (_SELF / "stat").read_text().rpartition(")")[2].split()
        open_fds = sum(1 for _ in (_SELF / "fd").iterdir())
        boot = next(line for line in Path("/proc/stat").read_text().splitlines() if line.startswith("btime"))
    except (OSError, StopIteration):
        return ProcessReading(0.0, 0, 0, 0.0)
    ticks = os.sysconf("SC_CLK_TCK")
    user, system, started, pages = (int(fields[n - _FIELDS_BEFORE_STATE]) for n in (14, 15, 22, 24))
    return ProcessReading(
        cpu_seconds=(user + system) / ticks,
        resident_bytes=pages * os.sysconf("SC_PAGE_SIZE"),
        open_fds=open_fds,
        start_time=float(boot.split()[1]) + started / ticks,
    )
