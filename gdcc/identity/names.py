"""The names that the realm, the sync, the gateway and the applications must agree on."""

from __future__ import annotations

from gdcc.model import Environment, Tenant

SERVICE = "identity"
"""The ID service's own name in the marketplace; who binds it may log people in."""
APPLICATION = "main"
"""The application of a binding that names none."""

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
SECRET_LABELS = {"app.kubernetes.io/managed-by": FIELD_MANAGER}


def client_id(tenant: Tenant, environment: Environment, application: str = APPLICATION) -> str:
    """Of one application; made of the tenant's id, so that a renamed agency keeps it."""
    return f"{tenant.id}-{environment.value}-{application}"


def secret_name(application: str = APPLICATION) -> str:
    """Of the Secret in the tenant's namespace that holds the application's key."""
    return f"{SERVICE}-{application}"


def audience_scope(service: str) -> str:
    """The client scope that puts a service into a token's audience."""
    return f"service-{service}"
