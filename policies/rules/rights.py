"""Tenants get the platform's tenant roles in their own namespaces, and those hold nothing that widens them."""

from __future__ import annotations

from collections.abc import Iterator

from gdcc.compliance.catalogue import Severity
from gdcc.model import Environment
from policies.rules.rule import Hit, Refusal, Rule, Subject, Test, Title, always
from policies.rules.view import View

ROLES = ("tenant-admin", "developer", "viewer")
PREFIX = "gdcc:"
"""Of every group and role of the platform and its tenants."""
CREDENTIAL = f"{PREFIX}credential:"
"""Of the roles by which a common service writes the one credential of a tenant that is bound to it."""
MAKER = f"{PREFIX}credentials:"
"""Of the roles by which a common service makes its own Secrets in its own namespace, by their names."""
CREDENTIAL_VERBS = {"secrets": ("create", "get", "patch"), "configmaps": ("get",)}
"""What such roles may do: with the one Secret, and with the connection data that owns it. Nothing lists or deletes."""
ROLE_NAMES = tuple(f"{PREFIX}{role}" for role in ROLES)
READ = ("get", "list", "watch")
ESCALATING = ("escalate", "bind", "impersonate")
NAMESPACES = ("namespaces", "namespaces/status", "namespaces/finalize")
TENANT_NAMESPACE = rf"t[a-z0-9]{{7}}-({'|'.join(environment.value for environment in Environment)})"

OTHER_ROLES = Refusal("not a role for tenants", f"bind one of {', '.join(ROLE_NAMES)}", "ผูกได้เฉพาะบทบาทของผู้เช่า")
OTHER_SUBJECTS = Refusal(
    "not the group of this agency and role",
    f"bind the role to the group {PREFIX}<agency>:<role>",
    "ผูกได้เฉพาะกลุ่มของหน่วยงานนั้น",
)
OTHER_PLACES = Refusal(
    "tenants, or everybody, get no rights outside the tenants' namespaces",
    "bind a tenant role in the tenant's own namespace",
    "ผู้เช่าไม่มีสิทธิ์นอกเนมสเปซของตน",
)
OTHER_CREDENTIALS = Refusal(
    "a role for credentials, bound elsewhere or to somebody else",
    f"bind {CREDENTIAL}<service> in tenants' namespaces, {MAKER}<service> to `credentials` of the service's own",
    "บทบาทสำหรับข้อมูลรับรองผูกได้เฉพาะที่ของบริการนั้น",
)
WIDER = Refusal(
    "a role for credentials that is wider than its names",
    f"{CREDENTIAL}<service> names the one Secret service-<service>, {MAKER}<service> lists the names;"
    " create, get and patch only",
    "บทบาทสำหรับข้อมูลรับรองใช้ได้เฉพาะ Secret ที่ระบุชื่อ",
)
ESCALATIONS = Refusal(
    "rules that escalate",
    "list verbs and resources by name, without escalate, bind, impersonate or wildcards",
    "ระบุ verb และ resource ทีละชื่อ ห้ามใช้ wildcard",
)
LOOSENING = Refusal(
    "rules that let tenants write what bounds them",
    f"give tenants {', '.join(READ)} there",
    "ผู้เช่าอ่านได้แต่แก้สิ่งที่จำกัดตนไม่ได้",
)


def _role(subject: Subject) -> str:
    """The tenant role that a binding gives; "" for another."""
    of = subject.manifest.at("roleRef")
    named = str(of.at("name").or_(""))
    return named.removeprefix(PREFIX) if of.at("kind").or_("") == "ClusterRole" and named in ROLE_NAMES else ""


def _sync(subject: Subject) -> tuple[str, str, str] | None:
    """Kind, namespace and name of who may hold a binding's role, if it is a service's for its credentials."""
    of = subject.manifest.at("roleRef")
    named = str(of.at("name").or_(""))
    if of.at("kind").or_("") != "ClusterRole" or not named.startswith(CREDENTIAL):
        return None
    word = named.removeprefix(CREDENTIAL).replace("-", "")
    return "ServiceAccount", f"svc-{word}", f"{word}-sync"


def _binding(subject: Subject) -> Iterator[View]:
    if subject.place.is_tenants:
        yield subject.manifest.at("roleRef")


def _other_role(of: View, subject: Subject) -> Iterator[Hit]:
    if not _role(subject) and _sync(subject) is None:
        yield Hit(of, f"{of.at('kind').or_('')} {of.at('name').or_('')}")


def _subjects(subject: Subject) -> Iterator[View]:
    yield from subject.manifest.at("subjects").items()


def _other_subject(one: View, subject: Subject) -> Iterator[Hit]:
    if not subject.place.is_tenants:
        return
    group = f"{PREFIX}{subject.place.label('agency')}:{_role(subject)}"
    kind, named = one.at("kind").or_(""), one.at("name").or_("")
    if sync := _sync(subject):
        if (kind, one.at("namespace").or_(""), named) != sync:
            yield Hit(one, f"{kind} {named}")
        return
    if kind != "Group" or named != group:
        yield Hit(one, f"{kind} {named}")


def _bound(subject: Subject) -> Iterator[View]:
    """Rules of roles that tenants have: those in their namespaces, and the tenant roles."""
    named = str(subject.manifest.at("metadata", "name").or_(""))
    if subject.place.is_tenants or (subject.kind == "ClusterRole" and named in ROLE_NAMES):
        yield from subject.manifest.at("rules").items()


def _words(rule: View, *fields: str) -> list[str]:
    return [str(word.value) for field in fields for word in rule.at(field).items()]


def _told(rule: View) -> str:
    return f"{'+'.join(_words(rule, 'verbs'))} {'+'.join(_words(rule, 'resources'))}"


def _escalation(rule: View, _: Subject) -> Iterator[Hit]:
    if any("*" in word or word in ESCALATING for word in _words(rule, "verbs", "resources", "apiGroups")):
        yield Hit(rule, _told(rule))


def _loosening(rule: View, subject: Subject) -> Iterator[Hit]:
    guarded = {*NAMESPACES, *(name for each in subject.admission.guarded for name in each.resources)}
    named = {
        resource + (f".{group}" if group else "")
        for group in _words(rule, "apiGroups")
        for resource in _words(rule, "resources")
    }
    if named & guarded and not set(_words(rule, "verbs")) <= set(READ):
        yield Hit(rule, _told(rule))


def _for_credentials(subject: Subject) -> Iterator[View]:
    named = str(subject.manifest.at("metadata", "name").or_(""))
    if subject.kind == "ClusterRole" and named.startswith((CREDENTIAL, MAKER)):
        yield from subject.manifest.at("rules").items()


def _wider(rule: View, subject: Subject) -> Iterator[Hit]:
    named = str(subject.manifest.at("metadata", "name").or_(""))
    resources, names = _words(rule, "resources"), _words(rule, "resourceNames")
    allowed = CREDENTIAL_VERBS.get(resources[0], ()) if len(resources) == 1 else ()
    if named.startswith(CREDENTIAL):
        of_its_names = names == [f"service-{named.removeprefix(CREDENTIAL)}"]
    else:
        of_its_names = resources == ["secrets"] and bool(names)
    within = set(_words(rule, "verbs")) <= set(allowed) and _words(rule, "apiGroups") == [""]
    if not (of_its_names and within):
        yield Hit(rule, _told(rule))


RULES = (
    Rule(
        "bindings",
        Title("Tenants are bound to tenant roles, for their own groups", "ผู้เช่าผูกกับบทบาทผู้เช่าและกลุ่มของตน"),
        ("GC-26",),
        Severity.CRITICAL,
        frozenset({"RoleBinding"}),
        (
            Test("other_roles", always(OTHER_ROLES), _binding, _other_role),
            Test("other_subjects", always(OTHER_SUBJECTS), _subjects, _other_subject),
        ),
        Title("Bind a tenant role to the agency's group of that role.", "ผูกบทบาทผู้เช่ากับกลุ่มของหน่วยงาน"),
        walls=("bindings",),
    ),
    Rule(
        "roles",
        Title("Tenants' roles hold no wildcard, no escalation, no write on what bounds them", "บทบาทผู้เช่าไม่มี wildcard"),
        ("GC-22", "GC-26", "GC-28"),
        Severity.CRITICAL,
        frozenset({"ClusterRole", "Role"}),
        (
            Test("escalations", always(ESCALATIONS), _bound, _escalation),
            Test("loosening", always(LOOSENING), _bound, _loosening),
            Test("wider", always(WIDER), _for_credentials, _wider),
        ),
        Title("List verbs and resources by name, reading only what bounds tenants.", "ระบุ verb และ resource ทีละชื่อ"),
        walls=("roles",),
        everywhere=True,
    ),
)
