"""Who stops when a service stops: services that need it, who is bound to those, and who relies on these by agreement.

A graph with two kinds of edges, both followed to their end: ``depends_on`` between services, and agreements in force
between namespaces. Only what is bound counts; what waits for an approval uses nothing yet, and is told apart.
"""

from __future__ import annotations

from collections import defaultdict, deque
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from gdcc.model import Environment, Estate, Service, State, Tenant, asked_bindings

Place = tuple[str, Environment]
"""A tenant's id and one of its environments."""


@dataclass(frozen=True)
class Affected:
    """One agency that is hit.

    Attributes:
        environments: where.
        because: the services that it is bound to, or the agreements by which it relies on another that is hit.
    """

    tenant: Tenant
    environments: tuple[Environment, ...]
    because: tuple[str, ...]


@dataclass(frozen=True)
class Impact:
    """What the end of one service means.

    Attributes:
        service: which.
        services: those that run and stop with it, each with the one that it needs and that stops.
        bound: agencies bound to one that stops.
        by_agreement: agencies that are not hit in that environment, and rely there on data of one that is.
        pending: agencies that wait for an approval of one that stops.
    """

    service: str
    services: Mapping[str, str]
    bound: tuple[Affected, ...]
    by_agreement: tuple[Affected, ...]
    pending: tuple[str, ...]


def impact(estate: Estate, service: str) -> Impact:
    """What happens when a service stops; linear in bindings and agreements.

    Args:
        estate: everything that is asked.
        service: one that exists.
    """
    running = {name: each for name, each in estate.services.items() if each.status == "available"}
    stopped = stopping(running, service)
    direct: dict[Place, list[str]] = defaultdict(list)
    waiting: set[str] = set()
    for one in asked_bindings(estate):
        if one.service == service or one.service in stopped:
            if one.pending:
                waiting.add(one.tenant.agency)
            else:
                direct[one.tenant.id, one.environment].append(one.service)
    relying = _relying(estate, direct)
    return Impact(
        service,
        stopped,
        tuple(_agencies(estate, direct)),
        tuple(_agencies(estate, relying)),
        tuple(sorted(waiting)),
    )


def stopping(services: Mapping[str, Service], service: str) -> dict[str, str]:
    """The services that need one, directly or through others, each with what it needs; a circle ends where it began."""
    needed_by: dict[str, list[str]] = defaultdict(list)
    for name, each in services.items():
        for other in each.depends_on:
            needed_by[other].append(name)
    found: dict[str, str] = {}
    waiting = deque([service])
    while waiting:
        gone = waiting.popleft()
        for name in needed_by[gone]:
            if name not in found and name != service:
                found[name] = gone
                waiting.append(name)
    return found


def _relying(estate: Estate, hit: Mapping[Place, list[str]]) -> dict[Place, list[str]]:
    """Consumers of agreements whose provider is hit, and the consumers of those."""
    by_provider: dict[Place, list[tuple[Place, str]]] = defaultdict(list)
    for agreement in estate.agreements:
        if agreement.state(estate.today) is State.ACTIVE:
            for environment in agreement.environments:
                consumer = (agreement.consumer.id, environment)
                by_provider[agreement.provider.id, environment].append((consumer, agreement.id))
    found: dict[Place, list[str]] = defaultdict(list)
    waiting, seen = deque(hit), set(hit)
    while waiting:
        for consumer, agreement_id in by_provider[waiting.popleft()]:
            if consumer not in hit:
                found[consumer].append(agreement_id)
            if consumer not in seen:
                seen.add(consumer)
                waiting.append(consumer)
    return found


def _agencies(estate: Estate, hit: Mapping[Place, list[str]]) -> Iterator[Affected]:
    for tenant in estate.tenants:
        environments = tuple(one for one in tenant.quota if (tenant.id, one) in hit)
        if environments:
            because = dict.fromkeys(name for one in environments for name in hit[tenant.id, one])
            yield Affected(tenant, environments, tuple(because))
