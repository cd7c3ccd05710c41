"""Every network policy that an estate means."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from gdcc.model import Estate
from gdcc.network.dns import dns_spec
from gdcc.network.gateway import outward
from gdcc.network.namespaces import Namespace, identity, namespaces
from gdcc.network.outside import outside
from gdcc.network.policy import Json, NetworkPolicy, spec
from gdcc.network.sharing import sharing
from gdcc.network.zoning import zone_spec

_EVERYWHERE = "every namespace of a tenant"
_ZONES = "stacks/platform/zones.yaml"
_ALL_PODS: Json = {"podSelector": {}}

_DENY: Json = {"podSelector": {}, "policyTypes": ["Ingress", "Egress"]}
_DNS = dns_spec()
_SAME_NAMESPACE = spec(ingress=[{"from": [_ALL_PODS]}], egress=[{"to": [_ALL_PODS]}])


def render(estate: Estate) -> Iterator[NetworkPolicy]:
    """Every policy of every tenant, then of agreements and bindings; linear in all, as a zone's part is made once."""
    zones = {name: zone_spec(zone, estate) for name, zone in estate.zones.items() if zone.tenants}
    for namespace in namespaces(estate):
        yield from _presets(namespace, zones[namespace.tenant.zone.name])
        yield from outside(namespace, estate)
    for agreement in estate.agreements:
        yield from sharing(agreement, estate)
    yield from outward(estate)


def by_namespace(estate: Estate) -> Mapping[str, tuple[NetworkPolicy, ...]]:
    """What `render` gives, by the name of the namespace it is for."""
    grouped: dict[str, list[NetworkPolicy]] = {}
    for policy in render(estate):
        grouped.setdefault(policy.namespace, []).append(policy)
    return {name: tuple(policies) for name, policies in grouped.items()}


def _presets(namespace: Namespace, zone: Json) -> Iterator[NetworkPolicy]:
    labels = identity(namespace.tenant, namespace.environment)
    yield NetworkPolicy("default-deny", namespace.name, labels, _DENY, _EVERYWHERE)
    yield NetworkPolicy("allow-dns", namespace.name, labels, _DNS, _EVERYWHERE)
    yield NetworkPolicy("allow-same-namespace", namespace.name, labels, _SAME_NAMESPACE, _EVERYWHERE)
    if zone:
        source = f"{_ZONES}: zone {namespace.tenant.zone.name}"
        yield NetworkPolicy("allow-zone", namespace.name, labels, zone, source)
