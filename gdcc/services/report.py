"""What the verb says, as lines for people and as plain data for machines."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from gdcc.model import PlanName
from gdcc.services.impact import Affected, Impact
from gdcc.services.market import Listing

EXAMPLE = "contacts, addresses, limits and prices are examples"


def baht(amount: float) -> str:
    """An amount for people: ``free``, ``0.15 THB``."""
    return f"{amount:,.2f} THB" if amount else "free"


def listing_json(listing: Listing) -> dict[str, Any]:
    """The whole of a service and of who uses it."""
    return {
        "name": listing.name,
        **listing.service.model_dump(mode="json"),
        "bound": {plan.value: list(agencies) for plan, agencies in listing.bound.items()},
        "pending": list(listing.pending),
        "awaiting": list(listing.awaiting),
    }


def show_lines(listing: Listing) -> Iterator[str]:
    """One service, with the words of its owner."""
    service = listing.service
    yield f"{listing.name}: {service.title.th} / {service.title.en}"
    yield f"  {service.description.th} / {service.description.en}"
    yield from _pairs("status", [service.status + (f" ({EXAMPLE})" if service.example else "")])
    if service.owner:
        yield from _pairs("owner", [f"{service.owner.th} / {service.owner.en}"])
    if service.contacts:
        people = {"owner": service.contacts.owner, "support": service.contacts.support}
        people["security"] = service.contacts.security
        yield from _pairs("contacts", [f"{role}: {one.name} <{one.email}>" for role, one in people.items()])
    yield from _pairs("law", service.legal_basis)
    yield from _pairs("data classes", [", ".join(one.value for one in service.data_classes)])
    yield from _pairs("zones", [", ".join(service.zones)])
    yield from _pairs("endpoints", [f"{one.name}: {one.url}" for one in service.endpoints])
    if service.slo:
        promise = f"{service.slo.availability:g} % of a month, 95 of 100 answers in {service.slo.latency_ms:,} ms"
        yield from _pairs("objective", [f"{promise}; {service.slo.support.en}"])
    for name, plan in service.plans.items():
        counted = service.counts.en if service.counts else ""
        most = f"{plan.limits.requests_per_minute:,} requests a minute, {plan.limits.per_month:,} {counted} a month"
        yield from _pairs(name.value, [f"{most}; {baht(plan.price.thb)}: {plan.price.per.en}"])
    yield from _pairs("live needs", [f"{one.role}: {one.title.th} / {one.title.en}" for one in service.approvals])
    yield from _pairs("credential", [service.credential] if service.plans else [])
    yield from _pairs("depends on", [", ".join(service.depends_on)])
    for on, agencies in listing.bound.items():
        yield from _pairs(f"bound, {on.value}", [_some(agencies)])
    yield from _pairs("pending", [_some(listing.pending)])
    yield from _pairs("awaited by", [_some(listing.awaiting)])


def impact_lines(found: Impact) -> Iterator[str]:
    """Who stops, nearest first."""
    yield f"When {found.service} stops:"
    needing = [f"{name} (needs {through})" for name, through in found.services.items()]
    yield f"  services that stop with it: {', '.join(needing) or 'none'}"
    yield f"  {_count(found.bound)} bound to what stops"
    yield from _affected(found.bound)
    yield f"  {_count(found.by_agreement)} that rely on data of these by agreement"
    yield from _affected(found.by_agreement)
    if found.pending:
        yield f"  not yet, and once approved: {_some(found.pending)}"


def impact_json(found: Impact) -> dict[str, Any]:
    """The same for machines."""

    def told(some: Sequence[Affected]) -> list[dict[str, Any]]:
        return [
            {
                "agency": one.tenant.agency,
                "tenant": one.tenant.id,
                "environments": [environment.value for environment in one.environments],
                "because": list(one.because),
            }
            for one in some
        ]

    services = [{"name": name, "needs": through} for name, through in found.services.items()]
    return {
        "service": found.service,
        "services": services,
        "bound": told(found.bound),
        "by_agreement": told(found.by_agreement),
        "pending": list(found.pending),
    }


def counts(listing: Listing) -> tuple[int, int, int, int]:
    """How many agencies are bound on trial, bound live, wait for an approval, wait for the service."""
    trial, live = (len(listing.bound[plan]) for plan in PlanName)
    return trial, live, len(listing.pending), len(listing.awaiting)


def _pairs(label: str, values: Sequence[str]) -> Iterator[str]:
    for index, value in enumerate(value for value in values if value):
        yield f"  {label if index == 0 else '':<13} {value}"


def _some(agencies: Sequence[str]) -> str:
    return f"{len(agencies)}: {', '.join(agencies)}" if agencies else ""


def _count(some: Sequence[Affected]) -> str:
    spaces = sum(len(one.environments) for one in some)
    agencies = "1 agency" if len(some) == 1 else f"{len(some)} agencies"
    return f"{agencies} ({spaces} namespace{'' if spaces == 1 else 's'})"


def _affected(some: Sequence[Affected]) -> Iterator[str]:
    width = max((len(one.tenant.agency) for one in some), default=0)
    for one in some:
        where = " ".join(environment.value for environment in one.environments)
        yield f"    {one.tenant.agency:<{width}}  {where:<12}  {', '.join(one.because)}"
