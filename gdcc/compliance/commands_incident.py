"""The verb `gdcc incident`; `gdcc.cli` mounts it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Annotated, Any

import typer
from rich.text import Text

from gdcc.compliance.incident import Incident, Party, apply_command, duties, freezing, trace
from gdcc.console import out
from gdcc.engine.api import Api, connect
from gdcc.engine.commands import DEFAULT_STACK, Stack, local_kubeconfig
from gdcc.engine.config import load_program
from gdcc.engine.progress import working
from gdcc.errors import GdccError
from gdcc.model import Contact, Estate, Tenant, load_estate, load_settings
from gdcc.network import namespace_name
from gdcc.project import project_root

INCIDENT_EXAMPLES = (
    "\b\nExamples:\n"
    "  gdcc incident www.ddc.apps.gdcc.go.th.example\n"
    "  gdcc incident t9sx3obp-prod\n"
    "  gdcc incident 10.96.0.10                      # an address: asks the cluster too\n"
    "  gdcc incident ddc --json | jq -r '.tenants[].contacts.security_contact.email'"
)


def incident(
    name: Annotated[str, typer.Argument(help="Hostname, address, namespace, tenant id or agency.", show_default=False)],
    stack: Stack = DEFAULT_STACK,
    live: Annotated[bool, typer.Option("--live/--no-live", help="Ask the stack's cluster too.")] = True,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
) -> None:
    """Whose is this, whom to call, what data it holds, whom it touches, and how to stop it.

    Looks in the files, and in the cluster when it can be reached. Exit code 1: nothing is known of the name.
    """
    root, now = project_root(), datetime.now(UTC)
    estate = load_estate(root, load_settings(root, stack))
    with working("asking the cluster"):
        api, unasked = _cluster(root, stack) if live else (None, "the cluster was not asked")
        found = trace(estate, name, api, unasked)
    if as_json:
        typer.echo(json.dumps(_report(found, estate, stack, now), ensure_ascii=False, indent=2))
        return
    for line in _lines(found, estate, stack, now):
        out.print(Text.from_markup(line) if line.startswith("[bold]") else Text(line))


def _cluster(root: Any, stack: str) -> tuple[Api | None, str]:
    try:
        context = load_program(root, stack).config.get("kubernetes:context", "")
        api = connect(local_kubeconfig(context), context or None)
        api.discover()
    except GdccError as error:
        return None, f"the cluster was not asked: {error.message}"
    return api, ""


def _lines(found: Incident, estate: Estate, stack: str, now: datetime) -> Iterator[str]:
    yield f"[bold]{found.name.replace('[', '')}[/]"
    for one in found.traces:
        whose = f"{one.tenant.ministry}/{one.tenant.agency}" if one.tenant else "platform / แพลตฟอร์ม"
        yield f"  {one.what}: {whose}{f', {one.namespace}' if one.namespace else ''} ({one.where})"
    if found.asked:
        yield f"  {found.asked}"
    for tenant in found.tenants:
        yield ""
        yield from _of(tenant, found.agreements[tenant.id], estate, stack, now)


def _of(tenant: Tenant, parties: tuple[Party, ...], estate: Estate, stack: str, now: datetime) -> Iterator[str]:
    request, ministry = tenant.request, estate.ministries[tenant.ministry]
    yield f"[bold]{request.names.th} / {request.names.en}[/]"
    yield f"  กระทรวง / ministry: {ministry.th} / {ministry.en}"
    yield f"  ผู้รับแจ้งเหตุ / security contact: {_who(request.security_contact)}"
    yield f"  เจ้าของระบบ / owner: {_who(request.owner)}"
    yield f"  ผู้ดูแลด้านเทคนิค / technical lead: {_who(request.technical_lead)}"
    personal = "มีข้อมูลส่วนบุคคล / personal data" if request.personal_data else "ไม่มีข้อมูลส่วนบุคคล / no personal data"
    yield f"  ชั้นข้อมูล / data class: {request.data_class.value} ({request.data_class.label}); {personal}"
    yield f"  ผลกระทบ / impact: {request.impact.highest.value}"
    yield f"  โซน / zone: {tenant.zone.name}; กลุ่มเครื่อง / pool: {tenant.pool.name}"
    yield f"  เนมสเปซ / namespaces: {', '.join(namespace_name(tenant, one) for one in tenant.quota)}"
    yield f"  บริการกลาง / services: {', '.join(request.services) or '-'}"
    ways = ", ".join(f"{way.destination} ({way.expires})" for way in request.egress)
    yield f"  ปลายทางภายนอก / outside: {ways or '-'}"
    for party in parties:
        state = party.agreement.state(estate.today).value
        direction = "ให้ข้อมูลแก่ / gives to" if party.gives else "รับข้อมูลจาก / receives from"
        yield f"  ข้อตกลง / agreement {party.agreement.id} ({state}): {direction} {party.other.agency}"
        yield f"    แจ้ง / tell: {_who(party.other.request.security_contact)}"
    yield "  ขั้นต่อไป / next:"
    for duty in duties(tenant, now):
        due = f" ({duty.due:%Y-%m-%d %H:%M} UTC)" if duty.due else ""
        yield f"    {duty.what.th}{due}"
        yield f"    {duty.what.en}{due} [{duty.clause}, provisional]"
    if tenant.frozen:
        yield f"  ระงับอยู่ / frozen until {tenant.frozen.until} by {tenant.frozen.by}: {tenant.frozen.reason.th}"
        return
    yield f"  ไม่ได้ระงับ / not frozen. To stop its writes, add to {tenant.source}:"
    yield from (f"    {line}" for line in freezing(tenant, now).splitlines())
    yield f"  then: {apply_command(tenant, stack)}"


def _who(contact: Contact) -> str:
    phone = f", {contact.phone}" if contact.phone else ""
    return f"{contact.name} <{contact.email}>{phone}"


def _report(found: Incident, estate: Estate, stack: str, now: datetime) -> dict[str, Any]:
    return {
        "name": found.name,
        "cluster_asked": not found.asked,
        "found": [
            {
                "what": one.what,
                "agency": f"{one.tenant.ministry}/{one.tenant.agency}" if one.tenant else None,
                "namespace": one.namespace or None,
                "where": one.where,
            }
            for one in found.traces
        ],
        "tenants": [_entry(tenant, found.agreements[tenant.id], estate, stack, now) for tenant in found.tenants],
    }


def _entry(tenant: Tenant, parties: tuple[Party, ...], estate: Estate, stack: str, now: datetime) -> dict[str, Any]:
    request = tenant.request
    people = {"security_contact": request.security_contact, "owner": request.owner}
    people["technical_lead"] = request.technical_lead
    return {
        "tenant": tenant.id,
        "agency": f"{tenant.ministry}/{tenant.agency}",
        "names": request.names.model_dump(),
        "ministry": estate.ministries[tenant.ministry].model_dump(),
        "contacts": {role: contact.model_dump() for role, contact in people.items()},
        "data_class": request.data_class.value,
        "personal_data": request.personal_data,
        "impact": request.impact.highest.value,
        "zone": tenant.zone.name,
        "namespaces": [namespace_name(tenant, one) for one in tenant.quota],
        "services": list(request.services),
        "egress": [{"destination": way.destination, "expires": str(way.expires)} for way in request.egress],
        "agreements": [
            {
                "id": party.agreement.id,
                "state": party.agreement.state(estate.today).value,
                "gives": party.gives,
                "other": party.other.agency,
                "security_contact": party.other.request.security_contact.model_dump(),
            }
            for party in parties
        ],
        "frozen": tenant.frozen.model_dump(mode="json") if tenant.frozen else None,
        "freeze": {"file": tenant.source, "add": freezing(tenant, now), "command": apply_command(tenant, stack)},
        "duties": [
            {
                "clause": duty.clause,
                "what": duty.what.model_dump(),
                "due": duty.due.isoformat(timespec="seconds") if duty.due else None,
                "provisional": duty.provisional,
            }
            for duty in duties(tenant, now)
        ],
    }
