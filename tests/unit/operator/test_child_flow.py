"""From what the watches say about owned objects to what is written: intake, memory and reconciler together."""

from typing import Any

import pytest

from modelmonitor_api.names import MonitorRef
from modelmonitor_api.status import ModelMonitorStatus, ObjectiveMethod
from modelmonitor_operator.arrival import ChildState
from modelmonitor_operator.children import OPTIONAL_KINDS
from modelmonitor_operator.desired.endpoints import LeaderAddress
from modelmonitor_operator.desired.monitor_objects import OBJECT_KINDS, TARGET_KINDS
from modelmonitor_operator.errors import (
    AlreadyExistsError,
    ConflictError,
    ForbiddenError,
    InvalidError,
    NotFoundError,
)
from modelmonitor_operator.keys import Key, ObjectsKey, StatusKey, TargetsKey
from modelmonitor_operator.objects import (
    CONFIG_MAP,
    ENDPOINTS,
    PROMETHEUS_RULE,
    SERVICE,
    SERVICE_MONITOR,
    ObjectRef,
    ResourceKind,
)
from modelmonitor_operator.presumed import know_facts
from tests.unit.operator.house import REF, House, raw_monitor, raw_pod
from tests.unit.operator.worlds import settings

NAME = "modelmonitor-fraud"


class Owning(House):
    """A house in which every kind is served and listed, with one monitor and its pod."""

    def __init__(self, **spec: Any) -> None:
        super().__init__()
        self.delays: dict[Key, float] = {}
        self.reconcile.children.enqueue = self._enqueue
        self.reconcile.children.recipes.leader = LeaderAddress("10.9.9.9", 8080)
        self.verdicts.on_methods = lambda ref: self.asked.append(ObjectsKey(ref))
        self.listed()
        self.intake.children.kinds_served(OPTIONAL_KINDS)
        for kind in (*TARGET_KINDS, *OBJECT_KINDS):
            self.intake.children.kind_listed(kind.kind, None)
        raw = raw_monitor()
        self.intake.monitor_event("ADDED", {**raw, "spec": {**raw["spec"], **spec}})
        self.intake.pods_listed("team-a")
        self.intake.put_pod(raw_pod())

    def _enqueue(self, key: Key, delay: float) -> None:
        self.asked.append(key)
        self.delays[key] = delay

    async def settle(self) -> "Owning":
        await self.reconcile(TargetsKey(REF))
        await self.reconcile(ObjectsKey(REF))
        self.asked.clear()
        return self

    def states(self) -> dict[str, ChildState]:
        return {kind.kind: fact.state for kind, fact in self.world.children.facts(REF).items()}

    def written(self) -> list[tuple[str, str]]:
        done = [(verb, ref.kind.kind) for verb, ref in self.cluster.written]
        self.cluster.written.clear()
        return done


def raw_sidecar(node: str = "n1", uid: str = "s1", ip: str = "10.1.0.1", *, ready: bool = True) -> dict[str, Any]:
    status = {"phase": "Running", "podIP": ip, "conditions": [{"type": "Ready", "status": str(ready)}]}
    metadata = {"name": f"sidecar-{uid}", "namespace": "system", "uid": uid}
    return {"metadata": metadata, "spec": {"nodeName": node, "containers": []}, "status": status}


async def test_a_monitor_gets_its_objects_once() -> None:
    house = Owning()
    await house.reconcile(TargetsKey(REF))
    await house.reconcile(ObjectsKey(REF))
    assert house.written() == [
        ("create", "Service"),
        ("apply", "Service"),
        ("create", "Endpoints"),
        ("create", "ServiceMonitor"),
        ("apply", "ServiceMonitor"),
        ("create", "PrometheusRule"),
        ("apply", "PrometheusRule"),
        ("create", "ConfigMap"),
        ("apply", "ConfigMap"),
    ]
    assert set(house.states().values()) == {ChildState.APPLIED, ChildState.DISABLED}
    assert StatusKey(REF) in house.asked
    await house.settle()
    assert house.written() == []


@pytest.mark.parametrize("missing", ["monitors", "sidecars", "pods", "endpoints"])
async def test_no_endpoints_are_written_before_what_belongs_into_them_is_known(missing: str) -> None:
    house = Owning()
    if missing == "monitors":
        house.world.monitors_listed = False
    elif missing == "sidecars":
        house.world.listed_kinds.clear()
    elif missing == "pods":
        house.world.listed_namespaces.clear()
    else:
        house.world.children.forget_kind(ENDPOINTS)
    await house.reconcile(TargetsKey(REF))
    assert ("create", "Endpoints") not in house.written()


async def test_a_sidecar_of_a_node_with_pods_changes_the_endpoints_and_one_of_another_node_does_not() -> None:
    house = await Owning().settle()
    house.written()
    house.intake.put_sidecar(raw_sidecar("n2", "s2"))
    assert house.asked == []
    house.intake.put_sidecar(raw_sidecar())
    assert house.asked == [TargetsKey(REF)]
    await house.reconcile(TargetsKey(REF))
    assert house.written() == [("apply", "Endpoints")]
    house.asked.clear()
    house.intake.put_sidecar(raw_sidecar())
    assert house.asked == []
    house.intake.drop_sidecar("s1")
    assert house.asked == [TargetsKey(REF)]


async def test_another_pod_on_the_same_node_writes_nothing() -> None:
    house = Owning()
    house.intake.put_sidecar(raw_sidecar())
    await house.settle()
    house.written()
    house.intake.put_pod(raw_pod("t2"))
    assert TargetsKey(REF) in house.asked
    await house.reconcile(TargetsKey(REF))
    assert house.written() == []


async def test_a_suspended_monitor_keeps_its_service_and_loses_scrapes_and_rules() -> None:
    house = await Owning().settle()
    house.written()
    raw = raw_monitor(version="2", generation=2)
    house.intake.monitor_event("MODIFIED", {**raw, "spec": {**raw["spec"], "suspend": True}})
    await house.settle()
    assert house.written() == [("delete", "ServiceMonitor"), ("delete", "PrometheusRule")]


async def test_our_own_write_told_by_the_watch_asks_for_nothing() -> None:
    house = await Owning().settle()
    known = house.world.children.get(ObjectRef(SERVICE_MONITOR, "team-a", NAME))
    assert known is not None
    metadata = {"name": NAME, "namespace": "team-a", "uid": known.uid, "resourceVersion": known.resource_version}
    house.intake.children.put(SERVICE_MONITOR, {"metadata": metadata})
    assert house.asked == []


@pytest.mark.parametrize(
    ("kind", "key"),
    [(SERVICE, TargetsKey(REF)), (ENDPOINTS, TargetsKey(REF)), (CONFIG_MAP, ObjectsKey(REF))],
    ids=["Service", "Endpoints", "ConfigMap"],
)
async def test_an_object_that_goes_or_loses_its_labels_is_asked_for(kind: ResourceKind, key: Key) -> None:
    house = await Owning().settle()
    known = house.world.children.get(ObjectRef(kind, "team-a", NAME))
    assert known is not None
    gone = {"metadata": {"name": NAME, "namespace": "team-a", "uid": known.uid, "resourceVersion": "900"}}
    house.intake.children.drop(kind, {"metadata": {**gone["metadata"], "uid": "another"}})
    assert house.asked == []
    house.intake.children.drop(kind, gone)
    assert house.asked == [key]


async def test_what_another_operator_says_in_a_status_reaches_ours_and_writes_no_object() -> None:
    house = await Owning(dashboards={"grafanaDashboard": "Enabled"}).settle()
    kind = next(kind.kind for kind in OBJECT_KINDS if kind.kind.kind == "GrafanaDashboard")
    known = house.world.children.get(ObjectRef(kind, "team-a", NAME))
    assert known is not None
    house.written()
    metadata = {"name": NAME, "namespace": "team-a", "uid": known.uid, "resourceVersion": "900"}
    metadata |= {"labels": dict(known.labels), "annotations": {"modelmonitor.dev/digest": known.digest}}
    owner = {"kind": "ModelMonitor", "name": "fraud", "uid": "m1"}
    raw = {"metadata": {**metadata, "ownerReferences": [owner]}, "status": {"hash": "x"}}
    house.intake.children.put(kind, raw)
    assert StatusKey(REF) in house.asked
    assert house.world.children.facts(REF)[kind].status == {"hash": "x"}


async def test_a_kind_that_is_not_served_is_told_and_made_once_it_is() -> None:
    house = Owning()
    house.intake.children.kinds_served(OPTIONAL_KINDS - {SERVICE_MONITOR})
    await house.settle()
    fact = house.world.children.facts(REF)[SERVICE_MONITOR]
    assert fact.state is ChildState.KIND_MISSING
    assert "servicemonitors.monitoring.coreos.com" in fact.message
    house.intake.children.kinds_served(OPTIONAL_KINDS)
    assert ObjectsKey(REF) in house.asked
    await house.reconcile(ObjectsKey(REF))
    assert house.states()["ServiceMonitor"] is ChildState.PENDING
    house.intake.children.kind_listed(SERVICE_MONITOR, None)
    await house.reconcile(ObjectsKey(REF))
    assert house.states()["ServiceMonitor"] is ChildState.APPLIED


async def test_a_kind_that_goes_takes_its_objects_out_of_memory() -> None:
    house = await Owning().settle()
    house.intake.children.kinds_served(frozenset())
    assert house.world.children.get(ObjectRef(SERVICE_MONITOR, "team-a", NAME)) is None
    await house.reconcile(ObjectsKey(REF))
    assert house.states()["PrometheusRule"] is ChildState.KIND_MISSING


async def test_a_kind_that_may_not_be_listed_is_told() -> None:
    house = Owning()
    house.world.children.forget_kind(PROMETHEUS_RULE)
    house.intake.children.kind_failed(PROMETHEUS_RULE, None, ForbiddenError("no", 403))
    await house.reconcile(ObjectsKey(REF))
    fact = house.world.children.facts(REF)[PROMETHEUS_RULE]
    assert fact.state is ChildState.FORBIDDEN
    assert "may not list prometheusrules" in fact.message
    house.intake.children.kind_listed(PROMETHEUS_RULE, None)
    await house.reconcile(ObjectsKey(REF))
    assert house.states()["PrometheusRule"] is ChildState.APPLIED


async def test_a_right_that_is_taken_and_given_again_is_noticed_at_once() -> None:
    house = await Owning().settle()
    house.intake.children.kind_failed(PROMETHEUS_RULE, None, ForbiddenError("no", 403))
    assert ObjectsKey(REF) in house.asked
    await house.settle()
    house.intake.children.kind_listed(PROMETHEUS_RULE, None)
    assert ObjectsKey(REF) in house.asked


async def test_rules_that_prometheus_operator_would_leave_out_are_not_written_and_told() -> None:
    house = Owning(alerts={"labels": {f"label_{number}": "🙂" * 256 for number in range(16)}})
    await house.reconcile(ObjectsKey(REF))
    assert "PrometheusRule" not in {kind for _, kind in house.written()}
    fact = house.world.children.facts(REF)[PROMETHEUS_RULE]
    assert fact.state is ChildState.REFUSED
    assert "labels of spec.alerts" in fact.message


@pytest.mark.parametrize(
    ("error", "state"),
    [
        pytest.param(ForbiddenError("no right", 403), ChildState.FORBIDDEN, id="forbidden"),
        pytest.param(InvalidError("too long", 422), ChildState.REFUSED, id="invalid"),
    ],
)
async def test_what_the_api_server_refuses_is_told_and_tried_again_later(error: Exception, state: ChildState) -> None:
    house = Owning()
    house.cluster.fail = error  # type: ignore[assignment]
    await house.reconcile(ObjectsKey(REF))
    assert set(house.states().values()) == {state, ChildState.DISABLED}
    assert str(error) in house.world.children.facts(REF)[CONFIG_MAP].message
    assert house.delays[ObjectsKey(REF)] > 1
    house.cluster.fail = None
    await house.settle()
    assert house.states()["ConfigMap"] is ChildState.APPLIED


async def test_one_object_in_conflict_does_not_hold_up_the_others() -> None:
    house = Owning()
    write = house.cluster.create

    async def create(ref: ObjectRef, manifest: dict[str, Any]) -> Any:
        if ref.kind == SERVICE_MONITOR:
            raise ConflictError("changed", 409)
        return await write(ref, manifest)

    house.cluster.create = create  # type: ignore[method-assign]
    with pytest.raises(ConflictError):
        await house.reconcile(ObjectsKey(REF))
    assert house.states()["PrometheusRule"] is ChildState.APPLIED
    assert "ServiceMonitor" not in house.states()


async def test_an_object_that_went_meanwhile_is_made_anew() -> None:
    house = await Owning().settle()
    raw = raw_monitor(version="2", generation=2)
    house.intake.monitor_event("MODIFIED", {**raw, "spec": {**raw["spec"], "prometheus": {"labels": {"a": "b"}}}})
    house.cluster.fail = NotFoundError("gone", 404)
    await house.reconcile(ObjectsKey(REF))
    assert house.delays[ObjectsKey(REF)] == 1.0
    house.cluster.fail = None
    house.written()
    await house.reconcile(ObjectsKey(REF))
    assert ("create", "ServiceMonitor") in house.written()


def stray(owner: str | None) -> dict[str, Any]:
    metadata: dict[str, Any] = {"name": NAME, "namespace": "team-a", "uid": "stray", "resourceVersion": "7"}
    if owner:
        metadata["ownerReferences"] = [{"kind": "ModelMonitor", "name": "fraud", "uid": owner}]
    return {"metadata": metadata}


@pytest.mark.parametrize(
    ("owner", "state"), [("m1", ChildState.APPLIED), (None, ChildState.REFUSED)], ids=["ours", "foreign"]
)
async def test_an_object_without_our_labels_is_ours_only_if_it_names_the_monitor(
    owner: str | None, state: ChildState
) -> None:
    house = Owning()
    write = house.cluster.create
    house.cluster.objects[ObjectRef(SERVICE_MONITOR, "team-a", NAME)] = stray(owner)

    async def create(ref: ObjectRef, manifest: dict[str, Any]) -> Any:
        if ref.kind == SERVICE_MONITOR:
            raise AlreadyExistsError("there", 409)
        return await write(ref, manifest)

    house.cluster.create = create  # type: ignore[method-assign]
    await house.reconcile(ObjectsKey(REF))
    await house.reconcile(ObjectsKey(REF))
    assert house.states()["ServiceMonitor"] is state


async def test_what_another_team_labels_as_ours_changes_nothing_of_what_is_told() -> None:
    house = await Owning(dashboards={"grafanaDashboard": "Enabled"}).settle()
    kind = next(kind.kind for kind in OBJECT_KINDS if kind.kind.kind == "GrafanaDashboard")
    before = house.world.children.facts(REF)
    metadata = {"name": NAME, "namespace": "team-b", "uid": "forged", "resourceVersion": "900", "labels": {"a": "b"}}
    metadata |= {"annotations": {"modelmonitor.dev/owner": f"{REF}/m1", "modelmonitor.dev/digest": "x"}}
    house.intake.children.put(kind, {"metadata": metadata, "status": {"hash": "forged"}})
    assert StatusKey(REF) not in house.asked
    assert house.world.children.facts(REF) == before
    house.world.children.forget_monitor(REF)
    told = know_facts(settings(), house.world, house.world.monitors[REF])
    assert told[kind].status != {"hash": "forged"}
    assert dict(told[kind].labels).get("a") is None


async def test_what_lies_in_another_namespace_is_swept_when_its_monitor_is_gone() -> None:
    house = Owning()
    annotation = {"modelmonitor.dev/owner": "team-a/gone/uid-1"}
    metadata = {"name": "modelmonitor-team-a-gone", "namespace": "grafana", "uid": "cm-1", "resourceVersion": "7"}
    house.intake.children.put(CONFIG_MAP, {"metadata": {**metadata, "annotations": annotation}})
    gone = MonitorRef("team-a", "gone")
    assert ObjectsKey(gone) in house.asked
    await house.reconcile(ObjectsKey(gone))
    assert house.written() == [("delete", "ConfigMap")]


@pytest.mark.parametrize("kind", [SERVICE, ENDPOINTS, SERVICE_MONITOR, PROMETHEUS_RULE], ids=lambda kind: kind.kind)
async def test_an_object_of_another_namespace_that_claims_to_be_of_a_monitor_is_none_of_its_own(
    kind: ResourceKind,
) -> None:
    house = Owning()
    metadata = {"name": "mine", "namespace": "team-b", "uid": "x-1", "resourceVersion": "7"}
    claim = {"modelmonitor.dev/owner": "team-a/fraud/m1"}
    house.intake.children.put(kind, {"metadata": {**metadata, "annotations": claim}})
    await house.settle()
    assert "delete" not in {verb for verb, _ in house.written()}


@pytest.mark.parametrize("kind", [SERVICE, ENDPOINTS], ids=lambda kind: kind.kind)
async def test_a_target_under_an_earlier_name_costs_no_write_and_no_retry(kind: ResourceKind) -> None:
    house = await Owning().settle()
    house.written()
    owner = {"kind": "ModelMonitor", "name": "fraud", "uid": "m1"}
    metadata = {"name": "earlier", "namespace": "team-a", "uid": "e1", "resourceVersion": "7"}
    house.intake.children.put(kind, {"metadata": {**metadata, "ownerReferences": [owner]}})
    await house.settle()
    assert house.written() == []
    assert house.delays.get(TargetsKey(REF), 0.0) == 0.0


@pytest.mark.parametrize("kind", [SERVICE, ENDPOINTS], ids=lambda kind: kind.kind)
async def test_a_target_that_lost_its_owner_is_not_swept_for_nobody_may(kind: ResourceKind) -> None:
    house = await Owning().settle()
    known = house.world.children.get(ObjectRef(kind, "team-a", NAME))
    assert known is not None
    metadata = {"name": NAME, "namespace": "team-a", "uid": known.uid, "resourceVersion": "900"}
    house.intake.children.put(kind, {"metadata": metadata})
    house.written()
    house.intake.monitor_event("DELETED", raw_monitor())
    await house.reconcile(ObjectsKey(REF))
    assert house.written() == []


async def test_what_kubernetes_collects_is_left_to_it() -> None:
    house = await Owning().settle()
    house.written()
    house.intake.monitor_event("DELETED", raw_monitor())
    assert ObjectsKey(REF) in house.asked
    await house.reconcile(ObjectsKey(REF))
    assert house.written() == []


def test_before_the_first_verdict_only_availability_has_rules_unless_the_server_knows_better() -> None:
    objectives = [
        {"name": "up", "type": "Availability", "target": "99"},
        {"name": "fast", "type": "Latency", "target": "99", "threshold": "50ms"},
    ]
    house = Owning(objectives=objectives)
    monitor = house.world.monitors[REF]
    assert house.verdicts.methods(monitor) == {"up": ObjectiveMethod.REQUESTS, "fast": ObjectiveMethod.NONE}
    known = {"name": "fast", "type": "Latency", "target": "99", "method": "TimeSlices"}
    status = ModelMonitorStatus.model_validate({"objectives": [known]})
    raw = raw_monitor(version="3", generation=3)
    spec = {**raw["spec"], "objectives": objectives}
    house.intake.monitor_event("MODIFIED", {**raw, "spec": spec, "status": status.to_wire()})
    assert house.verdicts.methods(house.world.monitors[REF])["fast"] is ObjectiveMethod.TIME_SLICES


async def test_a_new_way_to_judge_an_objective_asks_for_new_rules() -> None:
    house = Owning(objectives=[{"name": "up", "type": "Availability", "target": "99"}])
    house.asked.clear()
    house.verdicts.judge(house.world.monitors[REF])
    assert ObjectsKey(REF) in house.asked
    house.asked.clear()
    house.verdicts.judge(house.world.monitors[REF])
    assert house.asked == []


async def test_a_leader_that_has_just_begun_calls_nothing_pending_that_its_predecessor_has_written() -> None:
    house = await Owning().settle()
    monitor = house.world.monitors[REF]
    before = {kind: fact.state for kind, fact in know_facts(house.settings, house.world, monitor).items()}
    house.world.children.forget_monitor(REF)
    after = {kind: fact.state for kind, fact in know_facts(house.settings, house.world, monitor).items()}
    assert after == before
    house.world.children.forget_kind(SERVICE_MONITOR)
    assert know_facts(house.settings, house.world, monitor)[SERVICE_MONITOR].state is ChildState.PENDING


def test_what_can_be_known_is_known_once_every_kind_is_listed_or_refused() -> None:
    house = House()
    children = house.world.children
    assert not children.complete
    house.intake.children.sink(SERVICE, None)
    house.intake.children.sink(SERVICE_MONITOR, None)
    house.intake.children.kinds_served(OPTIONAL_KINDS)
    assert not children.complete
    house.intake.children.kind_listed(SERVICE, None)
    house.intake.children.kind_failed(SERVICE_MONITOR, None, ForbiddenError("no", 403))
    assert children.complete
