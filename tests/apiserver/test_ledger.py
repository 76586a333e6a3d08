"""Ledgers on a real API server: made, written seldom, charged once whoever dies, believed only while they are ours."""

import itertools
import json
import time
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest

from modelmonitor_api.names import MonitorRef, monitor_metrics_path
from modelmonitor_operator.cost.ledger import Beginning, Ledger
from modelmonitor_operator.cost.ledger_document import DATA_KEY, parse_ledger
from modelmonitor_testbed.controlplane import ControlPlane
from modelmonitor_testbed.kubectl import Kubectl, wait_until
from modelmonitor_testbed.process import CommandError
from modelmonitor_testbed.progress import say
from tests.apiserver.installation import Installation, condition
from tests.apiserver.meters import GPU, Meters
from tests.apiserver.replicas import Replicas
from tests.apiserver.sidecar import SignedSidecar, start_sidecar

NODE, WRITE_SECONDS, SECOND = "ledger-n1", 2.0, 1_000_000
COST = {"currency": "EUR", "budget": {"amount": "1000"}}
TABLE = "prices"
STATUS_SECONDS = 75.0
"""Messages alone are written at most once a minute."""


@dataclass
class House:
    """Two operators, one monitor with a pod that holds a GPU, and a sidecar that meters it."""

    replicas: Replicas
    meters: Meters

    @property
    def installed(self) -> Installation:
        return self.replicas.installed

    @property
    def uid(self) -> str:
        """Of the monitor that is there now."""
        return str(self.installed.kubectl.get("modelmonitor", "fraud", self.installed.tenant)["metadata"]["uid"])

    def name(self, uid: str = "") -> str:
        return f"modelmonitor-ledger-{uid or self.uid}"

    def raw(self, uid: str = "") -> dict[str, Any] | None:
        return self.installed.find("configmap", self.name(uid))

    def ledger(self, uid: str = "") -> Ledger | None:
        """The ledger as the server has it; None where there is none that is believed."""
        raw = self.raw(uid)
        parsed = parse_ledger((raw or {}).get("data", {}).get(DATA_KEY), uid or self.uid)
        return parsed if isinstance(parsed, Ledger) else None

    def held(self, uid: str = "") -> float:
        """GPU-seconds in the ledger."""
        ledger = self.ledger(uid)
        return ledger.total.held_us / SECOND if ledger else 0.0

    def cost(self) -> dict[str, Any]:
        """What the status says of cost."""
        return dict(self.installed.status().get("cost") or {})

    def budget(self) -> dict[str, Any]:
        """The condition."""
        return condition(self.installed.status(), "WithinBudget")

    def page_price(self) -> float:
        """The price in force, as the leader's page says."""
        leader, _ = self.replicas.pair_now()
        page = leader.operator.page(monitor_metrics_path(MonitorRef(self.installed.tenant, "fraud")))
        found = [line for line in page.splitlines() if line.startswith("modelmonitor_cost_price_per_gpu_hour{")]
        return float(found[0].rsplit(" ", 1)[1]) if found else 0.0

    def table(self, price: str) -> None:
        """The administrator's price table."""
        csv = f"gpuModel,capacityType,perGpuHour\n*H100*,Any,{price}\n"
        metadata = {"name": TABLE, "namespace": self.installed.system}
        data = {"currency": "EUR", "prices.csv": csv}
        self.installed.kubectl.apply({"apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata, "data": data})

    def edit(self, old: str, new: str) -> None:
        """Somebody changes the document by hand."""
        text = (self.raw() or {})["data"][DATA_KEY]
        assert old in text
        patch = json.dumps({"data": {DATA_KEY: text.replace(old, new, 1)}})
        self.installed.kubectl.run(
            "patch", "configmap", self.name(), "-n", self.installed.system, "--type=merge", "--patch", patch
        )

    def grows(self, seconds: float = 4.0) -> None:
        """Wait until so much more has been charged."""
        before = self.held()
        wait_until(lambda: self.held() > before + seconds, 40, "more is charged")


@pytest.fixture(scope="module")
def house(kubectl: Kubectl, control_plane: ControlPlane, tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    installed = Installation(kubectl, tmp_path_factory.mktemp("ledger"), "ledger")
    installed.overrides["cost"] = {"writeSeconds": WRITE_SECONDS, "priceTable": TABLE}
    installed.prepare()
    installed.node(NODE)
    found = House(Replicas(installed, control_plane), Meters(NODE))
    found.table("3.60")
    sidecar = _begin(found)
    yield found
    sidecar.stop()
    found.replicas.stop()
    installed.stop()


def _begin(house: House) -> SignedSidecar:
    installed = house.installed
    for _ in range(2):
        house.replicas.start()
    installed.kubectl.apply(installed.monitor("fraud", interval="5s", cost=COST))
    installed.triton_pod("t1", NODE, "10.99.8.1")
    house.meters.pods = (installed.kubectl.get("pod", "t1", installed.tenant)["metadata"]["uid"],)
    return start_sidecar(installed, NODE, "127.79.0.1", house.meters.summary)


def test_a_monitor_gets_a_ledger_and_its_status_tells_what_is_committed(house: House) -> None:
    cost = wait_until(lambda: (c := house.cost()).get("models") and c, 60, "the status tells of a model's cost")
    assert (cost["currency"], cost["beginning"]) == ("EUR", "New")
    assert [model["name"] for model in cost["models"]] == ["fraud"]
    assert [(price["gpuModel"], price["perGpuHour"], price["source"]) for price in cost["prices"]] == [
        (GPU, "3.6", "PriceTable")
    ]
    assert house.budget()["status"] == "True"
    raw = house.raw()
    assert raw is not None
    assert not raw["metadata"].get("ownerReferences")
    assert raw["metadata"]["annotations"]["modelmonitor.dev/owner"] == f"{house.installed.tenant}/fraud/{house.uid}"


def test_a_ledger_is_written_no_more_often_than_the_settings_say(house: House) -> None:
    house.grows()
    begin = time.time()
    house.grows(8.0)
    times = [w.at for w in house.replicas.writes(begin) if w.name == house.name() and w.done]
    assert len(times) >= 3
    assert min(later - sooner for sooner, later in itertools.pairwise(times)) >= WRITE_SECONDS - 0.1


def test_a_leader_that_is_killed_again_and_again_charges_nothing_twice_and_loses_nothing(house: House) -> None:
    house.grows()
    ledger = house.ledger()
    assert ledger is not None
    for _ in range(3):
        leader, _ = house.replicas.pair_now()
        leader.operator.kill()
        house.grows(2.0)
    now, final = time.time(), house.ledger()
    assert final is not None
    passed, charged = now - ledger.since, final.total.held_us / SECOND
    say("three leaders killed", f"{charged:.2f} s charged of {passed:.2f} s, of which {final.gaps}")
    assert passed - 3 * WRITE_SECONDS - 5 < charged <= passed + 1
    assert final.total.held_us - ledger.total.held_us > 6 * SECOND


def test_a_ledger_that_is_edited_by_hand_is_refused_and_left_alone_until_it_is_put_back(house: House) -> None:
    house.grows()
    house.edit('"used_us":', '"used_us":1')
    refused = wait_until(lambda: (c := house.budget()).get("reason") == "LedgerEdited" and c, 20, "it is refused")
    assert refused["status"] == "Unknown"
    assert "remove the line digest" in refused["message"]
    version = (house.raw() or {})["metadata"]["resourceVersion"]
    time.sleep(2 * WRITE_SECONDS)
    assert (house.raw() or {})["metadata"]["resourceVersion"] == version
    house.edit('"used_us":1', '"used_us":')
    wait_until(lambda: house.budget()["status"] == "True", 20, "it is believed again")
    house.grows()


def test_a_change_of_the_price_table_is_charged_from_then_and_a_table_that_is_none_is_told(house: House) -> None:
    house.grows()
    house.table("7.20")
    wait_until(lambda: house.page_price() == 7.2, 20, "the new price is in force")
    house.table("seven")
    told = wait_until(
        lambda: (m := house.cost().get("message", "")).startswith("price table") and m, STATUS_SECONDS, "it is told"
    )
    assert "'seven' is no amount above 0" in told
    assert house.page_price() == 7.2
    house.table("3.60")
    wait_until(lambda: house.page_price() == 3.6, 20, "it is mended")
    ledger = house.ledger()
    assert ledger is not None
    assert ledger.total.unpriced_us == 0


def test_a_team_can_neither_read_nor_write_its_bill(house: House) -> None:
    installed = house.installed
    member = f"system:serviceaccount:{installed.tenant}:member"
    installed.kubectl.run("create", "serviceaccount", "member", "-n", installed.tenant)
    installed.kubectl.run(
        "create", "rolebinding", "member", "--clusterrole=admin", f"--serviceaccount={installed.tenant}:member",
        "-n", installed.tenant,
    )  # fmt: skip
    for verb in ("get", "delete"):
        with pytest.raises(CommandError, match="cannot"):
            installed.kubectl.run(verb, "configmap", house.name(), "-n", installed.system, f"--as={member}")
    assert house.raw() is not None


def test_a_ledger_that_is_deleted_begins_again_and_says_so(house: House) -> None:
    house.grows()
    house.installed.kubectl.delete("configmap", house.name(), house.installed.system)
    ledger: Ledger = wait_until(
        lambda: (found := house.ledger()) and found.beginning is Beginning.LOST and found, 30, "another begins"
    )
    assert ledger.total.held_us / SECOND <= time.time() - ledger.since + 1


def test_a_monitor_that_is_deleted_and_made_again_has_a_ledger_of_its_own_and_the_old_one_is_kept(house: House) -> None:
    house.grows()
    installed, old, before = house.installed, house.uid, house.held()
    installed.kubectl.delete("modelmonitor", "fraud", installed.tenant)
    installed.kubectl.apply(installed.monitor("fraud", interval="5s", cost=COST))
    wait_until(lambda: house.ledger() is not None, 30, "it has a ledger")
    assert house.uid != old
    house.grows()
    kept, ledger = house.held(old), house.ledger()
    assert kept >= before
    assert ledger is not None
    assert ledger.beginning is Beginning.NEW
    house.grows()
    assert house.held(old) == kept
