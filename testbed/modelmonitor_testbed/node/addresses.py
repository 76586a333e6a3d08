"""The address range of one cluster: a /16 of its own, so that clusters with different names live side by side."""

from __future__ import annotations

import ipaddress
import zlib
from collections.abc import Iterable
from dataclasses import dataclass

_FIRST, _COUNT = 100, 100


class NoAddressesLeftError(RuntimeError):
    """Every candidate range overlaps a route of this machine."""


@dataclass(frozen=True)
class Addresses:
    """The addresses of one cluster in 10.N.0.0/16; nodes count from 1."""

    second: int
    """N, the second byte of every address."""

    @property
    def whole(self) -> str:
        """The cluster's whole range."""
        return f"10.{self.second}.0.0/16"

    @property
    def services(self) -> str:
        """The range of Service addresses."""
        return f"10.{self.second}.128.0/20"

    @property
    def pods(self) -> str:
        """A range that holds the pods of every node and no Service."""
        return f"10.{self.second}.0.0/17"

    @property
    def api_server(self) -> str:
        """The API server's address: the first node's."""
        return self.node(1)

    def node(self, number: int) -> str:
        """The node's end of its link, which is the node's own address."""
        return f"10.{self.second}.0.{4 * number - 2}"

    def upstream(self, number: int) -> str:
        """The other end of the node's link: the host for node 1, node 1 for the rest."""
        return f"10.{self.second}.0.{4 * number - 3}"

    def node_pods(self, number: int) -> str:
        """The range of one node's pods."""
        return f"10.{self.second}.{number}.0/24"


def choose_addresses(name: str, taken: Iterable[str]) -> Addresses:
    """Choose the range of a cluster by its name, the next one where a route of the machine overlaps it."""
    networks = [ipaddress.ip_network(each, strict=False) for each in taken]
    start = zlib.crc32(name.encode()) % _COUNT
    for offset in range(_COUNT):
        candidate = Addresses(_FIRST + (start + offset) % _COUNT)
        whole = ipaddress.ip_network(candidate.whole)
        if not any(whole.overlaps(network) for network in networks if network.version == 4):
            return candidate
    raise NoAddressesLeftError(f"every range from 10.{_FIRST}.0.0/16 to 10.{_FIRST + _COUNT - 1}.0.0/16 is in use here")


def parse_routes(routes: Iterable[dict[str, object]]) -> list[str]:
    """Return the destinations of `ip -json route`, without the default route."""
    destinations = [str(route.get("dst", "default")) for route in routes]
    return [each for each in destinations if each != "default"]


def link_name(cluster: str, node: int) -> str:
    """Return the name of the upstream end of a node's link, at most 15 characters, unlike in different clusters."""
    return f"mm{zlib.crc32(cluster.encode()):08x}n{node}"
