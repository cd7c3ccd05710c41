"""What bounds a tenant: objects in its namespaces that only the platform writes, and the marks that say so."""

from __future__ import annotations

import re

from components.admission.wall import (
    CHANGES,
    DOING,
    SUBRESOURCE,
    TENANT,
    WHAT,
    Check,
    Matched,
    Scope,
    Wall,
    cel,
    is_one_of,
)
from gdcc.model import Admission
from gdcc.model.admission import Guarded, Identities, any_of

GONE = "request.operation == 'DELETE'"


def bounds(admission: Admission) -> Wall:
    """Network policies, quotas, rights and the like: one check for each reason, so that each says what to do."""
    platform = any_of(admission.administrators, admission.deployers)
    return Wall(
        "bounds",
        "What bounds a tenant is written by the platform alone",
        Scope.TENANTS,
        tuple(_matched(guarded, name) for guarded in admission.guarded for name in guarded.resources),
        tuple(_check(index, guarded, platform) for index, guarded in enumerate(admission.guarded)),
        {
            "resource": f"{WHAT} + (request.resource.group == '' ? '' : '.' + request.resource.group)",
            # Only to take away: a namespace that ends, and what an owner leaves behind.
            "clearing": f"{GONE} && {is_one_of(admission.kubernetes)}",
        },
    )


def marks(admission: Admission) -> Wall:
    """Labels and annotations that say whose an object is; and the platform's own objects, which carry them.

    Without it a tenant could hand its objects to the platform's pruning, take the platform's objects out of it, or pass
    for somebody else where labels are asked.
    """
    trusted = any_of(
        admission.administrators,
        admission.deployers,
        admission.kubernetes,
        # Controllers copy the labels of a Service to what they make of it.
        *(Identities(users=guarded.writers.users) for guarded in admission.guarded),
    )
    domains = "|".join(map(re.escape, admission.protected))
    within = rf"^([^/]+\.)?({domains})/"
    protected = f"key.matches({cel(within)})"
    checks = (_changed(field, protected) for field in ("labels", "annotations"))
    return Wall(
        "marks",
        "Marks of the platform, and what carries them, are changed by the platform alone",
        Scope.TENANTS,
        (Matched("*", ("*/*",), CHANGES, namespaced=True),),
        (
            *checks,
            Check(
                "platforms",
                f"!variables.trusted && {SUBRESOURCE} == '' && {cel(TENANT)} in variables.labels_before"
                f" ? [{DOING} + ' ' + oldObject.metadata.name] : []",
                "this object is the platform's",
                "make one of your own under another name, or ask in your agency's file under stacks/agencies/",
                "วัตถุนี้เป็นของแพลตฟอร์ม ให้สร้างของตนเอง",
            ),
        ),
        {
            "trusted": is_one_of(trusted),
            **{
                f"{field}_{when}": f"{of} == null ? {{}} : {of}.?metadata.?{field}.orValue({{}})"
                for field in ("labels", "annotations")
                for when, of in (("after", "object"), ("before", "oldObject"))
            },
        },
    )


def _changed(field: str, protected: str) -> Check:
    after, before = f"variables.{field}_after", f"variables.{field}_before"
    return Check(
        f"marked_{field}",
        f"variables.trusted || {GONE} ? [] : "
        f"{after}.filter(key, {protected} && {before}[?key] != {after}[?key])"
        f" + {before}.filter(key, {protected} && !(key in {after}))",
        f"{field} that only the platform sets",
        "leave them as they are and choose a prefix of your own",
        "ป้ายนี้สงวนไว้ให้แพลตฟอร์ม ให้ใช้คำนำหน้าของตนเอง",
    )


def _check(index: int, guarded: Guarded, platform: Identities) -> Check:
    return Check(
        f"guarded_{index}",
        f"!(variables.resource in {cel(list(guarded.resources))}) || variables.clearing"
        f" || {is_one_of(any_of(platform, guarded.writers))} ? [] : [{DOING}]",
        "only the platform writes this here",
        guarded.why.en,
        guarded.why.th,
    )


def _matched(guarded: Guarded, name: str) -> Matched:
    resource, _, group = name.partition(".")
    return Matched(group, (resource,), CHANGES)
