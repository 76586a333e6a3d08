"""The Endpoints of a ModelMonitor: the sidecars that hold its pods, and the operator's leader.

Endpoints, not EndpointSlices: they are what prometheus-operator's default discovery role reads, and Kubernetes mirrors
them into EndpointSlices for the other role.
Source: https://kubernetes.io/docs/concepts/services-networking/endpoint-slices/#endpointslice-mirroring
"""

from collections.abc import Iterable
from dataclasses import dataclass
from ipaddress import ip_address

from modelmonitor_api import names
from modelmonitor_operator.desired.monitor_child import build_child_metadata
from modelmonitor_operator.objects import ENDPOINTS
from modelmonitor_operator.observed import Monitor, SidecarPod
from modelmonitor_operator.settings import Json

MAX_ADDRESSES = 1000
"""What one Endpoints holds of a port: Kubernetes mirrors no more.

Source: `mirroring-max-endpoints-per-subset`,
https://kubernetes.io/docs/reference/command-line-tools-reference/kube-controller-manager/
"""


@dataclass(frozen=True, slots=True)
class LeaderAddress:
    """Where the leader serves its pages; `node` is empty where it is not known."""

    ip: str
    port: int
    node: str = ""


def build_endpoints(monitor: Monitor, sidecars: Iterable[SidecarPod], leader: LeaderAddress | None) -> Json:
    """The Endpoints, in an order that only a change of its content changes.

    Args:
        sidecars: one a node, of the nodes that have pods of the monitor to read.
        leader: None where this process does not know its own address.
    """
    kept = addressable(sidecars)[:MAX_ADDRESSES]
    subsets = [
        _subset(
            (names.SIDECAR_PORT_NAME, names.SIDECAR_PORT),
            [_address(str(pod.ip), pod.node) for pod in kept if pod.ready],
            [_address(str(pod.ip), pod.node) for pod in kept if not pod.ready],
        )
    ]
    if leader is not None and is_endpoint_address(leader.ip):
        subsets.append(_subset((names.LEADER_PORT_NAME, leader.port), [_address(leader.ip, leader.node)], []))
    return {
        "apiVersion": ENDPOINTS.api_version,
        "kind": ENDPOINTS.kind,
        "metadata": build_child_metadata(monitor),
        "subsets": [subset for subset in subsets if len(subset) > 1],
    }


def addressable(sidecars: Iterable[SidecarPod]) -> list[SidecarPod]:
    """The sidecars that Endpoints can hold, in the order of their nodes."""
    return sorted((pod for pod in sidecars if is_endpoint_address(pod.ip)), key=lambda pod: pod.node)


def left_out_message(sidecars: Iterable[SidecarPod]) -> str:
    """What Endpoints cannot hold; empty where it holds all."""
    total = len(addressable(sidecars))
    if total <= MAX_ADDRESSES:
        return ""
    return (
        f"Endpoints hold {MAX_ADDRESSES} of {total} sidecars, Prometheus sees no more: "
        "split the pods over several ModelMonitors"
    )


def is_endpoint_address(text: str | None) -> bool:
    """Whether the API server takes an address in Endpoints: it refuses loopback and link-local ones."""
    try:
        address = ip_address(text or "")
    except ValueError:
        return False
    return not (address.is_loopback or address.is_link_local or address.is_multicast or address.is_unspecified)


def _subset(port: tuple[str, int], ready: list[Json], not_ready: list[Json]) -> Json:
    name, number = port
    addresses = {"addresses": ready, "notReadyAddresses": not_ready}
    return {
        **{field: given for field, given in addresses.items() if given},
        "ports": [{"name": name, "port": number, "protocol": "TCP"}],
    }


def _address(ip: str, node: str) -> Json:
    """With its node twice: as `nodeName`, and as what both discovery roles of Prometheus turn into the label `node`."""
    return {"ip": ip, **({"nodeName": node, "targetRef": {"kind": "Node", "name": node}} if node else {})}
