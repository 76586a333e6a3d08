"""What is known about Prometheus objects and namespaces, and why not more."""

from typing import Any

from modelmonitor_operator.children import OPTIONAL_KINDS
from modelmonitor_operator.errors import ForbiddenError, UnavailableError
from modelmonitor_operator.intake import Intake
from modelmonitor_operator.key_ring import KeyRing
from modelmonitor_operator.objects import PROMETHEUS
from modelmonitor_operator.world import World
from tests.unit.operator.worlds import FakeClock, settings


def surroundings(**chosen: Any) -> tuple[World, Intake]:
    world = World()
    return world, Intake(settings(**chosen), world, KeyRing(), FakeClock(), lambda _key, _delay: None)


def raw(name: str) -> dict[str, Any]:
    return {"metadata": {"namespace": "monitoring", "name": name, "labels": {"a": "b"}}, "spec": {"paused": True}}


def test_prometheus_objects_are_known_once_they_are_listed() -> None:
    world, intake = surroundings()
    intake.children.kinds_served(OPTIONAL_KINDS)
    sink = intake.children.prometheuses()
    sink.put(raw("k8s"))
    assert "not been listed" in world.surroundings.objects().problem
    assert world.surroundings.objects().views == ()
    sink.listed()
    found = world.surroundings.objects()
    assert (found.problem, found.kind_served, [view.name for view in found.views]) == ("", True, ["k8s"])
    assert world.surroundings.objects() is found
    sink.drop(raw("k8s"))
    assert world.surroundings.objects().views == ()


def test_a_right_that_is_missing_is_told_and_an_outage_is_not_taken_for_one() -> None:
    world, intake = surroundings()
    intake.children.kinds_served(OPTIONAL_KINDS)
    sink = intake.children.prometheuses()
    sink.listed()
    sink.failed(UnavailableError("down"))
    assert world.surroundings.objects().problem == ""
    sink.failed(ForbiddenError("no", 403))
    assert "may not list Prometheus objects" in world.surroundings.objects().problem


def test_what_changes_nothing_about_selection_leaves_the_value_as_it_is() -> None:
    world, intake = surroundings()
    intake.children.kinds_served(OPTIONAL_KINDS)
    prometheuses, namespaces = intake.children.prometheuses(), intake.children.namespaces()
    prometheuses.put(raw("k8s"))
    namespaces.put({"metadata": {"name": "team-a", "labels": {"team": "a"}}})
    prometheuses.listed()
    namespaces.listed()
    found = world.surroundings.objects()
    prometheuses.put({**raw("k8s"), "status": {"replicas": 2}})
    namespaces.put({"metadata": {"name": "team-a", "labels": {"team": "a"}, "resourceVersion": "9"}})
    prometheuses.listed()
    namespaces.listed()
    assert world.surroundings.objects() is found
    namespaces.put({"metadata": {"name": "team-a", "labels": {"team": "b"}}})
    assert world.surroundings.objects() is not found


def test_without_the_crd_nobody_looks_for_prometheus_objects() -> None:
    world, intake = surroundings()
    intake.children.kinds_served(OPTIONAL_KINDS)
    intake.children.prometheuses().put(raw("k8s"))
    intake.children.prometheuses().listed()
    intake.children.kinds_served(OPTIONAL_KINDS - {PROMETHEUS})
    found = world.surroundings.objects()
    assert (found.kind_served, found.views) == (False, ())
    assert "prometheuses.monitoring.coreos.com is not installed" in found.problem


def test_an_operator_of_single_namespaces_says_that_it_may_not_look() -> None:
    world, intake = surroundings(watchNamespaces=["team-a"])
    intake.children.kinds_served(OPTIONAL_KINDS)
    assert "watchNamespaces" in world.surroundings.objects().problem


def test_labels_of_namespaces_are_known_once_all_are_listed() -> None:
    world, intake = surroundings()
    sink = intake.children.namespaces()
    sink.put({"metadata": {"name": "team-a", "labels": {"team": "a"}}})
    sink.put({"metadata": {"name": "team-b"}})
    assert world.surroundings.objects().namespace_labels is None
    sink.listed()
    assert world.surroundings.objects().namespace_labels == {"team-a": {"team": "a"}, "team-b": {}}
    sink.drop({"metadata": {"name": "team-b"}})
    assert world.surroundings.objects().namespace_labels == {"team-a": {"team": "a"}}
    sink.failed(ForbiddenError("no", 403))
    assert world.surroundings.objects().namespace_labels is None
