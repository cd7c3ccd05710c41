"""``stacks/platform/notify.yaml``: the next hops to which the notify service hands messages over."""

from __future__ import annotations

from collections.abc import Iterator
from ipaddress import ip_network
from typing import Annotated

from pydantic import AfterValidator, field_validator

from gdcc.model.agency import Notice
from gdcc.model.record import Record, wrong
from gdcc.model.template import Channel
from gdcc.model.traffic import Destination, distinct, overlap
from gdcc.model.types import DnsLabel, SomeOf
from gdcc.model.zone import ZonesFile

WIDEST = {4: 28, 6: 124}
"""Shortest prefix of a relay's range: 16 addresses are a few hosts, and more is a network."""


class Relay(Destination):
    """ปลายทางส่งต่อข้อความ / A mail relay, an SMS gateway or a messaging platform: where, at which ports, and why.

    Its password is not here: it is in the Secret ``notify-providers``, which people put there.
    """

    name: DnsLabel
    """ชื่อ / What it is called in reports."""
    channels: SomeOf[Channel]
    """ช่องทาง / What is handed over to it."""

    @field_validator("cidr")
    @classmethod
    def _few(cls, cidr: str | None) -> str | None:
        if cidr is not None:
            network = ip_network(cidr)
            if network.prefixlen < (most := WIDEST[network.version]):
                count = f"`{cidr}` is {network.num_addresses:,} addresses, and a relay is a few hosts"
                raise wrong(count, f"a range of /{most} or narrower, or an entry for each host")
        return cidr


class NotifyFile(Record):
    """``stacks/platform/notify.yaml``."""

    example: bool = False
    """ข้อมูลตัวอย่าง / Whether the addresses are invented; nothing is delivered there."""
    relays: Annotated[tuple[Relay, ...], AfterValidator(distinct)]
    """ปลายทางส่งต่อ / The next hops; from the workers of the notify service alone. Without any, nothing leaves."""


def barred(notify: NotifyFile, network: ZonesFile) -> Iterator[Notice]:
    """Relays that no rule may lead to, or that the network engine has no rule for."""
    for index, relay in enumerate(notify.relays):
        if relay.host is not None and network.network_engine != "cilium":
            what = f"rules by host name need Cilium, and the network engine is `{network.network_engine}`"
            yield Notice(("relays", index, "host"), what, "the addresses instead, as `cidr: 203.0.113.25/32`")
        if relay.cidr is not None and (guarded := overlap(ip_network(relay.cidr), network.protected.ranges)):
            what = f"`{relay.cidr}` overlaps {guarded}, which is the cluster's own or link-local"
            yield Notice(("relays", index, "cidr"), what, "an address outside the cluster")
