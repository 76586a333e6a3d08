"""The snapshot as the operator reads it: ages instead of times, only pods of the plan, bounded."""

from modelmonitor_api.cost_summary import CostReading
from modelmonitor_api.scrape_book import ScrapeBook
from modelmonitor_api.summary import (
    MAX_SUMMARY_BYTES,
    ModelReading,
    NodeSummary,
    NvmlReading,
    PodResourcesReading,
    TargetReading,
    XidEvent,
)
from modelmonitor_sidecar.collectors.own import Identity
from modelmonitor_sidecar.snapshot import (
    XID_SECONDS,
    Instant,
    NodeSnapshot,
    NvmlSnapshot,
    TargetSnapshot,
)

MAX_MODELS = 200
"""Models of one pod that a summary names; those with the most requests first."""


def _age(read: Instant | None, now: float) -> float | None:
    return None if read is None else round(max(0.0, now - read.at), 3)


def _traffic(model: ModelReading) -> tuple[int, int, str, str]:
    """Sorts busy models first, then those that are not ready, then by name."""
    requests = max((w.successes + w.failures for w in model.windows), default=0)
    return (-requests, 0 if model.ready is False else 1, model.name, model.version)


def _nvml(nvml: NvmlSnapshot, now: float) -> NvmlReading:
    return NvmlReading(
        state=nvml.state,
        message=nvml.message,
        reading=nvml.reading,
        age_seconds=_age(nvml.read, now),
        driver_version=nvml.driver_version,
        nvml_version=nvml.nvml_version,
        gpus=nvml.gpus,
        xids=tuple(
            XidEvent(
                sequence=xid.sequence,
                code=xid.code,
                gpu_uuid=xid.gpu_uuid,
                gpu_index=xid.gpu_index,
                age_seconds=round(max(0.0, now - xid.at), 3),
            )
            for xid in nvml.xids
            if now - xid.at <= XID_SECONDS
        ),
    )


def _target(snapshot: TargetSnapshot, now: float, most_models: int) -> TargetReading:
    target = snapshot.target
    models = snapshot.models
    if len(models) > most_models:
        models = tuple(sorted(models, key=_traffic)[:most_models])
    return TargetReading(
        namespace=target.namespace,
        pod=target.pod.name,
        pod_uid=target.pod.uid,
        reading=snapshot.reading,
        age_seconds=_age(snapshot.read, now),
        interval_seconds=target.interval_seconds,
        http=snapshot.http,
        metrics=snapshot.metrics,
        server_ready=snapshot.server_ready,
        server_version=snapshot.server_version,
        bad_lines=snapshot.bad_lines,
        dropped_series=snapshot.dropped_series,
        models=models,
        models_total=len(snapshot.models) + snapshot.dropped_models,
    )


def build_summary(
    snapshot: NodeSnapshot, now: float, who: Identity, book: ScrapeBook, most_models: int = MAX_MODELS
) -> NodeSummary:
    """The summary of one moment, without cost; `now` is in seconds since the node booted."""
    resources = snapshot.pod_resources
    return NodeSummary(
        sidecar_version=who.version,
        node=who.node,
        pod_uid=who.pod_uid,
        plan_generation=snapshot.plan.generation,
        nvml=_nvml(snapshot.nvml, now),
        pod_resources=PodResourcesReading(
            state=resources.state,
            message=resources.message,
            reading=resources.reading,
            age_seconds=_age(resources.read, now),
            allocatable=resources.allocatable,
            holders=snapshot.planned_holders(),
        ),
        targets=tuple(_target(target, now, most_models) for _, target in sorted(snapshot.targets.items())),
        pages=book.pages(now),
        page_misses=book.misses(now),
    )


def render_summary(
    snapshot: NodeSnapshot, now: float, who: Identity, book: ScrapeBook, cost: CostReading | None = None
) -> bytes:
    """The summary as JSON, with fewer models of each pod where it would be longer than the operator reads.

    So no pod, whatever it calls its models, can keep the readings of the others from the operator. The meters of cost
    are always whole: how many there are is bounded where they are made.
    """
    most_models = MAX_MODELS
    while True:
        summary = build_summary(snapshot, now, who, book, most_models).model_copy(update={"cost": cost})
        body = summary.model_dump_json(by_alias=True, exclude_none=True).encode()
        if len(body) <= MAX_SUMMARY_BYTES or not most_models:
            return body
        most_models //= 2
