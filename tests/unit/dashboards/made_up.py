"""A Prometheus that answers every query with likely series, for drawing without one."""

import math
import re
from dataclasses import dataclass, field
from itertools import product

from modelmonitor_testbed.prometheus.api import Series

VALUES = {
    "severity": ("Critical", "Warning"),
    "code": ("ModelFailing", "GpuHot"),
    "kind": ("Model",),
    "object": ("failing:1",),
    "state": ("Ok",),
    "model": ("fast", "slow", "failing"),
    "version": ("1",),
    "gpu": ("0", "1"),
    "sloth_slo": ("availability", "latency"),
    "objective": ("availability", "latency"),
    "node": ("gpu-node-1",),
    "source": ("nvml", "pod_resources"),
    "quantity": ("p99",),
    "part": ("used", "idle", "other", "gap"),
    "currency": ("EUR",),
    "bound": ("low", "expected", "high"),
    "reason": ("NodeSilent",),
    "alertname": ("ModelMonitorBudgetExceeded",),
    "gpu_model": ("NVIDIA A100-SXM4-40GB",),
    "where": ("spec.cost.prices",),
    "namespace": ("team-a",),
    "modelmonitor": ("fraud", "search"),
    "pod": ("fraud-triton-6bd79c66bd-kgt7t",),
}


@dataclass
class MadeUp:
    """Answers by the labels that the outermost `by (…)` keeps; nothing at all where it is silent."""

    silent: bool = False
    asked: list[str] = field(default_factory=list)

    def query(self, expression: str, at_seconds: float | None = None) -> list[Series]:
        at = at_seconds or 0.0
        return self._answer(expression, [at])

    def query_range(self, expression: str, start: float, end: float, step_seconds: float) -> list[Series]:
        return self._answer(
            expression, [start + step_seconds * i for i in range(int((end - start) / step_seconds) + 1)]
        )

    def _answer(self, expression: str, times: list[float]) -> list[Series]:
        self.asked.append(expression)
        return [
            Series(labels, tuple((time, _value(number, time)) for time in times))
            for number, labels in enumerate([] if self.silent else _labels(expression))
        ]


def _value(number: int, time: float) -> float:
    return 0.5 + 0.3 * math.sin(time / 180 + number) + 0.1 * number


def _labels(expression: str) -> list[dict[str, str]]:
    kept = re.findall(r"by \(([^)]*)\)", expression)
    names = re.findall(r"\w+", kept[0]) if kept else []
    names += ["quantity"] if "quantity" in expression and not expression.startswith("max") else []
    return [dict(zip(names, chosen, strict=True)) for chosen in product(*(VALUES.get(name, (name,)) for name in names))]
