"""A real Prometheus as a program of this machine, on loopback: for tests that need no cluster."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from modelmonitor_testbed.controlplane import free_ports
from modelmonitor_testbed.process import start_bound
from modelmonitor_testbed.prometheus.api import PrometheusApi
from modelmonitor_testbed.tools import PROMETHEUS, tool

LOG = "log"
_END_SECONDS = 30.0


@contextmanager
def running_prometheus(folder: Path, configuration: Mapping[str, Any], *flags: str) -> Iterator[PrometheusApi]:
    """Run Prometheus with its files in a folder, its words in the file `log` there; it may not be ready yet.

    Prometheus reads JSON as YAML. What lies in `data` of the folder is its past.

    Args:
        flags: more of Prometheus' flags.
    """
    file = folder / "prometheus.json"
    file.write_text(json.dumps(configuration))
    (port,) = free_ports(1)
    words: list[str | Path] = [
        tool(PROMETHEUS, "prometheus"),
        f"--config.file={file}",
        f"--storage.tsdb.path={folder / 'data'}",
        f"--web.listen-address=127.0.0.1:{port}",
        *flags,
    ]
    child = start_bound(words, folder / LOG)
    try:
        yield PrometheusApi(f"http://127.0.0.1:{port}")
    finally:
        child.terminate()
        child.wait(_END_SECONDS)
