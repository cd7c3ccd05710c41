"""Both rules of a data-sharing agreement: out at the consumer, in at the provider."""

from __future__ import annotations

from collections.abc import Iterator

from gdcc.model import Agreement, Estate, State
from gdcc.network.namespaces import DOMAIN, identity, namespace_name
from gdcc.network.policy import SERVICE_LABEL, NetworkPolicy, namespace_named, ports, spec


def sharing(agreement: Agreement, estate: Estate) -> Iterator[NetworkPolicy]:
    """Two policies in each environment that the agreement is about; none unless it is active."""
    if agreement.state(estate.today) is not State.ACTIVE:
        return
    name, opened = f"agreement-{agreement.id}", ports(agreement.terms.ports)
    service = {SERVICE_LABEL: agreement.terms.service}
    mark = {f"{DOMAIN}/agreement": agreement.id}
    for environment in agreement.environments:
        provider = namespace_name(agreement.provider, environment)
        consumer = namespace_name(agreement.consumer, environment)
        out = spec(egress=[{"to": [namespace_named(provider, service)], "ports": opened}])
        into = spec(service, ingress=[{"from": [namespace_named(consumer)], "ports": opened}])
        yield NetworkPolicy(name, consumer, identity(agreement.consumer, environment) | mark, out, agreement.source)
        yield NetworkPolicy(name, provider, identity(agreement.provider, environment) | mark, into, agreement.source)
