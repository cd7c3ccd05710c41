"""Bindings: which tenant may use which common service, in which environment, on which plan and how much of it."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from urllib.parse import urlsplit

from gdcc.model import signing
from gdcc.model.admission import inside
from gdcc.model.document import Document
from gdcc.model.estate import Estate, Tenant
from gdcc.model.service import Limits, PlanName, Service, plan_for
from gdcc.model.service_request import ServiceRequest
from gdcc.model.types import DataClass, Environment


@dataclass(frozen=True, slots=True)
class Binding:
    """One common service for one environment of one tenant."""

    tenant: Tenant
    environment: Environment
    service: str
    """The service's id."""
    about: Service
    """What is declared of it."""
    plan: PlanName
    limits: Limits
    """What it may do: the plan's limits, or the lower ones that the tenant asked for."""
    data_class: DataClass
    """Highest class of the data that passes."""
    redirect_uris: tuple[str, ...]
    """Those of this environment's domains."""
    missing: tuple[str, ...] = ()
    """Roles that have not approved; nothing is bound while there are any."""

    @property
    def pending(self) -> bool:
        """Whether it waits for an approval."""
        return bool(self.missing)

    @property
    def namespace(self) -> str:
        """The tenant's namespace that it is for."""
        return f"{self.tenant.id}-{self.environment.value}"


def bindings(estate: Estate) -> Iterator[Binding]:
    """What is bound, in the order of tenants, environments and services; linear in what is asked."""
    return (one for one in asked_bindings(estate) if not one.pending)


def asked_bindings(estate: Estate) -> Iterator[Binding]:
    """What is asked for: what is bound, and what waits for approvals."""
    for tenant in estate.tenants:
        yield from of_tenant(tenant, estate.services)


def by_tenant(estate: Estate) -> Mapping[str, tuple[Binding, ...]]:
    """What `bindings` gives, by the tenant's id."""
    grouped: dict[str, list[Binding]] = {}
    for one in bindings(estate):
        grouped.setdefault(one.tenant.id, []).append(one)
    return {name: tuple(some) for name, some in grouped.items()}


def of_tenant(tenant: Tenant, services: Mapping[str, Service]) -> Iterator[Binding]:
    """What one tenant asks for, of the services that are available."""
    for environment in tenant.quota:
        for asked in tenant.request.service_requests:
            service = services[asked.name]
            if service.status == "available" and asked.covers(environment):
                yield _binding(tenant, environment, asked, service)


def content_hash(tenant: Tenant, asked: ServiceRequest) -> str:
    """What is approved: that this tenant uses this service in production, how much, for which data, from where.

    Of the fields that are set, so that a new optional one of ours undoes no approval.
    """
    wanted = json.loads(asked.model_dump_json(exclude_defaults=True, exclude={"approvals", "environments", "plan"}))
    content = {
        "tenant": tenant.id,
        "environment": Environment.PROD.value,
        "plan": PlanName.LIVE.value,
        "zone": tenant.zone.name,
        "data_class": data_class_of(tenant, asked).value,
    }
    return signing.content_hash(Document("", wanted | content, {}), ())


def _binding(tenant: Tenant, environment: Environment, asked: ServiceRequest, service: Service) -> Binding:
    plan = plan_for(environment)
    limits = service.plans[plan].limits
    if asked.quota:
        limits = limits.model_copy(update=asked.quota.model_dump(exclude_none=True))
    domains = tenant.domains.get(environment, ())
    uris = tuple(uri for uri in asked.redirect_uris if serves(uri, domains))
    given = {one.role for one in asked.approvals}
    missing = tuple(role for role in service.roles if role not in given) if plan is PlanName.LIVE else ()
    data_class = data_class_of(tenant, asked)
    return Binding(tenant, environment, asked.name, service, plan, limits, data_class, uris, missing)


def data_class_of(tenant: Tenant, asked: ServiceRequest) -> DataClass:
    """The highest class of data that passes: as asked, else the highest that the tenant holds."""
    return asked.data_class or tenant.request.data_class


def serves(uri: str, domains: Sequence[str]) -> bool:
    """Whether an address is in one of these domains."""
    host = urlsplit(uri).hostname or ""
    return any(inside(host, domain) for domain in domains)
