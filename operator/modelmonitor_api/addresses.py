"""Which addresses may be a pod's. Both ends ask: the operator before it plans a pod, the sidecar before it connects.

Only the address itself is judged, as Kubernetes writes it: a name, a decimal or a hexadecimal form is none.
"""

from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network

_METADATA = tuple(
    ip_network(text) for text in ("fd00:ec2::/32", "fd20:ce::254/128", "100.100.100.200/32", "168.63.129.16/32")
)
"""Metadata services of clouds outside the link-local range.

Sources: https://docs.aws.amazon.com/whitepapers/latest/ipv6-on-aws/supporting-amazon-vpc-services.html,
https://cloud.google.com/compute/docs/metadata/querying-metadata,
https://www.alibabacloud.com/help/en/ecs/user-guide/view-instance-metadata,
https://learn.microsoft.com/en-us/azure/virtual-network/what-is-ip-address-168-63-129-16
"""
_HOLDING_IPV4 = tuple(
    ip_network(text) for text in ("::ffff:0:0/96", "64:ff9b::/96", "64:ff9b:1::/48", "2002::/16", "2001::/32")
)
"""IPv4 within IPv6: mapped, behind a translator, 6to4, Teredo. Sources: RFC 4291, 6052, 8215, 3056, 4380."""


def refuse_address(text: str, *, loopback: bool = False) -> str:
    """Why an address cannot be a pod's own; empty where it may be.

    Args:
        loopback: whether this machine's own addresses are accepted, as where all parts run on one machine.
    """
    try:
        given = ip_address(text)
    except ValueError:
        return "it is no IP address"
    if isinstance(given, IPv6Address) and given.scope_id is not None:
        return "it names an interface"
    return _refuse(given, loopback=loopback)


def same_address(one: str, other: str) -> bool:
    """Whether two texts are the same address, however they are written; a name is none."""
    try:
        return ip_address(one) == ip_address(other)
    except ValueError:
        return False


def _refuse(address: IPv4Address | IPv6Address, *, loopback: bool) -> str:
    if any(address in network for network in _METADATA):
        return "it is a cloud's metadata service"
    if any(address in network for network in _HOLDING_IPV4):
        return "it holds an IPv4 address within an IPv6 one, as no pod's does"
    if address.is_loopback:
        return "" if loopback else "it is a loopback address"
    if address.is_link_local:
        return "it is a link-local address, as metadata services have"
    if address.is_unspecified or address.is_multicast or address.is_reserved:
        return "it is no address of a single host"
    return ""
