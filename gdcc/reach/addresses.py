"""Address ranges with exceptions, as ``ipBlock`` has them."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, collapse_addresses, ip_network

from gdcc.reach.manifest import Node

Address = IPv4Address | IPv6Address
Network = IPv4Network | IPv6Network


@dataclass(frozen=True, slots=True)
class Addresses:
    """The addresses of `network` that are in none of `excepts`; without a network, every address."""

    network: Network | None = None
    excepts: tuple[Network, ...] = ()

    @classmethod
    def of(cls, cidr: str, excepts: Iterable[str] = ()) -> Addresses:
        """From text; bits beyond the prefix are ignored, as Kubernetes does.

        Raises:
            ValueError: it is no range.
        """
        holes = (ip_network(text, strict=False) for text in excepts)
        return cls(ip_network(cidr, strict=False), tuple(sorted(set(holes), key=_order)))

    @classmethod
    def read(cls, node: Node) -> Addresses:
        """Reads an ``IPBlock``.

        Raises:
            FindingError: it is none that the Kubernetes API would take.
        """
        node.only("cidr", "except")
        try:
            return cls.of(node.text("cidr"), node.texts("except"))
        except ValueError as error:
            raise node.wrong("cidr", str(error)) from error

    def __and__(self, other: Addresses) -> Addresses:
        if other.network is None:
            return self
        if self.network is None:
            return other
        # Two ranges never overlap in part: one holds the other, or they share nothing.
        for inner, outer in ((self.network, other.network), (other.network, self.network)):
            if _inside(inner, outer):
                return Addresses(inner, tuple(sorted({*self.excepts, *other.excepts}, key=_order)))
        return NOWHERE

    def __bool__(self) -> bool:
        """Whether any address is left."""
        return self.network is None or _left(self.network, self.excepts)

    def __contains__(self, address: Address | None) -> bool:
        """Whether an address is in it; one that is not known is in none but all addresses."""
        if self.network is None:
            return True
        return address is not None and address in self.network and not any(address in hole for hole in self.excepts)

    def covers(self, other: Addresses) -> bool:
        """Whether every address of `other` is in this."""
        if self.network is None:
            return True
        if other.network is None or not _inside(other.network, self.network):
            return False
        return not any(other & Addresses(hole) for hole in self.excepts)

    def __str__(self) -> str:
        if self.network is None:
            return "any address"
        holes = f" except {', '.join(map(str, self.excepts))}" if self.excepts else ""
        return f"{self.network}{holes}"


ANYWHERE = Addresses()
NOWHERE = Addresses(IPv4Network("0.0.0.0/32"), (IPv4Network("0.0.0.0/32"),))


def _order(network: Network) -> tuple[int, int, int]:
    return network.version, int(network.network_address), network.prefixlen


def _inside(inner: Network, outer: Network) -> bool:
    if isinstance(inner, IPv4Network):
        return isinstance(outer, IPv4Network) and inner.subnet_of(outer)
    return isinstance(outer, IPv6Network) and inner.subnet_of(outer)


@lru_cache(maxsize=4096)
def _left(network: Network, excepts: tuple[Network, ...]) -> bool:
    four = list(collapse_addresses(hole for hole in excepts if isinstance(hole, IPv4Network)))
    six = list(collapse_addresses(hole for hole in excepts if isinstance(hole, IPv6Network)))
    return not any(_inside(network, hole) for holes in (four, six) for hole in holes)
