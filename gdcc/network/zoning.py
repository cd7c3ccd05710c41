"""What a zone lets its tenants reach and be reached by, before anybody asks for anything."""

from __future__ import annotations

from gdcc.model import Estate, Zone
from gdcc.network.blocks import ip_blocks
from gdcc.network.namespaces import gateway_labels
from gdcc.network.policy import Json, namespaces_with, ports, spec


def zone_spec(zone: Zone, estate: Estate) -> Json:
    """The spec of ``allow-zone``, the same for all tenants of a zone; empty if the zone opens nothing.

    A zone that reaches another has its tenants pass to that one's gateways and addresses, and its own gateways to that
    one's tenants: one field of ``zones.yaml``, read from both sides.
    """
    egress = [rule for name in zone.reaches if (rule := _towards(estate.zones[name], zone, estate))]
    entering = [other.name for other in estate.zones.values() if zone.name in other.reaches]
    gateways = [namespaces_with(gateway_labels(name)) for name in entering]
    ingress = [{"from": gateways, "ports": ports(zone.workload_ports)}] if gateways else []
    return spec(ingress=ingress, egress=egress) if egress or ingress else {}


def _towards(other: Zone, zone: Zone, estate: Estate) -> Json | None:
    """The way out to a zone; of one's own only its addresses, because its gateway leads back to other tenants."""
    peers = list(ip_blocks(other.cidrs, (*other.cidrs_except, *estate.protected)))
    if other.name != zone.name:
        peers.insert(0, namespaces_with(gateway_labels(other.name)))
    return {"to": peers, "ports": ports(other.ports)} if peers else None
