"""The gateway of the common services: its names, and the rules by which bound tenants and browsers reach it.

One namespace, and in it for each service the pods labelled ``app.kubernetes.io/name: <service>``: so a tenant that is
bound to one service does not reach another's gateway. The namespace must not carry `gateway_labels`: what zones open is
opened to every tenant of a zone.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator

from gdcc.model import Binding, Estate, bindings
from gdcc.model.traffic import Port
from gdcc.network.namespaces import DOMAIN, NAME_LABEL, gateway_labels, identity
from gdcc.network.policy import SERVICE_LABEL, Json, NetworkPolicy, namespace_named, namespaces_with, ports, spec

GATEWAY = "svc-gateway"
"""Namespace of the gateway before all common services."""
GATEWAY_PORT = Port(port=8443)
"""Where its pods listen."""
SERVICE = f"{DOMAIN}/service"
"""Label of what a binding made: which service it is for."""
PLAN = f"{DOMAIN}/plan"
"""Label of what a binding made: on which plan."""

_SERVICES = "stacks/platform/services"


def backend(service: str) -> str:
    """The namespace in which a service runs, such as ``svc-esaraban``; tenants never reach it."""
    return f"svc-{_word(service)}"


def sync_account(service: str) -> tuple[str, str]:
    """Namespace and service account of the program that writes a service's credentials to those that are bound."""
    return backend(service), f"{_word(service)}-sync"


def _word(service: str) -> str:
    return service.replace("-", "")


def service_labels(service: str) -> dict[str, str]:
    """What the gateway's pods of a service carry."""
    return {SERVICE_LABEL: service}


def binding_labels(binding: Binding) -> dict[str, str]:
    """On every object that a binding made in its tenant's namespace: whose it is, for what, on which plan."""
    return identity(binding.tenant, binding.environment) | {SERVICE: binding.service, PLAN: binding.plan.value}


def object_name(service: str) -> str:
    """Name of what a binding makes in its tenant's namespace: rule, connection data, right, and credential."""
    return f"service-{service}"


def outward(estate: Estate) -> Iterator[NetworkPolicy]:
    """For each binding the way out to its service's gateway, in the tenant's namespace."""
    specs = {name: _out(name) for name in estate.services}
    for one in bindings(estate):
        yield NetworkPolicy(
            object_name(one.service), one.namespace, binding_labels(one), specs[one.service], one.tenant.source
        )


def inward(estate: Estate) -> Iterator[NetworkPolicy]:
    """At the gateway: nothing by default; to each service's pods, from the namespaces that are bound to it.

    One policy for each service, however many tenants are bound: what grows is its list of names. Where people log in,
    one more for the ingress gateways of the zones from which their browsers come.
    """
    yield NetworkPolicy("default-deny", GATEWAY, {}, {"podSelector": {}, "policyTypes": ["Ingress"]}, _SERVICES)
    bound: dict[str, list[str]] = defaultdict(list)
    for one in bindings(estate):
        bound[one.service].append(one.namespace)
    for name, service in estate.services.items():
        source = f"{_SERVICES}/{name}.yaml"
        if service.status == "available" and service.browsers:
            doors = [namespaces_with(gateway_labels(zone)) for zone in service.browsers]
            people = spec(service_labels(name), ingress=[{"from": doors, "ports": ports([GATEWAY_PORT])}])
            yield NetworkPolicy(f"browsers-{name}", GATEWAY, {SERVICE: name}, people, f"{source}: browsers")
        if service.status == "available" and bound[name]:
            names = {"key": NAME_LABEL, "operator": "In", "values": sorted(bound[name])}
            peers = [{"namespaceSelector": {"matchExpressions": [names]}}]
            into = spec(service_labels(name), ingress=[{"from": peers, "ports": ports([GATEWAY_PORT])}])
            yield NetworkPolicy(f"bound-{name}", GATEWAY, {SERVICE: name}, into, source)


def _out(service: str) -> Json:
    return spec(egress=[{"to": [namespace_named(GATEWAY, service_labels(service))], "ports": ports([GATEWAY_PORT])}])
