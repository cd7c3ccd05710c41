"""The names that the realm, the sync, the gateway and the applications must agree on."""

from __future__ import annotations

from gdcc.model import Environment, Tenant
from gdcc.model.identity import SERVICE
from gdcc.network.gateway import object_name
from gdcc.network.namespaces import namespace_name

MANAGED = "gdcc.managed"
"""Attribute of what the sync made; it changes and removes nothing else."""
TARGET = "gdcc.secret"
"""Client attribute: the `namespace/name` of the Secret that its key is in."""
KEYS = "gdcc.keys"
"""Client attribute: the ids of the keys that the sync made, newest first, each with the time it was made."""
PROFILE = "gdcc.profile"
"""Client attribute: `fapi2` for those that must keep to FAPI 2.0."""

AGENCY, ENVIRONMENT, PLAN, TENANT, IAL = "agency", "environment", "plan", "tenant", "ial"
"""Claims of every token: whose application it is, and how surely the person is identified."""

FIELD_MANAGER = "gdcc-identity"
"""Who owns the fields of the Secrets (Kubernetes server-side apply)."""


def client_id(tenant: Tenant, environment: Environment) -> str:
    """That of the tenant's namespace; made of the tenant's id, so that a renamed agency keeps it."""
    return namespace_name(tenant, environment)


def agency(tenant: Tenant) -> str:
    """What the claim `agency` says, ``<ministry>/<agency>``: two ministries may use one short name."""
    return f"{tenant.ministry}/{tenant.agency}"


def secret(tenant: Tenant, environment: Environment) -> str:
    """`namespace/name` of the Secret with the client's key: the one that the tenant's binding lets the sync write."""
    return f"{namespace_name(tenant, environment)}/{object_name(SERVICE)}"


def audience_scope(service: str) -> str:
    """The client scope that puts a service into a token's audience."""
    return f"service-{service}"
