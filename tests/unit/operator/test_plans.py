"""What a NodePlan holds, when it is written, and how it is cut."""

import json
from typing import Any

from modelmonitor_api.names import MonitorRef
from modelmonitor_api.plan import MAX_PLAN_BYTES, NodePlanSpec, PlannedMonitor, PlannedPod
from modelmonitor_operator.desired.node_plan import (
    build_node_plan,
    build_plan_spec,
    build_planned_monitor,
    node_plan_ref,
)
from modelmonitor_operator.keys import PlanKey
from modelmonitor_operator.objects import NODE_PLAN, StoredObject, parse_stored, sign
from modelmonitor_operator.reconcile.changes import Apply, Create, Delete, remember
from modelmonitor_operator.reconcile.plans import PlanDecision, PlanInput, reconcile_plan
from tests.unit.operator.house import House
from tests.unit.operator.worlds import anchor, monitor, settings, stored


def planned(name: str = "fraud", pods: int = 1) -> PlannedMonitor:
    return PlannedMonitor(
        namespace="team-a",
        name=name,
        uid=f"uid-{name}",
        interval_seconds=15,
        window_seconds=300,
        pods=tuple(
            PlannedPod(name=f"pod-{i:04}", uid=f"uid-{i}", ip="10.0.0.1", http_port=8000, metrics_port=8002)
            for i in range(pods)
        ),
    )


def decide(*monitors: PlannedMonitor, **given: Any) -> PlanDecision:
    facts = {
        "settings": settings(),
        "node": "n1",
        "anchor": anchor(),
        "unknown": frozenset(),
        "stored": None,
        "written": {},
        **given,
    }
    return reconcile_plan(PlanInput(monitors=monitors, **facts))


def present(*monitors: PlannedMonitor, version: str = "1") -> StoredObject:
    spec = build_plan_spec("n1", monitors)
    return stored(NODE_PLAN, sign(build_node_plan(settings(), anchor(), spec))[1], "plan-1", version)


def test_a_node_with_targets_gets_a_plan() -> None:
    (change,) = decide(planned()).changes
    assert isinstance(change, Create)
    assert NodePlanSpec.model_validate(change.manifest["spec"]).monitors == (planned(),)


def test_the_order_is_the_same_whoever_comes_first() -> None:
    a, b = planned("a"), planned("b")
    assert build_plan_spec("n1", (a, b)) == build_plan_spec("n1", (b, a))


def test_a_node_without_targets_loses_its_plan() -> None:
    (change,) = decide(stored=present(planned())).changes
    assert isinstance(change, Delete)
    assert decide().changes == ()


def test_the_same_plan_is_written_once() -> None:
    there = present(planned())
    written = {
        node_plan_ref(settings(), "n1"): remember(
            sign(build_node_plan(settings(), anchor(), build_plan_spec("n1", (planned(),))))[1], there
        )
    }
    assert decide(planned(), stored=there, written=written).changes == ()
    (change,) = decide(planned(), planned("b"), stored=there, written=written).changes
    assert isinstance(change, Apply)


def test_a_new_leader_leaves_a_plan_alone_that_says_itself_that_it_is_settled() -> None:
    assert decide(planned(), stored=present(planned())).changes == ()
    (change,) = decide(planned(), planned("b"), stored=present(planned())).changes
    assert isinstance(change, Apply)


def test_an_edited_plan_is_written_again() -> None:
    there = present(planned())
    written = {
        node_plan_ref(settings(), "n1"): remember(
            sign(build_node_plan(settings(), anchor(), build_plan_spec("n1", (planned(),))))[1], there
        )
    }
    edited = stored(NODE_PLAN, {**there.manifest, "spec": {"nodeName": "n1", "monitors": []}}, "plan-1", "2")
    (change,) = decide(planned(), stored=edited, written=written).changes
    assert isinstance(change, Apply)


def test_what_is_not_known_yet_stays_as_the_present_plan_has_it() -> None:
    there = present(planned("known"), planned("unknown"))
    (change,) = decide(
        planned("known", pods=2), unknown=frozenset({MonitorRef("team-a", "unknown")}), stored=there
    ).changes
    assert isinstance(change, Apply)
    names = {m["name"]: len(m["pods"]) for m in change.manifest["spec"]["monitors"]}
    assert names == {"known": 2, "unknown": 1}


def test_a_plan_of_the_users_is_left_alone() -> None:
    theirs = stored(NODE_PLAN, {"metadata": {"name": "n1", "namespace": "system"}, "spec": {"nodeName": "n1"}})
    decision = decide(planned(), stored=theirs)
    assert decision.changes == ()
    assert "left alone" in decision.problem


def test_a_plan_of_another_installation_in_the_same_namespace_is_left_alone_and_the_advice_is_a_namespace() -> None:
    there = present(planned())
    other = settings(sidecarName="other-sidecar", anchorName="other-anchor")
    for monitors in ((planned("search"),), ()):
        decision = decide(*monitors, settings=other, stored=there)
        assert decision.changes == ()
        assert "of another installation, modelmonitor-sidecar" in decision.problem
        assert "sidecar.namespace" in decision.problem


def test_a_plan_is_cut_at_its_largest_size_and_says_so() -> None:
    spec = build_plan_spec("n1", [planned(f"m{i:03}", pods=500) for i in range(20)])
    assert spec.truncated
    assert spec.monitors
    assert len(json.dumps(spec.to_wire(), separators=(",", ":"))) <= MAX_PLAN_BYTES
    assert not build_plan_spec("n1", [planned(pods=500)]).truncated


def test_a_monitor_with_more_pods_on_a_node_than_a_plan_may_name_is_cut_and_says_so() -> None:
    wanted = monitor()
    pods = [PlannedPod(name=f"p{i}", uid=f"u{i}", ip="10.0.0.1", http_port=1, metrics_port=1) for i in range(1001)]
    cut = build_planned_monitor(wanted, pods)
    assert cut is not None
    (change,) = decide(cut, crowded=True).changes
    assert isinstance(change, Create)
    assert change.manifest["spec"]["truncated"]
    assert len(change.manifest["spec"]["monitors"][0]["pods"]) == 1000


def test_the_last_monitor_that_fits_in_part_keeps_the_pods_that_fit() -> None:
    whole = build_plan_spec("n1", [planned(pods=100)], limit=1_000_000)
    cut = build_plan_spec("n1", [planned(pods=100)], limit=4096 + 2000)
    assert cut.truncated
    assert 0 < len(cut.monitors[0].pods) < 100
    assert cut.monitors[0].pods == whole.monitors[0].pods[: len(cut.monitors[0].pods)]


def raw_plan(version: str) -> dict[str, Any]:
    return {"metadata": {"name": "n1", "namespace": "system", "uid": "p1", "resourceVersion": version}, "spec": {}}


def test_the_watch_asks_nothing_about_a_plan_that_our_own_write_has_told_of() -> None:
    house = House()
    house.world.put_stored(parse_stored(NODE_PLAN, raw_plan("7")))
    house.intake.put_stored(NODE_PLAN, raw_plan("7"))
    assert house.asked == []


def test_a_plan_that_somebody_else_has_changed_is_looked_at() -> None:
    house = House()
    house.world.put_stored(parse_stored(NODE_PLAN, raw_plan("7")))
    house.intake.put_stored(NODE_PLAN, raw_plan("8"))
    assert house.asked == [PlanKey("n1")]
