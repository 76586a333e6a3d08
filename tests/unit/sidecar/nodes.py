"""A node with three GPUs and one Triton pod, and the pages that a sidecar there serves."""

import re

from modelmonitor_api.summary import (
    DeviceHolder,
    EndpointReading,
    EndpointState,
    GpuReading,
    GpuState,
    MigInstance,
    ModelReading,
    ModelWindow,
    ScrapeResult,
    SourceState,
)
from modelmonitor_sidecar.collectors.families import FamilyBuilder, page_parts
from modelmonitor_sidecar.collectors.gpus import collect_gpus
from modelmonitor_sidecar.collectors.own import Answered, Identity, ProcessReading, collect_own
from modelmonitor_sidecar.exposition import parse_page
from modelmonitor_sidecar.monitor_pages import MonitorPages
from modelmonitor_sidecar.snapshot import (
    Instant,
    NodeSnapshot,
    NvmlSnapshot,
    PlanSnapshot,
    PodResourcesSnapshot,
    ScrapeTotals,
    Target,
    TargetSnapshot,
    Xid,
)
from modelmonitor_sidecar.windows import StatisticsCounters
from tests.unit.sidecar.readings import monitor, page_text, plan, pod

OK = EndpointReading(state=EndpointState.OK)
AT = Instant(100.0, 1e9)
FULL_GPU = GpuReading(
    index=0,
    uuid="GPU-0",
    name="A100",
    pci_bus_id="0:1:0",
    utilization_ratio=0.5,
    memory_utilization_ratio=0.25,
    memory_used_bytes=10,
    memory_total_bytes=100,
    power_watts=99.5,
    power_limit_watts=400.0,
    energy_joules=12.5,
    temperature_celsius=60.0,
    slowdown_temperature_celsius=89.0,
    sm_clock_hertz=1.41e9,
    memory_clock_hertz=1.6e9,
    clock_event_reasons=0x48,
    ecc_uncorrected_volatile=1,
    ecc_corrected_volatile=2,
    ecc_uncorrected_aggregate=3,
    ecc_corrected_aggregate=4,
    remapped_rows_correctable=5,
    remapped_rows_uncorrectable=6,
    remapped_rows_pending=True,
    remapped_rows_failure=False,
    pcie_replays=7,
    mig_enabled=False,
)
MIG_GPU = GpuReading(
    index=1,
    uuid="GPU-1",
    mig_enabled=True,
    mig_instances=(MigInstance(uuid="MIG-a", profile="1g.10gb", memory_used_bytes=1, memory_total_bytes=2),),
)
LOST_GPU = GpuReading(index=2, uuid="GPU-2", state=GpuState.LOST, message="lost")
FAST_COUNTERS = StatisticsCounters(
    successes=20,
    failures=2,
    success_seconds=1.5,
    queue_seconds=0.25,
    executions=6,
    inferences=18,
    execution_ns=750_000_000,
    cache_hits=2,
    cache_misses=18,
)
SERIES = parse_page(page_text("summary-latencies", "served")).series


def model(name: str, successes: int = 0, *, ready: bool = True) -> ModelReading:
    window = ModelWindow(window_seconds=60, covered_seconds=60, successes=successes)
    return ModelReading(name=name, version="1", ready=ready, windows=(window,))


def holder(name: str, *devices: str, resource: str = "nvidia.com/gpu") -> DeviceHolder:
    return DeviceHolder(namespace="team-a", pod=name, container="triton", resource=resource, device_ids=devices)


def snapshot(*holders: DeviceHolder, **more: object) -> NodeSnapshot:
    first = pod()
    target = TargetSnapshot(
        Target("team-a", first, 15, (60,)),
        reading=3,
        read=AT,
        http=OK,
        metrics=OK,
        server_ready=True,
        models=(model("fast"), model("slow", ready=False)),
        statistics={("fast", "1"): FAST_COUNTERS, ("slow", "1"): StatisticsCounters()},
        series=SERIES,
    )
    return NodeSnapshot(
        plan=PlanSnapshot(SourceState.OK, "", 4, plan(monitor(first, **more)), listed=True),
        nvml=NvmlSnapshot(
            SourceState.OK,
            reading=1,
            read=AT,
            driver_version="580",
            gpus=(FULL_GPU, MIG_GPU, LOST_GPU),
            xids=(Xid(1, 79, 90.0, "GPU-2", 2),),
            xid_counts=(((2, "GPU-2", 79), 1),),
        ),
        pod_resources=PodResourcesSnapshot(SourceState.OK, reading=1, read=AT, holders=holders),
        targets={first.uid: target},
        scrapes=ScrapeTotals({("http", "Ok"): 3}, 1, 2),
    )


def sidecar_page(seen: NodeSnapshot) -> str:
    page = FamilyBuilder()
    answered = Answered({"answered": 2}, {ScrapeResult.COMPLETE: 5, ScrapeResult.CUT_OFF: 1}, 3)
    collect_own(page, seen, Identity("node-a", "u", "1"), ProcessReading(1.5, 100, 7, 1e9), answered)
    collect_gpus(page, seen, "node-a")
    return b"".join(page_parts([page.chunk()])).decode()


def monitor_page(seen: NodeSnapshot) -> str:
    return MonitorPages("node-a").page(seen, seen.plan.monitors[0]).plain.decode()


def names(page: str) -> set[str]:
    return {re.split(r"[{ ]", line, maxsplit=1)[0] for line in page.splitlines() if line and line[0] != "#"}


def values(page: str, name: str) -> dict[str, float]:
    lines = (line for line in page.splitlines() if re.split(r"[{ ]", line, maxsplit=1)[0] == name)
    return {line[len(name) :].rsplit(" ", 1)[0]: float(line.rsplit(" ", 1)[1]) for line in lines}
