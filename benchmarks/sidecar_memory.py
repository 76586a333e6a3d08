"""The sidecar's memory: the working set, by which the kubelet reports and kills, and the resident set beside it."""

import asyncio
import sys
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path

from benchmarks.control_group import ControlGroup, control_group
from benchmarks.node_around import Surroundings
from benchmarks.private_copy import copy_packages, drop_from_cache
from benchmarks.sidecar import running_sidecar, use_as_in_a_cluster
from benchmarks.table import Row
from benchmarks.triton_pages import SERIES_OF_A_MODEL
from benchmarks.usage import resident_mib
from modelmonitor_testbed.process import start_bound

GOAL_MIB = 64.0
FASTEST_INTERVAL_SECONDS = 5
"""The windows are then as full as they get, at 64 points, sooner."""
RUN_SECONDS = 150.0
_IMPORTS = "import aiohttp.web, pydantic, grpc.aio, pynvml, tritonclient.http.aio, google.protobuf"
_BARE = f"{_IMPORTS}; import time; time.sleep(600)"
_IMPORT_SECONDS = 8.0


async def _measure_bare(group: ControlGroup, packages: Path) -> tuple[float, float]:
    """Working set and resident set of a Python that only imports."""
    drop_from_cache(packages)
    words = ["env", f"PYTHONPATH={packages}", "OPENBLAS_NUM_THREADS=1", sys.executable, "-c", _BARE]
    child = start_bound([*group.launcher(), *words], packages.parent / "bare.log")
    try:
        await asyncio.sleep(_IMPORT_SECONDS)
        return group.working_set_mib(), resident_mib(child.pid)
    finally:
        child.kill()
        child.wait()


async def _measure_sidecar(group: ControlGroup, packages: Path, around: Surroundings) -> tuple[float, float]:
    drop_from_cache(packages)
    async with running_sidecar(around, group.launcher(), str(packages)) as sidecar:
        await sidecar.wait_until_read(around.pods * around.models * SERIES_OF_A_MODEL)
        await use_as_in_a_cluster(sidecar, RUN_SECONDS)
        return group.working_set_mib(), resident_mib(sidecar.child.pid)


async def _measure(report: Callable[[str], None]) -> Sequence[Row]:
    with tempfile.TemporaryDirectory() as name:
        packages = copy_packages(Path(name) / "packages")
        with control_group("bare") as group:
            bare_set, bare_resident = await _measure_bare(group, packages)
        report(f"imports alone: working set {bare_set:.1f} MiB; the sidecar runs for {RUN_SECONDS:.0f} s")
        around = Surroundings(Path(name) / "kubelet.sock", interval_seconds=FASTEST_INTERVAL_SECONDS)
        with control_group("sidecar") as group:
            working_set, resident = await _measure_sidecar(group, packages, around)
    imports = "bare Python with the same imports"
    load = "8 GPUs, 50 models, 2 050 series"
    return (
        Row(f"sidecar working set (own control group), {load}", working_set, "MiB", GOAL_MIB, bare_set, imports),
        Row("sidecar RSS, in the same run", resident, "MiB", None, bare_resident, imports),
    )


def measure(report: Callable[[str], None]) -> Sequence[Row]:
    """Mebibytes after two and a half minutes at the fastest interval; needs root for the control group."""
    return asyncio.run(_measure(report))
