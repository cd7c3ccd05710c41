"""Ways in: Services stay inside the cluster, host names inside the tenant's domains."""

from __future__ import annotations

import re
from collections.abc import Iterator

from gdcc.compliance.catalogue import Severity
from gdcc.model import Admission
from gdcc.model.admission import inside
from policies.rules.rule import Hit, Refusal, Rule, Subject, Test, Title, always
from policies.rules.view import View

ADDRESSES = Refusal(
    "addresses that lead traffic elsewhere (CVE-2020-8554)",
    "remove them; to reach another agency or system, ask for an agreement in stacks/agreements/",
    "ห้ามใช้ที่อยู่ภายนอก ให้ขอข้อตกลง",
)
FOREIGN_HOSTS = Refusal(
    "host names that are not yours", "use a name in the domains of this namespace", "ใช้ได้เฉพาะชื่อในโดเมนของหน่วยงาน"
)
MISLEADING = Refusal(
    "annotations that change a shared gateway or name servers",
    "remove them; ask the platform team for what they were to do",
    "ห้ามใช้คำอธิบายประกอบนี้ ให้ติดต่อทีมแพลตฟอร์ม",
)
ADDRESS_FIELDS = ("externalName", "loadBalancerIP", "loadBalancerClass")
_ROUTES = frozenset({"GRPCRoute", "HTTPRoute", "TLSRoute", "TCPRoute", "UDPRoute"})


def types(admission: Admission) -> Refusal:
    """Names the types of Service for tenants."""
    return Refusal(
        "not a type of Service for tenants",
        f"use {' or '.join(admission.service_types)}, and an Ingress or HTTPRoute for traffic from outside",
        "ใช้ ClusterIP และให้ภายนอกเข้าทาง Ingress",
    )


def ways_in(admission: Admission) -> Refusal:
    """Names the ingress classes and gateways for tenants."""
    return Refusal(
        "not a way in for tenants",
        f"use one of the classes {', '.join(admission.classes.ingress)},"
        f" or one of the gateways {', '.join(admission.classes.gateways) or 'none'}",
        "เลือก class หรือ gateway ที่กำหนด",
    )


def _spec(subject: Subject) -> Iterator[View]:
    yield subject.manifest.at("spec")


def _addresses(spec: View, _: Subject) -> Iterator[Hit]:
    for address in spec.at("externalIPs").items():
        yield Hit(address, str(address.value))
    for field in ADDRESS_FIELDS:
        if spec.at(field).or_(""):
            yield Hit(spec.at(field), field)


def _type(spec: View, subject: Subject) -> Iterator[Hit]:
    asked = spec.at("type")
    if asked.or_("ClusterIP") not in subject.admission.service_types:
        yield Hit(asked, str(asked.value))


def _annotations(subject: Subject) -> Iterator[View]:
    yield subject.manifest.at("metadata", "annotations")


def _misleading(annotations: View, subject: Subject) -> Iterator[Hit]:
    for key, one in annotations.entries():
        forbidden = subject.admission.hostnames.forbidden_annotations
        if any(re.fullmatch(expression, _small(key)) for expression in forbidden):
            yield Hit(one, key)


def _small(key: str) -> str:
    """As CEL's `lowerAscii` does it."""
    return "".join(letter.lower() if letter.isascii() else letter for letter in key)


def _domains(subject: Subject) -> tuple[str, ...]:
    return tuple(filter(None, subject.place.annotations.get("gdcc.go.th/domains", "").split(",")))


def _hosts(subject: Subject) -> Iterator[View]:
    spec = subject.manifest.at("spec")
    if subject.kind in _ROUTES:
        named = list(spec.at("hostnames").items())
        yield from named or [spec.at("hostnames")]
        return
    for rule in spec.at("rules").items():
        yield rule.at("host")
    if spec.at("defaultBackend").value is not None:
        yield spec.at("defaultBackend")
    for one in spec.at("tls").items():
        yield from one.at("hosts").items()


def _foreign(host: View, subject: Subject) -> Iterator[Hit]:
    # A rule without a host, a default backend, a route without names: each answers to every name.
    name = host.value if isinstance(host.value, str) else ""
    if not any(inside(name, domain) for domain in _domains(subject)):
        yield Hit(host, name or "every host")


def _way(spec: View, subject: Subject) -> Iterator[Hit]:
    classes = subject.admission.classes
    if subject.kind == "Ingress":
        named = spec.at("ingressClassName")
        if named.or_("") not in classes.ingress:
            yield Hit(named, f"class {named.or_('not set')}")
        return
    for parent in spec.at("parentRefs").items():
        way = f"{parent.at('namespace').or_('this namespace')}/{parent.at('name').or_('')}"
        if way not in classes.gateways:
            yield Hit(parent, way)


RULES = (
    Rule(
        "services",
        Title("Services stay inside the cluster", "Service อยู่ภายในคลัสเตอร์"),
        ("GC-25",),
        Severity.HIGH,
        frozenset({"Service"}),
        (
            Test("addresses", always(ADDRESSES), _spec, _addresses),
            Test("types", types, _spec, _type),
            Test("misleading", always(MISLEADING), _annotations, _misleading),
        ),
        Title(
            "Use a ClusterIP Service without external addresses; let traffic in through an Ingress or HTTPRoute.",
            "ใช้ Service แบบ ClusterIP ไม่มีที่อยู่ภายนอก และรับทราฟฟิกผ่าน Ingress หรือ HTTPRoute",
        ),
        walls=("services",),
    ),
    Rule(
        "hostnames",
        Title("Host names are inside the tenant's own domains", "ชื่อโฮสต์อยู่ในโดเมนของผู้เช่า"),
        ("GC-25",),
        Severity.HIGH,
        _ROUTES | {"Ingress"},
        (
            Test("foreign_hosts", always(FOREIGN_HOSTS), _hosts, _foreign, _domains),
            Test("ways_in", ways_in, _spec, _way),
            Test("misleading", always(MISLEADING), _annotations, _misleading),
        ),
        Title(
            "Name hosts of the namespace's domains, on a class or gateway for tenants.",
            "ใช้ชื่อในโดเมนของเนมสเปซ และ class หรือ gateway สำหรับผู้เช่า",
        ),
        walls=("hostnames",),
    ),
)
