"""What pods that no ModelMonitor selects cost the operator: 5 000 in namespaces of others, 5 000 in a watched one.

All of a batch exist at the same time, then all are deleted. The baseline is the operator at rest, in the same run.
"""

import asyncio
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from benchmarks.api import Api, for_each
from benchmarks.installation import Operator, at_rest, installed
from benchmarks.manifests import Json
from benchmarks.synthetic import Load
from benchmarks.table import Row
from benchmarks.usage import cpu_seconds, resident_mib
from modelmonitor_testbed.controlplane import ControlPlane, running_control_plane

PODS = 5000
MONITORS = 20
REST_SECONDS = 30.0
SETTLE_SECONDS = 5.0
GOAL_ELSEWHERE_MILLICORES = 5.0
GOAL_WATCHED_MILLISECONDS = 3.0
GOAL_GROWTH_MIB = 48.0


@dataclass(frozen=True, slots=True)
class Flood:
    """What one batch of pods did to the operator.

    Attributes:
        millicores: CPU while they came and went.
        milliseconds: CPU for each pod, rest included.
        peak_mib: resident set while all existed.
    """

    millicores: float
    milliseconds: float
    peak_mib: float
    seconds: float


def _build_pod(number: int) -> Json:
    labels = {"app": f"job-{number % 100}", "team": "others", "pod-template-hash": f"{number:08x}"}
    container = {
        "name": "work",
        "image": "registry.example/work:1",
        "command": ["/bin/sh", "-c", "exec work"],
        "env": [{"name": f"SETTING_{each}", "value": "x" * 40} for each in range(10)],
    }
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": f"foreign-{number:05d}", "labels": labels},
        "spec": {"automountServiceAccountToken": False, "schedulerName": "nobody", "containers": [container]},
    }


async def _flood(api: Api, operator: Operator, namespace: str) -> Flood:
    path = f"/api/v1/namespaces/{namespace}/pods"
    started, before = time.monotonic(), cpu_seconds(operator.pid)
    await for_each(range(PODS), lambda number: api.create(path, _build_pod(number)))
    await asyncio.sleep(SETTLE_SECONDS)
    peak = resident_mib(operator.pid)
    await for_each(range(PODS), lambda number: api.delete(f"{path}/foreign-{number:05d}"))
    await asyncio.sleep(SETTLE_SECONDS)
    used, took = cpu_seconds(operator.pid) - before, time.monotonic() - started
    return Flood(1000 * used / took, 1000 * used / PODS, peak, took)


def _rows(rest: float, rest_mib: float, elsewhere: Flood, watched: Flood) -> Sequence[Row]:
    idle = "the operator at rest"
    per_pod_at_rest = rest * watched.seconds / PODS
    return (
        Row(
            f"{PODS} foreign pods come and go elsewhere: operator CPU",
            elsewhere.millicores,
            "millicores",
            max(GOAL_ELSEWHERE_MILLICORES, 2 * rest),
            rest,
            idle,
        ),
        Row(
            f"{PODS} foreign pods come and go in a watched namespace: operator CPU for each",
            watched.milliseconds,
            "ms",
            GOAL_WATCHED_MILLISECONDS,
            per_pod_at_rest,
            idle,
        ),
        Row(
            f"operator's memory (RSS) while {PODS} foreign pods are in a watched namespace",
            watched.peak_mib,
            "MiB",
            rest_mib + GOAL_GROWTH_MIB,
            rest_mib,
            idle,
        ),
    )


async def _measure(control_plane: ControlPlane, report: Callable[[str], None]) -> Sequence[Row]:
    async with installed(control_plane) as installation, at_rest(installation, MONITORS, 5, Load(4)) as operator:
        report(f"{MONITORS} ModelMonitors are Ready; resting for {REST_SECONDS:.0f} s")
        await asyncio.sleep(SETTLE_SECONDS)
        rest_mib, before = resident_mib(operator.pid), cpu_seconds(operator.pid)
        await asyncio.sleep(REST_SECONDS)
        rest = 1000 * (cpu_seconds(operator.pid) - before) / REST_SECONDS
        await installation.create_namespace("others")
        elsewhere = await _flood(installation.api, operator, "others")
        report(f"elsewhere: {elsewhere.seconds:.0f} s, {elsewhere.millicores:.1f} millicores; at rest {rest:.1f}")
        watched = await _flood(installation.api, operator, "team")
        report(
            f"watched: {watched.seconds:.0f} s, {watched.millicores:.1f} millicores, peak {watched.peak_mib:.0f} MiB, "
            f"afterwards {resident_mib(operator.pid):.0f} MiB"
        )
    return _rows(rest, rest_mib, elsewhere, watched)


def measure(report: Callable[[str], None]) -> Sequence[Row]:
    """CPU elsewhere, CPU and memory in a watched namespace."""
    with running_control_plane() as control_plane:
        return asyncio.run(_measure(control_plane, report))
