"""Situations in few words: what a test does not say is well."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from modelmonitor_api.findings import FindingCode
from modelmonitor_api.names import MonitorRef
from modelmonitor_api.spec import ModelMonitorSpec
from modelmonitor_api.status import Condition, Finding, ModelMonitorStatus
from modelmonitor_api.summary import (
    DeviceHolder,
    EndpointReading,
    EndpointState,
    GpuReading,
    ModelReading,
    ModelWindow,
    NodeSummary,
    NvmlReading,
    PodResourcesReading,
    SourceState,
    TargetReading,
    XidEvent,
)
from modelmonitor_operator.observed import (
    ContainerFacts,
    ContainerPort,
    Fleet,
    Monitor,
    NodeReading,
    PlanState,
    Pod,
    PollState,
    SidecarPod,
)
from modelmonitor_operator.rollup import RollupInput, RollupState, index_nodes, roll_up, seed_state

NOW = 1_800_000_000.0
CYCLE = 10.0
WELL = EndpointReading(state=EndpointState.OK)
REF = MonitorRef("team-a", "fraud")


def spec(**fields: Any) -> ModelMonitorSpec:
    """A spec as a manifest has it."""
    return ModelMonitorSpec.model_validate({"selector": {"matchLabels": {"app": "fraud-triton"}}, **fields})


def monitor(generation: int = 1, **fields: Any) -> Monitor:
    """The ModelMonitor team-a/fraud."""
    return Monitor(REF, "uid-monitor", generation, "1", NOW - 3600, spec(**fields))


def pod(name: str = "fraud-0", node: str | None = "n1", **fields: Any) -> Pod:
    """A Running, Ready Triton pod that started an hour ago."""
    started = NOW - 3600
    base = Pod(
        namespace="team-a",
        name=name,
        uid=f"uid-{name}",
        labels=(("app", "fraud-triton"),),
        node=node,
        ip="10.0.0.7",
        phase="Running",
        ready=True,
        created_at=started,
        started_at=started,
        ports=(ContainerPort("triton", "http", 8000), ContainerPort("triton", "metrics", 8002)),
        containers=(ContainerFacts("triton", ready=True, started_at=started),),
    )
    return replace(base, **fields)


def window(ok: int = 100, failed: int = 0, **fields: Any) -> ModelWindow:
    """A full window of five minutes in which each request took 10 ms."""
    base: dict[str, Any] = {
        "window_seconds": 300,
        "covered_seconds": 300.0,
        "successes": ok,
        "failures": failed,
        "success_seconds": min(ok, 10**9) * 0.01,
        "metrics_requests": ok + failed,
        "failure_reasons": {"BACKEND": failed},
    }
    return ModelWindow(**{**base, **fields})


def model(name: str = "fast", ok: int = 100, failed: int = 0, **fields: Any) -> ModelReading:
    """Version 1 of a model, ready."""
    inside = {key: fields.pop(key) for key in list(fields) if key in ModelWindow.model_fields}
    base: dict[str, Any] = {"name": name, "version": "1", "ready": True, "windows": (window(ok, failed, **inside),)}
    return ModelReading(**{**base, **fields})


def target(of: Pod | None = None, *models: ModelReading, **fields: Any) -> TargetReading:
    """A good reading of a pod, one second old."""
    of = of or pod()
    listed = models or (model(),)
    base: dict[str, Any] = {
        "namespace": of.namespace,
        "pod": of.name,
        "pod_uid": of.uid,
        "reading": 1,
        "age_seconds": 1.0,
        "http": WELL,
        "metrics": WELL,
        "server_ready": True,
        "models": listed,
        "models_total": len(listed),
    }
    return TargetReading(**{**base, **fields})


def gpu(uuid: str | None = "GPU-a", index: int = 0, **fields: Any) -> GpuReading:
    """A GPU that is well."""
    return GpuReading(index=index, uuid=uuid, name="NVIDIA L4", temperature_celsius=60.0, **fields)


def nvml(*gpus: GpuReading, **fields: Any) -> NvmlReading:
    """A good reading of NVML, one second old."""
    return NvmlReading(**{"state": SourceState.OK, "reading": 1, "age_seconds": 1.0, "gpus": gpus, **fields})


def holds(*devices: str, by: str = "fraud-0", **fields: Any) -> PodResourcesReading:
    """A good reading of the kubelet: these devices are held by one pod, and are all there are."""
    holder = DeviceHolder(
        namespace="team-a", pod=by, container="triton", resource="nvidia.com/gpu", device_ids=tuple(devices)
    )
    base: dict[str, Any] = {"state": SourceState.OK, "reading": 1, "age_seconds": 1.0}
    return PodResourcesReading(**{**base, "allocatable": devices, "holders": (holder,) if devices else (), **fields})


def node(
    *targets: TargetReading,
    name: str = "n1",
    now: float = NOW,
    gpus: NvmlReading | None = None,
    held: PodResourcesReading | None = None,
    **fields: Any,
) -> NodeReading:
    """A node whose sidecar has just answered."""
    summary = NodeSummary(
        sidecar_version="0.1.0",
        node=name,
        pod_uid=f"uid-sidecar-{name}",
        plan_generation=1,
        nvml=gpus or nvml(),
        pod_resources=held or holds(),
        targets=targets,
    )
    sidecar = SidecarPod(name, f"sidecar-{name}", f"uid-sidecar-{name}", "10.0.0.1", ready=True)
    return replace(NodeReading(sidecar, PollState.OK, "", 1, now, summary), **fields)


def given(*nodes: NodeReading, **fields: Any) -> RollupInput:
    """What the roll-up is given: one pod on node n1, read well."""
    readings: Mapping[str, NodeReading] = {one.sidecar.node: one for one in nodes or (node(target()),)}
    base: dict[str, Any] = {
        "monitor": monitor(),
        "pods": (pod(),),
        "fleet": Fleet(exists=True, wanted=len(readings), ready=len(readings), updated=len(readings)),
        "plans": {name: PlanState(name, 1) for name in readings},
        "older_selectors": {},
        "runbook_base_url": "https://runbooks.example",
        "cycle_seconds": CYCLE,
    }
    return RollupInput(**{"nodes": index_nodes(readings), **base, **fields})


@dataclass
class Story:
    """Cycles of one monitor, one after the other, each with newer readings."""

    state: RollupState = field(default_factory=lambda: seed_state(None))
    now: float = NOW - CYCLE
    reading: int = 0
    status: ModelMonitorStatus = field(default_factory=ModelMonitorStatus)

    def cycle(self, what: RollupInput, seconds: float = CYCLE, *, new: bool = True) -> ModelMonitorStatus:
        """One roll-up; every reading is distinct from those before, unless `new` is false."""
        self.now += seconds
        self.reading += new
        renewed = {name: _renew(view.reading, self.reading, self.now) for name, view in what.nodes.items()}
        self.status, self.state = roll_up(self.state, replace(what, nodes=index_nodes(renewed)), self.now)
        return self.status

    def cycles(self, what: RollupInput, count: int = 2) -> ModelMonitorStatus:
        """The same situation for some cycles."""
        for _ in range(count):
            self.cycle(what)
        return self.status

    def findings(self) -> dict[FindingCode, Finding]:
        """The findings of the newest status by code."""
        return {finding.code: finding for finding in self.status.health.findings}


def _renew(reading: NodeReading, number: int, now: float) -> NodeReading:
    """The node's answer of this cycle, with the numbers of new readings; a silent sidecar's answer stays old."""
    if reading.state is not PollState.OK or reading.summary is None:
        return replace(reading, attempt=number) if reading.state is not PollState.PENDING else reading
    summary = reading.summary
    renewed = summary.model_copy(
        update={
            "nvml": summary.nvml.model_copy(update={"reading": number, "xids": _age_xids(summary.nvml, now - NOW)}),
            "pod_resources": summary.pod_resources.model_copy(update={"reading": number}),
            "targets": tuple(one.model_copy(update={"reading": number}) for one in summary.targets),
        }
    )
    return replace(reading, attempt=number, received_at=now, summary=renewed)


def _age_xids(reading: NvmlReading, seconds: float) -> tuple[XidEvent, ...]:
    """The same Xids, reported again later."""
    return tuple(one.model_copy(update={"age_seconds": one.age_seconds + seconds}) for one in reading.xids)


def settle(what: RollupInput, cycles: int = 2) -> Story:
    """A story in which a situation has lasted long enough for soft findings."""
    story = Story()
    story.cycles(what, cycles)
    return story


def condition(status: ModelMonitorStatus, kind: str) -> Condition:
    """One condition of a status."""
    return next(one for one in status.conditions if one.type == kind)
