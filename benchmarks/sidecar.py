"""The sidecar as a process on a node of loopback addresses: 8 simulated GPUs, 50 models, 2 050 series."""

import asyncio
import multiprocessing
import os
import secrets
import subprocess
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import aiohttp

from benchmarks.node_around import MONITOR, NAMESPACE, NODE, Surroundings, run_node
from modelmonitor_api import names
from modelmonitor_api.names import MonitorRef, monitor_metrics_path
from modelmonitor_api.signing import NONCE_BYTES, sign_request
from modelmonitor_testbed.controlplane import free_ports
from modelmonitor_testbed.gpu.hardware import build_state
from modelmonitor_testbed.gpu.library import compile_library
from modelmonitor_testbed.gpu.state import write_state
from modelmonitor_testbed.process import start_bound

ROOT = Path(__file__).parents[1]
MONITOR_PAGE = monitor_metrics_path(MonitorRef(NAMESPACE, MONITOR))
_KEY = b"k" * 44
_UID = "uid-sidecar"
_PATIENT_EVENTS = "POLL_MILLISECONDS=1000"
"""A real driver sleeps until an event; the simulated one looks ten times a second, which is not the sidecar's CPU."""


@dataclass(frozen=True, slots=True)
class Sidecar:
    """A running sidecar and how to ask it."""

    child: subprocess.Popen[bytes]
    folder: Path
    url: str
    session: aiohttp.ClientSession

    @property
    def gpus(self) -> Path:
        """State file of the simulated GPUs."""
        return self.folder / "state"

    async def page(self, path: str) -> bytes:
        """A page, as bytes."""
        async with self.session.get(self.url + path) as answer:
            return await answer.read()

    async def summary(self) -> bytes:
        """The summary, asked for as the operator does."""
        nonce = secrets.token_hex(NONCE_BYTES)
        headers = {
            names.NONCE_HEADER: nonce,
            names.POD_UID_HEADER: _UID,
            names.SIGNATURE_HEADER: sign_request(_KEY, nonce, _UID),
        }
        async with self.session.get(self.url + names.SUMMARY_PATH, headers=headers) as answer:
            assert answer.status == 200, await answer.text()
            return await answer.read()

    async def wait_until_read(self, series: int, timeout_seconds: float = 60.0) -> None:
        """Wait until the monitor's page has that many series of Triton's and the GPUs are there."""
        counted, deadline = 0, time.monotonic() + timeout_seconds
        while counted < series:
            if time.monotonic() > deadline:
                raise TimeoutError(f"{counted} of {series} series; log: {(self.folder / 'log').read_text()[-2000:]}")
            await asyncio.sleep(0.5)
            with suppress(aiohttp.ClientError):
                page = await self.page(MONITOR_PAGE)
                counted = sum(line.startswith(b"nv_") for line in page.splitlines())
        assert (await self.page(names.METRICS_PATH)).count(b"modelmonitor_gpu_temperature_celsius{") == NODE.gpus


async def use_as_in_a_cluster(sidecar: Sidecar, seconds: float) -> None:
    """Prometheus reads both pages every 15 s, the operator asks for the summary every 10 s."""

    async def every(period: float, *paths: str) -> None:
        while True:
            for path in paths:
                await (sidecar.page(path) if path != names.SUMMARY_PATH else sidecar.summary())
            await asyncio.sleep(period)

    users = [
        asyncio.create_task(every(15.0, names.METRICS_PATH, MONITOR_PAGE)),
        asyncio.create_task(every(10.0, names.SUMMARY_PATH)),
    ]
    try:
        done, _ = await asyncio.wait(users, timeout=seconds)
        for user in done:
            user.result()
    finally:
        for user in users:
            user.cancel()


def _environment(folder: Path, around: Surroundings, port: int, python_path: str) -> list[str]:
    given = {
        "PATH": os.environ["PATH"],
        "PYTHONPATH": python_path,
        "LD_LIBRARY_PATH": str(folder / "lib"),
        "NVML_SIM_STATE": str(folder / "state"),
        "NODE_NAME": NODE.name,
        "POD_UID": _UID,
        "POD_NAMESPACE": "bench",
        "MODELMONITOR_API_SERVER": around.api_server,
        "MODELMONITOR_PORT": str(port),
        "MODELMONITOR_BIND_ADDRESS": "127.0.0.1",
        "MODELMONITOR_KEY_FILE": str(folder / "key"),
        "MODELMONITOR_POD_RESOURCES_SOCKET": str(around.socket),
        "OPENBLAS_NUM_THREADS": "1",
    }
    return ["env", "-i", *(f"{name}={value}" for name, value in given.items())]


@asynccontextmanager
async def node_around(around: Surroundings) -> AsyncIterator[None]:
    """API server, kubelet and Triton pods for the length of a with block."""
    context = multiprocessing.get_context("spawn")
    ours, theirs = context.Pipe()
    process = context.Process(target=run_node, args=(around, theirs), daemon=True)
    process.start()
    try:
        await asyncio.to_thread(ours.recv)
        yield
    finally:
        ours.send("end")
        await asyncio.to_thread(process.join, 5)
        process.terminate()


@asynccontextmanager
async def running_sidecar(
    around: Surroundings, launcher: Sequence[str] = (), python_path: str = f"{ROOT / 'operator'}:{ROOT / 'sidecar'}"
) -> AsyncIterator[Sidecar]:
    """The sidecar and its node; `launcher` are words before its command."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "lib").mkdir()
        (folder / "key").write_bytes(_KEY)
        write_state(folder / "state", build_state(NODE, time.time()))
        compile_library(folder / "lib", None, _PATIENT_EVENTS)
        (port,) = free_ports(1)
        words = [
            *launcher,
            *_environment(folder, around, port, python_path),
            sys.executable,
            "-m",
            "modelmonitor_sidecar",
        ]
        async with node_around(around), aiohttp.ClientSession(trust_env=False) as session:
            child = start_bound(words, folder / "log")
            try:
                yield Sidecar(child, folder, f"http://127.0.0.1:{port}", session)
            finally:
                child.terminate()
                child.wait(10)
