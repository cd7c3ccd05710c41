"""Labels and annotations under `gdcc.go.th/`: what policies, quotas and reports select tenants by."""

from __future__ import annotations

from gdcc.model import Environment, Tenant

DOMAIN = "gdcc.go.th"
POD_SECURITY = "restricted"
"""Pod Security Standard of every tenant's namespace (https://kubernetes.io/docs/concepts/security/pod-security-standards)."""


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
        "data-class": request.data_class.label,
        "impact": request.impact.highest.value,
        "personal-data": str(request.personal_data).lower(),
    }
    levels = {f"pod-security.kubernetes.io/{mode}": POD_SECURITY for mode in ("enforce", "audit", "warn")}
    return identity(tenant, environment) | {f"{DOMAIN}/{name}": value for name, value in about.items()} | levels


def namespace_annotations(tenant: Tenant) -> dict[str, str]:
    """Who answers for a namespace and what it is for, in words; Thai and English."""
    request = tenant.request
    contacts = {
        "owner": request.owner,
        "technical-lead": request.technical_lead,
        "security-contact": request.security_contact,
    }
    texts = {
        "agency-name": f"{request.names.th} / {request.names.en}",
        "purpose": f"{request.purpose.th} / {request.purpose.en}",
        "source": tenant.source,
    }
    texts |= {role: f"{contact.name} <{contact.email}>" for role, contact in contacts.items()}
    return {f"{DOMAIN}/{name}": value for name, value in texts.items()}
