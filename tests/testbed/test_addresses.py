"""Two clusters on one machine never share an address."""

from __future__ import annotations

import ipaddress

import pytest

from modelmonitor_testbed.node.addresses import (
    Addresses,
    NoAddressesLeftError,
    choose_addresses,
    link_name,
    parse_routes,
)


def test_the_same_name_gets_the_same_range() -> None:
    assert choose_addresses("demo", []) == choose_addresses("demo", [])


def test_a_range_that_a_route_overlaps_is_passed_over() -> None:
    first = choose_addresses("demo", [])
    second = choose_addresses("demo", [f"10.{first.second}.7.0/24"])
    assert second.second != first.second
    assert not ipaddress.ip_network(second.whole).overlaps(ipaddress.ip_network(first.whole))


def test_a_machine_whose_routes_cover_everything_is_told_so() -> None:
    with pytest.raises(NoAddressesLeftError, match=r"10\.100\.0\.0/16 to 10\.199\.0\.0/16"):
        choose_addresses("demo", ["10.0.0.0/8"])


def test_routes_of_the_other_address_family_do_not_matter() -> None:
    assert choose_addresses("demo", ["fd00::/64"]) == choose_addresses("demo", [])


def test_nodes_pods_and_services_never_overlap() -> None:
    addresses = Addresses(150)
    services, pods = ipaddress.ip_network(addresses.services), ipaddress.ip_network(addresses.pods)
    assert not services.overlaps(pods)
    for number in (1, 2):
        assert ipaddress.IPv4Network(addresses.node_pods(number)).subnet_of(ipaddress.IPv4Network(addresses.pods))
        assert ipaddress.ip_address(addresses.node(number)) not in ipaddress.ip_network(addresses.node_pods(1))


def test_both_ends_of_a_link_lie_in_one_small_network() -> None:
    for number in (1, 2):
        addresses = Addresses(150)
        network = ipaddress.ip_interface(f"{addresses.node(number)}/30").network
        hosts = [str(each) for each in network.hosts()]
        assert hosts == [addresses.upstream(number), addresses.node(number)]


def test_the_links_of_two_clusters_and_two_nodes_differ_and_fit_the_kernels_15_characters() -> None:
    names = {link_name(cluster, node) for cluster in ("demo", "a-very-long-cluster-name") for node in (1, 2)}
    assert len(names) == 4
    assert max(map(len, names)) <= 15


def test_the_default_route_is_no_destination() -> None:
    assert parse_routes([{"dst": "default"}, {"dst": "10.1.0.0/16"}]) == ["10.1.0.0/16"]
