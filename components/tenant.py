"""A tenant: one agency, a namespace for each environment that it asked for, and its walls."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import pulumi

from components.access import Role, TenantAccess, TenantAccessArgs
from components.binding import ServiceBinding, ServiceBindingArgs
from components.namespace import TenantNamespace, TenantNamespaceArgs
from components.network import TenantNetwork, TenantNetworkArgs
from gdcc.model import Admission, Binding, ContainerDefaults, Environment, Removal
from gdcc.model import Tenant as TenantModel
from gdcc.network import NetworkPolicy, namespace_name


@dataclass(frozen=True)
class TenantArgs:
    """Arguments of `Tenant`.

    Attributes:
        tenant: what the agency asked for, every reference followed.
        container_defaults: what containers get that ask for nothing.
        admission: what the walls allow.
        roles: the names of the platform's roles, from `TenantRoles`.
        policies: the network policies by namespace, from `gdcc.network.by_namespace`.
        removals: the environments that may be removed, from `Estate.removals`; the namespaces of others are protected.
        bindings: the common services that it is bound to, from `ServiceGateway.bound_to`.
    """

    tenant: TenantModel
    container_defaults: ContainerDefaults
    admission: Admission
    roles: dict[Role, pulumi.Output[str]]
    policies: Mapping[str, Sequence[NetworkPolicy]]
    removals: Mapping[Environment, Removal] = field(default_factory=dict)
    bindings: Sequence[Binding] = ()


class Tenant(pulumi.ComponentResource):
    """One agency's part of the cloud. Give it the tenant's id as its name: ids never change, names and titles do.

    Attributes:
        namespaces: the namespaces' names, by environment.
        groups: the groups of the identity provider that have a role here, by role.
    """

    namespaces: dict[str, pulumi.Output[str]]
    groups: dict[Role, str]

    def __init__(self, name: str, args: TenantArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("gdcc:tenancy:Tenant", name, {}, opts)
        child = pulumi.ResourceOptions(parent=self)
        tenant = args.tenant
        self.namespaces = {}
        self.groups = {}
        for environment in tenant.quota:
            part = f"{name}-{environment.value}"
            removal = args.removals.get(environment)
            space = TenantNamespaceArgs(tenant, environment, args.container_defaults, args.admission, removal)
            namespace = TenantNamespace(part, space, child)
            here = namespace.namespace_name
            self.groups = TenantAccess(part, TenantAccessArgs(tenant, environment, here, args.roles), child).groups
            policies = args.policies[namespace_name(tenant, environment)]
            TenantNetwork(part, TenantNetworkArgs(here, policies), child)
            for binding in (one for one in args.bindings if one.environment is environment):
                ServiceBinding(f"{part}-{binding.service}", ServiceBindingArgs(binding, here), child)
            self.namespaces[environment.value] = here
        self.register_outputs({"namespaces": self.namespaces, "groups": self.groups})
