"""What is done about one object of a ModelMonitor, case by case."""

from dataclasses import replace
from typing import Any

import pytest

from modelmonitor_operator.arrival import ChildFact, ChildState
from modelmonitor_operator.child_object import ChildObject, parse_child
from modelmonitor_operator.desired.monitor_objects import (
    OBJECT_KINDS,
    TARGET_KINDS,
    Action,
    ChildKind,
    Ingredients,
    Wish,
    build_seed,
)
from modelmonitor_operator.objects import (
    CONFIG_MAP,
    ENDPOINTS,
    GRAFANA_DASHBOARD,
    PROMETHEUS_RULE,
    SERVICE,
    SERVICE_MONITOR,
    ObjectRef,
    ResourceKind,
    sign,
)
from modelmonitor_operator.observed import Monitor
from modelmonitor_operator.reconcile.changes import Apply, Create, Delete
from modelmonitor_operator.reconcile.objects import (
    ChildDecision,
    ChildInput,
    ChildWritten,
    Wanted,
    reconcile_child,
)
from tests.unit.operator.worlds import monitor, settings

KINDS = {kind.kind: kind for kind in (*TARGET_KINDS, *OBJECT_KINDS)}
SM = KINDS[SERVICE_MONITOR]
OURS = {"manager": "modelmonitor-operator", "operation": "Apply", "time": "2026-01-01T00:00:10Z"}


def manifest(kind: ChildKind = SM, of: Monitor | None = None) -> dict[str, Any]:
    return sign(kind.build(Ingredients(settings(), of or monitor())))[1]


def wanted(kind: ChildKind = SM) -> Wanted:
    made = manifest(kind)
    metadata = made["metadata"]
    ref = ObjectRef(kind.kind, metadata["namespace"], metadata["name"])
    labels = tuple(sorted(metadata["labels"].items()))
    return Wanted(ref, metadata["annotations"]["modelmonitor.dev/digest"], labels)


def there(*, version: str = "5", of: Monitor | None = None, **metadata: Any) -> ChildObject:
    """The ServiceMonitor as the server has it after our last write."""
    made = manifest(of=of)
    stored = {"uid": "sm-1", "resourceVersion": version, "managedFields": [OURS], **metadata}
    return parse_child(SERVICE_MONITOR, {**made, "metadata": {**made["metadata"], **stored}})


def decide(occupant: ChildObject | None = None, **given: Any) -> ChildDecision:
    facts: dict[str, Any] = {
        "monitor": monitor(),
        "kind": SM,
        "wish": Wish(Action.KEEP),
        "build": manifest,
        "wanted": wanted(),
        "occupant": occupant,
        "mine": (occupant,) if occupant is not None else (),
        **given,
    }
    return reconcile_child(ChildInput(**facts))


def verbs(decision: ChildDecision) -> list[type]:
    return [type(change) for change in decision.changes]


def test_an_absent_object_is_made_of_the_least_that_is_legal() -> None:
    (change,) = decide().changes
    assert isinstance(change, Create)
    assert change.manifest["spec"] == {"selector": {}, "endpoints": []}
    assert change.manifest["metadata"]["ownerReferences"][0]["uid"] == monitor().uid
    assert "annotations" not in change.manifest["metadata"]


def test_what_carries_the_fingerprint_of_what_is_wanted_is_not_written_again_after_a_restart() -> None:
    assert decide(there()).changes == ()


@pytest.mark.parametrize(
    "touch",
    [
        pytest.param({"annotations": {"modelmonitor.dev/digest": "old"}}, id="it was written for another spec"),
        pytest.param({"annotations": {}}, id="it was made and not filled"),
        pytest.param({"labels": {"app.kubernetes.io/managed-by": "modelmonitor-operator"}}, id="labels were removed"),
        pytest.param({"ownerReferences": []}, id="its owner was removed"),
        pytest.param(
            {"managedFields": [OURS, {**OURS, "manager": "kubectl-edit"}]}, id="somebody wrote in the same second"
        ),
        pytest.param(
            {"managedFields": [OURS, {**OURS, "manager": "kubectl-edit", "time": "2026-01-01T00:09:00Z"}]},
            id="somebody wrote later",
        ),
    ],
)
def test_a_touched_object_is_written_again_by_a_leader_that_has_not_written_it(touch: dict[str, Any]) -> None:
    assert verbs(decide(there(**touch))) == [Apply]


@pytest.mark.parametrize(
    "entry",
    [
        pytest.param(
            {"manager": "prometheus-operator", "subresource": "status", "time": "2026-01-01T01:00:00Z"}, id="status"
        ),
        pytest.param({"manager": "kubectl-label", "time": "2026-01-01T00:00:01Z"}, id="before us"),
    ],
)
def test_who_wrote_a_status_or_before_us_has_touched_nothing(entry: dict[str, Any]) -> None:
    assert decide(there(managedFields=[OURS, entry])).changes == ()


def memory(child: ChildObject, **given: Any) -> ChildWritten:
    return replace(ChildWritten(child.uid, child.resource_version, child.digest, child.content), **given)


def test_an_object_that_this_process_wrote_is_left_while_its_content_is_the_same() -> None:
    written = memory(there())
    assert decide(there(version="9"), written=written).changes == ()
    assert verbs(decide(there(version="9", labels={"a": "b", **dict(wanted().labels)}), written=written)) == [Apply]


def test_of_a_kind_whose_content_is_not_watched_every_foreign_write_counts() -> None:
    unseen = replace(there(version="9"), content=None)
    assert verbs(decide(unseen, written=memory(there(), content=None))) == [Apply]
    assert decide(unseen, written=memory(unseen)).changes == ()


def test_a_foreign_object_is_left_alone_and_named() -> None:
    decision = decide(there(labels={}, ownerReferences=[]), mine=())
    assert decision.changes == ()
    assert decision.fact is not None
    assert decision.fact.state is ChildState.REFUSED
    assert "kubectl -n team-a delete servicemonitors modelmonitor-fraud" in decision.fact.message


def test_an_object_that_belongs_to_another_monitor_is_left_alone() -> None:
    other = {"kind": "ModelMonitor", "name": "other", "uid": "uid-other"}
    decision = decide(there(ownerReferences=[other]), mine=())
    assert decision.changes == ()
    assert decision.fact is not None
    assert "belongs to ModelMonitor team-a/other" in decision.fact.message


def test_only_of_what_grafana_reads_an_annotation_names_the_owner() -> None:
    annotations = {"modelmonitor.dev/owner": "team-b/fraud/uid"}
    metadata = {"name": "x", "namespace": "team-a", "uid": "u", "resourceVersion": "1", "annotations": annotations}
    owners = {kind: parse_child(kind, {"metadata": metadata}).owner for kind in KINDS}
    assert {kind.kind for kind, owner in owners.items() if owner} == {"ConfigMap", "GrafanaDashboard"}


def test_of_a_dashboard_in_a_namespace_of_all_an_annotation_says_to_whom_it_belongs() -> None:
    metadata = {"name": "modelmonitor-x", "namespace": "grafana", "uid": "c", "resourceVersion": "1"}
    said = {"annotations": {"modelmonitor.dev/owner": "team-b/fraud/uid"}}
    assert str(parse_child(CONFIG_MAP, {"metadata": {**metadata, **said}}).owner) == "team-b/fraud"


def test_what_a_monitor_of_the_same_name_left_behind_gets_the_new_owner() -> None:
    (change,) = decide(there(of=monitor(uid="before"))).changes
    assert isinstance(change, Apply)
    assert change.over.uid == "sm-1"
    assert change.manifest["metadata"]["ownerReferences"][0]["uid"] == monitor().uid


def test_an_object_that_is_being_deleted_is_waited_for() -> None:
    decision = decide(there(deletionTimestamp="2026-01-01T00:00:00Z"))
    assert (decision.changes, decision.fact and decision.fact.state) == ((), ChildState.PENDING)


def test_what_is_not_wanted_is_removed_with_the_reason_told() -> None:
    decision = decide(there(), wish=Wish(Action.REMOVE, "spec.suspend is true"), wanted=None)
    assert verbs(decision) == [Delete]
    assert decision.fact == ChildFact(ChildState.DISABLED, "spec.suspend is true")


def test_an_object_under_an_earlier_name_is_removed() -> None:
    earlier = replace(there(), ref=ObjectRef(SERVICE_MONITOR, "elsewhere", "modelmonitor-fraud"))
    assert verbs(decide(there(), mine=(earlier, there()))) == [Delete]


def test_what_is_wanted_is_written_before_an_earlier_one_is_removed() -> None:
    """One that cannot be removed must not keep the other from being written."""
    earlier = replace(there(), ref=ObjectRef(SERVICE_MONITOR, "elsewhere", "modelmonitor-fraud"))
    assert verbs(decide(None, mine=(earlier,))) == [Create, Delete]


@pytest.mark.parametrize("kind", TARGET_KINDS, ids=lambda kind: kind.kind.kind)
def test_what_the_operator_may_not_delete_is_left_under_its_earlier_name(kind: ChildKind) -> None:
    earlier = replace(there(), ref=ObjectRef(kind.kind, "team-a", "earlier"))
    given = {"kind": kind, "wanted": wanted(kind), "build": lambda: manifest(kind)}
    assert verbs(decide(None, mine=(earlier,), **given)) == [Create]
    assert verbs(decide(None, mine=(earlier,), **given, wish=Wish(Action.REMOVE, "no"))) == []


def test_what_stands_in_the_way_of_a_kind_is_told_and_nothing_is_tried() -> None:
    missing = ChildFact(ChildState.KIND_MISSING, "install it")
    assert decide(there(), obstacle=missing) == ChildDecision(fact=missing)


def test_a_spec_that_cannot_be_read_changes_nothing() -> None:
    unread = replace(monitor(), spec=None)
    assert {kind.kind for kind in KINDS.values() if kind.wish(settings(), unread).action is Action.LEAVE} == set(KINDS)


GOING, ALL = {SERVICE_MONITOR, PROMETHEUS_RULE}, set(KINDS)


@pytest.mark.parametrize(
    ("of", "chosen", "removed"),
    [
        pytest.param(monitor(), {}, {GRAFANA_DASHBOARD}, id="by default"),
        pytest.param(monitor(spec={"dashboards": {"grafanaDashboard": "Auto"}}), {}, set(), id="everything asked for"),
        pytest.param(
            monitor(spec={"dashboards": {"grafanaDashboard": "Enabled", "configMap": "Disabled"}}),
            {},
            {CONFIG_MAP, GRAFANA_DASHBOARD},
            id="no GrafanaDashboard without its ConfigMap",
        ),
        pytest.param(monitor(spec={"suspend": True}), {}, {*GOING, GRAFANA_DASHBOARD}, id="suspended"),
        pytest.param(
            monitor(spec={"prometheus": {"serviceMonitor": "Disabled"}, "alerts": {"prometheusRule": "Disabled"}}),
            {},
            {*GOING, GRAFANA_DASHBOARD},
            id="nothing for Prometheus",
        ),
        pytest.param(
            monitor(),
            {"dashboards": {"enabled": False}},
            {CONFIG_MAP, GRAFANA_DASHBOARD},
            id="dashboards are switched off by the administrator",
        ),
        pytest.param(monitor(deleting=True), {}, GOING, id="being deleted: Kubernetes collects the others"),
    ],
)
def test_which_objects_a_monitor_does_not_want(of: Monitor, chosen: dict[str, Any], removed: set[ResourceKind]) -> None:
    wishes = {kind.kind: kind.wish(settings(**chosen), of) for kind in KINDS.values()}
    assert {kind for kind, wish in wishes.items() if wish.action is Action.REMOVE} == removed
    assert all(wish.reason for wish in wishes.values() if wish.action is Action.REMOVE)


def test_nothing_is_made_for_a_monitor_that_is_being_deleted() -> None:
    wishes = [kind.wish(settings(), monitor(deleting=True)).action for kind in KINDS.values()]
    assert Action.KEEP not in wishes


@pytest.mark.parametrize("kind", KINDS.values(), ids=lambda kind: kind.kind.kind)
def test_a_new_object_has_an_owner_and_our_labels_from_its_first_write(kind: ChildKind) -> None:
    seed = build_seed(kind, manifest(kind))
    assert seed["metadata"]["ownerReferences"][0]["uid"] == monitor().uid
    assert seed["metadata"]["labels"]["modelmonitor.dev/monitor"] == "modelmonitor-fraud"


def test_only_endpoints_are_whole_from_their_first_write() -> None:
    whole = {kind for kind, child in KINDS.items() if build_seed(child, manifest(child)) == manifest(child)}
    assert whole == {ENDPOINTS}
    assert build_seed(KINDS[SERVICE], manifest(KINDS[SERVICE]))["spec"] == {"clusterIP": "None"}


def test_an_object_in_another_namespace_names_its_monitor_from_its_first_write() -> None:
    chosen = settings(dashboards={"namespace": "grafana"})
    made = sign(KINDS[CONFIG_MAP].build(Ingredients(chosen, monitor())))[1]
    seed = build_seed(KINDS[CONFIG_MAP], made)
    assert seed["metadata"]["annotations"] == {"modelmonitor.dev/owner": f"team-a/fraud/{monitor().uid}"}
    assert "ownerReferences" not in seed["metadata"]
