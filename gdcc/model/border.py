"""What a tenant may ask to reach outside the cloud: its zone's own addresses and the open internet, nothing between."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import date
from ipaddress import ip_network

from gdcc.model.agency import AgencyRequest, Notice
from gdcc.model.traffic import overlap
from gdcc.model.zone import Zone, ZonesFile


def refusals(request: AgencyRequest, network: ZonesFile, today: date) -> Iterator[Notice]:
    """What may not be opened of what a request asks for in ``egress``; what has expired is passed over.

    Args:
        request: whose zone is known to exist.
        network: the zones, what is protected, and what enforces the rules.
        today: the day that dates are judged by.
    """
    for index, egress in enumerate(request.egress):
        if not egress.open_on(today):
            continue
        if egress.host is not None and network.network_engine != "cilium":
            what = f"rules by host name need Cilium, and the network engine is `{network.network_engine}`"
            why = "a NetworkPolicy of Kubernetes knows addresses only"
            remedy = "the addresses instead, as `cidr: 203.0.113.0/28`"
            yield Notice(("egress", index, "host"), f"{what}: {why}", remedy)
        if egress.cidr is not None and (told := _barrier(egress.cidr, request.zone, network)):
            yield Notice(("egress", index, "cidr"), *told)


def _barrier(cidr: str, own: str, network: ZonesFile) -> tuple[str, str] | None:
    """What stands between a zone's tenant and a range, and what to write instead."""
    asked = ip_network(cidr)
    if guarded := overlap(asked, network.protected.ranges):
        return f"`{cidr}` overlaps {guarded}, which no tenant reaches", "a range outside the cluster"
    for zone in _between(network.zones, own):
        if taken := overlap(asked, zone.cidrs):
            what = f"`{cidr}` overlaps {taken} of the zone `{zone.name}`"
            return what, "an agreement in stacks/agreements, if an agency answers there"
    if not any(zone.holds(cidr) for zone in network.zones):
        return f"`{cidr}` holds addresses of no zone", "public addresses alone, or those of the agency's own zone"
    return None


def _between(zones: Iterable[Zone], own: str) -> Iterator[Zone]:
    """The zones that are neither the tenant's own nor open to everybody."""
    return (zone for zone in zones if zone.name != own and not zone.private_parties)
