"""Bindings to common services: what a bound namespace gets, and what the gateway knows of all that are bound.

The rules of the network are registered where all others are (`TenantNetwork`, from `gdcc.network`), so that exactly
what is proven is applied. Here is the rest: in the tenant's namespace the connection data and one right, and before the
services one object for each of them, however many tenants are bound.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pulumi
import pulumi_kubernetes as k8s

from components.access import RBAC, Rule
from components.labels import DOMAIN
from components.network import TenantNetwork, TenantNetworkArgs
from gdcc.model import Binding, Estate, Service, Tenant, bindings, by_tenant
from gdcc.network import inward
from gdcc.network.gateway import SERVICE, backend, binding_labels, object_name, sync_account

CREDENTIAL_ROLE = "gdcc:credential:{}"
"""ClusterRole of a service: what the program that writes its credentials may do where it is bound."""


def credential_rules(service: str) -> tuple[Rule, ...]:
    """One Secret by its name, and the connection data that owns it.

    ``create`` by name holds for server-side apply, where the name stands in the request's path; a POST is refused,
    because its name is not known when the right is asked for. Nothing lists, and nothing deletes: the Secret names the
    connection data as its owner, so it goes when the binding goes.
    """
    name = object_name(service)
    return (Rule("", ("secrets",), ("create", "get", "patch"), (name,)), Rule("", ("configmaps",), ("get",), (name,)))


@dataclass(frozen=True)
class ServiceBindingArgs:
    """Arguments of `ServiceBinding`.

    Attributes:
        binding: one that is not pending.
        namespace: the tenant's namespace, an output of what makes it, so that it is there first.
    """

    binding: Binding
    namespace: pulumi.Input[str]


class ServiceBinding(pulumi.ComponentResource):
    """One common service in one namespace of a tenant: connection data, and leave to write one credential.

    Attributes:
        credential: name of the Secret that the service's sync writes; empty when the service gives out none.
    """

    credential: str

    def __init__(self, name: str, args: ServiceBindingArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("gdcc:services:ServiceBinding", name, {}, opts)
        self._child = pulumi.ResourceOptions(parent=self)
        binding = args.binding
        self.credential = object_name(binding.service) if binding.about.credential != "none" else ""
        labels = binding_labels(binding)
        annotations = {f"{DOMAIN}/data-class": binding.data_class.value, f"{DOMAIN}/source": binding.tenant.source}
        metadata = k8s.meta.v1.ObjectMetaArgs(
            name=object_name(binding.service), namespace=args.namespace, labels=labels, annotations=annotations
        )
        data = connection(binding, self.credential)
        k8s.core.v1.ConfigMap(f"{name}-connection", metadata=metadata, data=data, opts=self._child)
        if self.credential:
            self._grant(name, metadata, binding.service)
        self.register_outputs({"credential": self.credential})

    def _grant(self, name: str, metadata: k8s.meta.v1.ObjectMetaArgs, service: str) -> None:
        namespace, account = sync_account(service)
        role = CREDENTIAL_ROLE.format(service)
        k8s.rbac.v1.RoleBinding(
            f"{name}-credential",
            metadata=metadata,
            role_ref=k8s.rbac.v1.RoleRefArgs(api_group=RBAC, kind="ClusterRole", name=role),
            subjects=[k8s.rbac.v1.SubjectArgs(kind="ServiceAccount", name=account, namespace=namespace)],
            opts=self._child,
        )


def connection(binding: Binding, credential: str) -> dict[str, str]:
    """What an application needs to know, one key each, so that a pod takes it as files or as variables; no secret."""
    addresses = {f"{endpoint.name}-url": endpoint.url for endpoint in binding.about.endpoints}
    limits = {field.replace("_", "-"): str(amount) for field, amount in binding.limits.model_dump().items()}
    secret = {"credential": credential} if credential else {}
    redirects = {"redirect-uris": "\n".join(binding.redirect_uris)} if binding.redirect_uris else {}
    return {"service": binding.service, "plan": binding.plan.value} | addresses | limits | secret | redirects


@dataclass(frozen=True)
class CredentialRolesArgs:
    """Arguments of `CredentialRoles`; `services` are all there are."""

    services: Mapping[str, Service]


class CredentialRoles(pulumi.ComponentResource):
    """For each service that gives out credentials a ClusterRole, bound only where a tenant is.

    Attributes:
        names: the roles' names, by service.
    """

    names: dict[str, str]

    def __init__(self, name: str, args: CredentialRolesArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("gdcc:services:CredentialRoles", name, {}, opts)
        self.names = {
            service: CREDENTIAL_ROLE.format(service)
            for service, about in args.services.items()
            if about.status == "available" and about.credential != "none"
        }
        for service, role in self.names.items():
            k8s.rbac.v1.ClusterRole(
                f"{name}-{service}",
                metadata=k8s.meta.v1.ObjectMetaArgs(name=role, labels={SERVICE: service}),
                rules=[rule.args() for rule in credential_rules(service)],
                opts=pulumi.ResourceOptions(parent=self),
            )
        self.register_outputs({"names": self.names})


@dataclass(frozen=True)
class ServiceGatewayArgs:
    """Arguments of `ServiceGateway`.

    Attributes:
        namespace: the gateway's namespace, from what makes it.
        estate: whose services and bindings it serves.
    """

    namespace: pulumi.Input[str]
    estate: Estate


class ServiceGateway(pulumi.ComponentResource):
    """What stands before the services: who gets in, who is bound to how much, and who may write credentials.

    Attributes:
        tables: names of the ConfigMaps, by service; the gateway's configuration is made from their ``bindings.json``.
    """

    tables: dict[str, str]

    def __init__(self, name: str, args: ServiceGatewayArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("gdcc:services:ServiceGateway", name, {}, opts)
        child = pulumi.ResourceOptions(parent=self)
        self._bound = by_tenant(args.estate)
        CredentialRoles(name, CredentialRolesArgs(args.estate.services), child)
        TenantNetwork(name, TenantNetworkArgs(args.namespace, tuple(inward(args.estate))), child)
        bound = table(args.estate.services, bindings(args.estate))
        self.tables = {service: f"bindings-{service}" for service in bound}
        for service, content in bound.items():
            metadata = k8s.meta.v1.ObjectMetaArgs(
                name=self.tables[service], namespace=args.namespace, labels={SERVICE: service}
            )
            text = json.dumps(content, ensure_ascii=False, separators=(",", ":"), sort_keys=True)
            data = {"bindings.json": text}
            k8s.core.v1.ConfigMap(f"{name}-{service}", metadata=metadata, data=data, opts=child)
        self.register_outputs({"tables": self.tables})

    def bound_to(self, tenant: Tenant) -> Sequence[Binding]:
        """What a tenant is bound to."""
        return self._bound.get(tenant.id, ())


def table(services: Mapping[str, Service], bound: Iterable[Binding]) -> dict[str, dict[str, Any]]:
    """For each available service who is bound, by namespace; about 130 bytes each of the MiB that a ConfigMap holds."""
    tables: dict[str, dict[str, Any]] = {
        name: {"service": name, "backend": backend(name), "bindings": {}}
        for name, service in services.items()
        if service.status == "available"
    }
    for one in bound:
        tables[one.service]["bindings"][one.namespace] = {
            "tenant": one.tenant.id,
            "agency": one.tenant.agency,
            "environment": one.environment.value,
            "plan": one.plan.value,
            **one.limits.model_dump(),
        }
    return tables
