"""The NVML source on the real pynvml and the simulated library: every way in which a driver misbehaves."""

import asyncio
import time
from collections.abc import AsyncIterator, Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pynvml
import pytest

from modelmonitor_api.summary import GpuState, SourceState
from modelmonitor_sidecar.snapshot import Instant, NvmlSnapshot, SnapshotStore
from modelmonitor_sidecar.sources.nvml import NvmlSource
from modelmonitor_sidecar.sources.nvml_calls import NvmlCalls
from modelmonitor_sidecar.sources.nvml_errors import Meaning, NvmlCallError
from modelmonitor_sidecar.sources.nvml_session import NvmlSession
from modelmonitor_testbed.gpu.__main__ import main as gpusim
from modelmonitor_testbed.gpu.changes import ReturnCode
from modelmonitor_testbed.gpu.hardware import Node, build_state
from modelmonitor_testbed.gpu.library import compile_library
from modelmonitor_testbed.gpu.state import write_state

NODE = Node("node-a", 3, {2: ("1g.10gb", "2g.20gb")})
INTERVAL_SECONDS, DEADLINE_SECONDS, PATIENCE_SECONDS = 0.1, 0.4, 10.0


@dataclass
class Simulated:
    """The state file of the simulated driver, and what the source made of it."""

    state: Path
    store: SnapshotStore

    def gpusim(self, *words: str) -> None:
        assert gpusim(["--state", str(self.state), *words]) == 0

    async def until(self, wanted: Callable[[NvmlSnapshot], bool]) -> NvmlSnapshot:
        deadline = time.monotonic() + PATIENCE_SECONDS
        while not wanted(self.store.newest.nvml):
            assert time.monotonic() < deadline, self.store.newest.nvml
            await asyncio.sleep(0.01)
        return self.store.newest.nvml

    async def state_is(self, state: SourceState) -> NvmlSnapshot:
        return await self.until(lambda nvml: nvml.state is state)


@pytest.fixture(scope="session")
def library(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return compile_library(tmp_path_factory.mktemp("nvml"))


@pytest.fixture
async def nvml(library: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Simulated]:
    """The source, reading a node of three GPUs, the last in MIG mode."""
    state = tmp_path / "state"
    write_state(state, build_state(NODE, time.time()))
    monkeypatch.setenv("NVML_SIM_STATE", str(state))
    monkeypatch.setattr(pynvml, "nvmlLib", pynvml.CDLL(str(library)))
    monkeypatch.setattr(pynvml, "_nvmlGetFunctionPointer_cache", {})  # of a library that another folder's tests loaded
    simulated = Simulated(state, SnapshotStore())
    source = NvmlSource(
        simulated.store, lambda: Instant(time.monotonic(), time.time()), lambda: INTERVAL_SECONDS, DEADLINE_SECONDS
    )
    source.start()
    watchdog = asyncio.create_task(source.run_watchdog())
    yield simulated
    write_state(state, build_state(NODE, time.time()))
    watchdog.cancel()
    await asyncio.to_thread(source.stop, PATIENCE_SECONDS)


async def test_every_gpu_is_read_with_its_versions_and_mig_instances(nvml: Simulated) -> None:
    seen = await nvml.state_is(SourceState.OK)
    assert [gpu.index for gpu in seen.gpus] == [0, 1, 2]
    assert {gpu.state for gpu in seen.gpus} == {GpuState.OK}
    assert all(gpu.uuid and gpu.uuid.startswith("GPU-") for gpu in seen.gpus)
    assert (seen.gpus[0].power_watts, seen.gpus[0].temperature_celsius) == (162.0, 45.0)
    assert [i.profile for i in seen.gpus[2].mig_instances] == ["1g.10gb", "2g.20gb"]
    assert all(i.uuid.startswith("MIG-") for i in seen.gpus[2].mig_instances)
    assert seen.driver_version


async def test_what_is_not_supported_is_absent_and_no_fault(nvml: Simulated) -> None:
    nvml.gpusim("fail", "nvmlDeviceGetPowerUsage", "NOT_SUPPORTED", "0")
    seen = await nvml.until(lambda n: bool(n.gpus) and n.gpus[0].power_watts is None)
    assert (seen.gpus[0].state, seen.gpus[0].temperature_celsius) == (GpuState.OK, 45.0)
    assert seen.gpus[1].power_watts == 162.0


@pytest.mark.parametrize("code", ["UNKNOWN", "RESET_REQUIRED", "CORRUPTED_INFOROM"])
async def test_a_gpu_that_answers_with_an_error_failed_and_names_the_call(nvml: Simulated, code: str) -> None:
    nvml.gpusim("fail", "nvmlDeviceGetPowerUsage", code, "0")
    seen = await nvml.until(lambda n: bool(n.gpus) and n.gpus[0].state is GpuState.FAILED)
    assert f"nvmlDeviceGetPowerUsage answered {code}" in seen.gpus[0].message
    assert seen.gpus[0].temperature_celsius == 45.0
    assert seen.gpus[1].state is GpuState.OK


def meaning_of(code: ReturnCode) -> Meaning:
    return NvmlCallError(code, "nvmlDeviceGetPowerUsage").meaning


@pytest.fixture
def session(library: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[NvmlSession]:
    """A session without a thread."""
    state = tmp_path / "state"
    write_state(state, build_state(NODE, time.time()))
    monkeypatch.setenv("NVML_SIM_STATE", str(state))
    monkeypatch.setattr(pynvml, "nvmlLib", pynvml.CDLL(str(library)))
    monkeypatch.setattr(pynvml, "_nvmlGetFunctionPointer_cache", {})  # of a library that another folder's tests loaded
    made = NvmlSession(NvmlCalls())
    yield made
    made.close()


def refuse_power(tmp_path: Path, code: ReturnCode) -> None:
    assert gpusim(["--state", str(tmp_path / "state"), "fail", "nvmlDeviceGetPowerUsage", code.name, "0"]) == 0


@pytest.mark.parametrize("code", [c for c in ReturnCode if meaning_of(c) is not Meaning.SESSION_OVER])
def test_each_code_of_one_gpu_is_absent_or_named_and_the_others_are_read(
    session: NvmlSession, tmp_path: Path, code: ReturnCode
) -> None:
    refuse_power(tmp_path, code)
    hurt, *others = session.read()
    states = {Meaning.NO_READING: GpuState.OK, Meaning.GPU_LOST: GpuState.LOST, Meaning.GPU_FAILED: GpuState.FAILED}
    assert (hurt.state, hurt.power_watts) == (states[meaning_of(code)], None)
    assert (code.name in hurt.message) is (hurt.state is not GpuState.OK)
    assert [(gpu.state, gpu.power_watts) for gpu in others] == [(GpuState.OK, 162.0)] * 2


@pytest.mark.parametrize("code", [c for c in ReturnCode if meaning_of(c) is Meaning.SESSION_OVER])
def test_each_code_that_means_that_nvml_is_gone_ends_the_session(
    session: NvmlSession, tmp_path: Path, code: ReturnCode
) -> None:
    refuse_power(tmp_path, code)
    with pytest.raises(NvmlCallError, match=code.name):
        session.read()


async def test_a_lost_gpu_keeps_its_name_and_comes_back(nvml: Simulated) -> None:
    before = (await nvml.until(lambda n: len(n.gpus) == 3)).gpus[1].uuid
    nvml.gpusim("lose", "1")
    seen = await nvml.until(lambda n: len(n.gpus) == 3 and n.gpus[1].state is GpuState.LOST)
    assert (seen.gpus[1].uuid, seen.gpus[1].temperature_celsius) == (before, None)
    assert "GPU_IS_LOST" in seen.gpus[1].message
    assert seen.gpus[0].state is GpuState.OK
    nvml.gpusim("restore")
    await nvml.until(lambda n: len(n.gpus) == 3 and n.gpus[1].state is GpuState.OK)


async def test_a_gpu_that_is_not_found_at_all_is_missing_and_the_others_keep_their_names(nvml: Simulated) -> None:
    before = await nvml.until(lambda n: len(n.gpus) == 3)
    nvml.gpusim("remove", "0")
    seen = await nvml.until(lambda n: len(n.gpus) == 2)
    assert [gpu.uuid for gpu in seen.gpus] == [gpu.uuid for gpu in before.gpus[1:]]


@pytest.mark.parametrize(
    ("code", "words"),
    [
        pytest.param("DRIVER_NOT_LOADED", "kernel driver is not loaded", id="no driver"),
        pytest.param("LIB_RM_VERSION_MISMATCH", "restart this sidecar pod", id="another driver than library"),
        pytest.param("UNINITIALIZED", "initialised again", id="initialisation lost"),
        pytest.param("UNKNOWN", "UNKNOWN", id="an unknown error"),
    ],
)
async def test_nvml_as_a_whole_failing_is_a_state_with_advice_and_passes(
    nvml: Simulated, code: str, words: str
) -> None:
    await nvml.state_is(SourceState.OK)
    nvml.gpusim("fail", "nvmlDeviceGetCount", code)
    seen = await nvml.state_is(SourceState.FAILED)
    assert words in seen.message
    assert seen.gpus == ()
    nvml.gpusim("unfail")
    assert len((await nvml.state_is(SourceState.OK)).gpus) == 3


async def test_a_driver_that_is_unloaded_and_loaded_again_is_read_again(nvml: Simulated) -> None:
    await nvml.state_is(SourceState.OK)
    nvml.gpusim("driver", "unload")
    await nvml.state_is(SourceState.FAILED)
    nvml.gpusim("driver", "load")
    seen = await nvml.state_is(SourceState.OK)
    assert len(seen.gpus) == 3


async def test_a_call_that_hangs_is_hung_lets_readings_go_and_goes_on_when_it_returns(nvml: Simulated) -> None:
    await nvml.state_is(SourceState.OK)
    nvml.gpusim("hang", "nvmlDeviceGetUtilizationRates")
    seen = await nvml.state_is(SourceState.HUNG)
    assert "nvmlDeviceGetUtilizationRates has not returned" in seen.message
    gone = await nvml.until(lambda n: n.gpus == ())
    assert gone.state is SourceState.HUNG
    counted = await nvml.until(lambda n: n.reading > gone.reading)
    assert counted.state is SourceState.HUNG
    nvml.gpusim("unhang")
    assert len((await nvml.state_is(SourceState.OK)).gpus) == 3


async def test_an_answer_that_our_code_cannot_take_is_a_failure_and_passes(
    nvml: Simulated, monkeypatch: pytest.MonkeyPatch
) -> None:
    await nvml.state_is(SourceState.OK)
    with monkeypatch.context() as patched:
        patched.setattr(pynvml, "nvmlDeviceGetUtilizationRates", lambda _handle: "no structure")
        seen = await nvml.state_is(SourceState.FAILED)
    assert (seen.gpus, "AttributeError" in seen.message) == ((), True)
    assert len((await nvml.state_is(SourceState.OK)).gpus) == 3


async def test_an_xid_arrives_with_its_gpu(nvml: Simulated) -> None:
    seen = await nvml.until(lambda n: len(n.gpus) == 3)
    nvml.gpusim("xid", "1", "79")
    with_xid = await nvml.until(lambda n: bool(n.xids))
    (xid,) = with_xid.xids
    assert (xid.code, xid.gpu_index, xid.gpu_uuid) == (79, 1, seen.gpus[1].uuid)


async def test_devices_without_events_are_read_all_the_same(nvml: Simulated) -> None:
    nvml.gpusim("fail", "nvmlDeviceRegisterEvents", "NOT_SUPPORTED")
    nvml.gpusim("fail", "nvmlEventSetWait_v2", "NOT_SUPPORTED")
    before = (await nvml.state_is(SourceState.OK)).reading
    await nvml.until(lambda n: n.reading > before + 2 and n.state is SourceState.OK)
