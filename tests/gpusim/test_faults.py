"""What pynvml makes of simulated GPUs that are not well."""

import threading

import pynvml
import pytest

from modelmonitor_testbed.gpu.__main__ import main
from modelmonitor_testbed.gpu.changes import ReturnCode

from .conftest import NODE, Simulation

POWER = "nvmlDeviceGetPowerUsage"


@pytest.mark.parametrize("code", [code for code in ReturnCode if code is not ReturnCode.FUNCTION_NOT_FOUND])
def test_an_injected_code_is_pynvmls_exception_for_that_code(nvml: Simulation, code: ReturnCode) -> None:
    gpu = pynvml.nvmlDeviceGetHandleByIndex(0)
    nvml.gpusim("fail", POWER, code.name)
    with pytest.raises(pynvml.NVMLError) as raised:
        pynvml.nvmlDeviceGetPowerUsage(gpu)
    assert raised.value.value == code
    assert getattr(pynvml, f"NVML_ERROR_{code.name}") == code


def test_a_code_for_one_gpu_leaves_the_others_alone(nvml: Simulation) -> None:
    nvml.gpusim("fail", POWER, "RESET_REQUIRED", "1")
    first, second = (pynvml.nvmlDeviceGetHandleByIndex(slot) for slot in (0, 1))
    assert pynvml.nvmlDeviceGetPowerUsage(first) > 0
    with pytest.raises(pynvml.NVMLError_ResetRequired):
        pynvml.nvmlDeviceGetPowerUsage(second)
    nvml.gpusim("unfail")
    assert pynvml.nvmlDeviceGetPowerUsage(second) > 0


@pytest.mark.parametrize(
    ("word", "error"),
    [("unload", pynvml.NVML_ERROR_DRIVER_NOT_LOADED), ("mismatch", pynvml.NVML_ERROR_LIB_RM_VERSION_MISMATCH)],
)
def test_a_driver_that_cannot_be_used_fails_init(simulation: Simulation, word: str, error: int) -> None:
    simulation.gpusim("driver", word)
    with pytest.raises(pynvml.NVMLError) as raised:
        pynvml.nvmlInit()
    assert raised.value.value == error


def test_a_call_before_init_says_so(simulation: Simulation) -> None:
    with pytest.raises(pynvml.NVMLError_Uninitialized):
        pynvml.nvmlDeviceGetCount()


def test_a_lost_gpu_is_counted_and_answers_nothing(nvml: Simulation) -> None:
    gpu = pynvml.nvmlDeviceGetHandleByIndex(0)
    nvml.gpusim("lose", "0")
    assert pynvml.nvmlDeviceGetCount() == NODE.gpus
    with pytest.raises(pynvml.NVMLError_GpuIsLost):
        pynvml.nvmlDeviceGetPowerUsage(gpu)
    with pytest.raises(pynvml.NVMLError_GpuIsLost):
        pynvml.nvmlDeviceGetHandleByIndex(0)
    nvml.gpusim("restore")
    assert pynvml.nvmlDeviceGetPowerUsage(gpu) > 0


def test_a_missing_gpu_is_not_counted_and_the_next_takes_its_index(nvml: Simulation) -> None:
    nvml.gpusim("remove", "0")
    assert pynvml.nvmlDeviceGetCount() == NODE.gpus - 1
    assert pynvml.nvmlDeviceGetUUID(pynvml.nvmlDeviceGetHandleByIndex(0)) == NODE.gpu_uuid(1)
    with pytest.raises(pynvml.NVMLError_NotFound):
        pynvml.nvmlDeviceGetHandleByUUID(NODE.gpu_uuid(0))


@pytest.mark.parametrize("function", [POWER, "all"])
def test_a_hang_blocks_its_own_thread_until_it_is_taken_away(nvml: Simulation, function: str) -> None:
    gpu = pynvml.nvmlDeviceGetHandleByIndex(0)
    nvml.gpusim("hang", function)
    readings: list[int] = []
    thread = threading.Thread(target=lambda: readings.append(pynvml.nvmlDeviceGetPowerUsage(gpu)), daemon=True)
    thread.start()
    thread.join(0.2)
    assert thread.is_alive()
    assert not readings
    if function != "all":
        assert pynvml.nvmlDeviceGetTemperature(gpu, pynvml.NVML_TEMPERATURE_GPU) == 45
    nvml.gpusim("unhang")
    thread.join(5)
    assert not thread.is_alive()
    assert readings[0] > 0


def test_a_typing_error_is_refused_and_changes_nothing(
    simulation: Simulation, capsys: pytest.CaptureFixture[str]
) -> None:
    before = simulation.path.read_text()
    for words in (
        ["set", "0", "temprature=9"],
        ["set", "7", "temperature=9"],
        ["set", "0", "temperature=hot"],
        ["fail", POWER, "LOSTT"],
        ["driver", "reload"],
        ["xid", "9", "79"],
    ):
        assert main(["--state", str(simulation.path), *words]) == 1
        assert capsys.readouterr().err.startswith("gpusim: ")
    assert simulation.path.read_text() == before
