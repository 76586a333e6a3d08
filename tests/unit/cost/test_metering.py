"""How the meters are fed: once for each reading of NVML, at the time of that reading."""

import logging
from dataclasses import dataclass, field, replace
from pathlib import Path

import pytest

from modelmonitor_api.cost_summary import CostReading, Counters
from modelmonitor_api.summary import GpuReading, SourceState
from modelmonitor_sidecar.cost.moment import PodSample
from modelmonitor_sidecar.metering import LONGEST_STRETCH_US, Metering, read_boot_id
from modelmonitor_sidecar.snapshot import (
    Instant,
    NvmlSnapshot,
    PodResourcesSnapshot,
    SnapshotStore,
    Target,
    TargetSnapshot,
)
from tests.unit.cost.test_moment import GPU, NODE, PLANNED, S

MODEL = ("fraud", "1")


@dataclass
class Fed:
    """A node of one GPU with four replicas, of which the planned pod holds one; `now` is when somebody asks."""

    now: float = 0.0
    store: SnapshotStore = field(default_factory=SnapshotStore)

    def __post_init__(self) -> None:
        self.store.newest = replace(NODE, nvml=NvmlSnapshot())
        self.metering = Metering(self.store, lambda: Instant(self.now, 1e9 + self.now), "boot")
        self.store.on_devices = self.metering.follow

    def nvml(self, at: float, state: SourceState = SourceState.OK, gpus: tuple[GpuReading, ...] = (GPU,)) -> None:
        """NVML has answered, or failed, at a time before now."""
        reading = self.store.newest.nvml.reading + 1
        self.store.publish_nvml(NvmlSnapshot(state, reading=reading, attempted_at=at, gpus=gpus))

    def all(self, at: float) -> None:
        """Triton and NVML have answered."""
        self.triton(at, 0)
        self.nvml(at)

    def triton(self, at: float, executed: float) -> None:
        """Triton has executed for so many seconds."""
        sample = PodSample(PLANNED.uid, round(at * S), {MODEL: Counters(execution_us=round(executed * S))})
        self.store.publish_target(TargetSnapshot(Target("a", PLANNED, 15, (300,)), counted=sample))

    def read(self) -> CostReading:
        found = self.metering.read()
        assert found is not None
        return found

    def observed(self) -> float:
        (pod,) = self.read().pods
        return pod.observed_us / S

    def wall(self) -> float:
        return sum(device.wall_us for device in self.read().devices) / S


def test_a_node_says_nothing_of_cost_before_its_devices_are_known() -> None:
    fed = Fed()
    fed.nvml(1, SourceState.ABSENT, ())
    assert fed.metering.read() is None
    fed.nvml(2)
    assert fed.read().pods[0].holdings[0].of == 4


def test_meters_begin_with_the_reading_before_the_kubelets_first_word() -> None:
    fed = Fed()
    fed.store.publish_pod_resources(PodResourcesSnapshot())
    fed.all(1)
    assert fed.metering.read() is None
    fed.store.publish_pod_resources(NODE.pod_resources)
    fed.all(16)
    assert (fed.read().pods[0].since_us, fed.wall()) == (S, 15)


def test_a_driver_that_comes_late_is_metered_from_its_first_reading() -> None:
    fed = Fed()
    fed.nvml(1, SourceState.ABSENT, ())
    fed.all(1000)
    fed.all(1015)
    assert fed.wall() == 15


def test_time_is_booked_from_reading_to_reading_whenever_the_loop_comes_to_it() -> None:
    fed = Fed()
    fed.triton(0, 0)
    fed.nvml(1)
    fed.now = 60
    fed.triton(14, 9)
    fed.nvml(15)
    reading = fed.read()
    assert (fed.wall(), fed.observed(), reading.pods[0].models[0].used_us) == (14, 3.5, 3.5 * S)
    assert (reading.at_us, reading.time, reading.boot_id) == (60 * S, 1e9 + 60, "boot")


def test_an_xid_or_readings_that_are_let_go_are_no_reading() -> None:
    fed = Fed()
    fed.all(1)
    fed.store.publish_nvml(replace(fed.store.newest.nvml, gpus=()))
    fed.all(15)
    assert fed.wall() == 14


def test_while_nvml_hangs_nothing_is_booked_and_pods_are_followed() -> None:
    fed = Fed()
    fed.all(1)
    fed.all(16)
    fed.nvml(31, SourceState.HUNG)
    without = replace(NODE.pod_resources, holders=NODE.pod_resources.holders[1:])
    fed.store.publish_pod_resources(without)
    fed.nvml(46, SourceState.HUNG, ())
    fed.nvml(61, SourceState.HUNG, ())
    assert (fed.wall(), fed.observed()) == (15, 3.75)
    (pod,) = fed.read().pods
    assert (pod.departed, pod.until_us, pod.last_held_us) == (True, 46 * S, 31 * S)
    fed.all(76)
    assert fed.wall() == 15
    fed.all(91)
    assert fed.wall() == 30


def test_a_reading_after_a_long_silence_says_nothing_about_it() -> None:
    fed = Fed()
    fed.all(1)
    fed.all(16)
    fed.all(17 + LONGEST_STRETCH_US // S)
    fed.all(150)
    assert fed.wall() == 15
    fed.all(163)
    assert fed.wall() == 15 + 13


def test_a_reading_older_than_the_last_is_passed_over() -> None:
    fed = Fed()
    fed.all(1)
    fed.all(16)
    fed.all(16)
    fed.all(15)
    assert fed.wall() == 15


def test_a_triton_that_is_not_read_any_more_keeps_what_it_counted() -> None:
    fed = Fed()
    fed.triton(0, 0)
    fed.nvml(1)
    fed.triton(15, 9)
    fed.nvml(16)
    fed.store.forget_target(PLANNED.uid)
    fed.nvml(31)
    assert fed.read().pods[0].models[0].counted.execution_us == 9 * S


def test_the_boot_is_the_kernels_own_word(tmp_path: Path) -> None:
    (tmp_path / "boot_id").write_text("8a4f-11\n")
    assert read_boot_id(tmp_path / "boot_id") == "8a4f-11"


@pytest.mark.parametrize("content", [None, "", " \n", b"\xff\xfe"], ids=["no file", "empty", "blank", "no text"])
def test_where_the_kernel_does_not_say_each_process_is_a_boot_of_its_own(
    tmp_path: Path, content: str | bytes | None, caplog: pytest.LogCaptureFixture
) -> None:
    path = tmp_path / "boot_id"
    if content is not None:
        path.write_bytes(content.encode() if isinstance(content, str) else content)
    with caplog.at_level(logging.WARNING):
        assert read_boot_id(path) != read_boot_id(path)
    assert "each start of the sidecar counts as one" in caplog.text
