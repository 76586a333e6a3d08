"""On each sidecar's `/metrics`: the sidecar itself and the GPUs of its node."""

from modelmonitor_api.metric import GPU_LABELS, NVML, SELF, Metric, MetricPage, MetricType
from modelmonitor_api.names import LABEL_NODE

_COUNTER, _GAUGE = MetricType.COUNTER, MetricType.GAUGE


def _own(name: str, kind: MetricType, text: str, labels: tuple[str, ...] = (), unit: str = "") -> Metric:
    return Metric(f"modelmonitor_{name}", kind, text, (LABEL_NODE, *labels), MetricPage.SIDECAR, SELF, unit)


def _process(name: str, kind: MetricType, text: str, unit: str = "") -> Metric:
    return Metric(f"process_{name}", kind, text, (), MetricPage.SIDECAR, "the kernel's /proc/self", unit)


def _gpu(name: str, kind: MetricType, text: str, unit: str = "", labels: tuple[str, ...] = ()) -> Metric:
    return Metric(f"modelmonitor_gpu_{name}", kind, text, (*GPU_LABELS, *labels), MetricPage.SIDECAR, NVML, unit)


SIDECAR_METRICS = (
    _own("build_info", _GAUGE, "Always 1; the label says which version of the sidecar runs.", ("version",)),
    _own("plan_generation", _GAUGE, "Generation of the NodePlan in force; absent without a plan."),
    _own("plan_monitors", _GAUGE, "ModelMonitors that the plan in force names."),
    _own("plan_targets", _GAUGE, "Triton pods that the plan in force names."),
    _own("plan_watch_errors_total", _COUNTER, "Times that listing or watching the NodePlan failed."),
    _own("source_state", _GAUGE, "1 for the state that a source is in, 0 for the others.", ("source", "state")),
    _own(
        "source_last_reading_timestamp_seconds",
        _GAUGE,
        "When a source was last read completely, in seconds since the epoch; absent before the first reading.",
        ("source",),
        "seconds",
    ),
    _own("source_readings_total", _COUNTER, "Complete readings of a source.", ("source",)),
    _own("scrapes_total", _COUNTER, "Answers of Triton endpoints, by how they ended.", ("endpoint", "state")),
    _own("scrape_bad_lines_total", _COUNTER, "Lines of Triton pages that were no samples and were left out."),
    _own("scrape_dropped_series_total", _COUNTER, "Series of Triton pages beyond the largest number that is read."),
    _own("page_requests_total", _COUNTER, "Requests for pages of monitors, by how they ended.", ("result",)),
    _own("summary_requests_total", _COUNTER, "Requests for the summary, by how they ended.", ("result",)),
    _process("cpu_seconds_total", _COUNTER, "User and system CPU time of the process.", "seconds"),
    _process("resident_memory_bytes", _GAUGE, "Resident memory of the process.", "bytes"),
    _process("open_fds", _GAUGE, "Open file descriptors of the process."),
    _process("start_time_seconds", _GAUGE, "When the process started, in seconds since the epoch.", "seconds"),
)

GPU_METRICS = (
    _gpu("info", _GAUGE, "Always 1; labels describe the GPU.", "", ("name", "pci_bus_id", "driver_version")),
    _gpu("state", _GAUGE, "1 for the state that the GPU is in, 0 for the others.", "", ("state",)),
    _gpu("utilization_ratio", _GAUGE, "Share of time in which a kernel ran, from 0 to 1."),
    _gpu("memory_utilization_ratio", _GAUGE, "Share of time in which device memory was read or written, from 0 to 1."),
    _gpu("memory_used_bytes", _GAUGE, "Device memory in use.", "bytes"),
    _gpu("memory_total_bytes", _GAUGE, "Device memory of the GPU.", "bytes"),
    _gpu("power_watts", _GAUGE, "Power draw.", "watts"),
    _gpu("power_limit_watts", _GAUGE, "Power limit in force.", "watts"),
    _gpu("energy_joules_total", _COUNTER, "Energy since the driver was loaded.", "joules"),
    _gpu("temperature_celsius", _GAUGE, "Temperature of the GPU.", "celsius"),
    _gpu("slowdown_temperature_celsius", _GAUGE, "Temperature at which the hardware slows down.", "celsius"),
    _gpu("sm_clock_hertz", _GAUGE, "Clock of the streaming multiprocessors.", "hertz"),
    _gpu("memory_clock_hertz", _GAUGE, "Clock of the device memory.", "hertz"),
    _gpu("clock_event_active", _GAUGE, "1 while a reason holds the clocks down.", "", ("reason",)),
    _gpu(
        "ecc_errors",
        _GAUGE,
        "ECC errors; volatile: since the driver was loaded, aggregate: over the life of the GPU.",
        "",
        ("error_type", "counter_type"),
    ),
    _gpu("remapped_rows", _GAUGE, "Rows of device memory that were remapped.", "", ("cause",)),
    _gpu("remapped_rows_pending", _GAUGE, "1 where a row remapping waits for a reset of the GPU."),
    _gpu("remapped_rows_failure", _GAUGE, "1 where a row remapping failed."),
    _gpu("pcie_replays_total", _COUNTER, "PCIe replays since the driver was loaded."),
    _gpu("mig_enabled", _GAUGE, "1 where the GPU is in MIG mode."),
    _gpu("xid_events_total", _COUNTER, "Xids that NVML reported since the sidecar started.", "", ("xid",)),
    Metric(
        "modelmonitor_gpu_mig_memory_used_bytes",
        _GAUGE,
        "Device memory in use of a MIG instance.",
        (*GPU_LABELS, "mig_uuid", "profile"),
        MetricPage.SIDECAR,
        NVML,
        "bytes",
    ),
    Metric(
        "modelmonitor_gpu_mig_memory_total_bytes",
        _GAUGE,
        "Device memory of a MIG instance.",
        (*GPU_LABELS, "mig_uuid", "profile"),
        MetricPage.SIDECAR,
        NVML,
        "bytes",
    ),
)
