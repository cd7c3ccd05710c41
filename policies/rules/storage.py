"""Volumes of one's own, and secrets that are data and no keys."""

from __future__ import annotations

from collections.abc import Iterator

from gdcc.compliance.catalogue import Severity
from gdcc.model import Admission
from policies.rules.rule import Hit, Refusal, Rule, Subject, Test, Title, always
from policies.rules.view import View
from policies.rules.workload import WORKLOADS, volumes

VOLUME_NAMES = Refusal(
    "volumes that exist already and may be somebody's",
    "leave volumeName out and a volume is made for you",
    "ไม่ต้องระบุ volumeName ระบบจะสร้างให้",
)


def drivers(admission: Admission) -> Refusal:
    """Names the drivers that a pod may use without a claim."""
    allowed = ", ".join(admission.classes.csi_drivers) or "none"
    return Refusal(
        "drivers that pods may not use directly",
        f"use a PersistentVolumeClaim; drivers for direct use: {allowed}",
        "ให้ใช้ PVC แทนการเรียกไดรเวอร์โดยตรง",
    )


def storage_classes(admission: Admission) -> Refusal:
    """Names the storage classes for tenants."""
    return Refusal(
        "not a storage class for tenants", f"use one of: {', '.join(admission.classes.storage)}", "เลือกคลาสของผู้เช่า"
    )


def secret_types(admission: Admission) -> Refusal:
    """Names the types of Secret for tenants."""
    return Refusal(
        "not a type of Secret that tenants make",
        f"use one of: {', '.join(admission.secret_types)}; pods get short-lived tokens by themselves",
        "ใช้ได้เฉพาะชนิดที่กำหนด พ็อดได้รับโทเค็นเอง",
    )


def _claims(subject: Subject) -> Iterator[View]:
    """Claims by themselves, those that a StatefulSet makes, and those inside pods."""
    if subject.kind == "PersistentVolumeClaim":
        yield subject.manifest
        return
    if subject.kind == "StatefulSet":
        yield from subject.manifest.at("spec", "volumeClaimTemplates").items()
    for volume in volumes(subject):
        if volume.at("ephemeral").value is not None:
            yield volume.at("ephemeral", "volumeClaimTemplate")


def _class(claim: View, subject: Subject) -> Iterator[Hit]:
    names, asked = subject.admission.classes.storage, claim.at("spec", "storageClassName")
    if asked.or_(names[0]) not in names:
        yield Hit(asked, str(asked.value) or "none")


def _volume(claim: View, subject: Subject) -> Iterator[Hit]:
    named = claim.at("spec", "volumeName")
    # A claim that is bound has the name of its volume: Kubernetes wrote it.
    if named.or_("") and not subject.stored:
        yield Hit(named, str(named.value))


def _driver(volume: View, subject: Subject) -> Iterator[Hit]:
    driver = volume.at("csi", "driver")
    if volume.at("csi").value is not None and driver.or_("") not in subject.admission.classes.csi_drivers:
        yield Hit(driver, str(driver.value))


def _type(kind: View, subject: Subject) -> Iterator[Hit]:
    if kind.or_("Opaque") not in subject.admission.secret_types:
        yield Hit(kind, str(kind.value))


def _secret(subject: Subject) -> Iterator[View]:
    yield subject.manifest.at("type")


RULES = (
    Rule(
        "storage",
        Title("Volumes are made of a tenant's storage class and its own data", "วอลุมใช้คลาสและข้อมูลของผู้เช่าเอง"),
        ("GC-07",),
        Severity.HIGH,
        WORKLOADS | {"PersistentVolumeClaim"},
        (
            Test("storage_classes", storage_classes, _claims, _class),
            Test("volume_names", always(VOLUME_NAMES), _claims, _volume),
        ),
        Title("Use a storage class for tenants, without volumeName.", "ใช้คลาสสำหรับผู้เช่าและไม่ระบุ volumeName"),
        walls=("claims", "volumes"),
    ),
    Rule(
        "drivers",
        Title("Pods use no storage driver directly", "พ็อดไม่เรียกไดรเวอร์จัดเก็บโดยตรง"),
        ("GC-07",),
        Severity.MEDIUM,
        WORKLOADS,
        (Test("drivers", drivers, volumes, _driver),),
        Title("Use a PersistentVolumeClaim.", "ใช้ PVC"),
        walls=("volumes",),
    ),
    Rule(
        "secrets",
        Title("Secrets are data, not keys to the cluster", "Secret เป็นข้อมูล ไม่ใช่กุญแจของคลัสเตอร์"),
        ("GC-29",),
        Severity.HIGH,
        frozenset({"Secret"}),
        (Test("keys", secret_types, _secret, _type),),
        Title(
            "Use a type of Secret for tenants; tokens are issued to pods.", "ใช้ชนิด Secret สำหรับผู้เช่า โทเค็นออกให้พ็อดเท่านั้น"
        ),
        walls=("secrets",),
    ),
)
