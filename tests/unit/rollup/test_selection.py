"""Which pods are selected, and which of them a sidecar can be asked to read."""

import pytest

from modelmonitor_api.plan import PlannedPod
from modelmonitor_api.spec import Selector
from modelmonitor_operator.observed import ContainerFacts, ContainerPort, Pod
from modelmonitor_operator.selection import NotTargetable, Untargetable, selected_pods, selector_matches, targetable
from tests.unit.rollup.situations import pod, spec

LABELS = (("app", "triton"), ("tier", "gpu"))


def expression(key: str, operator: str, *values: str) -> dict[str, object]:
    return {"matchExpressions": [{"key": key, "operator": operator, "values": list(values)}]}


SELECTORS = {
    "a label that is there": ({"matchLabels": {"app": "triton"}}, True),
    "a label with another value": ({"matchLabels": {"app": "vllm"}}, False),
    "a label that is not there": ({"matchLabels": {"team": "a"}}, False),
    "all labels must match": ({"matchLabels": {"app": "triton", "tier": "cpu"}}, False),
    "In": (expression("app", "In", "vllm", "triton"), True),
    "In without the value": (expression("app", "In", "vllm"), False),
    "In without the label": (expression("team", "In", "a"), False),
    "NotIn": (expression("app", "NotIn", "vllm"), True),
    "NotIn with the value": (expression("app", "NotIn", "triton"), False),
    "NotIn without the label, as in Kubernetes": (expression("team", "NotIn", "a"), True),
    "Exists": (expression("app", "Exists"), True),
    "Exists without the label": (expression("team", "Exists"), False),
    "DoesNotExist": (expression("team", "DoesNotExist"), True),
    "DoesNotExist with the label": (expression("app", "DoesNotExist"), False),
    "an operator that Kubernetes does not have": (expression("app", "Matches", "t"), False),
    "an empty selector, which the API refuses": ({}, False),
}


@pytest.mark.parametrize(("selector", "expected"), SELECTORS.values(), ids=SELECTORS.keys())
def test_a_selector_matches_as_kubernetes_does(selector: dict[str, object], *, expected: bool) -> None:
    assert selector_matches(Selector.model_validate(selector), LABELS) is expected


def test_pods_are_selected_by_their_labels() -> None:
    pods = (pod("a"), pod("b", labels=(("app", "other"),)))
    assert [one.name for one in selected_pods(spec(), pods)] == ["a"]


def test_a_port_number_needs_no_declaration() -> None:
    planned = targetable(pod(ports=()), spec())
    assert planned == PlannedPod(
        name="fraud-0", uid="uid-fraud-0", ip="10.0.0.7", container="triton", http_port=8000, metrics_port=8002
    )


def test_a_port_name_is_looked_up_in_the_containers() -> None:
    ports = (
        ContainerPort("proxy", "web", 80),
        ContainerPort("server", "rest", 9000),
        ContainerPort("server", "m", 9002),
    )
    planned = targetable(pod(ports=ports), spec(triton={"httpPort": "rest", "metricsPort": "m"}))
    assert isinstance(planned, PlannedPod)
    assert (planned.container, planned.http_port, planned.metrics_port) == ("server", 9000, 9002)


def test_the_container_is_not_guessed_among_several() -> None:
    planned = targetable(pod(ports=(), containers=(ContainerFacts("a"), ContainerFacts("b"))), spec())
    assert isinstance(planned, PlannedPod)
    assert planned.container == ""


REFUSED = {
    "a pod that is pending": (pod(phase="Pending"), Untargetable.NOT_RUNNING, "not running"),
    "a pod that is being deleted": (pod(deleting=True), Untargetable.NOT_RUNNING, "not running"),
    "a pod without a node": (pod(node=None), Untargetable.NOT_RUNNING, "not running"),
    "a pod on its node's network": (pod(host_network=True), Untargetable.HOST_NETWORK, "hostNetwork: true"),
    "a pod without address": (pod(ip=None), Untargetable.NO_ADDRESS, "no address"),
    "a pod that says it is at a metadata service": (
        pod(ip="169.254.169.254"),
        Untargetable.ADDRESS_REFUSED,
        "169.254.169.254, which no sidecar asks: it is a link-local address",
    ),
    "a pod that says it is on loopback": (pod(ip="127.0.0.1"), Untargetable.ADDRESS_REFUSED, "a loopback address"),
    "a pod that says it is where its node is": (
        pod(has_node_address=True),
        Untargetable.ADDRESS_REFUSED,
        "the address of its node",
    ),
    "a pod without the named port": (
        pod(ports=()),
        Untargetable.PORT_NOT_FOUND,
        "none of its ports has a name. Set spec.triton.metricsPort",
    ),
}


@pytest.mark.parametrize(("one", "reason", "words"), REFUSED.values(), ids=REFUSED.keys())
def test_a_pod_that_cannot_be_read_says_why(one: Pod, reason: Untargetable, words: str) -> None:
    refused = targetable(one, spec(triton={"metricsPort": "metrics"}))
    assert isinstance(refused, NotTargetable)
    assert refused.reason is reason
    assert words in refused.message
