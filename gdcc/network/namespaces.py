"""The namespaces of an estate by name and label: what policies, quotas and reports select them by."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from gdcc.model import Environment, Estate, Tenant

DOMAIN = "gdcc.go.th"
"""The prefix of our labels and annotations."""
NAME_LABEL = "kubernetes.io/metadata.name"
"""Set by the API server to the namespace's name, so nobody can claim another's."""
POD_SECURITY = "restricted"
"""Pod Security Standard of every tenant's namespace (https://kubernetes.io/docs/concepts/security/pod-security-standards)."""


@dataclass(frozen=True, slots=True)
class Namespace:
    """One environment of one tenant."""

    name: str
    labels: Mapping[str, str]
    """As in the cluster, with the one that the API server sets."""
    tenant: Tenant
    environment: Environment


def namespaces(estate: Estate) -> Iterator[Namespace]:
    """Every tenant's namespaces, in the order of tenants and of their environments."""
    for tenant in estate.tenants:
        for environment in tenant.quota:
            name = namespace_name(tenant, environment)
            labels = namespace_labels(tenant, environment) | {NAME_LABEL: name}
            yield Namespace(name, labels, tenant, environment)


def namespace_name(tenant: Tenant, environment: Environment) -> str:
    """``<tenant id>-<environment>``: ids never change, so neither does it."""
    return f"{tenant.id}-{environment.value}"


def identity(tenant: Tenant, environment: Environment) -> dict[str, str]:
    """Who an object belongs to; on every object of a tenant, so that one selector finds them all."""
    return {f"{DOMAIN}/tenant": tenant.id, f"{DOMAIN}/environment": environment.value}


def namespace_labels(tenant: Tenant, environment: Environment) -> dict[str, str]:
    """All that is known of a namespace in label form: identity, classification and Pod Security."""
    request = tenant.request
    about = {
        "agency": tenant.agency,
        "ministry": tenant.ministry,
        "zone": tenant.zone.name,
        "pool": tenant.pool.name,
        "data-class": request.data_class.label,
        "impact": request.impact.highest.value,
        "personal-data": str(request.personal_data).lower(),
    }
    if tenant.frozen:
        about["frozen"] = "true"
    levels = {f"pod-security.kubernetes.io/{mode}": POD_SECURITY for mode in ("enforce", "audit", "warn")}
    return identity(tenant, environment) | {f"{DOMAIN}/{name}": value for name, value in about.items()} | levels


def gateway_labels(zone: str) -> dict[str, str]:
    """What the platform puts on the namespaces of a zone's gateways, besides their name, and on no tenant's."""
    return {f"{DOMAIN}/gateway": "true", f"{DOMAIN}/zone": zone}
