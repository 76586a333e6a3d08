"""Values that the sidecar's tests build on."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from modelmonitor_api.plan import NodePlanSpec, PlannedMonitor, PlannedPod
from modelmonitor_sidecar.snapshot import Instant

FIXTURES = Path(__file__).parents[2] / "fixtures" / "triton"


@dataclass
class FakeClock:
    """A clock that a test moves."""

    at: float = 1000.0

    def __call__(self) -> Instant:
        return Instant(self.at, self.at + 1e9)


def pod(
    name: str = "fraud-0", *, uid: str = "", ip: str = "127.0.0.1", http: int = 8000, metrics: int = 8002
) -> PlannedPod:
    """A planned pod; its UID is made of its name."""
    return PlannedPod(
        name=name, uid=uid or f"uid-{name}", ip=ip, container="triton", http_port=http, metrics_port=metrics
    )


def monitor(
    *pods: PlannedPod, name: str = "fraud", interval: int = 15, window: int = 300, **more: object
) -> PlannedMonitor:
    """A planned monitor of namespace team-a."""
    return PlannedMonitor(
        namespace="team-a",
        name=name,
        uid=f"uid-{name}",
        generation=1,
        interval_seconds=interval,
        window_seconds=window,
        pods=pods,
        **more,
    )


def plan(*monitors: PlannedMonitor, node: str = "node-a") -> NodePlanSpec:
    """A plan of one node."""
    return NodePlanSpec(node_name=node, monitors=monitors)


def page_text(folder: str, state: str) -> bytes:
    """A recorded metrics page."""
    return (FIXTURES / folder / f"{state}.metrics.txt").read_bytes()


Clock = Callable[[], Instant]
