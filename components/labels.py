"""Labels and annotations under `gdcc.go.th/`: what policies, quotas and reports select tenants by."""

from __future__ import annotations

from gdcc.model import Environment, Removal, Tenant
from gdcc.network import DOMAIN, identity, namespace_labels
from gdcc.network.namespaces import POD_SECURITY

__all__ = ["DOMAIN", "DOMAINS", "POD_SECURITY", "TOMBSTONE", "identity", "namespace_annotations", "namespace_labels"]

TOMBSTONE = f"{DOMAIN}/tombstone"
"""Annotation of a namespace that may be removed: under which tombstone; all others are protected."""
DOMAINS = f"{DOMAIN}/domains"
"""Annotation of a namespace: the domains it may serve host names in, with commas between them."""


def namespace_annotations(tenant: Tenant, environment: Environment, removal: Removal | None = None) -> dict[str, str]:
    """Who answers for a namespace, what it is for, in Thai and English, what it may serve, and whether it may go."""
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
    if tenant.frozen:
        freeze = tenant.frozen
        texts["frozen-why"] = f"{freeze.reason.th} / {freeze.reason.en} ({freeze.by}, {freeze.until})"
    texts |= {role: f"{contact.name} <{contact.email}>" for role, contact in contacts.items()}
    marked = {f"{DOMAIN}/{name}": value for name, value in texts.items()}
    if removal:
        marked[TOMBSTONE] = removal.under
        marked |= {f"{TOMBSTONE}-expires": str(removal.until)} if removal.until else {}
    return marked | {DOMAINS: ",".join(tenant.domains[environment])}
