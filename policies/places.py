"""The namespaces of tenants as admission sees them, from the stack's files: what rules about objects in them go by."""

from __future__ import annotations

from collections.abc import Mapping

from gdcc.model import Estate
from gdcc.network import DOMAIN, namespaces
from policies.rules import Place

DOMAINS = f"{DOMAIN}/domains"


def places(estate: Estate) -> Mapping[str, Place]:
    """By name, each tenant's namespaces with the labels and domains that the platform gives them."""
    return {
        each.name: Place(each.labels, {DOMAINS: ",".join(each.tenant.domains[each.environment])})
        for each in namespaces(estate)
    }
