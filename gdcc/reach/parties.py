"""Who the namespaces belong to: agencies, and the platform's own that tenants' rules name."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from gdcc.model import Environment, Estate, LocalizedName
from gdcc.network import GATEWAY, gateway_labels, namespaces
from gdcc.reach.census import Namespace

RESOLVERS = "kube-system"
_RESOLVERS_TITLE = LocalizedName(th="ตัวแปลงชื่อของคลัสเตอร์ (DNS)", en="The cluster's resolvers (DNS)")
_SERVICES_TITLE = LocalizedName(th="เกตเวย์ของบริการกลาง", en="Gateway of the common services")
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

    @property
    def is_tenant(self) -> bool:
        """Whether it is an agency's."""
        return self.environment is not None

    def __str__(self) -> str:
        return f"{self.id} ({self.environment.value})" if self.environment else self.id


def parties(estate: Estate) -> Iterator[Party]:
    """Every tenant's namespaces, then the resolvers, each zone's gateways, and the one of the common services.

    The platform's own are not of the stack: they stand here with the labels by which rules name them, and but for the
    last without policies of their own, so that nothing is thought closed because of what is not known. A colon is in no
    namespace's name, so a zone's gateway is never selected by name.
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
    yield Party(Namespace(GATEWAY), GATEWAY, _SERVICES_TITLE, "", None, "stacks/platform/services")


def gateway(zone: str) -> str:
    """The name that stands for the namespaces of a zone's gateways."""
    return f"gateway:{zone}"
