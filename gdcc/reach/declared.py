"""What may reach what, from the zones, the requests, the agreements and the services' files themselves.

Written apart from `gdcc.network` and without looking at any policy: it is the other opinion that the rendered rules are
held against, so a mistake in one is seen by the other.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping

from gdcc.model import Estate, State, Zone, bindings
from gdcc.model.traffic import Port
from gdcc.network import namespaces
from gdcc.network.services import OPERATOR_NAMESPACE
from gdcc.reach.addresses import Addresses
from gdcc.reach.matrix import Side, Span
from gdcc.reach.parties import RESOLVERS, gateway
from gdcc.reach.ports import ALL, Ports, Range
from gdcc.reach.selector import Selector

_DNS = Ports.of((Range("UDP", 53, 53), Range("TCP", 53, 53)))
_RESOLVER_PODS = Selector.labelled({"k8s-app": "kube-dns"})
_GATEWAY, _GATEWAY_PORTS = "svc-gateway", Ports.of((Range("TCP", 8443, 8443),))
_SERVICE_LABEL = "app.kubernetes.io/name"
_FRONTS: Mapping[str, tuple[str, Mapping[str, int]]] = {
    "identity": ("svc-identity", {"keycloak": 8443}),
    "notify": ("svc-notify", {"notify-api": 8080}),
    "payment": ("svc-payment", {"payment-adapter": 8080}),
    "e-saraban": ("svc-esaraban", {"mayan-front": 8000, "as4-exchange": 8080}),
}
"""Of each service that runs here: its namespace, and where it answers those who may ask it, port by pods."""
_DATABASE = Selector.labelled({_SERVICE_LABEL: "postgres"})
_OPERATED = Ports.of((Range("TCP", 5432, 5432), Range("TCP", 8000, 8000)))
_KUBERNETES = Ports.of((Range("TCP", 443, 443), Range("TCP", 6443, 6443)))
_ASKING_KUBERNETES = {"svc-identity": ("credentials", "identity-sync", "identity-rotate")}
_MAKES_SECRETS = ("credentials",)


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
    yield from _browsers(estate)
    yield from _services(estate)
    yield from _beyond(estate)


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


def _browsers(estate: Estate) -> Iterator[Span]:
    """People with a browser come through the gateways of zones, to the services that say so."""
    for name, service in estate.services.items():
        doors = frozenset(map(gateway, service.browsers))
        if doors:
            yield Span(Side(doors), _pods(_GATEWAY, name), _GATEWAY_PORTS)


def _services(estate: Estate) -> Iterator[Span]:
    """Within one service everything; from its gateway to its front; to the fronts of those that it depends on."""
    here = {name: front for name, front in _FRONTS.items() if _runs(estate, name)}
    spaces = frozenset({_GATEWAY, *(space for space, _ in here.values())})
    yield Span(Side(spaces), Side(frozenset({RESOLVERS}), _RESOLVER_PODS), _DNS)
    for name, (space, _) in here.items():
        alone = Side(frozenset({space}))
        yield Span(alone, alone, ALL)
        for asked in (name, *estate.services[name].depends_on):
            target, answering = here.get(asked, ("", {}))
            for pods, port in answering.items():
                at = Ports.of((Range("TCP", port, port),))
                for start in (_pods(_GATEWAY, name), alone):  # the gateway checks tokens by the key set of another
                    yield Span(start, _pods(target, pods), at)
        if "cloudnative-pg" in estate.operators:
            yield Span(Side(frozenset({OPERATOR_NAMESPACE})), Side(frozenset({space}), _DATABASE), _OPERATED)


def _beyond(estate: Estate) -> Iterator[Span]:
    """Out of the common services: to the Kubernetes API, and notify's workers to the next hops.

    Until pods run, nobody knows which of the cluster's addresses is the API server's: what stands open to everybody
    may be met at them too.
    """
    cluster = frozenset({RESOLVERS, OPERATOR_NAMESPACE, *map(gateway, estate.zones)})
    databases = ("postgres",) if "cloudnative-pg" in estate.operators else ()
    for name, (space, _) in _FRONTS.items():
        if not _runs(estate, name):
            continue
        for pods in (*_ASKING_KUBERNETES.get(space, _MAKES_SECRETS), *databases):
            for cidr in estate.control_plane:
                place = Addresses.of(cidr)
                for target in (Side(None, addresses=place), Side(cluster, addresses=place)):
                    yield Span(_pods(space, pods), target, _KUBERNETES)
    for relay in estate.relays:
        if relay.cidr is not None:
            place = Addresses.of(relay.cidr, estate.protected)
            yield Span(_pods("svc-notify", "notify-worker"), Side(None, addresses=place), _ports(relay.ports))


def _runs(estate: Estate, name: str) -> bool:
    return name in estate.services and estate.services[name].status == "available"


def _pods(namespace: str, name: str) -> Side:
    return Side(frozenset({namespace}), Selector.labelled({_SERVICE_LABEL: name}))


def _ports(ports: tuple[Port, ...]) -> Ports:
    return Ports.of(Range(one.protocol, one.port, one.port) for one in ports)
