"""Whose is this? From a hostname, address, namespace or agency to owners, data, agreements, and what to do next.

What the files say is looked at first; a cluster, when there is one, is asked about pods, services, nodes and ingresses.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from ipaddress import ip_address, ip_network
from typing import Any

from gdcc.engine.api import Api, Kind
from gdcc.errors import FindingError
from gdcc.model import Agreement, Estate, LocalizedName, Tenant
from gdcc.model.admission import inside
from gdcc.model.problems import nearest
from gdcc.network import namespace_name

PDPA_HOURS = 72
"""Within which a breach of personal data is told: PDPA security measures B.E. 2565, as lawyers summarise them.
Provisional: nobody here has read the gazette originals."""
_FREEZE_DAYS = 14


@dataclass(frozen=True)
class Trace:
    """One thing that the name is, and whose.

    Attributes:
        what: in English.
        tenant: the owner; None when it is the platform's, or many tenants' at once.
        namespace: where it is; empty when in none.
        where: the file or the object that says so.
    """

    what: str
    tenant: Tenant | None
    namespace: str
    where: str


@dataclass(frozen=True)
class Party:
    """An agreement as one of its parties sees it."""

    agreement: Agreement
    gives: bool
    """Whether this tenant gives the data."""
    other: Tenant


@dataclass(frozen=True)
class Duty:
    """What the law asks next; `provisional` until a lawyer confirms the reading."""

    clause: str
    what: LocalizedName
    due: datetime | None = None
    provisional: bool = True


@dataclass(frozen=True)
class Incident:
    """What is known of a name.

    Attributes:
        asked: whether a cluster was asked; else why not.
    """

    name: str
    traces: tuple[Trace, ...]
    tenants: tuple[Tenant, ...]
    asked: str = ""
    agreements: dict[str, tuple[Party, ...]] = field(default_factory=dict)
    """By tenant id."""


def trace(estate: Estate, name: str, live: Api | None = None, unasked: str = "") -> Incident:
    """Find out whose a name is.

    Args:
        estate: what the stack's files ask for.
        name: a hostname, address, namespace, tenant id, agency (`ddc`, `moph/ddc`) or an agency's name.
        live: the cluster to ask too.
        unasked: why there is none.

    Raises:
        FindingError: nothing is known of it; names what is nearest.
    """
    wanted = name.strip().lower().rstrip(".")
    found = list(_in_files(estate, wanted))
    if live:
        found += _in_cluster(estate, wanted, live)
    if not found:
        raise FindingError(f"nothing is known of `{name}`{f' ({unasked})' if unasked else ''}", _advice(estate, wanted))
    tenants = tuple({one.tenant.id: one.tenant for one in found if one.tenant}.values())
    parties = {tenant.id: tuple(_parties(estate, tenant)) for tenant in tenants}
    return Incident(name, tuple(found), tenants, unasked, parties)


def _in_files(estate: Estate, name: str) -> Iterator[Trace]:
    for tenant in estate.tenants:
        known = {tenant.id, tenant.agency, f"{tenant.ministry}/{tenant.agency}"}
        known |= {tenant.request.names.th.lower(), tenant.request.names.en.lower()}
        if name in known:
            yield Trace("agency", tenant, "", tenant.source)
        for environment, domains in tenant.domains.items():
            here = namespace_name(tenant, environment)
            if name == here:
                yield Trace(f"namespace, {environment.value}", tenant, here, tenant.source)
            for domain in domains:
                if inside(name, domain):
                    yield Trace(f"hostname in {domain}, {environment.value}", tenant, here, tenant.source)
        for way in tenant.request.egress:
            if name == way.host or (way.cidr and _within(name, (way.cidr,))):
                yield Trace(f"outside destination until {way.expires}: {way.destination}", tenant, "", tenant.source)
    yield from _ranges(estate, name)


def _ranges(estate: Estate, name: str) -> Iterator[Trace]:
    """Which part of the network an address is of; that alone names no owner."""
    if not _is_address(name):
        return
    if _within(name, estate.protected):
        yield Trace("address of the cluster itself", None, "", "stacks/platform/zones.yaml")
        return
    for zone in estate.zones.values():
        if _within(name, zone.cidrs) and not _within(name, zone.cidrs_except):
            yield Trace(f"address in zone {zone.name}", None, "", "stacks/platform/zones.yaml")


def _in_cluster(estate: Estate, name: str, api: Api) -> Iterator[Trace]:
    owners = {namespace_name(tenant, one): tenant for tenant in estate.tenants for one in tenant.quota}

    def seen(what: str, live: Any) -> Trace:
        metadata = live["metadata"]
        space = metadata.get("namespace", "")
        where = f"{live['kind']} {space}/{metadata['name']}" if space else f"{live['kind']} {metadata['name']}"
        return Trace(what, owners.get(space), space, where)

    if not _is_address(name):
        for ingress in _every(api, "networking.k8s.io/v1", "Ingress"):
            if name in {rule.get("host") for rule in ingress["spec"].get("rules") or ()}:
                yield seen("live ingress host", ingress)
        return
    for pod in _every(api, "v1", "Pod"):
        addresses = {one.get("ip") for one in (pod.get("status") or {}).get("podIPs") or ()}
        if name in addresses:
            yield seen("live pod", pod)
    for service in _every(api, "v1", "Service"):
        if name in {*(service["spec"].get("clusterIPs") or ()), *(service["spec"].get("externalIPs") or ())}:
            yield seen("live service", service)
    for node in _every(api, "v1", "Node"):
        if name in {one["address"] for one in (node.get("status") or {}).get("addresses") or ()}:
            yield seen("live node", node)


def _every(api: Api, api_version: str, kind: str) -> Iterator[dict[str, Any]]:
    served = api.served(Kind(api_version, kind))
    return api.list(served) if served else iter(())


def _parties(estate: Estate, tenant: Tenant) -> Iterator[Party]:
    for agreement in estate.agreements:
        if agreement.provider.id == tenant.id:
            yield Party(agreement, True, agreement.consumer)
        elif agreement.consumer.id == tenant.id:
            yield Party(agreement, False, agreement.provider)


def duties(tenant: Tenant, now: datetime) -> Iterator[Duty]:
    """What the law asks of an agency that has an incident, as far as the catalogue's sources say.

    Args:
        now: when the agency became aware, at the latest.
    """
    if tenant.request.personal_data:
        what = LocalizedName(
            th=f"หากข้อมูลส่วนบุคคลรั่วไหล แจ้งสำนักงานคณะกรรมการคุ้มครองข้อมูลส่วนบุคคลภายใน {PDPA_HOURS} ชั่วโมงนับแต่ทราบเหตุ",
            en="If personal data was breached, notify the Personal Data Protection Committee's office within "
            f"{PDPA_HOURS} hours of becoming aware",
        )
        yield Duty("PD 72h", what, now + timedelta(hours=PDPA_HOURS))
    kept = LocalizedName(
        th="เก็บรักษาข้อมูลจราจรและบันทึกไว้เป็นหลักฐาน อย่างน้อย 90 วัน",
        en="Preserve traffic data and logs as evidence; they are kept for at least 90 days",
    )
    yield Duty("TL s.26", kept)


def freezing(tenant: Tenant, today: datetime) -> str:
    """What to put into the agency's file to stop its writes and leave it running."""
    return (
        "frozen:\n"
        "  reason:\n"
        "    th: เหตุความมั่นคงปลอดภัยไซเบอร์ อยู่ระหว่างตรวจสอบ\n"
        "    en: Security incident under investigation\n"
        '  by: "<who orders it, and the reference>"\n'
        f"  until: {(today + timedelta(days=_FREEZE_DAYS)).date()}\n"
    )


def apply_command(tenant: Tenant, stack: str) -> str:
    """What applies the agency's file alone."""
    return f"gdcc up --stack {stack} --target '{tenant.id}-*'"


def _advice(estate: Estate, name: str) -> str:
    if _is_address(name):
        return "it is in no zone, no request and not in the cluster; look at the gateway's and the firewall's logs"
    known = {tenant.agency for tenant in estate.tenants} | {tenant.id for tenant in estate.tenants}
    known |= {namespace_name(tenant, one) for tenant in estate.tenants for one in tenant.quota}
    known |= {domain for tenant in estate.tenants for domains in tenant.domains.values() for domain in domains}
    remedy = nearest(name, known)
    return f"did you mean {remedy}?" if remedy.count("`") == 2 else "give a hostname, address, namespace or agency"


def _is_address(name: str) -> bool:
    try:
        ip_address(name)
    except ValueError:
        return False
    return True


def _within(name: str, ranges: Iterable[str]) -> bool:
    return _is_address(name) and any(ip_address(name) in ip_network(one) for one in ranges)
