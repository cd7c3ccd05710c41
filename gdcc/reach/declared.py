"""What may reach what, from the zones, the requests and the agreements themselves.

Written apart from `gdcc.network` and without looking at any policy: it is the other opinion that the rendered rules are
held against, so a mistake in one is seen by the other.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator

from gdcc.model import Estate, State, Zone, bindings
from gdcc.model.traffic import Port
from gdcc.network import namespaces
from gdcc.reach.addresses import Addresses
from gdcc.reach.matrix import Side, Span
from gdcc.reach.parties import RESOLVERS, gateway
from gdcc.reach.ports import ALL, Ports, Range
from gdcc.reach.selector import Selector

_DNS = Ports.of((Range("UDP", 53, 53), Range("TCP", 53, 53)))
_RESOLVER_PODS = Selector.labelled({"k8s-app": "kube-dns"})
_GATEWAY, _GATEWAY_PORTS = "svc-gateway", Ports.of((Range("TCP", 8443, 8443),))
_SERVICE_LABEL = "app.kubernetes.io/name"


def declarations(estate: Estate) -> Iterator[Span]:
    """Every span that is declared; linear in tenants and agreements."""
    by_zone: dict[str, set[str]] = defaultdict(set)
    for namespace in namespaces(estate):
        alone = Side(frozenset({namespace.name}))
        yield Span(alone, alone, ALL)
        by_zone[namespace.tenant.zone.name].add(namespace.name)
        for asked in namespace.tenant.request.egress:
            if asked.cidr is not None and estate.today <= asked.expires:
                place = Addresses.of(asked.cidr, estate.protected)
                yield Span(alone, Side(None, addresses=place), _ports(asked.ports))
    everyone = frozenset[str]().union(*by_zone.values())
    yield Span(Side(everyone), Side(frozenset({RESOLVERS}), _RESOLVER_PODS), _DNS)
    for zone, names in by_zone.items():
        yield from _zone(estate, estate.zones[zone], Side(frozenset(names)))
    yield from _agreements(estate)
    yield from _bindings(estate)


def _zone(estate: Estate, zone: Zone, tenants: Side) -> Iterator[Span]:
    for other in estate.zones.values():
        if other.name in zone.reaches:
            if other.name != zone.name:
                yield Span(tenants, Side(frozenset({gateway(other.name)})), _ports(other.ports))
            for cidr in other.cidrs:
                place = Addresses.of(cidr, (*other.cidrs_except, *estate.protected))
                yield Span(tenants, Side(None, addresses=place), _ports(other.ports))
        if zone.name in other.reaches:
            yield Span(Side(frozenset({gateway(other.name)})), tenants, _ports(zone.workload_ports))


def _agreements(estate: Estate) -> Iterator[Span]:
    for agreement in estate.agreements:
        terms = agreement.terms
        if agreement.state(estate.today) is not State.ACTIVE:
            continue
        for environment in agreement.environments:
            yield Span(
                Side(frozenset({f"{agreement.consumer.id}-{environment.value}"})),
                Side(
                    frozenset({f"{agreement.provider.id}-{environment.value}"}),
                    Selector.labelled({_SERVICE_LABEL: terms.service}),
                ),
                _ports(terms.ports),
            )


def _bindings(estate: Estate) -> Iterator[Span]:
    """One span for each service: the namespaces bound to it, and the gateway's pods of that service alone."""
    bound: dict[str, set[str]] = defaultdict(set)
    for one in bindings(estate):
        bound[one.service].add(f"{one.tenant.id}-{one.environment.value}")
    for service, names in bound.items():
        gateway = Side(frozenset({_GATEWAY}), Selector.labelled({_SERVICE_LABEL: service}))
        yield Span(Side(frozenset(names)), gateway, _GATEWAY_PORTS)


def _ports(ports: tuple[Port, ...]) -> Ports:
    return Ports.of(Range(one.protocol, one.port, one.port) for one in ports)
