"""Meters that rise with the real clock: what a sidecar would say of pods that hold one GPU each and use half of it."""

import time
from dataclasses import dataclass, field

from modelmonitor_api.cost_summary import CostMethod, CostReading, Counters, Holding, ModelMeter, PodMeter
from modelmonitor_api.summary import NodeSummary

GPU = "NVIDIA H100 80GB HBM3"


@dataclass
class Meters:
    """The meters of one node; they began with this object."""

    node: str
    pods: tuple[str, ...] = ()
    began: float = field(default_factory=time.monotonic)

    @property
    def seconds(self) -> float:
        """How long they have run."""
        return time.monotonic() - self.began

    def summary(self, sidecar_uid: str) -> NodeSummary:
        """The sidecar's answer now."""
        now = int(self.seconds * 1e6)
        cost = CostReading(
            boot_id="boot-1",
            started_us=0,
            at_us=now,
            time=time.time(),
            pods=tuple(self._meter(n, uid, now) for n, uid in enumerate(self.pods)),
        )
        return NodeSummary(sidecar_version="test", node=self.node, pod_uid=sidecar_uid, plan_generation=1, cost=cost)

    def _meter(self, number: int, uid: str, now: int) -> PodMeter:
        counted = Counters(execution_us=now // 2, succeeded=now // 1000, inferences=now // 1000)
        model = ModelMeter(name="fraud", version="1", used_us=now // 2, counted=counted, raw=counted)
        return PodMeter(
            pod_uid=uid,
            method=CostMethod.EXCLUSIVE,
            holdings=(Holding(gpu=f"GPU-{number}", gpu_model=GPU, parts=1, of=1),),
            until_us=now,
            last_held_us=now,
            observed_us=now,
            models=(model,),
        )
