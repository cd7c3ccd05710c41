"""What traffic is described by: address ranges, ports, the services an agency offers, the outside hosts it asks for."""

from __future__ import annotations

import re
from collections.abc import Iterable
from datetime import date
from ipaddress import IPv4Network, IPv6Network, ip_address, ip_network
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, ConfigDict, Field, ValidationInfo, field_validator

from gdcc.model.record import Record, wrong
from gdcc.model.types import Classified, Day, DnsLabel, LocalizedName, SomeOf

Network = IPv4Network | IPv6Network

LINK_LOCAL = ("169.254.0.0/16", "fe80::/10")
"""Addresses that mean the machine itself; a cloud's metadata service answers at 169.254.169.254 and gives out keys."""

WIDEST = {4: 16, 6: 32}
"""Shortest prefix that a request for an outside range may have: a request names hosts, it does not open the world."""

_HOST = re.compile(r"([a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z]([a-z0-9-]{0,61}[a-z0-9])?")
_INSIDE = ("svc", "cluster.local", "local", "localhost", "internal", "home.arpa")
"""Names that mean something inside a cluster, a cloud or a house."""


def within(inner: Network, outer: Network) -> bool:
    """Whether every address of one range is in another; ranges of different families share nothing."""
    if isinstance(inner, IPv4Network):
        return isinstance(outer, IPv4Network) and inner.subnet_of(outer)
    return isinstance(outer, IPv6Network) and inner.subnet_of(outer)


def overlap(one: Network, others: Iterable[str]) -> str:
    """The first of some ranges that shares an address with a range; empty if none does."""
    return next((text for text in others if one.overlaps(ip_network(text))), "")


def _network(text: str) -> str:
    try:
        ip_network(text)
    except ValueError as error:
        raise wrong(f"`{text}` is no address range: {error}", "`10.20.0.0/16`") from error
    return text


def _narrow(text: str) -> str:
    network = ip_network(text)
    widest = WIDEST[network.version]
    if network.prefixlen < widest:
        raise wrong(f"`{text}` is {network.num_addresses:,} addresses", f"a range of /{widest} or narrower")
    return text


def _host(name: str) -> str:
    lower = name.removesuffix(".").lower()
    if re.fullmatch(r"[0-9.]+|.*:.*", name):
        raise wrong(f"`{name}` is an address, not a name", f"`cidr: {_single(name)}` instead of `host`")
    if "*" in name:
        raise wrong(f"`{name}` stands for names that nobody has listed", "each host by its full name")
    if not _HOST.fullmatch(lower) or len(lower) > 253:
        raise wrong(f"`{name}` is no full host name", "a name with its domain, such as `api.example.com`")
    if any(lower == inside or lower.endswith(f".{inside}") for inside in _INSIDE):
        raise wrong(f"`{name}` is a name inside the cloud", "a public name; another agency is reached by an agreement")
    if lower != name:
        raise wrong(f"`{name}` is not written in small letters without a dot at its end", f"`{lower}`")
    return name


def _single(name: str) -> str:
    try:
        return str(ip_network(ip_address(name)))
    except ValueError:
        return "203.0.113.10/32"


def distinct(items: tuple[Any, ...]) -> tuple[Any, ...]:
    """Items with a name each; raises a finding at the first whose name an earlier one has."""
    for index, item in enumerate(items):
        if item.name in (earlier.name for earlier in items[:index]):
            raise wrong(f"a second entry is named `{item.name}`", "another name", at=(index, "name"))
    return items


Cidr = Annotated[str, AfterValidator(_network)]


class Port(Record):
    """พอร์ต / A port that pods listen on; not the port of a Kubernetes Service before them."""

    port: Annotated[int, Field(ge=1, le=65_535)]
    protocol: Literal["TCP", "UDP", "SCTP"] = "TCP"

    def __str__(self) -> str:
        return f"{self.port}/{self.protocol}"


class Offer(Record):
    """บริการข้อมูลที่เปิดให้หน่วยงานอื่น / A service that an agency offers to others; an agreement opens it."""

    name: DnsLabel
    """ชื่อบริการ / The value of the label ``app.kubernetes.io/name`` on the pods that answer."""
    ports: SomeOf[Port]
    """พอร์ตของพ็อด / Ports that those pods listen on."""
    data_class: Classified
    """ชั้นข้อมูลที่ให้บริการ / Class of the data it gives."""


class Destination(Record):
    """ปลายทางภายนอก / A host or range outside the cluster, and why it is reached."""

    model_config = ConfigDict(json_schema_extra={"oneOf": [{"required": ["host"]}, {"required": ["cidr"]}]})

    host: Annotated[str, AfterValidator(_host)] | None = None
    """ชื่อโฮสต์เต็ม / Full host name; needs a network engine that follows names. Or else ``cidr``."""
    cidr: Annotated[Annotated[Cidr, AfterValidator(_narrow)] | None, Field(validate_default=True)] = None
    """ช่วงที่อยู่ / Address range, ``203.0.113.0/28``; or else ``host``."""
    ports: SomeOf[Port]
    """พอร์ตปลายทาง / Ports at the other end."""
    reason: LocalizedName
    """เหตุผล / Why it is needed."""

    @property
    def destination(self) -> str:
        """The host or the range."""
        return self.host or self.cidr or ""

    @field_validator("cidr")
    @classmethod
    def _or_host(cls, cidr: str | None, info: ValidationInfo[Any]) -> str | None:
        if "host" in info.data and (cidr is None) == (info.data["host"] is None):
            raise wrong("both a host and a range" if cidr else "neither a host nor a range", "one of the two")
        return cidr


class Egress(Destination):
    """ปลายทางภายนอกที่ขอเข้าถึง / A host or range outside the cloud, with a reason and a last day."""

    expires: Day
    """วันสุดท้าย / Last day; a year ahead at most."""

    def open_on(self, today: date) -> bool:
        """Whether a day is not after the last one."""
        return today <= self.expires
