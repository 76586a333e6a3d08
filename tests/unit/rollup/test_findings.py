"""Every finding: the situation that makes it, on what object, how bad, and the words that a person needs."""

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest

from modelmonitor_api.finding_codes import CAUSE_ORDER
from modelmonitor_api.findings import FINDINGS, FindingCode, ObjectKind, Severity
from modelmonitor_api.names import MonitorRef
from modelmonitor_api.summary import (
    EndpointReading,
    EndpointState,
    GpuState,
    MigInstance,
    NvmlReading,
    SourceState,
    XidEvent,
)
from modelmonitor_operator.observed import ContainerFacts, Fleet, NodeReading, PlanState, Pod, PollState
from modelmonitor_operator.rollup import RollupInput
from tests.unit.rollup.situations import (
    NOW,
    Story,
    given,
    gpu,
    holds,
    model,
    monitor,
    node,
    nvml,
    pod,
    settle,
    target,
)

CRIT, WARN, INFO = Severity.CRITICAL, Severity.WARNING, Severity.INFO
F = FindingCode


def waiting(reason: str, **fields: Any) -> Pod:
    """A pod whose container does not run."""
    return pod(ready=False, containers=(ContainerFacts("triton", waiting_reason=reason, **fields),))


def answers(http: EndpointState = EndpointState.OK, metrics: EndpointState = EndpointState.OK) -> RollupInput:
    """A Triton whose endpoints answer in some way."""
    return given(
        node(target(http=EndpointReading(state=http), metrics=EndpointReading(state=metrics), age_seconds=400.0))
    )


def on_gpu(*, devices: tuple[str, ...] = ("GPU-a",), **fields: Any) -> RollupInput:
    """A pod that holds a GPU in some state."""
    return given(node(target(), gpus=nvml(gpu(**fields)), held=holds(*devices)))


def xid(code: int, age: float = 30.0, **fields: Any) -> RollupInput:
    """A GPU that reported an Xid."""
    events = (XidEvent(sequence=1, code=code, gpu_uuid="GPU-a", age_seconds=age),)
    return given(node(target(), gpus=nvml(gpu(), xids=events), held=holds("GPU-a")), **fields)


def polled(state: PollState, message: str = "") -> NodeReading:
    """A sidecar that does not answer."""
    return node(name="n1", state=state, message=message, summary=None, received_at=None)


@dataclass(frozen=True)
class Case:
    """A situation and the finding that it makes."""

    what: RollupInput
    code: FindingCode
    severity: Severity
    kind: ObjectKind
    name: str
    words: tuple[str, ...]


def on_pod(what: RollupInput, code: FindingCode, severity: Severity, *words: str) -> Case:
    return Case(what, code, severity, ObjectKind.POD, "fraud-0", words)


def on_fast(what: RollupInput, code: FindingCode, severity: Severity, *words: str) -> Case:
    return Case(what, code, severity, ObjectKind.MODEL, "fast:1", words)


def on_a(what: RollupInput, code: FindingCode, severity: Severity, *words: str) -> Case:
    return Case(what, code, severity, ObjectKind.GPU, "GPU-a", words)


def on_node(what: RollupInput, code: FindingCode, severity: Severity, *words: str) -> Case:
    return Case(what, code, severity, ObjectKind.NODE, "n1", words)


def on_monitor(what: RollupInput, code: FindingCode, severity: Severity, name: str, *words: str) -> Case:
    return Case(what, code, severity, ObjectKind.MONITOR, name, words)


OOM = ContainerFacts(
    "triton", ready=True, terminated_reason="OOMKilled", terminated_exit_code=137, terminated_at=NOW - 60, restarts=3
)
SLOW = {"health": {"maxLatency": "5ms"}}

CASES = {
    "a selector that matches nothing": on_monitor(
        given(pods=()),
        F.TARGETS_NOT_FOUND,
        CRIT,
        "fraud",
        "app=fraud-triton",
        "kubectl -n team-a get pods --show-labels",
    ),
    "pods that have all finished are no targets": on_monitor(
        given(pods=(pod(phase="Succeeded"), pod("b", deleting=True))),
        F.TARGETS_NOT_FOUND,
        CRIT,
        "fraud",
        "of those that match, 2 finished",
    ),
    "a pod that no node has room for": on_pod(
        given(
            pods=(
                pod(
                    node=None,
                    ip=None,
                    phase="Pending",
                    ready=False,
                    reason="Unschedulable",
                    message="0/3 nodes are available: 3 Insufficient nvidia.com/gpu.",
                    containers=(),
                ),
            )
        ),
        F.POD_NOT_RUNNING,
        CRIT,
        "Unschedulable",
        "Insufficient nvidia.com/gpu",
        "describe pod fraud-0",
    ),
    "a pod that crashes again and again": on_pod(
        given(pods=(waiting("CrashLoopBackOff", restarts=7, terminated_exit_code=1, terminated_reason="Error"),)),
        F.POD_NOT_RUNNING,
        CRIT,
        "CrashLoopBackOff",
        "exit code 1",
        "7 restarts",
        "logs fraud-0 --all-containers --previous",
    ),
    "an image that cannot be pulled": on_pod(
        given(pods=(replace(waiting("ImagePullBackOff", waiting_message="Back-off pulling"), phase="Pending"),)),
        F.POD_NOT_RUNNING,
        CRIT,
        "ImagePullBackOff",
        "Back-off pulling",
    ),
    "a container that was killed for its memory and runs again": on_pod(
        given(pods=(pod(containers=(OOM,)),)),
        F.POD_NOT_RUNNING,
        CRIT,
        "OOMKilled",
        "memory",
        "exit code 137",
        "3 restarts",
    ),
    "a pod that runs and is not Ready": on_pod(
        given(pods=(pod(ready=False, containers=(ContainerFacts("triton", started_at=NOW - 100),)),)),
        F.POD_NOT_RUNNING,
        CRIT,
        "NotReady",
        "container triton fails its probe",
    ),
    "a failed pod": on_pod(
        given(pods=(pod(phase="Failed", ready=False, reason="Evicted", message="low on memory"),)),
        F.POD_NOT_RUNNING,
        CRIT,
        "Evicted",
        "low on memory",
    ),
    "a pod that does not run beside one that is Ready": on_pod(
        given(pods=(waiting("CrashLoopBackOff"), pod("fraud-1"))), F.POD_NOT_RUNNING, WARN, "1 of 1 other pod Ready"
    ),
    "a pod on a node without a sidecar": on_pod(
        given(node(name="n2")),
        F.POD_UNWATCHED,
        WARN,
        "node n1 has no ready sidecar",
        "kubectl get node n1 --show-labels",
    ),
    "a pod on a node whose sidecar is not ready": on_pod(
        given(NodeReading(replace(polled(PollState.PENDING).sidecar, ready=False, message="ErrImagePull"))),
        F.POD_UNWATCHED,
        WARN,
        "sidecar-n1 is not ready: ErrImagePull",
    ),
    "a pod unwatched because no sidecar can start says why": on_pod(
        given(node(name="n2"), fleet=Fleet(exists=True, wanted=1, problem="pod security forbids hostPath")),
        F.POD_UNWATCHED,
        WARN,
        "pod security forbids hostPath",
    ),
    "a pod that uses its node's network": on_pod(
        given(pods=(pod(host_network=True),)), F.POD_NOT_TARGETABLE, WARN, "HostNetwork", "hostNetwork"
    ),
    "a running pod without address": on_pod(given(pods=(pod(ip=None),)), F.POD_NOT_TARGETABLE, WARN, "no address"),
    "a port name that no container has": on_pod(
        given(monitor=monitor(triton={"httpPort": "rest"})),
        F.POD_NOT_TARGETABLE,
        WARN,
        "no container of pod fraud-0 has a port named rest",
        "it has http, metrics",
        "spec.triton.httpPort",
    ),
    "a pod that an older monitor selects too": on_monitor(
        given(older_selectors={"uid-fraud-0": MonitorRef("team-a", "older")}),
        F.SHARED_TARGET,
        INFO,
        "older",
        "1 of 1 pod",
        "owns their cost",
        "fraud-0",
    ),
    "a Triton that refuses connections": on_pod(
        answers(EndpointState.REFUSED, EndpointState.REFUSED),
        F.TRITON_UNREACHABLE,
        CRIT,
        "Refused",
        "port 8000 refuses connections",
        "metrics endpoint does not answer either",
        "kubectl -n team-a logs fraud-0 -c triton",
    ),
    "a Triton that does not answer in time": on_pod(
        answers(EndpointState.TIMEOUT), F.TRITON_UNREACHABLE, CRIT, "Timeout", "within 2s", "NetworkPolicy"
    ),
    "a Triton behind TLS": on_pod(answers(EndpointState.TLS), F.TRITON_UNREACHABLE, CRIT, "TLS"),
    "a Triton behind a proxy that wants credentials": on_pod(
        answers(EndpointState.FORBIDDEN), F.TRITON_UNREACHABLE, CRIT, "403"
    ),
    "a web server where Triton should be": on_pod(answers(EndpointState.HTML), F.TRITON_UNREACHABLE, CRIT, "HTML"),
    "an empty metrics page is a warning, for models can still be judged": on_pod(
        answers(metrics=EndpointState.EMPTY), F.TRITON_UNREACHABLE, WARN, "Empty", "metrics endpoint on port 8002"
    ),
    "a Triton that says it is not ready": on_pod(
        given(node(target(server_ready=False))), F.TRITON_NOT_READY, CRIT, "/v2/health/ready"
    ),
    "a model that does not load": on_fast(
        given(node(target(pod(), model(ready=False, state_reason="SyntaxError in model.py", ok=0)))),
        F.MODEL_NOT_READY,
        CRIT,
        "1 of 1 pod",
        "SyntaxError in model.py",
        "kubectl -n team-a logs fraud-0 -c triton",
    ),
    "a model that one of two pods has ready": on_fast(
        given(
            node(target(), target(pod("b"), model(ready=False, state_reason="out of memory", ok=0))),
            pods=(pod(), pod("b")),
        ),
        F.MODEL_NOT_READY,
        WARN,
        "1 of 2 pods (b)",
        "out of memory",
    ),
    "a model whose every request fails": on_fast(
        given(node(target(pod(), model(ok=0, failed=312)))),
        F.MODEL_FAILING,
        CRIT,
        "fast:1 failed 312 of 312 requests (100 %) in the last 5m, limit 1 %",
        "BACKEND",
        "kubectl -n team-a logs fraud-0 -c triton",
    ),
    "failures are named by the pod that has most of them": on_fast(
        given(node(target(pod(), model(ok=100)), target(pod("b"), model(ok=90, failed=10))), pods=(pod(), pod("b"))),
        F.MODEL_FAILING,
        CRIT,
        "10 of 200 requests (5 %)",
        "pod b",
    ),
    "a model slower than its limit on average": on_fast(
        given(node(target()), monitor=monitor(**SLOW)), F.MODEL_SLOW, WARN, "mean latency of 10ms", "limit 5ms"
    ),
    "a model slower than its limit at the 99th percentile": on_fast(
        given(node(target(pod(), model(latency_p99_seconds=0.04))), monitor=monitor(**SLOW)),
        F.MODEL_SLOW,
        WARN,
        "99th percentile latency of 40ms",
    ),
    "a queue that grows": on_fast(
        given(node(target(pod(), model(queue_seconds=0.9, pending_requests=40, pending_before=12)))),
        F.QUEUE_GROWING,
        WARN,
        "40 requests wait for fast:1, 12 did 2.5m ago",
        "90 %",
        "instance_group",
    ),
    "counters that stand still while the statistics count": on_pod(
        given(node(target(pod(), model(metrics_requests=0)))),
        F.COUNTERS_FROZEN,
        WARN,
        "counted 0 requests",
        "statistics 100",
        "--metrics-config=counter_latencies=false",
    ),
    "a GPU that fell off the bus": on_a(
        on_gpu(state=GpuState.LOST, message="GPU_IS_LOST"),
        F.GPU_LOST,
        CRIT,
        "GPU_IS_LOST",
        "held by fraud-0 (model fast)",
    ),
    "a GPU that needs a reset": on_a(
        on_gpu(state=GpuState.FAILED, message="RESET_REQUIRED"), F.GPU_LOST, CRIT, "RESET_REQUIRED"
    ),
    "a lost GPU that NVML no longer names": on_a(
        on_gpu(uuid=None, state=GpuState.LOST), F.GPU_LOST, CRIT, "GPU-a", "GPU_IS_LOST"
    ),
    "fewer GPUs than the kubelet may hand out": on_node(
        on_gpu(devices=("GPU-a", "GPU-b::0", "GPU-b::1")),
        F.GPU_MISSING,
        CRIT,
        "may hand out 2 GPUs, NVML lists 1",
        "missing: GPU-b",
    ),
    "an Xid that needs a reboot": on_a(
        xid(79), F.GPU_XID, CRIT, "Xid 79", "NVIDIA advises to reboot the node", "fraud-0"
    ),
    "an Xid of the application that has not restarted": on_a(
        xid(31), F.GPU_XID, WARN, "Xid 31", "restart the application"
    ),
    "an Xid that needs nothing": on_a(xid(43), F.GPU_XID, INFO, "Xid 43", "do nothing"),
    "a GPU slowed down by hardware": on_a(
        on_gpu(clock_event_reasons=0x48),
        F.GPU_THROTTLED,
        WARN,
        "hardware slowdown, hardware thermal slowdown",
        "60 degrees",
    ),
    "a hot GPU": on_a(
        given(node(target(), gpus=nvml(gpu().model_copy(update={"temperature_celsius": 97.0})), held=holds("GPU-a"))),
        F.GPU_HOT,
        WARN,
        "97 degrees Celsius, limit 85",
    ),
    "memory errors that could not be corrected": on_a(
        on_gpu(ecc_uncorrected_volatile=2), F.GPU_ECC_UNCORRECTABLE, CRIT, "2 uncorrectable memory errors"
    ),
    "a row remapping that waits for a reset": on_a(
        on_gpu(remapped_rows_pending=True), F.GPU_ROW_REMAP_PENDING, WARN, "waits for a reset"
    ),
    "a row remapping that failed": on_a(
        on_gpu(remapped_rows_failure=True), F.GPU_ROW_REMAP_PENDING, CRIT, "could not remap"
    ),
    "the GPU of a MIG slice": on_a(
        on_gpu(devices=("MIG-1::2",), mig_instances=(MigInstance(uuid="MIG-1"),), clock_event_reasons=0x8),
        F.GPU_THROTTLED,
        WARN,
        "GPU GPU-a",
    ),
    "a sidecar that cannot be reached": on_node(
        given(polled(PollState.UNREACHABLE, "connection refused")),
        F.SIDECAR_UNREACHABLE,
        WARN,
        "sidecar-n1 of node n1 cannot be reached (connection refused)",
        "it reads fraud-0",
        "9402",
    ),
    "a sidecar's address that another pod answers on": on_node(
        given(polled(PollState.BAD_SIGNATURE)), F.SIDECAR_UNREACHABLE, WARN, "not believed"
    ),
    "a reading that is old although the sidecar answers": on_pod(
        given(node(target(age_seconds=100.0))), F.READINGS_STALE, WARN, "older than 45s", "sidecar-n1"
    ),
    "a pod that an answering sidecar does not read": on_pod(
        given(node(), plans={"n1": PlanState("n1", 5)}), F.READINGS_STALE, WARN, "it uses plan 1, the newest is 5"
    ),
    "a node whose driver is not there": on_node(
        given(
            node(
                target(),
                gpus=NvmlReading(state=SourceState.ABSENT, message="libnvidia-ml.so.1 not found", reading=1),
                held=holds("GPU-a"),
            )
        ),
        F.NVML_UNAVAILABLE,
        WARN,
        "libnvidia-ml.so.1 not found",
        "nvidia-smi",
    ),
    "a kubelet that does not say who holds which GPU": on_node(
        given(node(target(), gpus=nvml(gpu()), held=holds(state=SourceState.FAILED, message="permission denied"))),
        F.POD_RESOURCES_UNAVAILABLE,
        WARN,
        "permission denied",
        "podResourcesHostPath",
    ),
    "a plan that was cut": on_node(
        given(node(), plans={"n1": PlanState("n1", 1, truncated=True)}), F.PLAN_TRUNCATED, WARN, "512 KiB", "fraud-0"
    ),
}


@pytest.mark.parametrize("case", CASES.values(), ids=CASES.keys())
def test_a_situation_makes_its_finding(case: Case) -> None:
    story = settle(case.what, cycles=8)
    finding = story.findings()[case.code]
    assert finding.severity is case.severity
    assert (finding.object.kind, finding.object.name) == (case.kind, case.name)
    assert [words for words in case.words if words not in finding.message] == [], finding.message
    assert finding.runbook == f"https://runbooks.example/{case.code}"


@pytest.mark.parametrize("case", CASES.values(), ids=CASES.keys())
def test_a_message_fits_and_ends_with_what_to_do_or_whom_it_hits(case: Case) -> None:
    message = settle(case.what, cycles=8).findings()[case.code].message
    assert 40 < len(message) <= 512
    assert not message.endswith("…"), message


@pytest.mark.parametrize("case", CASES.values(), ids=CASES.keys())
def test_a_finding_clears_once_all_is_well(case: Case) -> None:
    story = settle(case.what, cycles=8)
    # An Xid is a finding for an hour: only time mends it.
    story.cycle(given(), seconds=3700)
    story.cycles(given(), 3)
    assert story.findings() == {}


def test_every_code_is_made_by_a_case() -> None:
    assert {case.code for case in CASES.values()} == set(FindingCode)


def test_every_code_has_a_row_and_a_place_among_the_causes() -> None:
    assert set(FINDINGS) == set(FindingCode)
    assert sorted(CAUSE_ORDER) == sorted(FindingCode)


@pytest.mark.parametrize("code", FindingCode)
def test_every_code_has_a_runbook_with_commands(code: FindingCode) -> None:
    page = (Path(__file__).parents[3] / "docs" / "runbooks" / f"{code}.md").read_text()
    assert page.startswith(f"# {code}\n")
    assert "kubectl" in page.partition("## Confirm")[2].partition("## What to do")[0]


def test_a_monitor_that_is_well_has_no_finding() -> None:
    assert settle(on_gpu()).findings() == {}


SILENT = {
    "an unloaded version is not expected to serve": given(
        node(target(pod(), model(), model("old", ready=False, state_reason="unloaded", ok=0)))
    ),
    "a broken model explains a server that is not ready, so only the model is named": given(
        node(target(pod(), model("broken", ready=False, ok=0), server_ready=False)),
        monitor=monitor(triton={"models": {"exclude": ["broken"]}}),
    ),
    "failures within the limit": given(node(target(pod(), model(ok=999, failed=1)))),
    "failures among too few requests": given(node(target(pod(), model(ok=0, failed=19)))),
    "latency without a limit": given(node(target(pod(), model(latency_p99_seconds=30.0)))),
    "latency over too few requests": given(node(target(pod(), model(ok=19))), monitor=monitor(**SLOW)),
    "a queue that gets shorter": given(
        node(target(pod(), model(queue_seconds=0.9, pending_requests=12, pending_before=40)))
    ),
    "a queue of ordinary batching": given(
        node(target(pod(), model(queue_seconds=0.9, pending_requests=7, pending_before=0)))
    ),
    "metrics without the series that would freeze": given(node(target(pod(), model(metrics_requests=None)))),
    "a hot GPU that another team's pod holds": given(
        node(target(), gpus=nvml(gpu(), gpu("GPU-b", 1, clock_event_reasons=0x8)), held=holds("GPU-a"))
    ),
    "an Xid of a GPU that another team's pod holds": given(
        node(
            target(),
            gpus=nvml(gpu(), xids=(XidEvent(sequence=1, code=79, gpu_uuid="GPU-z", age_seconds=1),)),
            held=holds("GPU-a"),
        )
    ),
    "an Xid of the application, which has restarted since": xid(
        31, age=60.0, pods=(pod(containers=(ContainerFacts("triton", ready=True, started_at=NOW - 20),)),)
    ),
    "ordinary clock reasons": on_gpu(clock_event_reasons=0x5),
    "a node without NVML on which no pod holds a GPU": given(
        node(target(), gpus=NvmlReading(state=SourceState.ABSENT))
    ),
    "pod-resources missing on a node without GPUs": given(node(target(), held=holds(state=SourceState.ABSENT))),
    "a pod that is being deleted": given(node(target()), pods=(pod(), pod("b", deleting=True, ready=False))),
    "a pod that has just been created": given(
        node(target()),
        pods=(pod(), pod("b", node=None, ip=None, phase="Pending", ready=False, containers=(), created_at=NOW + 70)),
    ),
    "a cut plan that has room for this monitor's pods": given(plans={"n1": PlanState("n1", 1, truncated=True)}),
    "a container killed for its memory long ago": given(
        pods=(pod(containers=(replace(OOM, terminated_at=NOW - 4000, started_at=NOW - 3999),)),)
    ),
}


@pytest.mark.parametrize("what", SILENT.values(), ids=SILENT.keys())
def test_no_finding_where_nothing_is_wrong(what: RollupInput) -> None:
    assert settle(what, cycles=8).findings() == {}


def test_a_sidecar_is_not_believed_about_a_pod_that_is_on_another_node() -> None:
    liar = node(target(pod(), model(ok=0, failed=500)), name="n2")
    story = settle(given(node(target()), liar), cycles=8)
    assert story.findings() == {}
    assert story.status.health.models[0].failure_ratio == "0"


def test_a_sidecar_is_not_believed_about_another_namespace() -> None:
    story = settle(given(node(target(namespace="team-b"))), cycles=8)
    assert story.status.health.pods.watched == 0


def test_a_summary_of_another_sidecar_pod_is_not_believed() -> None:
    replaced = node(target())
    what = given(replace(replaced, sidecar=replace(replaced.sidecar, uid="uid-of-the-next-one")))
    story = Story()
    assert story.cycle(what).health.pods.watched == 0


def test_models_that_are_left_out_are_not_judged() -> None:
    what = given(
        node(target(pod(), model(), model("warmup-1", ok=0, failed=100))),
        monitor=monitor(triton={"models": {"include": ["*"], "exclude": ["warmup-*"]}}),
    )
    story = settle(what)
    assert story.findings() == {}
    assert [one.name for one in story.status.health.models] == ["fast"]


def test_a_model_name_cannot_smuggle_a_command_into_the_next_step() -> None:
    name = "x'; touch /tmp/owned #"
    story = settle(given(node(target(pod(), model(name, ok=0, failed=50)))))
    assert story.findings()[F.MODEL_FAILING].message.endswith("logs fraud-0 -c triton | grep -iE 'error'")


def test_the_sidecars_own_words_say_how_triton_does_not_answer() -> None:
    refused = EndpointReading(state=EndpointState.REFUSED, message="http://10.0.0.7:8000 refused the connection")
    message = settle(given(node(target(http=refused)))).findings()[F.TRITON_UNREACHABLE].message
    assert message.startswith(
        "Refused: pod fraud-0: Triton's HTTP endpoint: http://10.0.0.7:8000 refused the connection."
    )


def test_a_gpu_finding_names_the_models_that_the_monitor_selects_and_no_others() -> None:
    two = target(pod(), model("fraud"), model("other-teams"))
    what = given(
        node(two, gpus=nvml(gpu(clock_event_reasons=0x8)), held=holds("GPU-a")),
        monitor=monitor(triton={"models": {"include": ["fraud"]}}),
    )
    assert "held by fraud-0 (model fraud)." in settle(what).findings()[F.GPU_THROTTLED].message


def test_one_is_not_called_many() -> None:
    lone = pod(ready=False, containers=(ContainerFacts("triton", waiting_reason="CrashLoopBackOff", restarts=1),))
    assert "1 restart; it is the only pod." in settle(given(pods=(lone,))).findings()[F.POD_NOT_RUNNING].message
    ecc = settle(on_gpu(ecc_uncorrected_volatile=1)).findings()[F.GPU_ECC_UNCORRECTABLE].message
    assert "has 1 uncorrectable memory error since" in ecc


def test_what_nvml_said_is_told_in_the_sidecars_words() -> None:
    said = "nvmlDeviceGetUtilizationRates answered GPU_IS_LOST (15)"
    message = settle(on_gpu(state=GpuState.LOST, message=said)).findings()[F.GPU_LOST].message
    assert f"cannot be read: {said}; held by" in message


def test_an_xid_that_names_its_gpu_by_index_alone_is_known() -> None:
    events = (XidEvent(sequence=1, code=79, gpu_index=1, age_seconds=5.0),)
    gpus = nvml(gpu(), gpu("GPU-b", 1), xids=events)
    story = settle(given(node(target(), gpus=gpus, held=holds("GPU-b"))))
    assert story.findings()[F.GPU_XID].object.name == "GPU-b"


def test_a_lost_gpu_without_a_name_is_not_also_missing() -> None:
    assert set(settle(on_gpu(uuid=None, state=GpuState.LOST)).findings()) == {F.GPU_LOST}
