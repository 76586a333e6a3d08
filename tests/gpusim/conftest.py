"""The real pynvml on the simulated library, compiled once, with a state of its own for each test."""

import os
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pynvml
import pytest

from modelmonitor_testbed.gpu.__main__ import main
from modelmonitor_testbed.gpu.hardware import Node, build_state
from modelmonitor_testbed.gpu.library import compile_library
from modelmonitor_testbed.gpu.state import edited_state, write_state

NODE = Node("node-a", 3, {2: ("1g.10gb", "2g.20gb")})


@dataclass(frozen=True)
class Simulation:
    """The state file that the loaded library reads."""

    path: Path

    def gpusim(self, *words: str) -> None:
        """Run a gpusim command, which must succeed."""
        assert main(["--state", str(self.path), *words]) == 0

    def put(self, key: str, value: str) -> None:
        """Write one key of the state as it is."""
        with edited_state(self.path) as state:
            state[key] = value


@pytest.fixture(scope="session")
def library(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Compile the library and let pynvml load it, as it loads the driver's by name."""
    folder = tmp_path_factory.mktemp("nvml")
    path = compile_library(folder)
    os.environ["NVML_SIM_STATE"] = str(folder / "state")
    return path


@pytest.fixture
def simulation(library: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Simulation]:
    """Give a node with three well GPUs, the last in MIG mode, before nvmlInit."""
    path = library.with_name("state")
    write_state(path, build_state(NODE, time.time()))
    monkeypatch.setenv("NVML_SIM_STATE", str(path))
    monkeypatch.setattr(pynvml, "nvmlLib", pynvml.CDLL(str(library)))
    monkeypatch.setattr(pynvml, "_nvmlGetFunctionPointer_cache", {})  # of a library that another folder's tests loaded
    yield Simulation(path)
    write_state(path, build_state(NODE, time.time()))


@pytest.fixture
def nvml(simulation: Simulation) -> Iterator[Simulation]:
    """Give the same node after nvmlInit."""
    pynvml.nvmlInit()
    yield simulation
    simulation.gpusim("restore")
    pynvml.nvmlShutdown()
