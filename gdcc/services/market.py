"""The marketplace: each common service with who is bound to it, who waits for an approval, and who waits for it."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass

from gdcc.errors import GdccError
from gdcc.model import Estate, PlanName, Service, asked_bindings
from gdcc.model.problems import nearest


@dataclass(frozen=True)
class Listing:
    """One service as the marketplace shows it; agencies by id, sorted, each once.

    Attributes:
        bound: who is bound, by plan.
        pending: who waits for an approval of production.
        awaiting: who waits for a planned service.
    """

    name: str
    service: Service
    bound: Mapping[PlanName, tuple[str, ...]]
    pending: tuple[str, ...]
    awaiting: tuple[str, ...]

    @property
    def agencies(self) -> tuple[str, ...]:
        """Who is bound on any plan."""
        return tuple(sorted({agency for some in self.bound.values() for agency in some}))


def listings(estate: Estate) -> list[Listing]:
    """Every service, those that can be bound first, each group by name; linear in what is asked."""
    bound: dict[str, dict[PlanName, set[str]]] = defaultdict(lambda: {plan: set() for plan in PlanName})
    pending, awaiting = defaultdict[str, set[str]](set), defaultdict[str, set[str]](set)
    for one in asked_bindings(estate):
        (pending[one.service] if one.pending else bound[one.service][one.plan]).add(one.tenant.agency)
    for tenant in estate.tenants:
        for name in tenant.request.awaits:
            awaiting[name].add(tenant.agency)
    order = sorted(estate.services, key=lambda name: (estate.services[name].status != "available", name))
    return [
        Listing(
            name,
            estate.services[name],
            {plan: tuple(sorted(some)) for plan, some in bound[name].items()},
            tuple(sorted(pending[name])),
            tuple(sorted(awaiting[name])),
        )
        for name in order
    ]


def service_named(estate: Estate, name: str) -> Service:
    """One service.

    Raises:
        GdccError: there is none of that name.
    """
    if name not in estate.services:
        near = nearest(name, estate.services)
        raise GdccError(f"no service is named `{name}`", f"write {near}; `gdcc services` lists all")
    return estate.services[name]
