"""The whole sidecar as a process: what a node without a driver, a driver that comes later, and SIGTERM do to it."""

import asyncio
import contextlib
import json
import os
import shutil
import signal
import socket
import sys
import time
from collections.abc import AsyncIterator, Callable
from contextlib import ExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

import aiohttp
import pytest
from aiohttp import web

from modelmonitor_testbed.gpu.hardware import Node, build_state
from modelmonitor_testbed.gpu.library import compile_library
from modelmonitor_testbed.gpu.state import write_state
from tests.edge.sidecar.loopback import recorded_triton, served
from tests.unit.sidecar.readings import monitor, plan, pod

ROOT = Path(__file__).parents[3]
PLANS = "/apis/modelmonitor.dev/v1alpha1/namespaces/mm/nodeplans"
PATIENCE_SECONDS = 20.0
FLOOD_BYTES = 16 * 1024 * 1024
SHUTDOWN_SECONDS = 2.0
"""Twice what it takes at most: the machines that run this are busy."""


@dataclass
class Running:
    """A running sidecar."""

    process: asyncio.subprocess.Process
    url: str
    log: Path
    session: aiohttp.ClientSession

    async def page(self, path: str) -> str:
        try:
            async with self.session.get(self.url + path) as response:
                return await response.text()
        except aiohttp.ClientError:
            return ""

    async def until(self, path: str, wanted: Callable[[str], bool]) -> str:
        deadline = time.monotonic() + PATIENCE_SECONDS
        while not wanted(text := await self.page(path)):
            assert time.monotonic() < deadline, f"{text}\n{self.log.read_text()}"
            await asyncio.sleep(0.05)
        return text


def free_port() -> int:
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return int(one.getsockname()[1])


@asynccontextmanager
async def plan_api(spec: dict[str, object]) -> AsyncIterator[str]:
    async def handler(request: web.Request) -> web.StreamResponse:
        if "watch" in request.query:
            response = web.StreamResponse()
            await response.prepare(request)
            await asyncio.sleep(600)
            return response
        item = {"metadata": {"name": "node-a", "generation": 3, "resourceVersion": "9"}, "spec": spec}
        return web.json_response({"metadata": {"resourceVersion": "9"}, "items": [item]})

    application = web.Application()
    application.router.add_get(PLANS, handler)
    async with served(application) as port:
        yield f"http://127.0.0.1:{port}"


@asynccontextmanager
async def sidecar(folder: Path, api: str) -> AsyncIterator[Running]:
    (folder / "key").write_bytes(b"k" * 44)
    (folder / "lib").mkdir(exist_ok=True)
    port = free_port()
    environment = {
        "PATH": os.environ["PATH"],
        "PYTHONPATH": f"{ROOT / 'operator'}:{ROOT / 'sidecar'}",
        "LD_LIBRARY_PATH": str(folder / "lib"),
        "NVML_SIM_STATE": str(folder / "state"),
        "NODE_NAME": "node-a",
        "POD_UID": "uid-sidecar",
        "POD_NAMESPACE": "mm",
        "MODELMONITOR_API_SERVER": api,
        "MODELMONITOR_PORT": str(port),
        "MODELMONITOR_BIND_ADDRESS": "127.0.0.1",
        "MODELMONITOR_KEY_FILE": str(folder / "key"),
        "MODELMONITOR_POD_RESOURCES_SOCKET": str(folder / "kubelet.sock"),
        "OPENBLAS_NUM_THREADS": "1",
    }
    log = folder / "log"
    with log.open("wb") as output:
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "modelmonitor_sidecar", env=environment, stdout=output, stderr=output
        )
    try:
        async with aiohttp.ClientSession() as session:
            yield Running(process, f"http://127.0.0.1:{port}", log, session)
    finally:
        if process.returncode is None:
            process.kill()
        await process.wait()


async def test_a_node_without_a_driver_is_ready_and_a_driver_that_comes_later_is_read(tmp_path: Path) -> None:
    write_state(tmp_path / "state", build_state(Node("node-a", 2, {}), time.time()))
    async with plan_api(plan(monitor(interval=5)).to_wire()) as api, sidecar(tmp_path, api) as running:
        text = await running.until("/readyz", lambda t: "nvml Absent" in t and "plan Ok" in t)
        assert "gpuAccess.preset" in text
        compile_library(tmp_path)
        shutil.move(tmp_path / "libnvidia-ml.so.1", tmp_path / "lib" / "libnvidia-ml.so.1")
        page = await running.until("/metrics", lambda t: "modelmonitor_gpu_utilization_ratio{" in t)
        assert page.count("modelmonitor_gpu_temperature_celsius{") == 2


async def test_a_plan_leads_to_a_monitors_page_and_sigterm_ends_soon(tmp_path: Path) -> None:
    async with recorded_triton() as triton:
        spec = plan(monitor(pod(http=triton, metrics=triton), interval=5)).to_wire()
        async with plan_api(spec) as api, sidecar(tmp_path, api) as running:
            page = await running.until("/monitors/team-a/fraud/metrics", lambda t: "nv_inference_count{" in t)
            assert (
                'modelmonitor_model_ready{modelmonitor="fraud",namespace="team-a",pod="fraud-0",node="node-a"' in page
            )
            began = time.monotonic()
            running.process.send_signal(signal.SIGTERM)
            assert await running.process.wait() == 0
            assert time.monotonic() - began < SHUTDOWN_SECONDS
        lines = [json.loads(line) for line in running.log.read_text().splitlines()]
    assert {"time", "level", "logger", "message"} <= set.intersection(*(set(line) for line in lines))
    assert lines[-1]["message"] == "stopped"


async def test_an_environment_that_is_not_complete_is_named_and_ends_with_2(tmp_path: Path) -> None:
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "modelmonitor_sidecar",
        env={"PYTHONPATH": f"{ROOT / 'operator'}:{ROOT / 'sidecar'}"},
        stderr=asyncio.subprocess.PIPE,
    )
    _, error = await asyncio.wait_for(process.communicate(), PATIENCE_SECONDS)
    assert process.returncode == 2
    assert "NODE_NAME: Field required" in json.loads(error)["message"]


@pytest.mark.parametrize("hung", [pytest.param("all", id="every call")])
async def test_sigterm_ends_soon_although_nvml_hangs(tmp_path: Path, hung: str) -> None:
    state = build_state(Node("node-a", 1, {}), time.time()) | {f"hang.{hung}": "1"}
    write_state(tmp_path / "state", state)
    (tmp_path / "lib").mkdir()
    compile_library(tmp_path / "lib")
    async with plan_api(plan(monitor(interval=5)).to_wire()) as api, sidecar(tmp_path, api) as running:
        await running.until("/readyz", lambda t: "nvml Hung" in t)
        began = time.monotonic()
        assert "modelmonitor_build_info" in await running.page("/metrics")
        assert time.monotonic() - began < SHUTDOWN_SECONDS
        began = time.monotonic()
        running.process.send_signal(signal.SIGTERM)
        assert await running.process.wait() == 0
        assert time.monotonic() - began < SHUTDOWN_SECONDS


def resident_bytes(process: asyncio.subprocess.Process) -> int:
    pages = int(Path(f"/proc/{process.pid}/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE")


async def test_five_hundred_silent_connections_cost_little_memory_and_keep_nobody_out(tmp_path: Path) -> None:
    async with plan_api(plan(monitor(interval=5)).to_wire()) as api, sidecar(tmp_path, api) as running:
        await running.until("/metrics", lambda t: "modelmonitor_build_info" in t)
        before = resident_bytes(running.process)
        port, loop = urlsplit(running.url).port, asyncio.get_running_loop()
        with ExitStack() as stack:
            for _ in range(500):
                silent = stack.enter_context(socket.socket())
                silent.setblocking(False)  # noqa: FBT003
                await loop.sock_connect(silent, ("127.0.0.1", port))
                with contextlib.suppress(ConnectionError):
                    await loop.sock_sendall(silent, b"GET /metr")
            async with aiohttp.ClientSession() as other, other.get(running.url + "/metrics") as response:
                assert "modelmonitor_build_info" in await response.text()
            assert resident_bytes(running.process) - before < FLOOD_BYTES
        assert "made room" in running.log.read_text()
