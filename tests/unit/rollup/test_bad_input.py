"""Whatever a Triton or a driver says: the roll-up answers, and the answer can be written."""

from typing import Any

from hypothesis import given as forall
from hypothesis import settings
from hypothesis import strategies as st

from modelmonitor_api.status import MAX_STATUS_BYTES, ModelMonitorStatus
from modelmonitor_api.summary import (
    EndpointReading,
    EndpointState,
    GpuReading,
    GpuState,
    ModelReading,
    ModelWindow,
    NvmlReading,
    PodResourcesReading,
    SourceState,
    TargetReading,
    XidEvent,
)
from modelmonitor_operator.observed import Pod
from tests.unit.rollup.situations import Story, given, holds, model, node, pod, settle, target


def built(of: type[Any], **fields: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    """Values of a model with just these fields drawn."""
    return st.fixed_dictionaries(fields).map(lambda drawn: of(**drawn))


COUNTS = st.one_of(st.integers(-5, 500), st.just(10**400))
FIGURES = st.one_of(st.none(), st.floats(), st.floats(0, 100))
AMOUNTS = st.one_of(st.floats(), st.floats(0, 1000))
WORDS = st.text(max_size=20)
ENDPOINTS = built(EndpointReading, state=st.sampled_from(EndpointState), message=WORDS)
IDS = st.sampled_from(["GPU-a", "GPU-a::1", "GPU-b", "MIG-1", "MIG-1::0", "other", ""])

WINDOWS = built(
    ModelWindow,
    window_seconds=st.sampled_from([300, 60]),
    covered_seconds=AMOUNTS,
    successes=COUNTS,
    failures=COUNTS,
    success_seconds=AMOUNTS,
    queue_seconds=AMOUNTS,
    metrics_requests=st.one_of(st.none(), COUNTS),
    failure_reasons=st.dictionaries(WORDS, COUNTS, max_size=3),
    pending_before=FIGURES,
)
MODELS = built(
    ModelReading,
    name=WORDS,
    version=WORDS,
    ready=st.sampled_from([True, False, None]),
    state_reason=WORDS,
    pending_requests=FIGURES,
    latency_p99_seconds=FIGURES,
    windows=st.lists(WINDOWS, max_size=2).map(tuple),
)
TARGETS = built(
    TargetReading,
    namespace=st.just("team-a"),
    pod=st.just("fraud-0"),
    pod_uid=st.just("uid-fraud-0"),
    age_seconds=FIGURES,
    http=ENDPOINTS,
    metrics=ENDPOINTS,
    server_ready=st.sampled_from([True, False, None]),
    models=st.lists(MODELS, max_size=3).map(tuple),
)
GPUS = built(
    GpuReading,
    index=st.integers(0, 3),
    uuid=st.one_of(st.none(), IDS),
    state=st.sampled_from(GpuState),
    temperature_celsius=FIGURES,
    slowdown_temperature_celsius=FIGURES,
    clock_event_reasons=st.one_of(st.none(), COUNTS),
    ecc_uncorrected_volatile=st.one_of(st.none(), st.integers()),
    remapped_rows_pending=st.one_of(st.none(), st.booleans()),
)
XIDS = built(
    XidEvent,
    sequence=st.integers(),
    code=st.integers(-1, 200),
    gpu_uuid=st.one_of(st.none(), IDS),
    gpu_index=st.one_of(st.none(), st.integers(0, 3)),
    age_seconds=st.floats(0, 4000),
)
NVMLS = built(
    NvmlReading,
    state=st.sampled_from(SourceState),
    age_seconds=FIGURES,
    gpus=st.lists(GPUS, max_size=3).map(tuple),
    xids=st.lists(XIDS, max_size=3).map(tuple),
)
HOLDERS = st.builds(
    lambda ids, state: holds(*ids, state=state), st.lists(IDS, max_size=3), st.sampled_from(SourceState)
)


@settings(deadline=None)
@forall(target=TARGETS, nvml=NVMLS, held=HOLDERS)
def test_every_answer_leads_to_a_status_that_the_api_takes(
    target: TargetReading, nvml: NvmlReading, held: PodResourcesReading
) -> None:
    story = Story()
    for _ in range(3):
        status = story.cycle(given(node(target, gpus=nvml, held=held)))
        assert len(status.model_dump_json(by_alias=True).encode()) <= MAX_STATUS_BYTES
        assert ModelMonitorStatus.model_validate(status.to_wire()) == status


@settings(deadline=None)
@forall(fields=st.fixed_dictionaries({}, optional={
    "node": st.sampled_from([None, "n1", "n2"]),
    "ip": st.sampled_from([None, "10.0.0.9"]),
    "phase": st.sampled_from(["Pending", "Running", "Failed", "Succeeded", "Unknown", "Odd"]),
    "reason": WORDS,
    "message": st.text(max_size=2000),
    "ready": st.booleans(),
    "deleting": st.booleans(),
    "host_network": st.booleans(),
    "started_at": st.sampled_from([None, 0.0, 4e9]),
    "ports": st.just(()),
    "containers": st.just(()),
}))  # fmt: skip
def test_every_pod_leads_to_a_status_that_the_api_takes(fields: dict[str, Any]) -> None:
    odd: Pod = pod(**fields)
    status = settle(given(node(target(odd)), pods=(odd,))).status
    assert ModelMonitorStatus.model_validate(status.to_wire()) == status


def test_a_count_that_no_server_can_have_is_cut() -> None:
    row = settle(given(node(target(pod(), model(ok=10**400, success_seconds=1.0))))).status.health.models[0]
    assert row.requests_per_second == "3300000000000"
