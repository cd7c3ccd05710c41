"""A tenant's namespace: what it is labelled as is what policies, quotas and walls go by."""

from __future__ import annotations

from collections.abc import Iterator

from gdcc.compliance.catalogue import Severity
from gdcc.model.types import DataClass
from gdcc.network import DOMAIN
from gdcc.network.namespaces import POD_SECURITY
from policies.rules.rule import Hit, Refusal, Rule, Subject, Test, Title, always
from policies.rules.view import View

ENFORCE = "pod-security.kubernetes.io/enforce"
VERSION = "pod-security.kubernetes.io/enforce-version"
TENANT = f"{DOMAIN}/tenant"
DATA_CLASS = f"{DOMAIN}/data-class"
POOL = f"{DOMAIN}/pool"
CLASSES = tuple(one.label for one in DataClass)

LOOSENED = Refusal(
    "labels that a tenant's namespace must keep",
    f"keep {ENFORCE}={POD_SECURITY} without an older version, and the tenant that it is named by",
    "ป้ายของเนมสเปซผู้เช่าห้ามผ่อนปรน",
)
UNCLASSIFIED = Refusal(
    "a tenant's namespace without a data class",
    f"set {DATA_CLASS} to one of: {', '.join(CLASSES)}",
    "ให้ระบุชั้นข้อมูลของเนมสเปซ",
)
EXPOSED = Refusal(
    "a data class on machines that may not hold it",
    "choose a pool that carries the class; secret and top-secret only on a community or sovereign one",
    "ชั้นข้อมูลนี้ต้องอยู่ในกลุ่มเครื่องที่กำหนด",
)


def _labels(subject: Subject) -> Iterator[View]:
    yield subject.manifest.at("metadata", "labels")


def _loosened(labels: View, subject: Subject) -> Iterator[Hit]:
    if labels.at(ENFORCE).or_("") != POD_SECURITY:
        yield Hit(labels.at(ENFORCE), ENFORCE)
    if labels.at(VERSION).or_("") not in ("", "latest"):
        yield Hit(labels.at(VERSION), VERSION)
    named = f"{labels.at(TENANT).or_('')}-{labels.at(f'{DOMAIN}/environment').or_('')}"
    if subject.manifest.at("metadata", "name").or_("") != named:
        yield Hit(labels.at(TENANT), TENANT)


def _unclassified(labels: View, _: Subject) -> Iterator[Hit]:
    if labels.at(DATA_CLASS).or_("") not in CLASSES:
        yield Hit(labels.at(DATA_CLASS), str(labels.at(DATA_CLASS).value or "not set"))


def _exposed(labels: View, subject: Subject) -> Iterator[Hit]:
    carried = subject.parameters.pools.get(str(labels.at(POOL).or_("")), ())
    written = str(labels.at(DATA_CLASS).or_(""))
    if written in CLASSES and written not in carried:
        yield Hit(labels.at(POOL), f"{written} on {labels.at(POOL).or_('no pool')}")


_NAMESPACES = frozenset({"Namespace"})
RULES = (
    Rule(
        "namespaces",
        Title("A tenant's namespace keeps Pod Security and its name", "เนมสเปซผู้เช่าคงระดับ Pod Security และชื่อ"),
        ("GC-13",),
        Severity.CRITICAL,
        _NAMESPACES,
        (Test("loosened", always(LOOSENED), _labels, _loosened),),
        Title(f"Set {ENFORCE}={POD_SECURITY} and no older version.", f"ตั้ง {ENFORCE}={POD_SECURITY}"),
        walls=("namespaces",),
    ),
    Rule(
        "data-class",
        Title("A tenant's namespace says which class of data it holds", "เนมสเปซผู้เช่าระบุชั้นข้อมูล"),
        ("GC-04",),
        Severity.HIGH,
        _NAMESPACES,
        (Test("unclassified", always(UNCLASSIFIED), _labels, _unclassified),),
        Title("Declare data_class in the agency's file.", "ระบุ data_class ในไฟล์ของหน่วยงาน"),
        walls=("namespaces",),
    ),
    Rule(
        "data-pool",
        Title("Data is on machines that may hold its class", "ข้อมูลอยู่บนเครื่องที่รองรับชั้นข้อมูล"),
        ("GC-05",),
        Severity.CRITICAL,
        _NAMESPACES,
        (Test("exposed", always(EXPOSED), _labels, _exposed),),
        Title(
            "Let the zone's pool carry the data class, in stacks/platform/capacity.yaml.",
            "ให้กลุ่มเครื่องของโซนรองรับชั้นข้อมูล ใน stacks/platform/capacity.yaml",
        ),
    ),
)
