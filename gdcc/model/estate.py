"""Everything that is asked, resolved: each tenant with its zone, its pool and its quota."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date

from gdcc.model.admission import Admission
from gdcc.model.agency import AgencyRequest, Freeze
from gdcc.model.agreement import AgreementFile, State
from gdcc.model.identity import Identity
from gdcc.model.images import Image
from gdcc.model.platform import ContainerDefaults, Pool, Quota
from gdcc.model.relay import Relay
from gdcc.model.service import Service
from gdcc.model.stack import Operator
from gdcc.model.template import TemplatesFile
from gdcc.model.tombstone import Stage, TombstoneFile
from gdcc.model.types import Environment, LocalizedName
from gdcc.model.zone import NetworkEngine, Zone


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
    domains: Mapping[Environment, tuple[str, ...]]
    """Per environment, the domains in which it may serve host names; no two tenants share one."""
    source: str
    """The file, relative to the project."""
    frozen: Freeze | None = None
    """Set while the tenant may not write."""


@dataclass(frozen=True, slots=True)
class Agreement:
    """A data-sharing agreement with both parties found."""

    id: str
    """The file's name; rules are named by it."""
    terms: AgreementFile
    provider: Tenant
    consumer: Tenant
    source: str
    """The file, relative to the project."""

    @property
    def environments(self) -> tuple[Environment, ...]:
        """Those it is about: all that both have, unless it lists its own."""
        wanted = self.terms.environments or tuple(self.provider.quota)
        return tuple(one for one in wanted if one in self.provider.quota and one in self.consumer.quota)

    def state(self, today: date) -> State:
        """What it is on a day."""
        return self.terms.state(today)


@dataclass(frozen=True, slots=True)
class Tombstone:
    """Leave to remove a tenant, or some of its environments."""

    tenant: str
    """The tenant's id."""
    terms: TombstoneFile
    content: str
    """Hash of what was approved."""
    source: str
    """The file, relative to the project."""

    def stage(self, today: date) -> Stage:
        """How far the offboarding has come by a day."""
        return self.terms.stage(today)

    def covers(self, tenant: str, environment: Environment) -> bool:
        """Whether it is about this namespace."""
        return tenant == self.tenant and (not self.terms.environments or environment in self.terms.environments)


@dataclass(frozen=True, slots=True)
class Removal:
    """Why a namespace of a tenant may be removed."""

    under: str
    """Content hash of the tombstone in force, or `DISPOSABLE`."""
    until: date | None = None
    """Last day."""


DISPOSABLE = "disposable"
"""Stands for a tombstone in a stack that holds nobody's data."""


@dataclass(frozen=True, slots=True)
class Estate:
    """The platform and its tenants; nothing in it changes."""

    zones: Mapping[str, Zone]
    pools: Mapping[str, Pool]
    sizes: Mapping[str, Mapping[Environment, Quota]]
    container_defaults: ContainerDefaults
    admission: Admission
    services: Mapping[str, Service]
    ministries: Mapping[str, LocalizedName]
    identity: Identity
    images: Mapping[str, Image]
    """Of the common services, by the name that components know."""
    relays: tuple[Relay, ...]
    """To which notify hands messages over."""
    templates: Mapping[str, TemplatesFile]
    """Of the messages of these tenants, by agency."""
    tenants: tuple[Tenant, ...]
    """Sorted by ministry and agency."""
    agreements: tuple[Agreement, ...]
    """Between these tenants, by id; those that are over or not yet in force too."""
    protected: tuple[str, ...]
    """Address ranges that no rule may open: the cluster itself, and link-local addresses."""
    control_plane: tuple[str, ...]
    """Those of them at which the Kubernetes API answers: the machines', and those of the cluster's Services."""
    network_engine: NetworkEngine
    tombstones: tuple[Tombstone, ...]
    """By tenant id; of tenants that have gone too."""
    today: date
    """The day that its dates were judged by."""
    disposable: bool = False
    """Whether the stack holds nobody's data, so that nothing in it is protected."""
    operators: tuple[Operator, ...] = ()
    """Add-ons of the cluster whose custom resources the common services use."""

    def removals(self, tenant: Tenant) -> Mapping[Environment, Removal]:
        """The environments of a tenant whose namespaces may be removed today; all others are protected."""
        if self.disposable:
            return dict.fromkeys(tenant.quota, Removal(DISPOSABLE))
        in_force = [one for one in self.tombstones if one.stage(self.today) is Stage.REMOVABLE]
        return {
            environment: Removal(one.content, one.terms.expires)
            for environment in tenant.quota
            for one in in_force
            if one.covers(tenant.id, environment)
        }
