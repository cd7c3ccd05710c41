"""Checks of what is asked for: each agency's request, and what the rendered manifests make of it."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from datetime import timedelta
from typing import Any

from gdcc.compliance.check import Check, Observation, Scene
from gdcc.compliance.checks.see import agency, few, verdict
from gdcc.compliance.evidence import State
from gdcc.model import DataClass, Level
from gdcc.network import DOMAIN

REVIEW = timedelta(days=3 * 365 + 1)
"""Minimum cyber security standards, B.E. 2566: every three years."""
SARABAN = "e-saraban"
"""The service that top secret letters never go through: e-Saraban rules No. 4, B.E. 2564."""

_VALIDATE = "gdcc validate {}"
_MAIL = re.compile(r"[^@\s]+@[^@\s]+\.[^@\s]+")


def impact_declared(scene: Scene) -> Iterator[Observation]:
    """The highest of the three impacts is on every namespace of the agency."""
    spaces = _namespaces(scene)
    for tenant in scene.estate.tenants:
        highest = tenant.request.impact.highest.value
        shown = {_label(each, "impact") for each in spaces.get(tenant.id, ())}
        yield verdict(
            shown == {highest},
            agency(tenant),
            f"the highest impact, {highest}, on every namespace",
            f"{few(sorted(shown)) or 'no namespace'} on {len(spaces.get(tenant.id, ()))} namespaces",
            _VALIDATE.format(tenant.source),
        )


def impact_review_age(scene: Scene) -> Iterator[Observation]:
    """The last review is at most three years old."""
    for tenant in scene.estate.tenants:
        reviewed = tenant.request.impact.reviewed
        yield verdict(
            scene.estate.today - reviewed <= REVIEW,
            agency(tenant),
            "reviewed within 3 years",
            f"reviewed on {reviewed}, {(scene.estate.today - reviewed).days} days ago",
            _VALIDATE.format(tenant.source),
        )


def personal_data_impact(scene: Scene) -> Iterator[Observation]:
    """Whoever holds personal data has an impact of at least medium."""
    for tenant in scene.estate.tenants:
        expected, command = "an impact of at least medium where personal data is", _VALIDATE.format(tenant.source)
        highest = tenant.request.impact.highest
        if not tenant.request.personal_data:
            yield Observation(State.NOT_APPLICABLE, agency(tenant), expected, "holds no personal data", command)
            continue
        yield verdict(highest >= Level.MEDIUM, agency(tenant), expected, f"impact {highest.value}", command)


def top_secret_off_saraban(scene: Scene) -> Iterator[Observation]:
    """No tenant of the highest class asks for the service of letters."""
    for tenant in scene.estate.tenants:
        expected, command = f"no {SARABAN} for the class top secret", _VALIDATE.format(tenant.source)
        held = tenant.request.data_class
        if SARABAN not in tenant.request.services:
            yield Observation(State.NOT_APPLICABLE, agency(tenant), expected, f"does not ask for {SARABAN}", command)
            continue
        yield verdict(
            held < DataClass.TOP_SECRET, agency(tenant), expected, f"asks for {SARABAN}, class {held.label}", command
        )


def contacts_recorded(scene: Scene) -> Iterator[Observation]:
    """Owner and security contact are in the request and on every namespace; whether mail arrives is not tried."""
    spaces = _namespaces(scene)
    for tenant in scene.estate.tenants:
        request = tenant.request
        amiss = []
        for role, contact in (("owner", request.owner), ("security-contact", request.security_contact)):
            if not _MAIL.fullmatch(contact.email):
                amiss.append(f"{role} has no e-mail address")
            for each in spaces.get(tenant.id, ()):
                if contact.email not in (each["metadata"].get("annotations") or {}).get(f"{DOMAIN}/{role}", ""):
                    amiss.append(f"{each['metadata']['name']} does not name the {role}")
        if request.owner.email.casefold() == request.technical_lead.email.casefold():
            amiss.append("the owner is the technical lead too")
        yield verdict(
            not amiss,
            agency(tenant),
            "an owner and a security contact with an e-mail address, on every namespace too",
            few(amiss) or f"{request.owner.email}; {request.security_contact.email}",
            _VALIDATE.format(tenant.source),
        )


def _namespaces(scene: Scene) -> Mapping[str, list[Mapping[str, Any]]]:
    """The rendered namespaces by tenant."""
    found: dict[str, list[Mapping[str, Any]]] = {}
    for manifest in scene.rendered:
        if manifest["kind"] == "Namespace" and (tenant := _label(manifest, "tenant")):
            found.setdefault(tenant, []).append(manifest)
    return found


def _label(manifest: Mapping[str, Any], name: str) -> str:
    return str((manifest["metadata"].get("labels") or {}).get(f"{DOMAIN}/{name}", ""))


CHECKS = (
    Check("impact-declared", impact_declared),
    Check("impact-review-age", impact_review_age),
    Check("personal-data-impact", personal_data_impact),
    Check("top-secret-off-e-saraban", top_secret_off_saraban),
    Check("contacts-recorded", contacts_recorded),
)
