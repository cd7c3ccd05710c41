"""What cannot be bound of what a request asks for, with what to write instead; and what still waits for an approval."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple
from urllib.parse import urlsplit

from gdcc.model.binding import content_hash, data_class_of, serves
from gdcc.model.document import Way
from gdcc.model.estate import Tenant
from gdcc.model.identity import SERVICE
from gdcc.model.problems import Severity, nearest
from gdcc.model.service import PlanName, Service, plan_for
from gdcc.model.service_request import ServiceRequest
from gdcc.model.types import Environment


class Finding(NamedTuple):
    """One thing wrong with what a tenant asks for, or (a warning) that waits."""

    way: Way
    message: str
    suggestion: str
    severity: Severity = "error"


def findings(tenant: Tenant, services: Mapping[str, Service]) -> Iterator[Finding]:
    """What cannot be bound of what a tenant asks for, and where in its file that stands.

    Args:
        tenant: resolved, so that every service it names exists.
        services: all there are.
    """
    for index, asked in enumerate(tenant.request.service_requests):
        service = services[asked.name]
        if service.status == "planned":
            what = f"`{asked.name}` is planned: it cannot be bound yet"
            yield Finding(("services", index), what, f"`{asked.name}` under `awaits` instead")
            continue
        found = [*_of_one(tenant, asked, service)] or [*_without_token(tenant, asked, services)]
        for finding in found:
            yield finding._replace(way=("services", index, *finding.way))
    for index, name in enumerate(tenant.request.awaits):
        if services[name].status == "available":
            what = f"`{name}` is available: waiting for it binds nothing"
            yield Finding(("awaits", index), what, f"`{name}` under `services` to bind it", "warning")


def _of_one(tenant: Tenant, asked: ServiceRequest, service: Service) -> Iterator[Finding]:
    yield from _place(tenant, asked, service)
    yield from _data(tenant, asked, service)
    yield from _plan(tenant, asked)
    yield from _quota(tenant, asked, service)
    yield from _redirects(tenant, asked, service)
    yield from _approvals(tenant, asked, service)


def _without_token(tenant: Tenant, asked: ServiceRequest, services: Mapping[str, Service]) -> Iterator[Finding]:
    """Services take tokens of the ID service, and only who is bound to that has a client there."""
    if asked.name == SERVICE or SERVICE not in services[asked.name].depends_on:
        return
    clients = [one for one in tenant.request.service_requests if one.name == SERVICE]
    without = [one for one in tenant.quota if asked.covers(one) and not any(each.covers(one) for each in clients)]
    if without:
        where = ", ".join(one.value for one in without)
        what = f"`{asked.name}` takes tokens of `{SERVICE}`, which is not asked for in {where}"
        yield Finding((), what, f"`{SERVICE}` under `services` too", "warning")


def _place(tenant: Tenant, asked: ServiceRequest, service: Service) -> Iterator[Finding]:
    if tenant.zone.name not in service.zones:
        what = f"`{asked.name}` is not reached from zone `{tenant.zone.name}`"
        yield Finding((), what, f"a zone that reaches it ({', '.join(service.zones)}) in `zone`, or leave it out")


def _data(tenant: Tenant, asked: ServiceRequest, service: Service) -> Iterator[Finding]:
    passing, held = data_class_of(tenant, asked), tenant.request.data_class
    way = ("data_class",) if asked.data_class else ()
    if passing > held:
        what = f"{passing.value} passes, and the highest class held is {held.value}"
        yield Finding(way, what, f"`{held.value}` or a lower class")
    elif passing not in service.data_classes:
        lower = [one for one in service.data_classes if one < passing]
        known = ", ".join(one.value for one in service.data_classes)
        remedy = f"`data_class: {max(lower).value}` here, if no more passes through it" if lower else "leave it out"
        yield Finding(way, f"`{asked.name}` may carry {known}, not {passing.value}", remedy)


def _plan(tenant: Tenant, asked: ServiceRequest) -> Iterator[Finding]:
    for index, environment in enumerate(asked.environments):
        if environment not in tenant.quota:
            what = f"`{environment.value}` is not an environment of this request"
            yield Finding(("environments", index), what, nearest("", (one.value for one in tenant.quota)))
        elif asked.plan and asked.plan is not plan_for(environment):
            refused = f"{asked.plan.value} credentials are refused in {environment.value}"
            remedy = f"`{plan_for(environment).value}`, or leave `plan` out: the environment says which"
            yield Finding(("plan",), refused, remedy)
    if not asked.environments and not any(map(asked.covers, tenant.quota)) and asked.plan:
        where = "prod" if asked.plan is PlanName.LIVE else "dev and uat"
        what = f"the plan `{asked.plan.value}` is for {where}, and this request has no such environment"
        yield Finding(("plan",), what, "the other plan, or leave `plan` out")


def _quota(tenant: Tenant, asked: ServiceRequest, service: Service) -> Iterator[Finding]:
    wanted: dict[str, Any] = asked.quota.model_dump(exclude_none=True) if asked.quota else {}
    plans = dict.fromkeys(plan_for(one) for one in tenant.quota if asked.covers(one))
    for field, amount in wanted.items():
        for plan in plans:
            most = getattr(service.plans[plan].limits, field)
            if amount > most:
                what = f"{amount:,} is above the plan `{plan.value}`, which allows {most:,}"
                many = len(plans) > 1
                remedy = f"at most `{most}`" + (", or an entry for each plan by `environments`" if many else "")
                yield Finding(("quota", field), what, remedy)
                break


def _redirects(tenant: Tenant, asked: ServiceRequest, service: Service) -> Iterator[Finding]:
    if asked.redirect_uris and service.credential != "client":
        what = f"nobody logs in at `{asked.name}`: it gives out no client"
        yield Finding(("redirect_uris",), what, "them under a service whose credential is `client`")
        return
    own = [domain for one in tenant.quota if asked.covers(one) for domain in tenant.domains[one]]
    for index, uri in enumerate(asked.redirect_uris):
        if not serves(uri, own):
            what = f"`{urlsplit(uri).hostname}` is in no domain of this tenant"
            yield Finding(("redirect_uris", index), what, f"a host in {nearest('', own)}")


def _approvals(tenant: Tenant, asked: ServiceRequest, service: Service) -> Iterator[Finding]:
    """Whether who approved is who may, and has seen this very content; what is still missing is a warning."""
    refused = [*_refused_approvals(tenant, asked, service)]
    yield from refused
    waiting = [role for role in service.roles if role not in {one.role for one in asked.approvals}]
    # A plain name asks for what can be had at once; whoever writes about production wants to hear that it waits.
    expects = asked.approvals or asked.plan is PlanName.LIVE or asked.environments == (Environment.PROD,)
    in_prod = Environment.PROD in tenant.quota and asked.covers(Environment.PROD) and asked.plan is not PlanName.TRIAL
    if waiting and expects and in_prod and not refused:
        names = " and ".join(f"`{role}`" for role in waiting)
        what = f"prod is not bound until {names} of `{asked.name}` approve"
        remedy = f"their approvals of `gdcc services hash {tenant.agency} {asked.name}` under `approvals`"
        yield Finding(("approvals",), what, remedy, "warning")


def _refused_approvals(tenant: Tenant, asked: ServiceRequest, service: Service) -> Iterator[Finding]:
    approvers = {one.role: one for one in service.approvals}
    current, seen = content_hash(tenant, asked), set[str]()
    asking = {one.email.casefold() for one in (tenant.request.owner, tenant.request.technical_lead)}
    for index, given in enumerate(asked.approvals):
        way = ("approvals", index)
        approver = approvers.get(given.role)
        if approver is None:
            what = f"`{asked.name}` asks for no approval of `{given.role}`"
            yield Finding((*way, "role"), what, nearest(given.role, approvers) or "none: leave `approvals` out")
        elif given.email.casefold() in asking:
            yield Finding((*way, "email"), "who asks cannot approve", f"the approval of `{approver.email}`")
        elif given.email.casefold() != approver.email.casefold():
            what = f"`{given.email}` is not the `{given.role}` of `{asked.name}`"
            yield Finding((*way, "email"), what, f"the approval of `{approver.email}`")
        elif given.role in seen:
            yield Finding((*way, "role"), f"a second approval of `{given.role}`", "one of each role")
        elif given.content != current:
            what = "changed after the approval: the hash is of another content"
            yield Finding((*way, "content"), what, f"what was approved, or a new approval of `{current}`")
        seen.add(given.role)
