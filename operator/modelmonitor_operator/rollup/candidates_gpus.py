"""What is wrong with the GPUs that the monitor's pods hold. The action is said and never taken."""

from collections.abc import Iterator

from modelmonitor_api.findings import BAD_CLOCK_EVENTS, FINDINGS, FindingCode, ObjectKind, Severity
from modelmonitor_api.status import GpuEvent
from modelmonitor_api.summary import GpuReading, GpuState, SourceState
from modelmonitor_api.xid import xid_action, xid_severity
from modelmonitor_operator.rollup.candidates import (
    Candidate,
    FindingKey,
    Source,
    SourceKind,
    default_severity,
    join_names,
    render_count,
)
from modelmonitor_operator.rollup.gpus import HeldGpu, broken_reading, gpus_by_node, missing_gpus
from modelmonitor_operator.rollup.view import MonitorView
from modelmonitor_operator.rollup.xids import is_mended
from modelmonitor_operator.timestamps import parse_time

_RANK = {Severity.CRITICAL: 0, Severity.WARNING: 1, Severity.INFO: 2}


def _who(view: MonitorView, gpu: HeldGpu) -> str:
    """The pods and models of this monitor on the GPU."""
    selected = {total.name for total in view.models}
    names = [name for name in gpu.models if name in selected]
    models = f" (model{'s' if len(names) > 1 else ''} {join_names(names)})" if names else ""
    return f"held by {join_names(gpu.pods, 3)}{models}"


def _what(gpu: HeldGpu) -> str:
    name = f" {gpu.reading.name}" if gpu.reading and gpu.reading.name else ""
    return f"GPU {gpu.uuid}{name} on node {gpu.node}"


def _nvml(node: str) -> tuple[Source, ...]:
    return (Source(SourceKind.NVML, node),)


def _candidate(
    gpu: HeldGpu, code: FindingCode, message: str, *, severity: Severity | None = None, weight: float = 0.0
) -> Candidate:
    key = FindingKey(code, ObjectKind.GPU, gpu.uuid)
    return Candidate(key, severity or default_severity(code), message, _nvml(gpu.node), weight)


def _current(view: MonitorView) -> Iterator[HeldGpu]:
    """Held GPUs on nodes whose NVML reading is fresh."""
    for gpu in view.gpus:
        if view.readings.get(Source(SourceKind.NVML, gpu.node)) is not None:
            yield gpu


def gpus_lost(view: MonitorView) -> Iterator[Candidate]:
    """GPUs that NVML cannot read as a whole."""
    for gpu in _current(view):
        reading = broken_reading(gpu)
        if reading is None:
            continue
        answer = "GPU_IS_LOST" if reading.state is GpuState.LOST else "an error"
        said = reading.message or f"NVML answers {answer}"
        yield _candidate(
            gpu,
            FindingCode.GPU_LOST,
            f"{_what(gpu)} cannot be read: {said}; {_who(view, gpu)}. A lost GPU comes back with a reboot "
            "of the node, or needs power and seating checked. Confirm on the node: nvidia-smi -q; dmesg | grep -i nvrm",
        )


def gpus_missing(view: MonitorView) -> Iterator[Candidate]:
    """Nodes on which the kubelet may hand out more GPUs than NVML lists, where the pods hold GPUs."""
    for name, held in gpus_by_node(_current(view)).items():
        node = held[0].view
        if node.summary is None or node.summary.nvml.state is not SourceState.OK:
            continue
        missing = missing_gpus(node)
        if not missing:
            continue
        pods = sorted({pod for gpu in held for pod in gpu.pods})
        yield Candidate(
            FindingKey(FindingCode.GPU_MISSING, ObjectKind.NODE, name),
            default_severity(FindingCode.GPU_MISSING),
            f"the kubelet of node {name} may hand out "
            f"{render_count(len(node.gpus) + len(missing), 'GPU')}, NVML lists "
            f"{len(node.gpus)}; missing: {join_names(list(missing), 3)}. Pods with GPUs there: {join_names(pods, 3)}. "
            "Confirm on the node: nvidia-smi -L; lspci | grep -i nvidia; then reboot it or have the GPU checked",
            sources=_nvml(name),
            weight=len(missing),
        )


def gpus_xid(view: MonitorView) -> Iterator[Candidate]:
    """Xids of the last hour on held GPUs, one finding for each GPU, worst Xid first."""
    for gpu in view.gpus:
        events = [event for event in view.events if event.gpu == gpu.uuid and not is_mended(event, gpu)]
        if not events:
            continue
        events.sort(key=lambda event: (_RANK[xid_severity(event.code)], event.code))
        worst, others = events[0], [f"Xid {event.code} at {event.time}" for event in events[1:]]
        also = f"; also {join_names(others, 3)}" if others else ""
        yield Candidate(
            FindingKey(FindingCode.GPU_XID, ObjectKind.GPU, gpu.uuid),
            xid_severity(worst.code),
            f"{_what(gpu)} reported Xid {worst.code} at {worst.time}; NVIDIA advises to "
            f"{xid_action(worst.code)}{also}; {_who(view, gpu)}. Confirm on the node: dmesg | grep -i xid",
            sources=(Source(SourceKind.POD_RESOURCES, gpu.node),),
            weight=len(events),
            since=_began(events),
        )


def _began(events: list[GpuEvent]) -> float | None:
    times = [at for at in (parse_time(event.time) for event in events) if at is not None]
    return min(times, default=None)


def gpus_throttled(view: MonitorView) -> Iterator[Candidate]:
    """GPUs whose clocks are held down by hardware or heat."""
    for gpu in _current(view):
        mask = gpu.reading.clock_event_reasons if gpu.reading else None
        reasons = [words for bit, words in BAD_CLOCK_EVENTS.items() if mask and mask & bit]
        if reasons and gpu.reading:
            yield _candidate(
                gpu,
                FindingCode.GPU_THROTTLED,
                f"{_what(gpu)} runs slower than it could: {', '.join(reasons)}{_heat(gpu.reading)}; {_who(view, gpu)}. "
                "Check cooling and power supply of the node: nvidia-smi -q -d PERFORMANCE,TEMPERATURE,POWER",
            )


def _heat(reading: GpuReading) -> str:
    celsius = reading.temperature_celsius
    return "" if celsius is None else f" at {celsius:.0f} degrees Celsius"


def gpus_hot(view: MonitorView) -> Iterator[Candidate]:
    """GPUs at or above the spec's temperature."""
    limit = view.spec.health.gpu.max_temperature_celsius
    for gpu in _current(view):
        celsius = gpu.reading.temperature_celsius if gpu.reading else None
        if gpu.reading is None or celsius is None or celsius < limit:
            continue
        slowdown = gpu.reading.slowdown_temperature_celsius
        slows = f", slows down at {slowdown:.0f}" if slowdown is not None else ""
        yield _candidate(
            gpu,
            FindingCode.GPU_HOT,
            f"{_what(gpu)} is at {celsius:.0f} degrees Celsius, limit {limit}{slows}; {_who(view, gpu)}. Check fans, "
            "airflow and the inlet temperature of the node, or raise health.gpu.maxTemperatureCelsius",
            weight=celsius,
        )


def gpus_ecc(view: MonitorView) -> Iterator[Candidate]:
    """GPUs with memory errors that could not be corrected."""
    least = FINDINGS[FindingCode.GPU_ECC_UNCORRECTABLE].threshold or 1.0
    for gpu in _current(view):
        errors = gpu.reading.ecc_uncorrected_volatile if gpu.reading else None
        if errors is not None and errors >= least:
            yield _candidate(
                gpu,
                FindingCode.GPU_ECC_UNCORRECTABLE,
                f"{_what(gpu)} has {render_count(errors, 'uncorrectable memory error')} since its "
                f"driver was loaded or it was reset; {_who(view, gpu)}. Results may be wrong: restart the pods, then "
                "have the GPU reset. Confirm on the node: nvidia-smi -q -d ECC,ROW_REMAPPER",
                weight=errors,
            )


def gpus_row_remap(view: MonitorView) -> Iterator[Candidate]:
    """GPUs whose row remapping waits for a reset, or failed."""
    for gpu in _current(view):
        reading = gpu.reading
        if reading is None or not (reading.remapped_rows_pending or reading.remapped_rows_failure):
            continue
        failed = bool(reading.remapped_rows_failure)
        does = (
            "could not remap a bad memory row: have it replaced"
            if failed
            else "waits for a reset to remap a bad memory row: reset it, or reboot the node, when it is free"
        )
        yield _candidate(
            gpu,
            FindingCode.GPU_ROW_REMAP_PENDING,
            f"{_what(gpu)} {does}; {_who(view, gpu)}. Confirm on the node: nvidia-smi -q -d ROW_REMAPPER",
            severity=Severity.CRITICAL if failed else None,
        )
