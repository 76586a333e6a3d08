"""The one table of what can be wrong: every finding's severity, threshold, window and clearing rule.

`docs/reference/findings.md` is made from it, the roll-up judges by it, `docs/runbooks/` has a page for each code.
"""

from dataclasses import dataclass

from modelmonitor_api.finding_codes import FindingCode, ObjectKind, Severity

__all__ = [
    "BAD_CLOCK_EVENTS",
    "FINDINGS",
    "HARD",
    "OOM_SECONDS",
    "QUEUE_MINIMUM_PENDING",
    "SOFT",
    "XID_SECONDS",
    "FindingCode",
    "FindingRule",
    "ObjectKind",
    "Severity",
]

SOFT = 2
"""Distinct readings that a soft finding needs to appear, and again to clear, so that one odd reading says nothing."""
HARD = 1
"""A hard fact needs one reading."""


@dataclass(frozen=True, slots=True)
class FindingRule:
    """One row of the table.

    Attributes:
        readings: distinct readings in a row that make it appear, and without it that clear it.
        threshold: the number that the rule compares with; None where a state decides or the spec gives the number.
        condition: when it appears, in words.
        clears: when it goes, in words.
        source: where the threshold or the fact comes from.
    """

    code: FindingCode
    severity: Severity
    readings: int
    threshold: float | None
    condition: str
    clears: str
    source: str = ""


_POD_LIFECYCLE = "https://kubernetes.io/docs/concepts/workloads/pods/pod-lifecycle/"
_TRITON_METRICS = "https://docs.nvidia.com/deeplearning/triton-inference-server/user-guide/docs/user_guide/metrics.html"
_TRITON_STATISTICS = "https://github.com/triton-inference-server/server/blob/main/docs/protocol/extension_statistics.md"
_NVML = "https://docs.nvidia.com/deploy/nvml-api/"
_XID = "https://docs.nvidia.com/deploy/xid-errors/"
_ECC = "https://docs.nvidia.com/deploy/a100-gpu-mem-error-mgmt/"
_POD_RESOURCES = "https://kubernetes.io/docs/concepts/extend-kubernetes/compute-storage-net/device-plugins/"

BAD_CLOCK_EVENTS = {
    0x8: "hardware slowdown",
    0x20: "software thermal slowdown",
    0x40: "hardware thermal slowdown",
    0x80: "hardware power brake",
}
"""Clock-event reasons worth a finding. Idle (0x1) and the software power cap (0x4) are ordinary. Source: nvml.h."""

XID_SECONDS = 3600.0
"""How long an Xid stays a finding."""

OOM_SECONDS = 300.0
"""How long a container that was killed for its memory stays a finding, so that a quick restart does not hide it."""

_C, _W, _I = Severity.CRITICAL, Severity.WARNING, Severity.INFO
_F = FindingCode

_ROWS = (
    FindingRule(
        _F.TARGETS_NOT_FOUND, _C, HARD, None, "The selector matches no pod of the namespace.", "A pod matches."
    ),
    FindingRule(
        _F.POD_NOT_RUNNING,
        _C,
        HARD,
        30,
        "A selected pod is Pending for 30 s, in CrashLoopBackOff, ImagePullBackOff or alike, was OOMKilled in the last "
        "5 minutes, is Failed, or is not Ready although its containers run for 30 s; Warning while other selected pods "
        "are Ready.",
        "The pod is Running and Ready and was not OOMKilled for 5 minutes, or it is gone.",
        _POD_LIFECYCLE,
    ),
    FindingRule(
        _F.POD_UNWATCHED,
        _W,
        HARD,
        45,
        "A selected pod runs on a node that has no ready sidecar for 45 s.",
        "A sidecar on that node is ready.",
    ),
    FindingRule(
        _F.POD_NOT_TARGETABLE,
        _W,
        HARD,
        None,
        "A selected pod cannot be read: it uses the host's network, has "
        "no address, or has no container port of the name that the spec gives.",
        "The pod or the spec is mended.",
    ),
    FindingRule(
        _F.SHARED_TARGET,
        _I,
        HARD,
        None,
        "An older ModelMonitor selects the same pod; that one owns its cost.",
        "Only one of them selects the pod.",
    ),
    FindingRule(
        _F.TRITON_UNREACHABLE,
        _C,
        SOFT,
        None,
        "Triton's HTTP or metrics endpoint does not answer as Triton "
        "does: refused, timed out, TLS, 401/403, HTML, empty, too large, malformed; Warning where only the metrics "
        "endpoint does not.",
        "Both endpoints answer.",
    ),
    FindingRule(
        _F.TRITON_NOT_READY,
        _C,
        SOFT,
        None,
        "Triton answers, and says that it is not ready, and no model explains it.",
        "The server is ready.",
        "https://github.com/kserve/open-inference-protocol",
    ),
    FindingRule(
        _F.MODEL_NOT_READY,
        _C,
        SOFT,
        None,
        "The repository index lists the model as not READY, for another reason than that it was unloaded; Warning "
        "while another pod has it READY.",
        "The model is READY, unloaded or no longer listed.",
        "https://github.com/triton-inference-server/server/blob/main/docs/protocol/extension_model_repository.md",
    ),
    FindingRule(
        _F.MODEL_FAILING,
        _C,
        SOFT,
        None,
        "Failed requests of the window are more than health.maxFailureRatio, "
        "with at least health.minimumRequests requests.",
        "The ratio is back within the limit.",
        _TRITON_STATISTICS,
    ),
    FindingRule(
        _F.MODEL_SLOW,
        _W,
        SOFT,
        None,
        "The latency of the window is above health.maxLatency: the 99th "
        "percentile where Triton publishes it, else the mean; with at least health.minimumRequests requests.",
        "The latency is back within the limit.",
        _TRITON_METRICS,
    ),
    FindingRule(
        _F.QUEUE_GROWING,
        _W,
        SOFT,
        0.5,
        "More than half of the time of requests is waiting in Triton's queue, "
        "at least 8 requests wait, and not fewer than half a window ago.",
        "Waiting is less than half, or fewer requests wait.",
        _TRITON_METRICS,
    ),
    FindingRule(
        _F.COUNTERS_FROZEN,
        _W,
        SOFT,
        5,
        "The statistics API counted at least 5 requests in the window and the metrics page none.",
        "Both count.",
        _TRITON_METRICS,
    ),
    FindingRule(
        _F.GPU_LOST,
        _C,
        HARD,
        None,
        "NVML answers GPU_IS_LOST, or another error for a GPU as a whole.",
        "NVML reads the GPU again.",
        _NVML,
    ),
    FindingRule(
        _F.GPU_MISSING,
        _C,
        SOFT,
        None,
        "The kubelet may hand out devices of more physical GPUs than NVML lists.",
        "NVML lists them all.",
        _POD_RESOURCES,
    ),
    FindingRule(
        _F.GPU_XID,
        _C,
        HARD,
        XID_SECONDS,
        "NVML reported an Xid in the last hour for a GPU that the pods hold; "
        "severity by NVIDIA's catalogue of actions.",
        "An hour after the last one; where a restart of the application is all that NVIDIA advises, once every "
        "container that holds the GPU has started anew.",
        _XID,
    ),
    FindingRule(
        _F.GPU_THROTTLED,
        _W,
        SOFT,
        None,
        "The GPU's clocks are held down by a hardware or thermal reason (0x8, 0x20, 0x40, 0x80).",
        "No such reason.",
        _NVML,
    ),
    FindingRule(
        _F.GPU_HOT,
        _W,
        SOFT,
        None,
        "The GPU is at or above health.gpu.maxTemperatureCelsius.",
        "The GPU is cooler than that.",
        _NVML,
    ),
    FindingRule(
        _F.GPU_ECC_UNCORRECTABLE,
        _C,
        HARD,
        1,
        "The GPU has uncorrectable ECC errors since the driver was loaded or the GPU reset.",
        "The GPU is reset.",
        _ECC,
    ),
    FindingRule(
        _F.GPU_ROW_REMAP_PENDING,
        _W,
        HARD,
        None,
        "A row remapping waits for a reset of the GPU, or failed (then Critical).",
        "The GPU is reset.",
        _ECC,
    ),
    FindingRule(
        _F.SIDECAR_UNREACHABLE,
        _W,
        SOFT,
        None,
        "The sidecar of a node with selected pods does not answer the "
        "operator, or its answer is not signed with our key.",
        "It answers.",
    ),
    FindingRule(
        _F.READINGS_STALE,
        _W,
        HARD,
        3,
        "The newest reading of a pod is older than three intervals, and than one interval and two polls, and a sidecar "
        "answers for its node.",
        "A fresh reading.",
    ),
    FindingRule(
        _F.NVML_UNAVAILABLE,
        _W,
        SOFT,
        None,
        "The pods hold GPUs and NVML cannot be read on their node: no "
        "library, no driver, an error, or a call that hangs.",
        "NVML is read.",
        _NVML,
    ),
    FindingRule(
        _F.POD_RESOURCES_UNAVAILABLE,
        _W,
        SOFT,
        None,
        "NVML lists GPUs on a node of the pods, and the kubelet's pod-resources API, which says which pod holds which "
        "GPU, cannot be read there.",
        "The API is read.",
        _POD_RESOURCES,
    ),
    FindingRule(
        _F.PLAN_TRUNCATED,
        _W,
        HARD,
        None,
        "A node has more selected pods than fit into one NodePlan (512 KiB), and some of this monitor's are not read.",
        "All of them are read.",
    ),
)

FINDINGS: dict[FindingCode, FindingRule] = {row.code: row for row in _ROWS}

QUEUE_MINIMUM_PENDING = 8
"""Requests that must wait before a queue is worth a word; smaller queues are how batching works."""
