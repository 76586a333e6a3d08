"""What is done about the DaemonSet and its key, case by case."""

from typing import Any

import pytest

from modelmonitor_operator.desired.daemonset import build_daemon_set, build_daemon_set_seed, daemon_set_ref
from modelmonitor_operator.desired.key_secret import build_key_secret
from modelmonitor_operator.objects import DAEMON_SET, SECRET, StoredObject, sign
from modelmonitor_operator.reconcile.changes import Apply, Create, Delete, remember
from modelmonitor_operator.reconcile.creation import explain_missing_pods, lacks_pods
from modelmonitor_operator.reconcile.fleet import FleetDecision, FleetInput, reconcile_fleet
from tests.unit.operator.worlds import anchor, settings, stored

KEY = b"k" * 64


def signed_daemon_set(anchor_uid: str = "anchor-1") -> dict[str, Any]:
    return sign(build_daemon_set(settings(), anchor(anchor_uid)))[1]


def daemon_set(uid: str = "ds-1", version: str = "5", anchor_uid: str = "anchor-1") -> StoredObject:
    return stored(DAEMON_SET, signed_daemon_set(anchor_uid), uid, version)


def key_secret(key: bytes = KEY, anchor_uid: str = "anchor-1") -> StoredObject:
    return stored(SECRET, build_key_secret(settings(), anchor(anchor_uid), key), "key-1")


def decide(**given: Any) -> FleetDecision:
    facts = {
        "settings": settings(),
        "wanted": True,
        "anchor": anchor(),
        "daemon_set": None,
        "key_secret": None,
        "fresh_key": KEY,
        "written": {},
        **given,
    }
    return reconcile_fleet(FleetInput(**facts))


def kinds(decision: FleetDecision) -> list[tuple[type, str]]:
    return [
        (type(c), (c.ref if isinstance(c, Create) else c.over.ref if isinstance(c, Apply) else c.target.ref).kind.kind)  # type: ignore[union-attr]
        for c in sorted(decision.changes, key=lambda change: change.rank)
    ]


def test_the_key_is_made_before_the_daemon_set_that_mounts_it() -> None:
    assert kinds(decide()) == [(Create, "Secret"), (Create, "DaemonSet")]


def test_what_is_created_first_runs_nowhere_until_it_is_applied_whole() -> None:
    created = next(c for c in decide().changes if isinstance(c, Create) and c.ref.kind == DAEMON_SET)
    assert created.manifest["spec"]["template"]["spec"]["nodeSelector"] == {"kubernetes.io/os": "modelmonitor-not-yet"}
    whole = build_daemon_set(settings(), anchor())
    assert whole["spec"]["template"]["spec"]["nodeSelector"]["kubernetes.io/os"] == "linux"


def test_a_settled_daemon_set_is_left_alone_though_its_status_moves() -> None:
    present = daemon_set()
    written = {daemon_set_ref(settings()): remember(signed_daemon_set(), present)}
    moved = stored(DAEMON_SET, {**present.manifest, "status": {"numberReady": 3}}, "ds-1", "6")
    assert decide(daemon_set=moved, key_secret=key_secret(), written=written).changes == ()


def test_a_new_leader_leaves_a_daemon_set_alone_that_says_itself_that_it_is_settled() -> None:
    assert decide(daemon_set=daemon_set(), key_secret=key_secret()).changes == ()


@pytest.mark.parametrize("spoil", ["other settings", "a later write by somebody else", "no signature"])
def test_a_new_leader_applies_a_daemon_set_again_that_may_be_different(spoil: str) -> None:
    present = daemon_set()
    metadata = dict(present.manifest["metadata"])
    if spoil == "a later write by somebody else":
        metadata["managedFields"] = [
            {"manager": "modelmonitor-operator", "time": "2026-01-01T00:00:00Z"},
            {"manager": "kubectl-edit", "time": "2026-01-01T00:00:01Z"},
        ]
    if spoil == "no signature":
        metadata["annotations"] = {}
    found = stored(DAEMON_SET, {**present.manifest, "metadata": metadata}, "ds-1", "6")
    given = {"settings": settings(sidecar={"image": "sidecar:2"})} if spoil == "other settings" else {}
    assert kinds(decide(daemon_set=found, key_secret=key_secret(), **given)) == [(Apply, "DaemonSet")]


def test_an_edited_daemon_set_is_applied_again() -> None:
    present = daemon_set()
    written = {daemon_set_ref(settings()): remember(signed_daemon_set(), present)}
    edited = stored(
        DAEMON_SET, {**present.manifest, "spec": {**present.manifest["spec"], "minReadySeconds": 9}}, "ds-1", "6"
    )
    assert kinds(decide(daemon_set=edited, key_secret=key_secret(), written=written)) == [(Apply, "DaemonSet")]


def test_other_settings_are_applied() -> None:
    present = daemon_set()
    written = {daemon_set_ref(settings()): remember(signed_daemon_set(), present)}
    other = settings(sidecar={"image": "sidecar:2"})
    assert kinds(decide(settings=other, daemon_set=present, key_secret=key_secret(), written=written)) == [
        (Apply, "DaemonSet")
    ]


def test_the_last_monitor_takes_all_with_it_pods_before_their_key() -> None:
    gone = decide(wanted=False, daemon_set=daemon_set(), key_secret=key_secret())
    assert kinds(gone) == [(Delete, "DaemonSet"), (Delete, "Secret")]


def test_without_an_anchor_nothing_is_made_and_people_are_told_what_to_do() -> None:
    decision = decide(anchor=None)
    assert decision.changes == ()
    assert "ConfigMap system/modelmonitor-anchor is missing" in decision.problem
    assert "helm upgrade" in decision.problem


def test_another_anchor_means_all_anew() -> None:
    decision = decide(anchor=anchor("anchor-2"), daemon_set=daemon_set(), key_secret=key_secret())
    assert kinds(decision) == [(Delete, "Secret"), (Delete, "DaemonSet")]


def test_a_key_that_is_too_short_is_made_anew() -> None:
    assert (Delete, "Secret") in kinds(decide(daemon_set=daemon_set(), key_secret=key_secret(b"short")))


@pytest.mark.parametrize("wanted", [pytest.param(True, id="monitors exist"), pytest.param(False, id="none is left")])
def test_an_object_of_the_users_is_neither_changed_nor_deleted(wanted: bool) -> None:  # noqa: FBT001
    manifest = build_daemon_set_seed(settings(), anchor())
    theirs = stored(DAEMON_SET, {**manifest, "metadata": {"name": "modelmonitor-sidecar", "namespace": "system"}})
    decision = decide(wanted=wanted, daemon_set=theirs)
    assert decision.changes == ()
    assert ("rename or delete it" in decision.problem) is wanted


def test_missing_pods_are_explained_by_the_newest_event_of_this_daemon_set() -> None:
    present = stored(DAEMON_SET, {**daemon_set().manifest, "status": {"desiredNumberScheduled": 2}}, "ds-1")
    events = [
        {"involvedObject": {"uid": "ds-1"}, "message": "Error creating: old", "lastTimestamp": "2026-01-01T00:00:00Z"},
        {
            "involvedObject": {"uid": "ds-1"},
            "message": 'Error creating: pods "x" is forbidden: violates PodSecurity "restricted:latest": hostPath',
            "lastTimestamp": "2026-01-02T00:00:00Z",
        },
        {"involvedObject": {"uid": "other"}, "message": "no", "lastTimestamp": "2026-01-03T00:00:00Z"},
    ]
    assert lacks_pods(present, 1)
    assert not lacks_pods(present, 2)
    text = explain_missing_pods(present, events)
    assert "kubectl label namespace system --overwrite pod-security.kubernetes.io/enforce=privileged" in text
    assert "old" in explain_missing_pods(present, events[:1])
    assert explain_missing_pods(present, events[2:]) == ""
