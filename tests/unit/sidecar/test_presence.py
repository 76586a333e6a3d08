"""Which pods are asked no more, by what the kubelet lists."""

import asyncio

import pytest

from modelmonitor_api.plan import PlannedPod
from modelmonitor_api.summary import EndpointState
from modelmonitor_sidecar import presence
from modelmonitor_sidecar.presence import Presence, PresentReader
from modelmonitor_sidecar.sources.pod_resources import PodName
from modelmonitor_sidecar.sources.triton import HttpReading, PageReading
from modelmonitor_sidecar.targets import plan_targets
from tests.unit.sidecar.readings import monitor, pod

OWN, FRAUD, OTHER = PodName("mm", "sidecar-x"), PodName("team-a", "fraud-0"), PodName("team-b", "web-0")
ALL, WITHOUT = frozenset({OWN, FRAUD, OTHER}), frozenset({OWN, OTHER})
WITHOUT_SIDECAR = frozenset({OTHER})
UNKNOWN = None


def planned(*pods: PlannedPod, own: PodName = OWN) -> Presence:
    made = Presence(own, lambda: None)
    made.follow(plan_targets((monitor(*(pods or (pod(),))),), lambda _: ""))
    return made


CASES = {
    "a pod that is listed is asked": ([ALL], False),
    "a pod that no list named since it was planned never ran here": ([WITHOUT], True),
    "one list without a pod that was there may be a kubelet's that has just started": ([ALL, WITHOUT], False),
    "two lists in a row without it mean that it is gone": ([ALL, WITHOUT, WITHOUT], True),
    "two lists without it, and one with it between them, mean nothing": ([ALL, WITHOUT, ALL, WITHOUT], False),
    "it is asked again when it is listed again": ([ALL, WITHOUT, WITHOUT, ALL], False),
    "a kubelet that cannot be asked keeps nobody from being read": ([UNKNOWN, UNKNOWN, UNKNOWN], False),
    "a kubelet that cannot be asked between two lists changes nothing": ([ALL, WITHOUT, UNKNOWN, WITHOUT], True),
    "a pod that is gone stays so while the kubelet cannot be asked": ([ALL, WITHOUT, WITHOUT, UNKNOWN], True),
    "a list without the sidecar's own pod says nothing": ([ALL, WITHOUT_SIDECAR, WITHOUT_SIDECAR], False),
    "an empty list says nothing": ([frozenset(), frozenset()], False),
}


@pytest.mark.parametrize(("lists", "gone"), CASES.values(), ids=CASES.keys())
async def test_who_is_gone(lists: list[frozenset[PodName] | None], gone: bool) -> None:  # noqa: FBT001
    made = planned()
    for one in lists:
        made.note(one)
    assert await made.is_gone(pod().uid) is gone


async def test_a_sidecar_that_does_not_know_its_own_name_trusts_no_list() -> None:
    made = planned(own=PodName("mm", ""))
    made.note(WITHOUT)
    assert not await made.is_gone(pod().uid)


async def test_lists_from_before_a_pod_was_planned_do_not_count_against_it() -> None:
    made = Presence(OWN, lambda: None)
    made.note(WITHOUT)
    made.follow(plan_targets((monitor(pod()),), lambda _: ""))
    made.note(ALL)
    assert not await made.is_gone(pod().uid)


async def test_a_plan_that_names_the_same_pods_keeps_what_is_known_and_waits_for_nothing() -> None:
    made = planned()
    made.note(WITHOUT)
    made.follow(plan_targets((monitor(pod(), interval=5),), lambda _: ""))
    assert await made.is_gone(pod().uid)


def test_the_kubelet_is_asked_at_once_for_pods_that_are_new_and_not_for_those_that_are_known() -> None:
    asked: list[str] = []
    made = Presence(OWN, lambda: asked.append("now"))
    for pods, times in (((pod(),), 1), ((pod(),), 1), ((pod(), pod(uid="uid-new")), 2), ((), 2)):
        made.follow(plan_targets((monitor(*pods),), lambda _: ""))
        assert len(asked) == times


async def test_a_pod_of_the_same_name_with_another_uid_is_another_pod() -> None:
    made = planned()
    made.note(WITHOUT)
    made.follow(plan_targets((monitor(pod(uid="uid-new")),), lambda _: ""))
    made.note(ALL)
    assert not await made.is_gone("uid-new")


async def test_a_pod_that_nobody_planned_is_not_gone() -> None:
    assert not await planned().is_gone("uid-unknown")


class CountingReader:
    """Counts readings."""

    def __init__(self) -> None:
        self.read_pods: list[str] = []

    async def read(self, pod: PlannedPod) -> tuple[HttpReading, PageReading]:
        self.read_pods.append(pod.name)
        return HttpReading(), PageReading()


async def test_a_new_pod_waits_for_the_first_list() -> None:
    made, inner = planned(), CountingReader()
    reading = asyncio.create_task(PresentReader(inner, made).read(pod()))
    await asyncio.sleep(0)
    assert inner.read_pods == []
    made.note(ALL)
    await reading
    assert inner.read_pods == ["fraud-0"]


async def test_a_list_that_never_comes_is_not_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(presence, "FIRST_LIST_SECONDS", 0.0)
    inner = CountingReader()
    await PresentReader(inner, planned()).read(pod())
    assert inner.read_pods == ["fraud-0"]


async def test_a_pod_that_is_gone_is_not_asked_and_both_endpoints_say_why() -> None:
    made, inner = planned(), CountingReader()
    made.note(WITHOUT)
    http, page = await PresentReader(inner, made).read(pod())
    assert inner.read_pods == []
    for endpoint in (http.endpoint, page.endpoint):
        assert endpoint.state is EndpointState.UNREACHABLE
        assert "does not list the pod" in endpoint.message
