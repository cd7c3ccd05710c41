"""``stacks/platform/zones.yaml``: network zones, which of them reach which, and what no tenant ever reaches."""

from __future__ import annotations

from collections.abc import Iterator
from ipaddress import ip_network
from itertools import combinations, product
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, ValidationInfo, field_validator

from gdcc.model.document import Way
from gdcc.model.problems import nearest
from gdcc.model.record import Named, Record, wrong
from gdcc.model.traffic import LINK_LOCAL, Cidr, Port, distinct, within
from gdcc.model.types import DnsLabel, LocalizedName, SetOf, SomeOf

NetworkEngine = Literal["kubernetes", "cilium"]
"""``kubernetes`` is any engine that enforces networking.k8s.io/v1 (Calico, Antrea, OVN-Kubernetes and Cilium do);
``cilium`` says that CiliumNetworkPolicy is there too, which follows host names."""


class Zone(Record):
    """โซนเครือข่าย / A network zone: who is on the other side of its border."""

    name: DnsLabel
    """ชื่อที่คำขอใช้อ้างถึง / The name that requests use."""
    title: LocalizedName
    description: LocalizedName
    tenants: bool
    """หน่วยงานขอใช้โซนนี้ได้หรือไม่ / Whether an agency may ask for it."""
    private_parties: bool
    """มีเอกชนในโซนหรือไม่ / Whether private parties are reached in it; GIN and DG-Link refuse them."""
    reaches: SetOf[Annotated[str, Named("zone")]]
    """โซนที่เข้าถึงได้โดยไม่ต้องขอ / Zones that it reaches without asking; itself means its own addresses."""
    ports: SomeOf[Port]
    """พอร์ตของโซน / Ports at which its gateways and addresses are reached."""
    workload_ports: SetOf[Port] = ()
    """พอร์ตของพ็อดผู้เช่าที่เกตเวย์เข้าถึงได้ / Ports of its tenants' pods that gateways may reach."""
    cidrs: SomeOf[Cidr]
    """ช่วงที่อยู่ IP / Address ranges of the zone."""
    cidrs_except: SetOf[Cidr] = ()
    """ช่วงที่อยู่ที่ยกเว้น / Ranges inside ``cidrs`` that are not of the zone."""

    @property
    def closed(self) -> bool:
        """Whether agencies are in it among themselves: GIN and DG-Link."""
        return self.tenants and not self.private_parties

    @field_validator("cidrs_except")
    @classmethod
    def _inside(cls, ranges: tuple[str, ...], info: ValidationInfo[Any]) -> tuple[str, ...]:
        outer = [ip_network(one) for one in info.data.get("cidrs", ())]
        for index, text in enumerate(ranges):
            if outer and not any(within(ip_network(text), one) for one in outer):
                raise wrong(f"`{text}` lies in none of the zone's ranges", at=(index,))
        return ranges

    def holds(self, cidr: str) -> bool:
        """Whether every address of a range is the zone's."""
        network = ip_network(cidr)
        inside = any(within(network, ip_network(one)) for one in self.cidrs)
        return inside and not any(network.overlaps(ip_network(one)) for one in self.cidrs_except)

    def shares(self, other: Zone) -> str:
        """A range that is in both zones; empty if there is none. A packet's address must tell its zone."""
        for one, two in product(self.cidrs, other.cidrs):
            narrow = max(ip_network(one), ip_network(two), key=lambda network: network.prefixlen)
            apart = any(within(narrow, ip_network(text)) for text in (*self.cidrs_except, *other.cidrs_except))
            if not apart and ip_network(one).overlaps(ip_network(two)):
                return str(narrow)
        return ""


class Protected(Record):
    """ที่อยู่ที่ผู้เช่าเข้าถึงไม่ได้เสมอ / Addresses of the cluster itself: left out of every range that is opened.

    Link-local addresses, where clouds answer with the machine's keys, are always among them and cannot be taken out.
    """

    nodes: SomeOf[Cidr]
    """เครื่อง รวม API server / Machines, the API server among them."""
    pods: SomeOf[Cidr]
    """พ็อด / Pods: other tenants are reached by agreement, never by address."""
    services: SomeOf[Cidr]
    """บริการในคลัสเตอร์ รวม API server / Services of the cluster, the API server's among them."""

    @property
    def ranges(self) -> tuple[str, ...]:
        """All of them."""
        return (*self.nodes, *self.pods, *self.services, *LINK_LOCAL)


class ZonesFile(Record):
    """``stacks/platform/zones.yaml``."""

    network_engine: NetworkEngine
    """เครื่องมือบังคับใช้กฎเครือข่าย / What enforces the rules; ``cilium`` for rules by host name."""
    protected: Protected
    zones: Annotated[SomeOf[Zone], AfterValidator(distinct)]

    @field_validator("zones")
    @classmethod
    def _apart(cls, zones: tuple[Zone, ...]) -> tuple[Zone, ...]:
        for (_, first), (index, second) in combinations(enumerate(zones), 2):
            if shared := first.shares(second):
                raise wrong(
                    f"zone `{second.name}` shares {shared} with zone `{first.name}`", "ranges apart", at=(index,)
                )
        return zones

    @field_validator("zones")
    @classmethod
    def _off_the_cluster(cls, zones: tuple[Zone, ...], info: ValidationInfo[Any]) -> tuple[Zone, ...]:
        guarded = [ip_network(one) for one in info.data["protected"].ranges] if "protected" in info.data else []
        for way, text in _places(zones, "cidrs"):
            if any(within(ip_network(text), one) for one in guarded):
                raise wrong(f"`{text}` is protected: no tenant may reach it", "a range outside the cluster", at=way)
        return zones

    @field_validator("zones")
    @classmethod
    def _lead_somewhere(cls, zones: tuple[Zone, ...]) -> tuple[Zone, ...]:
        known = {zone.name: zone for zone in zones}
        for way, name in _places(zones, "reaches"):
            if name not in known:
                raise wrong(f"no zone is named `{name}`", nearest(name, known), at=way)
            here, there = zones[int(way[0])], known[name]
            for closed, other in ((here, there), (there, here)):
                if closed.closed and other.private_parties:
                    what = f"zone `{other.name}` has private parties, and zone `{closed.name}` refuses them"
                    remedy = "the zone without it; an agency asks for an outside host in `egress` of its request"
                    raise wrong(what, remedy, at=way)
        return zones

    @field_validator("zones")
    @classmethod
    def _let_gateways_in(cls, zones: tuple[Zone, ...]) -> tuple[Zone, ...]:
        for index, zone in enumerate(zones):
            if zone.tenants and not zone.workload_ports:
                raise wrong("a zone of tenants needs `workload_ports`", "`[{port: 8443}]` or others", at=(index,))
        return zones


def _places(zones: tuple[Zone, ...], field: str) -> Iterator[tuple[Way, str]]:
    """Each item of a list of every zone, and the way to it."""
    for index, zone in enumerate(zones):
        for place, item in enumerate(getattr(zone, field)):
            yield (index, field, place), item
