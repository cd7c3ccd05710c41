"""Who the namespaces belong to: agencies, and the platform's own that tenants' rules name."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from gdcc.model import Environment, Estate, LocalizedName
from gdcc.network import GATEWAY, gateway_labels, namespaces
from gdcc.network.gateway import backend
from gdcc.network.services import OPERATOR_NAMESPACE, running
from gdcc.reach.census import Namespace

RESOLVERS = "kube-system"
_RESOLVERS_TITLE = LocalizedName(th="ตัวแปลงชื่อของคลัสเตอร์ (DNS)", en="The cluster's resolvers (DNS)")
_SERVICES_TITLE = LocalizedName(th="เกตเวย์ของบริการกลาง", en="Gateway of the common services")
_OPERATOR_TITLE = LocalizedName(th="ตัวดูแลฐานข้อมูล (CloudNativePG)", en="Operator of the databases (CloudNativePG)")
_SERVICES = "stacks/platform/services"
OUTSIDE_TITLE = LocalizedName(th="ภายนอกคลัสเตอร์", en="Outside the cluster")


@dataclass(frozen=True, slots=True, eq=False)
class Party:
    """One namespace and whose it is."""

    namespace: Namespace
    id: str
    """The agency; for the platform's own, the namespace."""
    title: LocalizedName
    zone: str
    """Empty for the cluster's own."""
    environment: Environment | None
    """None: the platform's."""
    source: str
    """The file that asks for it."""
    is_service: bool = False
    """Whether it is a common service's, or the gateway's before them: ``svc-*``."""

    @property
    def is_tenant(self) -> bool:
        """Whether it is an agency's."""
        return self.environment is not None

    def __str__(self) -> str:
        return f"{self.id} ({self.environment.value})" if self.environment else self.id


def parties(estate: Estate) -> Iterator[Party]:
    """Every tenant's namespaces, then the resolvers, each zone's gateways, and those of the common services.

    Resolvers, zones' gateways and operators are not of the stack: they stand here with the labels by which rules name
    them and without policies of their own, so that nothing is thought closed because of what is not known. A colon is
    in no namespace's name, so a zone's gateway is never selected by name. The common services stand here whether the
    stack builds them or not: what they would open is known.
    """
    for one in namespaces(estate):
        tenant = one.tenant
        namespace = Namespace(one.name, one.labels)
        names = tenant.request.names
        yield Party(namespace, tenant.agency, names, tenant.zone.name, one.environment, tenant.source)
    yield Party(Namespace(RESOLVERS), RESOLVERS, _RESOLVERS_TITLE, "", None, "the cluster")
    for zone in estate.zones.values():
        name = gateway(zone.name)
        title = LocalizedName(th=f"เกตเวย์ของ {zone.title.th}", en=f"Gateways of {zone.title.en}")
        labelled = Namespace(name, gateway_labels(zone.name))
        yield Party(labelled, name, title, zone.name, None, "stacks/platform/zones.yaml")
    yield Party(Namespace(GATEWAY), GATEWAY, _SERVICES_TITLE, "", None, _SERVICES, is_service=True)
    for service in running(estate):
        name, title = backend(service), estate.services[service].title
        yield Party(Namespace(name), name, title, "", None, f"{_SERVICES}/{service}.yaml", is_service=True)
    if "cloudnative-pg" in estate.operators:
        yield Party(Namespace(OPERATOR_NAMESPACE), OPERATOR_NAMESPACE, _OPERATOR_TITLE, "", None, "the cluster")


def gateway(zone: str) -> str:
    """The name that stands for the namespaces of a zone's gateways."""
    return f"gateway:{zone}"
