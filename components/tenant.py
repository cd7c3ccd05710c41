"""A tenant: one agency, a namespace for each environment that it asked for, and its walls."""

from __future__ import annotations

from dataclasses import dataclass

import pulumi

from components.access import Role, TenantAccess, TenantAccessArgs
from components.namespace import TenantNamespace, TenantNamespaceArgs
from components.network import TenantNetwork, TenantNetworkArgs
from gdcc.model import ContainerDefaults
from gdcc.model import Tenant as TenantModel


@dataclass(frozen=True)
class TenantArgs:
    """Arguments of `Tenant`.

    Attributes:
        tenant: what the agency asked for, every reference followed.
        container_defaults: what containers get that ask for nothing.
        roles: the names of the platform's roles, from `TenantRoles`.
    """

    tenant: TenantModel
    container_defaults: ContainerDefaults
    roles: dict[Role, pulumi.Output[str]]


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
            namespace = TenantNamespace(part, TenantNamespaceArgs(tenant, environment, args.container_defaults), child)
            here = namespace.namespace_name
            self.groups = TenantAccess(part, TenantAccessArgs(tenant, environment, here, args.roles), child).groups
            TenantNetwork(part, TenantNetworkArgs(tenant, environment, here), child)
            self.namespaces[environment.value] = here
        self.register_outputs({"namespaces": self.namespaces, "groups": self.groups})
