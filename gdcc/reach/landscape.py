"""An estate with everything that its policies let through."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property
from ipaddress import ip_network
from itertools import chain

from gdcc.collector import collector_paused
from gdcc.model import Estate
from gdcc.network import inward, render
from gdcc.network.services import of_services
from gdcc.reach.addresses import Addresses
from gdcc.reach.matrix import OUTSIDE, Matrix
from gdcc.reach.parties import Party, parties
from gdcc.reach.policy import Policy


@dataclass(frozen=True)
class Landscape:
    """Attributes: the estate, its namespaces by name, what is reachable, and how many rules by host name there are."""

    estate: Estate
    parties: Mapping[str, Party]
    matrix: Matrix
    host_rules: int

    @cached_property
    def tenants(self) -> frozenset[str]:
        """The namespaces of agencies."""
        return frozenset(name for name, party in self.parties.items() if party.is_tenant)

    @cached_property
    def services(self) -> frozenset[str]:
        """The namespaces of the common services, and the gateway's before them."""
        return frozenset(name for name, party in self.parties.items() if party.is_service)

    @cached_property
    def proven(self) -> frozenset[str]:
        """Those of which everything reachable must be declared, and every pod isolated."""
        return self.tenants | self.services

    @cached_property
    def by_id(self) -> Mapping[str, frozenset[str]]:
        """The namespaces of each agency, and the platform's own by their names."""
        return _grouped((party.id, name) for name, party in self.parties.items())

    @cached_property
    def _by_zone(self) -> dict[str, frozenset[str]]:
        return _grouped((party.zone, name) for name, party in self.parties.items() if party.is_tenant)

    def ordered(self, names: frozenset[str]) -> list[str]:
        """Namespaces in the order of the requests, the outside last."""
        return [name for name in (*self.parties, OUTSIDE) if name in names]

    def in_zone(self, zone: str) -> frozenset[str]:
        """The namespaces of agencies in a zone."""
        return self._by_zone.get(zone, frozenset())

    def zones_of(self, addresses: Addresses) -> list[str]:
        """The zones that have some of these addresses, by name."""
        ranges = {
            zone.name: [Addresses.of(cidr, zone.cidrs_except) for cidr in zone.cidrs]
            for zone in self.estate.zones.values()
        }
        return [name for name, blocks in ranges.items() if any(addresses & block for block in blocks)]


def _grouped(pairs: Iterable[tuple[str, str]]) -> dict[str, frozenset[str]]:
    groups: dict[str, set[str]] = defaultdict(set)
    for group, name in pairs:
        groups[group].add(name)
    return {group: frozenset(names) for group, names in groups.items()}


def survey(estate: Estate) -> Landscape:
    """Renders the estate's policies and computes what they let through.

    Addresses of the cluster itself count as those of any pod: a rule that opened them would reach pods, directly or
    through a service.
    """
    with collector_paused():
        return _survey(estate)


def _survey(estate: Estate) -> Landscape:
    known = {party.namespace.name: party for party in parties(estate)}
    policies, by_host = [], 0
    inside = chain.from_iterable(of_services(estate).values())
    for rendered in (*render(estate), *inward(estate), *inside):
        if rendered.kind != "NetworkPolicy":
            by_host += 1
            continue
        metadata = {"name": rendered.name, "namespace": rendered.namespace}
        policies.append(Policy.read({"metadata": metadata, "spec": rendered.spec}, rendered.source))
    cluster = (ip_network(text) for text in estate.protected)
    matrix = Matrix((party.namespace for party in known.values()), policies, cluster)
    return Landscape(estate, known, matrix, by_host)
