"""Everything that is asked, resolved: each tenant with its zone, its pool and its quota."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from gdcc.model.agency import AgencyRequest
from gdcc.model.platform import ContainerDefaults, Pool, Quota, Service, Zone
from gdcc.model.types import Environment, LocalizedName


@dataclass(frozen=True, slots=True)
class Tenant:
    """One agency's request with every reference followed."""

    id: str
    """Opaque and stable; namespaces are named by it."""
    agency: str
    """The file's name, for people; may change."""
    ministry: str
    request: AgencyRequest
    zone: Zone
    pool: Pool
    """The machines that carry the tenant's zone and data class."""
    quota: Mapping[Environment, Quota]
    """Per environment asked for, in the order of the request."""
    source: str
    """The file, relative to the project."""


@dataclass(frozen=True, slots=True)
class Estate:
    """The platform and its tenants; nothing in it changes."""

    zones: Mapping[str, Zone]
    pools: Mapping[str, Pool]
    sizes: Mapping[str, Mapping[Environment, Quota]]
    container_defaults: ContainerDefaults
    services: Mapping[str, Service]
    ministries: Mapping[str, LocalizedName]
    tenants: tuple[Tenant, ...]
    """Sorted by ministry and agency."""
