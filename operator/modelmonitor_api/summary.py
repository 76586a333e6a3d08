"""What one sidecar tells the operator once a cycle: readings and ages, no judgement.

Every age is in seconds at the moment of the answer, so that the two clocks need not agree. `reading` numbers rise by
one for each distinct reading of a source, and for each attempt that failed: hysteresis counts them, not the operator's
cycles.
"""

from enum import StrEnum

from modelmonitor_api.cost_summary import CostReading
from modelmonitor_api.wire import Wire

SCHEMA_VERSION = 1
MAX_SUMMARY_BYTES = 8 * 1024 * 1024
"""The operator reads no longer answer; a sidecar whose pods name more than fits leaves models out of each of them."""


class SourceState(StrEnum):
    """How it stands with a source of the node."""

    OK = "Ok"
    PENDING = "Pending"
    """Not read yet since the sidecar started."""
    ABSENT = "Absent"
    """The node has none: no NVIDIA driver library, no pod-resources socket."""
    FAILED = "Failed"
    """It answered with an error; `message` says which."""
    HUNG = "Hung"
    """A call did not return within its deadline."""


class GpuState(StrEnum):
    """How it stands with one GPU."""

    OK = "Ok"
    LOST = "Lost"
    """NVML says GPU_IS_LOST: it fell off the bus."""
    FAILED = "Failed"
    """NVML answers with another error, RESET_REQUIRED or UNKNOWN for example."""


class EndpointState(StrEnum):
    """How a Triton endpoint answered the last time."""

    OK = "Ok"
    PENDING = "Pending"
    REFUSED = "Refused"
    TIMEOUT = "Timeout"
    UNREACHABLE = "Unreachable"
    TLS = "Tls"
    FORBIDDEN = "Forbidden"
    HTML = "Html"
    EMPTY = "Empty"
    TOO_LARGE = "TooLarge"
    MALFORMED = "Malformed"
    HTTP_ERROR = "HttpError"


class MigInstance(Wire):
    """One MIG slice of a GPU."""

    uuid: str
    profile: str | None = None
    gpu_instance_id: int | None = None
    compute_instance_id: int | None = None
    memory_total_bytes: int | None = None
    memory_used_bytes: int | None = None


class GpuReading(Wire):
    """One physical GPU. A reading that the device does not support is absent, never zero."""

    index: int
    state: GpuState = GpuState.OK
    message: str = ""
    uuid: str | None = None
    name: str | None = None
    pci_bus_id: str | None = None
    utilization_ratio: float | None = None
    memory_utilization_ratio: float | None = None
    memory_used_bytes: int | None = None
    memory_total_bytes: int | None = None
    power_watts: float | None = None
    power_limit_watts: float | None = None
    energy_joules: float | None = None
    """Cumulative since the driver was loaded; falling means that the driver was loaded again."""
    temperature_celsius: float | None = None
    slowdown_temperature_celsius: float | None = None
    sm_clock_hertz: float | None = None
    memory_clock_hertz: float | None = None
    clock_event_reasons: int | None = None
    """NVML's bit mask `nvmlClocksEventReason*`."""
    ecc_uncorrected_volatile: int | None = None
    ecc_corrected_volatile: int | None = None
    ecc_uncorrected_aggregate: int | None = None
    ecc_corrected_aggregate: int | None = None
    remapped_rows_correctable: int | None = None
    remapped_rows_uncorrectable: int | None = None
    remapped_rows_pending: bool | None = None
    remapped_rows_failure: bool | None = None
    pcie_replays: int | None = None
    mig_enabled: bool | None = None
    mig_instances: tuple[MigInstance, ...] = ()


class XidEvent(Wire):
    """One Xid that NVML reported while the sidecar ran."""

    sequence: int
    """Rises by one for each event of this sidecar."""
    code: int
    gpu_uuid: str | None = None
    gpu_index: int | None = None
    age_seconds: float


class NvmlReading(Wire):
    """Everything that NVML says about the node."""

    state: SourceState = SourceState.PENDING
    message: str = ""
    reading: int = 0
    age_seconds: float | None = None
    """Age of the newest complete reading; None before the first."""
    driver_version: str | None = None
    nvml_version: str | None = None
    gpus: tuple[GpuReading, ...] = ()
    xids: tuple[XidEvent, ...] = ()
    """At most the newest 64 of the last hour."""


class DeviceHolder(Wire):
    """Devices that the kubelet gave to one container of one pod."""

    namespace: str
    pod: str
    container: str
    resource: str
    device_ids: tuple[str, ...]
    """As the kubelet says them: `GPU-…`, `GPU-…::N` (time-slice replica), `MIG-…`, `MIG-…::N`."""


class PodResourcesReading(Wire):
    """What the kubelet's pod-resources API says: which pod holds which GPU."""

    state: SourceState = SourceState.PENDING
    message: str = ""
    reading: int = 0
    age_seconds: float | None = None
    allocatable: tuple[str, ...] = ()
    """Device ids that the kubelet may hand out, for resources `nvidia.com/*`."""
    holders: tuple[DeviceHolder, ...] = ()
    """Only pods that the plan names."""


class EndpointReading(Wire):
    """How one endpoint of a pod answered."""

    state: EndpointState = EndpointState.PENDING
    message: str = ""


class ModelWindow(Wire):
    """What a model did in the last `window_seconds`, from differences of Triton's cumulative counters.

    Sums, so that the operator can add them over pods. A counter that falls has been reset: its new value is added.
    """

    window_seconds: int
    covered_seconds: float
    """How much of the window has been seen; less than `window_seconds` after a start."""
    successes: int = 0
    failures: int = 0
    success_seconds: float = 0.0
    """Sum of the durations of successful requests."""
    queue_seconds: float = 0.0
    compute_seconds: float = 0.0
    """Input, inference and output together."""
    metrics_requests: int | None = None
    """Successes and failures by the metrics page; None where the page has no such series."""
    failure_reasons: dict[str, int] = {}
    """Failures by Triton's `reason` label, from the metrics page."""
    pending_before: float | None = None
    """Pending requests half a window ago."""


class ScrapeResult(StrEnum):
    """How a scrape of a page ended."""

    COMPLETE = "Complete"
    CUT_OFF = "CutOff"
    """The scraper ended the connection before, or at once after, the page had gone out: its deadline had passed."""


class PageScraper(Wire):
    """One program that scrapes a page of a monitor: the newest scrape, and how often it comes."""

    scraper: str
    """Address and `User-Agent`, at most 128 characters."""
    age_seconds: float
    count: int = 1
    interval_seconds: float | None = None
    """Between its last two scrapes; None after the first."""
    result: ScrapeResult = ScrapeResult.COMPLETE


class MonitorPage(Wire):
    """Who scrapes the page of one monitor on this node."""

    namespace: str
    name: str
    served_seconds: float
    """How long the page has been there."""
    scrapers: tuple[PageScraper, ...] = ()
    """At most the newest 4; none older than an hour."""


class PageMiss(Wire):
    """A request for a page that is not there."""

    path: str
    """At most 200 characters."""
    scraper: str
    age_seconds: float
    count: int = 1


class ModelReading(Wire):
    """One model version in one pod."""

    name: str
    version: str = ""
    ready: bool | None = None
    """None where the repository index could not be read."""
    state_reason: str = ""
    """Triton's own words where the model is not ready."""
    pending_requests: float | None = None
    latency_p99_seconds: float | None = None
    """Quantile 0.99 of `nv_inference_request_summary_us`; None unless the server runs with summary_latencies."""
    publishes_quantiles: bool = False
    """Whether the page has `nv_inference_request_summary_us` of the model: once no request came for a minute its
    quantiles are NaN, and the one above is None."""
    latency_buckets_seconds: tuple[float, ...] = ()
    """Bounds of `nv_inference_first_response_histogram_ms`, at most 32; empty unless the model is decoupled and the
    server (24.11 or later) runs with histogram_latencies."""
    success_total: int | None = None
    failure_total: int | None = None
    windows: tuple[ModelWindow, ...] = ()
    """One for each different window that the plan asks for."""


class TargetReading(Wire):
    """One Triton pod, read once for all the monitors that select it."""

    namespace: str
    pod: str
    pod_uid: str
    reading: int = 0
    age_seconds: float | None = None
    """Age of the last reading in which at least one endpoint answered; None before the first."""
    interval_seconds: int = 15
    http: EndpointReading = EndpointReading()
    metrics: EndpointReading = EndpointReading()
    server_ready: bool | None = None
    server_version: str | None = None
    bad_lines: int = 0
    """Lines of the last metrics page that were no samples."""
    dropped_series: int = 0
    """Series of the last metrics page beyond the largest number that is read."""
    models: tuple[ModelReading, ...] = ()
    models_total: int = 0


class NodeSummary(Wire):
    """One sidecar's answer on `/v1/summary`."""

    schema_version: int = SCHEMA_VERSION
    sidecar_version: str
    node: str
    pod_uid: str
    plan_generation: int | None = None
    """`metadata.generation` of the NodePlan in force; None where there is none yet."""
    nvml: NvmlReading = NvmlReading()
    pod_resources: PodResourcesReading = PodResourcesReading()
    targets: tuple[TargetReading, ...] = ()
    pages: tuple[MonitorPage, ...] = ()
    """One for each monitor of the plan."""
    page_misses: tuple[PageMiss, ...] = ()
    """At most the newest 16 of the last hour."""
    cost: CostReading | None = None
    """The meters; None before the devices and their holders are known, and by a sidecar that has none."""
