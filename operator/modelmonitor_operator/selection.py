"""Which pods a ModelMonitor selects and which of them can be read: one answer for the plans and for the findings."""

from dataclasses import dataclass
from enum import StrEnum

from modelmonitor_api.addresses import refuse_address
from modelmonitor_api.plan import PlannedPod
from modelmonitor_api.spec import ModelMonitorSpec, Selector, SelectorRequirement
from modelmonitor_operator.observed import Pod


class Untargetable(StrEnum):
    """Why a selected pod cannot be read."""

    NOT_RUNNING = "NotRunning"
    HOST_NETWORK = "HostNetwork"
    NO_ADDRESS = "NoAddress"
    ADDRESS_REFUSED = "AddressRefused"
    PORT_NOT_FOUND = "PortNotFound"


@dataclass(frozen=True, slots=True)
class NotTargetable:
    """A selected pod that no sidecar is asked to read, and what to do about it."""

    reason: Untargetable
    message: str


def _requirement_matches(requirement: SelectorRequirement, labels: dict[str, str]) -> bool:
    """Whether labels satisfy one expression; an operator that Kubernetes does not have matches nothing."""
    present = requirement.key in labels
    if requirement.operator == "In":
        return present and labels[requirement.key] in requirement.values
    if requirement.operator == "NotIn":
        return not present or labels[requirement.key] not in requirement.values
    if requirement.operator == "Exists":
        return present
    return requirement.operator == "DoesNotExist" and not present


def selector_matches(selector: Selector, labels: tuple[tuple[str, str], ...]) -> bool:
    """Whether a pod with these labels is selected. An empty selector matches nothing: it is refused at the API."""
    if not selector.match_labels and not selector.match_expressions:
        return False
    found = dict(labels)
    if any(found.get(key) != value for key, value in selector.match_labels.items()):
        return False
    return all(_requirement_matches(requirement, found) for requirement in selector.match_expressions)


def selected_pods(spec: ModelMonitorSpec, pods: tuple[Pod, ...]) -> tuple[Pod, ...]:
    """The pods that the spec's selector matches, in the order given."""
    return tuple(pod for pod in pods if selector_matches(spec.selector, pod.labels))


def is_live(pod: Pod) -> bool:
    """Whether a pod still counts: not being deleted and not finished."""
    return not pod.deleting and pod.phase != "Succeeded"


def _resolve_port(pod: Pod, wanted: int | str) -> tuple[int, str] | None:
    """Number of a port and the container that declares it; a number needs no declaration."""
    for declared in pod.ports:
        if wanted in (declared.port, declared.name):
            return declared.port, declared.container
    if isinstance(wanted, str):
        return None
    return wanted, pod.containers[0].name if len(pod.containers) == 1 else ""


def _unread(pod: Pod) -> NotTargetable | None:
    """Why a pod cannot be read whatever its ports are, or None."""
    if pod.phase != "Running" or pod.deleting or pod.node is None:
        return NotTargetable(Untargetable.NOT_RUNNING, f"pod {pod.name} is not running")
    if pod.host_network:
        return NotTargetable(
            Untargetable.HOST_NETWORK,
            f"pod {pod.name} uses the network of its node (hostNetwork: true), whose ports are not its own; "
            "it is not read. Remove hostNetwork from the pod template",
        )
    if not pod.ip:
        return NotTargetable(
            Untargetable.NO_ADDRESS,
            f"pod {pod.name} is Running and has no address. See: kubectl -n {pod.namespace} describe pod {pod.name}",
        )
    return _refused(pod)


def _refused(pod: Pod) -> NotTargetable | None:
    """Why its address is not asked: what a status says of it need not come from a kubelet."""
    why = "it is the address of its node" if pod.has_node_address else refuse_address(pod.ip or "")
    if not why:
        return None
    return NotTargetable(
        Untargetable.ADDRESS_REFUSED,
        f"pod {pod.name} says that its address is {pod.ip}, which no sidecar asks: {why}. "
        f"See who wrote it: kubectl -n {pod.namespace} get pod {pod.name} -o yaml --show-managed-fields",
    )


def _port_missing(pod: Pod, wanted: int | str, field: str) -> NotTargetable:
    names = sorted({port.name for port in pod.ports if port.name})
    has = f"it has {', '.join(names[:8])}" if names else "none of its ports has a name"
    return NotTargetable(
        Untargetable.PORT_NOT_FOUND,
        f"no container of pod {pod.name} has a port named {wanted}: {has}. "
        f"Set spec.triton.{field} to one of them or to a number, or name the container port",
    )


def targetable(pod: Pod, spec: ModelMonitorSpec) -> PlannedPod | NotTargetable:
    """What a NodePlan says about a selected pod, or why the pod is not in a plan."""
    unread = _unread(pod)
    if unread is not None or pod.ip is None:
        return unread or NotTargetable(Untargetable.NO_ADDRESS, f"pod {pod.name} has no address")
    http = _resolve_port(pod, spec.triton.http_port)
    metrics = _resolve_port(pod, spec.triton.metrics_port)
    if http is None:
        return _port_missing(pod, spec.triton.http_port, "httpPort")
    if metrics is None:
        return _port_missing(pod, spec.triton.metrics_port, "metricsPort")
    return PlannedPod(
        name=pod.name,
        uid=pod.uid,
        ip=pod.ip,
        container=http[1] or metrics[1],
        http_port=http[0],
        metrics_port=metrics[0],
    )
