"""Cost on a real node: two Tritons share a GPU, one has a GPU alone, and the bill follows what the load recorded."""

import json
import os
import signal
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

import pytest

from modelmonitor_api.status_cost import CostStatus
from modelmonitor_operator.cost.ledger import Ledger
from modelmonitor_operator.cost.ledger_document import DATA_KEY, parse_ledger
from modelmonitor_testbed.installation import SYSTEM_NAMESPACE, Installation
from modelmonitor_testbed.kubectl import wait_until
from modelmonitor_testbed.progress import say
from modelmonitor_testbed.triton.manifests import TritonOptions
from tests.cluster.conftest import LEDGER_SECONDS
from tests.cluster.processes import pod_processes
from tests.cluster.scenario import MonitorView, monitor_manifest
from tests.cluster.workloads import load_pod, make_namespace, ready_sidecar, start_triton

NAMESPACE = "cost"
PER_HOUR = Decimal(36)
CENT = Decimal("0.01")
"""Of this price, one second of a whole GPU."""
SHARED = "nvidia.com/gpu.shared"
SLICED_GPU, REPLICAS = "3", 2
DELAY_MS = 40
LOAD_SECONDS = 150
LOADS: Mapping[str, Mapping[str, float]] = {
    "busy": {"queue": 12},
    "quiet": {"queue": 4},
    "alone": {"queue": 6, "failing": 2},
}
"""Requests a second by Triton and model; both models take one request at a time."""


@dataclass(frozen=True)
class Bill:
    """One monitor after the load.

    Attributes:
        recorded: good answers by model, as the load generator counted them.
    """

    ledger: Ledger
    status: CostStatus
    recorded: Mapping[str, int]

    def used_us(self, model: str) -> int:
        """Device time that a model used."""
        return sum(one.used_us for (name, _), one in self.ledger.models.items() if name == model)


Bills = Mapping[str, Bill]


@pytest.fixture(scope="module")
def shop(house: Installation) -> Iterator[Installation]:
    """Two Tritons on a time-sliced GPU and one with a GPU of its own, each with a monitor that knows a price."""
    house.gpusim("init", "--gpus", "4")
    house.gpusim("set", SLICED_GPU, f"replicas={REPLICAS}")
    house.gpusim("set", "all", "utilization=50")
    wait_until(lambda: offered(house, SHARED) == REPLICAS, 30, "the kubelet offers the time-sliced GPU")
    make_namespace(house, NAMESPACE)
    for name, rates in LOADS.items():
        resource = "nvidia.com/gpu" if name == "alone" else SHARED
        start_triton(house, NAMESPACE, name, TritonOptions(gpus=1, gpu_resource=resource, models=tuple(rates)))
        cost = {"currency": "EUR", "pricePerGpuHour": str(PER_HOUR), "budget": {"amount": "1000"}}
        house.kubectl.apply(monitor_manifest(name, NAMESPACE, name, cost=cost))
    yield house
    house.kubectl.delete("namespace", NAMESPACE)
    house.gpusim("init", "--gpus", "2")


@pytest.fixture(scope="module")
def bills(shop: Installation) -> Bills:
    """What everything cost while the load ran, the operator and the sidecar killed on the way."""
    for name, rates in LOADS.items():
        MonitorView(shop.kubectl, NAMESPACE, name).wait_condition("Ready", "True", seconds=90)
        for model in rates:
            shop.modelctl(NAMESPACE, name, model, f"delay_ms={DELAY_MS}")
    for name in LOADS:
        wait_until(lambda name=name: held_us(shop, name) > 0, 90, f"the ledger of {name} has charged something")
    shop.kubectl.apply(*(load_pod(f"{name}-load", NAMESPACE, name, LOADS[name], LOAD_SECONDS) for name in LOADS))
    time.sleep(LOAD_SECONDS / 3)
    before = {name: held_us(shop, name) for name in LOADS}
    kill(shop, "app.kubernetes.io/component=operator", "modelmonitor_operator")
    time.sleep(LOAD_SECONDS / 5)
    kill(shop, "", "modelmonitor_sidecar")
    recorded = {name: wait_for_report(shop, f"{name}-load") for name in LOADS}
    ended = time.time()
    for name in LOADS:
        wait_until(
            lambda name=name: charged_until(shop, name) > ended,
            4 * LEDGER_SECONDS + 60,
            f"{name} is charged to the end",
        )
        assert held_us(shop, name) > before[name]
    return {name: Bill(ledger_of(shop, name), status_of(shop, name), recorded[name]) for name in LOADS}


def offered(house: Installation, resource: str) -> int:
    """How many devices of a resource the kubelet offers."""
    (node, *_) = house.kubectl.get("nodes")["items"]
    return int(node["status"]["allocatable"].get(resource, "0"))


def ledger_of(house: Installation, name: str) -> Ledger:
    """The ledger of a monitor as the API server has it."""
    uid = house.kubectl.get("modelmonitor", name, NAMESPACE)["metadata"]["uid"]
    found = house.kubectl.find("configmap", f"modelmonitor-ledger-{uid}", SYSTEM_NAMESPACE)
    assert found is not None, f"{name} has no ledger"
    ledger = parse_ledger(found["data"][DATA_KEY], uid)
    assert isinstance(ledger, Ledger), ledger
    return ledger


def held_us(house: Installation, name: str) -> int:
    """Device time that a monitor's ledger holds; 0 before there is one."""
    uid = house.kubectl.get("modelmonitor", name, NAMESPACE)["metadata"]["uid"]
    if house.kubectl.find("configmap", f"modelmonitor-ledger-{uid}", SYSTEM_NAMESPACE) is None:
        return 0
    return ledger_of(house, name).total.held_us


def charged_until(house: Installation, name: str) -> float:
    """Up to when the monitor's one pod is charged, in seconds since the epoch."""
    return max((mark.until for mark in ledger_of(house, name).checkpoint.pods.values()), default=0.0)


def status_of(house: Installation, name: str) -> CostStatus:
    """What the status says of cost, once it speaks of the newest ledger."""
    spent = ledger_of(house, name).total.held

    def probe() -> CostStatus | None:
        found = MonitorView(house.kubectl, NAMESPACE, name).status().cost
        told = found is not None and found.total.allocation is not None
        return found if told and found is not None and Decimal(found.total.allocation or 0) >= spent - CENT else None

    found: CostStatus = wait_until(probe, 90, f"the status of {name} tells what is committed")
    return found


def kill(house: Installation, selector: str, program: str) -> None:
    """End the processes of a program of ours as the kernel would; the kubelet starts them again."""
    pods = (
        house.kubectl.get("pods", namespace=SYSTEM_NAMESPACE, selector=selector)["items"]
        if selector
        else [ready_sidecar(house)]
    )
    found = [pid for pod in pods for pid in pod_processes(pod["metadata"]["uid"], program)]
    assert found, f"no process of {program} was found"
    for pid in found:
        os.kill(pid, signal.SIGKILL)


def wait_for_report(house: Installation, pod: str) -> dict[str, int]:
    """Good answers by model, once the load is over."""
    wait_until(
        lambda: house.kubectl.get("pod", pod, NAMESPACE)["status"]["phase"] == "Succeeded",
        LOAD_SECONDS + 60,
        f"{pod} is over",
    )
    counts: dict[str, Any] = json.loads(house.kubectl.logs(pod, NAMESPACE).splitlines()[-1])
    return {model: int(one["ok"]) for model, one in counts.items()}


def test_the_share_of_a_time_sliced_gpu_follows_the_load_within_two_percent(bills: Bills) -> None:
    used = {name: bills[name].used_us("queue") for name in ("busy", "quiet")}
    sent = {name: bills[name].recorded["queue"] for name in ("busy", "quiet")}
    charged, recorded = used["busy"] / sum(used.values()), sent["busy"] / sum(sent.values())
    say("time-sliced", f"busy used {charged:.4f} of what both used, and answered {recorded:.4f} of the requests")
    assert abs(charged - recorded) <= 0.02
    assert bills["busy"].status.confidence == "Measured"


def test_models_of_one_triton_share_its_gpu_as_they_were_asked_within_two_percent(bills: Bills) -> None:
    alone = bills["alone"]
    charged = alone.used_us("queue") / (alone.used_us("queue") + alone.used_us("failing"))
    recorded = alone.recorded["queue"] / sum(alone.recorded.values())
    say("one Triton", f"queue used {charged:.4f} of what both models used, and answered {recorded:.4f} of the requests")
    assert abs(charged - recorded) <= 0.02


@pytest.mark.parametrize(("name", "part"), [("busy", 0.5), ("quiet", 0.5), ("alone", 1.0)])
def test_nothing_is_charged_twice_and_nothing_is_left_out(name: str, part: float, bills: Bills) -> None:
    ledger = bills[name].ledger
    (mark,) = ledger.checkpoint.pods.values()
    total = ledger.total
    parts = total.used_us - total.borrowed_us + total.idle_us + total.other_us + total.gap_us
    assert parts == total.held_us
    assert total.held_us / 1e6 == pytest.approx((mark.until - ledger.since) * part, abs=0.5)
    assert total.gap_us / 1e6 <= LEDGER_SECONDS * part


def test_the_allocation_is_opencosts_to_the_cent(bills: Bills) -> None:
    """GPUs requested x hours x price, of a pod that has a whole GPU."""
    ledger = bills["alone"].ledger
    (mark,) = ledger.checkpoint.pods.values()
    opencost = 1 * Decimal(mark.until - ledger.since) / 3600 * PER_HOUR
    say("OpenCost", f"ours {ledger.total.held:.4f}, OpenCost's formula {opencost:.4f} EUR")
    assert abs(ledger.total.held - opencost) < CENT


def test_kubectl_get_shows_what_is_spent_and_what_it_will_be(shop: Installation, bills: Bills) -> None:
    shown = shop.kubectl.run("get", "modelmonitors", "alone", f"--namespace={NAMESPACE}")
    say("kubectl get mm", "\n" + shown)
    header, row = shown.splitlines()
    assert {"SPENT", "PROJECTED"} <= set(header.split())
    assert row.count("EUR") == 2


def test_the_budget_is_kept_and_every_figure_says_where_it_comes_from(shop: Installation, bills: Bills) -> None:
    status = bills["alone"].status
    assert MonitorView(shop.kubectl, NAMESPACE, "alone").condition("WithinBudget")[0] == "True"
    assert [(one.source, one.per_gpu_hour) for one in status.prices] == [("ModelMonitor", "36")]
    assert {one.name for one in status.models} == {"queue", "failing"}
    assert all(Decimal(one.per_thousand_usage or 0) > 0 for one in status.models)
    assert Decimal(status.total.energy_kwh) > 0
