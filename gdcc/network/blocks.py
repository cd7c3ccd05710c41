"""Address ranges as ``ipBlock`` peers, with everything left out that no rule may open."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from ipaddress import collapse_addresses, ip_network
from typing import Any

from gdcc.model.traffic import Network, within


def ip_blocks(cidrs: Iterable[str], left_out: Iterable[str]) -> Iterator[dict[str, Any]]:
    """A peer for each range.

    Kubernetes wants every ``except`` strictly inside its ``cidr``, so a range that lies wholly in what is left out
    gives no peer, and what lies elsewhere is not mentioned.

    Args:
        cidrs: what is opened.
        left_out: what is not, wherever it lies.
    """
    holes = [ip_network(text) for text in left_out]
    for cidr in cidrs:
        network = ip_network(cidr)
        if any(within(network, hole) for hole in holes):
            continue
        inside = _merged(hole for hole in holes if within(hole, network))
        if network in inside:  # the holes together are all of it
            continue
        yield {"ipBlock": {"cidr": cidr} | ({"except": [str(hole) for hole in inside]} if inside else {})}


def _merged(holes: Iterable[Network]) -> list[Network]:
    """The same addresses in the fewest ranges, in their order; all of one family, as they lie in one range."""
    return list(collapse_addresses(holes))  # type: ignore[type-var]
