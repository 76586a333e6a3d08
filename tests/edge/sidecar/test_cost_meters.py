"""The whole sidecar meters a time-sliced GPU: the split follows the load, and misfortunes are booked to nobody."""

import asyncio
import tempfile
import time
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack
from dataclasses import dataclass
from pathlib import Path

import pytest

from modelmonitor_api.cost_summary import CostMethod, CostReading, ModelMeter
from modelmonitor_testbed.gpu.__main__ import main as gpusim
from modelmonitor_testbed.gpu.hardware import NAME, Node, build_state
from modelmonitor_testbed.gpu.library import compile_library
from modelmonitor_testbed.gpu.state import write_state
from tests.edge.sidecar.metered_node import LoadedTriton, ask_cost, kubelet
from tests.edge.sidecar.test_process import Running, plan_api, sidecar
from tests.unit.sidecar.readings import monitor, plan, pod

NODE = Node("node-a", 1, {})
BUSY, HELD_OF, S = 0.8, 4, 1_000_000
INTERVAL_SECONDS, PATIENCE_SECONDS = 5, 60.0
BOOT_ID = Path("/proc/sys/kernel/random/boot_id").read_text().strip()


@dataclass
class Metered:
    """The node, and what is around its sidecar."""

    folder: Path
    api: str
    busy: LoadedTriton
    quiet: LoadedTriton

    def gpusim(self, *words: str) -> None:
        assert gpusim(["--state", str(self.folder / "state"), *words]) == 0


@pytest.fixture
async def node() -> AsyncIterator[Metered]:
    """Two pods with a quarter of the GPU each; one executes three times as much as the other."""
    async with AsyncExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        (folder / "lib").mkdir()
        compile_library(folder / "lib")
        write_state(folder / "state", build_state(NODE, time.time()) | {"gpu.0.utilization": f"{BUSY:.0%}"[:-1]})
        busy = LoadedTriton({"fraud": 0.5, "risk": 0.25, "both": 0.75}, frozenset({"both"}), before=1000)
        quiet = LoadedTriton({"fraud": 0.25}, before=5)
        pods = [
            pod(f"fraud-{number}", http=port, metrics=port)
            for number, port in enumerate([await stack.enter_async_context(one.serving()) for one in (busy, quiet)])
        ]
        uuid = NODE.gpu_uuid(0)
        held = {"fraud-0": f"{uuid}::0", "fraud-1": f"{uuid}::3"}
        await stack.enter_async_context(kubelet(folder / "kubelet.sock", held, HELD_OF))
        spec = plan(monitor(*pods, interval=INTERVAL_SECONDS)).to_wire()
        yield Metered(folder, await stack.enter_async_context(plan_api(spec)), busy, quiet)


def wall(reading: CostReading) -> float:
    return sum(device.wall_us for device in reading.devices) / S


async def until(running: Running, wanted: Callable[[CostReading], bool]) -> CostReading:
    deadline = time.monotonic() + PATIENCE_SECONDS
    while True:
        reading = await ask_cost(running.session, running.url)
        if reading is not None and wanted(reading):
            return reading
        assert time.monotonic() < deadline, f"{reading}\n{running.log.read_text()}"
        await asyncio.sleep(0.1)


async def until_wall(running: Running, seconds: float) -> CostReading:
    return await until(running, lambda reading: wall(reading) >= seconds)


def models(reading: CostReading) -> dict[str, ModelMeter]:
    """By pod and model."""
    return {f"{one.pod_uid}/{model.name}": model for one in reading.pods for model in one.models}


def check_sums(reading: CostReading) -> None:
    """Both views add up to the device, and nothing was busy with anything else."""
    (device,) = reading.devices
    assert device.used_us + device.idle_us + device.other_us + device.unallocated_us == device.wall_us
    assert sum(one.observed_us for one in reading.pods) == device.planned_us
    assert abs(device.planned_us - 2 * device.wall_us / HELD_OF) <= len(reading.pods) * 10
    assert (device.unplanned_us, device.gpu_model) == (0, NAME)
    energy = sum(one.rest_energy_mj + sum(m.energy_mj for m in one.models) for one in reading.pods)
    assert energy <= device.energy_mj


def share_of_busy_pod(after: CostReading, before: CostReading | None = None) -> float:
    """What part of all that was used the first pod has used."""
    used = {name: one.used_us for name, one in models(after).items()}
    for name, one in models(before).items() if before else ():
        used[name] -= one.used_us
    return sum(us for name, us in used.items() if name.startswith("uid-fraud-0/")) / sum(used.values())


async def test_the_split_follows_the_load_through_a_reload_and_a_driver_that_hangs(node: Metered) -> None:
    async with sidecar(node.folder, node.api) as running:
        first = await until_wall(running, 20)
        check_sums(first)
        (device,) = first.devices
        assert device.used_us == pytest.approx(BUSY * device.wall_us, rel=0.02)
        assert share_of_busy_pod(first) == pytest.approx(0.75, abs=0.03)
        assert {one.method for one in first.pods} == {CostMethod.TIME_SLICE}
        seen = models(first)
        both = seen["uid-fraud-0/both"]
        assert (both.ensemble, both.used_us, both.counted.execution_us > 0) == (True, 0, True)
        assert seen["uid-fraud-0/fraud"].used_us == pytest.approx(2 * seen["uid-fraud-0/risk"].used_us, rel=0.01)
        assert seen["uid-fraud-0/fraud"].borrowed_us > 0 == seen["uid-fraud-1/fraud"].borrowed_us

        node.busy.load_again()
        second = await until_wall(running, wall(first) + INTERVAL_SECONDS)
        reloaded = models(second)["uid-fraud-0/fraud"]
        assert (reloaded.reset, reloaded.raw.execution_us < 1000 * S) == (True, True)
        third = await until_wall(running, wall(second) + 2 * INTERVAL_SECONDS)
        assert share_of_busy_pod(third, second) == pytest.approx(0.75, abs=0.03)

        node.gpusim("hang", "all")
        await running.until("/readyz", lambda text: "nvml Hung" in text)
        hung = await until_wall(running, wall(third))
        still = await until(running, lambda reading: reading.at_us >= hung.at_us + 2 * INTERVAL_SECONDS * S)
        assert still.devices == hung.devices
        node.gpusim("unhang")
        after = await until_wall(running, wall(hung) + INTERVAL_SECONDS)
        check_sums(after)
        assert wall(after) < (after.at_us - first.at_us) / S + wall(first) - 2 * INTERVAL_SECONDS


async def test_a_sidecar_that_begins_anew_goes_on_with_the_same_clock_and_charges_no_past(node: Metered) -> None:
    readings = []
    for _ in range(2):
        async with sidecar(node.folder, node.api) as running:
            readings.append(await until_wall(running, INTERVAL_SECONDS))
    old, new = readings
    assert (old.boot_id, new.boot_id) == (BOOT_ID, BOOT_ID)
    assert old.at_us < new.started_us < new.at_us
    before, now = models(old)["uid-fraud-0/fraud"], models(new)["uid-fraud-0/fraud"]
    assert now.raw.execution_us > before.raw.execution_us > 1000 * S
    assert now.used_us + now.counted.execution_us < 60 * S
    check_sums(new)
