"""Which addresses are asked at all: a pod's own, and nothing that an attacker would rather have asked."""

import pytest

from modelmonitor_api.addresses import refuse_address, same_address

REFUSED = {
    "loopback": "127.0.0.1",
    "any loopback": "127.77.0.1",
    "IPv6 loopback": "::1",
    "loopback within IPv6": "::ffff:127.0.0.1",
    "loopback in the old form": "::127.0.0.1",
    "link-local": "169.254.1.1",
    "metadata": "169.254.169.254",
    "metadata within IPv6": "::ffff:169.254.169.254",
    "any IPv4 within IPv6": "::ffff:10.0.0.1",
    "behind a local translator": "64:ff9b:1::a00:1",
    "Teredo": "2001:0:4136:e378:8000:63bf:3fff:fdd2",
    "metadata behind NAT64": "64:ff9b::a9fe:a9fe",
    "metadata behind 6to4": "2002:a9fe:a9fe::1",
    "metadata of AWS in IPv6": "fd00:ec2::254",
    "metadata of Google Cloud in IPv6": "fd20:ce::254",
    "metadata of Alibaba Cloud": "100.100.100.200",
    "wire server of Azure": "168.63.129.16",
    "IPv6 link-local": "fe80::1",
    "IPv6 link-local with its interface": "fe80::1%eth0",
    "an interface": "fd12::5%lo",
    "unspecified": "0.0.0.0",  # noqa: S104
    "IPv6 unspecified": "::",
    "multicast": "224.0.0.1",
    "IPv6 multicast": "ff02::1",
    "broadcast": "255.255.255.255",
    "reserved": "240.0.0.1",
    "decimal": "2130706433",
    "hexadecimal": "0x7f000001",
    "octal": "0177.0.0.1",
    "short": "127.1",
    "a name": "localhost",
    "a name of metadata": "metadata.google.internal",
    "with a port": "10.0.0.1:80",
    "with a user": "10.0.0.1@169.254.169.254",
    "with a path": "10.0.0.1/x",
    "nothing": "",
}


@pytest.mark.parametrize("address", REFUSED.values(), ids=REFUSED.keys())
def test_what_is_no_address_of_a_pod_is_refused(address: str) -> None:
    assert refuse_address(address)


@pytest.mark.parametrize("address", ["10.0.0.1", "192.168.1.1", "172.16.3.4", "100.64.3.4", "8.8.8.8", "fd12::5"])
def test_an_address_that_a_pod_may_have_is_accepted(address: str) -> None:
    assert refuse_address(address) == ""


@pytest.mark.parametrize(
    "address", sorted(set(REFUSED.values()) - {"127.0.0.1", "127.77.0.1", "::1", "::ffff:127.0.0.1"})
)
def test_where_loopback_is_accepted_nothing_else_is(address: str) -> None:
    assert refuse_address("127.0.0.1", loopback=True) == ""
    assert refuse_address(address, loopback=True)


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        pytest.param("10.96.0.1", "10.96.0.1", True, id="the same text"),
        pytest.param("fd00:0:0::1", "FD00::1", True, id="the same address in other words"),
        pytest.param("10.96.0.1", "10.96.0.2", False, id="another address"),
        pytest.param("kubernetes.default.svc", "kubernetes.default.svc", False, id="a name"),
        pytest.param("", "", False, id="nothing"),
    ],
)
def test_addresses_are_compared_and_not_texts(one: str, other: str, same: bool) -> None:  # noqa: FBT001
    assert same_address(one, other) is same
